// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.flowmirror.controller.truth.TrafficCells.Line;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The table of traffic for programs: every round's figures and counts, a line each. */
record TrafficJson(
    ImmutableList<TrafficRun> runs,
    TrafficCells cells,
    String note,
    ImmutableMap<String, Object> about) {
  String text() {
    List<Map<String, Object>> lines = new ArrayList<>();
    for (Line line : cells.lines()) {
      Map<String, Object> values = new LinkedHashMap<>();
      for (TrafficMode mode : TrafficMode.values()) {
        values.put(
            mode.name(), cells.values(line, mode).stream().map(TrafficJson::rounded).toList());
      }
      Map<String, Object> object = new LinkedHashMap<>();
      object.put("row", line.row());
      object.put("size", line.size());
      object.put("figure", line.kind().words + line.figure());
      object.put("load", line.load().words);
      object.put("values", values);
      lines.add(object);
    }
    List<Map<String, Object>> counts = new ArrayList<>();
    for (TrafficRun run : runs) {
      Map<String, Object> object = new LinkedHashMap<>();
      object.put("round", run.round());
      object.put("row", run.row());
      object.put("size", run.size());
      object.put("mode", run.mode());
      object.put("load", TrafficLoad.valueOf(run.load()).words);
      object.put("frames", run.frames());
      object.put("passes", run.passes());
      object.put("copies due", run.due());
      object.put("copies", run.copies());
      object.put("copies dropped", run.dropped());
      object.put("repeated", run.repeated());
      counts.add(object);
    }
    ImmutableMap<String, Object> all =
        ImmutableMap.of(
            "about", about, "note", note, "rows", names(), "lines", lines, "counts", counts);
    try {
      ObjectMapper json = new ObjectMapper();
      StringBuilder text = new StringBuilder("{\n");
      String between = "";
      for (Map.Entry<String, Object> entry : all.entrySet()) {
        text.append(between).append(json.writeValueAsString(entry.getKey())).append(": ");
        between = ",\n";
        if (entry.getValue() instanceof List<?> list) {
          List<String> written = new ArrayList<>();
          for (Object each : list) {
            written.add(json.writeValueAsString(each));
          }
          text.append("[\n").append(String.join(",\n", written)).append("\n]");
        } else {
          text.append(json.writeValueAsString(entry.getValue()));
        }
      }
      return text.append("\n}\n").toString();
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Double rounded(double value) {
    return new java.math.BigDecimal(value).round(new java.math.MathContext(5)).doubleValue();
  }

  private static ImmutableMap<String, String> names() {
    ImmutableMap.Builder<String, String> names = ImmutableMap.builder();
    for (TrafficRow row : TrafficRow.values()) {
      names.put("" + row.number, row.words);
    }
    return names.buildOrThrow();
  }
}
