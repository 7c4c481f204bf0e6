// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.bench;

import static io.flowmirror.controller.bench.ControlReport.integer;
import static io.flowmirror.controller.bench.ControlReport.number;
import static io.flowmirror.controller.bench.ControlReport.percent;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The tables of what is not a swarm's start, wipe and cut. */
final class ControlParts {
  /** Each way to a dump, in words. */
  private static final Map<String, String> WAYS =
      Map.of(
          "rest", "`GET /v1/nodes/{n}/flows`, text",
          "command", "`flowmirror flows`, its JVM's start included",
          "ofctl", "`ovs-ofctl dump-flows`");

  private ControlParts() {}

  /**
   * Writes them, those of which there is something.
   *
   * @param gone the swarms with nodes that were not there
   */
  static void write(StringBuilder out, List<JsonNode> all, List<JsonNode> gone) {
    if (!gone.isEmpty()) {
      gone(out, gone);
    }
    changes(out, part(all, "changes"));
    repairs(out, part(all, "repairs"));
    dumps(out, part(all, "dumps"));
  }

  private static List<JsonNode> part(List<JsonNode> all, String name) {
    return all.stream().filter(each -> each.path("part").asText().equals(name)).toList();
  }

  private static void gone(StringBuilder out, List<JsonNode> cases) {
    out.append(
        "\nBeside nodes that are gone: those that are there in a cold start and after a cut of");
    out.append(
        " all their connections, and the others when all of them come back at one moment:\n\n");
    head(
        out,
        "there | gone | in sync s | CPU s | back ms p50 | p99 | slowest | returned, in sync ms p50"
            + " | p99 | slowest | probes missed | others had meanwhile, start, cut and return");
    for (JsonNode each : cases) {
      line(
          out,
          integer(each, "nodes"),
          integer(each, "gone"),
          number(each, "coldSeconds"),
          number(each, "coldCpuSeconds"),
          number(each, "backP50Millis"),
          number(each, "backP99Millis"),
          number(each, "backMaxMillis"),
          number(each, "restoreP50Millis"),
          number(each, "restoreP99Millis"),
          number(each, "restoreMaxMillis"),
          integer(each, "probesMissed"),
          percent(each, "coldOthersPercent")
              + ", "
              + percent(each, "cutOthersPercent")
              + ", "
              + percent(each, "restoreOthersPercent"));
    }
  }

  private static void changes(StringBuilder out, List<JsonNode> cases) {
    if (cases.isEmpty()) {
      return;
    }
    out.append("\nFrom a change of intent, as its request is sent, to the entry on the node:\n\n");
    head(
        out,
        "asked by | nodes × pods | changes/s wanted | attained | changes | ms p50 | p99 | slowest |"
            + " request answered ms p50 | p99 | overtaken by the next of the same pod | missing |"
            + " CPU % of a core | others had meanwhile");
    for (JsonNode each : cases) {
      for (JsonNode phase : each.get("phases")) {
        line(
            out,
            each.get("how").asText().equals("rest") ? "REST" : "annotation",
            integer(each, "nodes") + " × " + integer(each, "pods"),
            integer(phase, "wanted"),
            number(phase, "attained"),
            integer(phase, "changes"),
            number(phase, "p50Millis"),
            number(phase, "p99Millis"),
            number(phase, "maxMillis"),
            number(phase, "answerP50Millis"),
            number(phase, "answerP99Millis"),
            integer(phase, "overtaken"),
            integer(phase, "missing"),
            number(phase, "cpuPercent"),
            percent(phase, "othersPercent"));
      }
    }
  }

  private static void repairs(StringBuilder out, List<JsonNode> cases) {
    if (cases.isEmpty()) {
      return;
    }
    out.append("\nFrom a wipe of one real Open vSwitch to its repair, beside `ovs-ofctl --bundle");
    out.append(" add-flows` of the same entries, in turns; ms, median and range:\n\n");
    head(
        out,
        "entries | rounds | wipe noticed to confirmed | ratio to ovs-ofctl |"
            + " all seen again after the wipe | `ovs-ofctl --bundle` | others had meanwhile");
    for (JsonNode each : cases) {
      line(
          out,
          integer(each, "entries"),
          integer(each, "rounds"),
          range(each.get("repair")),
          ratio(each.get("repair")),
          range(each.get("back")),
          range(each.get("ofctl")),
          percent(each, "othersPercent"));
    }
  }

  private static void dumps(StringBuilder out, List<JsonNode> cases) {
    if (cases.isEmpty()) {
      return;
    }
    out.append(
        "\nDumps of a whole real br-int that is full of others' entries, in rounds of all:\n\n");
    head(
        out,
        "entries | rounds | by | ms, median and range | ratio to ovs-ofctl | CPU ms, switch apart |"
            + " CPU ms of the switch | controller's heap, most after a collection MiB |"
            + " its resident MiB, most | others had meanwhile");
    for (JsonNode each : cases) {
      for (String way : List.of("rest", "command", "ofctl")) {
        JsonNode took = each.get(way);
        line(
            out,
            integer(each, "entries"),
            integer(each, "rounds"),
            WAYS.getOrDefault(way, way),
            range(took),
            ratio(took),
            number(took, "cpuMillis"),
            number(took, "switchCpuMillis"),
            number(each, "mostLeftOnHeapMib"),
            number(each, "peakResidentMib"),
            percent(each, "othersPercent"));
      }
    }
  }

  private static String range(JsonNode each) {
    return number(each, "median") + " (" + number(each, "least") + "–" + number(each, "most") + ")";
  }

  private static String ratio(JsonNode each) {
    return each.has("ratio")
        ? String.format(
            Locale.ROOT,
            "×%.2f (%.2f–%.2f)",
            each.get("ratio").asDouble(),
            each.get("ratioLeast").asDouble(),
            each.get("ratioMost").asDouble())
        : "1";
  }

  private static void head(StringBuilder out, String columns) {
    out.append("| ").append(columns).append(" |\n");
    out.append("|---".repeat(columns.split("\\|", -1).length)).append("|\n");
  }

  private static void line(StringBuilder out, String... cells) {
    out.append("| ").append(String.join(" | ", cells)).append(" |\n");
  }
}
