// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.ovsdb;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.controller.transport.UnansweredException;
import io.flowmirror.controller.transport.UnansweredException.Why;
import io.flowmirror.topology.InterfaceCounters;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;

/**
 * The {@code select} (RFC 7047, section 5.2.2) of some rows of the Interface table, one operation
 * for each name. A row is found by its name, of which there is one in the table.
 */
final class CounterQuery {
  private static final String TABLE = "Interface";
  private static final ImmutableList<String> COLUMNS =
      ImmutableList.of("_uuid", "name", "mtu", "admin_state", "link_state", "statistics", "error");

  /** An error of the database's is shown in one line. */
  private static final int MAX_SHOWN = 300;

  private final ImmutableSet<String> names;

  CounterQuery(ImmutableSet<String> names) {
    this.names = names;
  }

  /** The parameters of {@code transact}. */
  ArrayNode params() {
    ArrayNode params = JsonNodeFactory.instance.arrayNode().add("Open_vSwitch");
    for (String name : names) {
      ObjectNode select = params.addObject().put("op", "select").put("table", TABLE);
      select.putArray("where").addArray().add("name").add("==").add(name);
      ArrayNode columns = select.putArray("columns");
      COLUMNS.forEach(columns::add);
    }
    return params;
  }

  /**
   * Reads the answer.
   *
   * @throws UnansweredException if the database refuses
   * @throws BadRowException if a row is not what the schema has; the message names the column
   */
  ImmutableMap<String, InterfaceCounters> answer(JsonNode result, JsonNode error)
      throws BadRowException {
    if (!error.isNull()) {
      throw refused(error);
    }
    if (!result.isArray() || result.size() < names.size()) {
      throw new BadRowException(
          "the answer to select is not " + names.size() + " results: " + cut(result));
    }
    Map<String, InterfaceCounters> found = new LinkedHashMap<>();
    for (JsonNode one : result) {
      if (one.hasNonNull("error")) {
        throw refused(one);
      }
      JsonNode rows = one.path("rows");
      if (!rows.isArray()) {
        throw new BadRowException("a result of select has no rows: " + cut(one));
      }
      for (JsonNode columns : rows) {
        InterfaceCounters counters = counters(columns);
        if (!names.contains(counters.name())) {
          throw new BadRowException(
              "the answer to select has an interface that was not asked for: " + counters.name());
        }
        found.put(counters.name(), counters);
      }
    }
    return ImmutableMap.copyOf(found);
  }

  private static InterfaceCounters counters(JsonNode columns) throws BadRowException {
    Row row = new Row(TABLE, uuid(columns), columns);
    ImmutableMap<String, Long> statistics = row.counters("statistics");
    return new InterfaceCounters(
        row.name("name"),
        row.optionalInt("mtu"),
        isUp(row, "admin_state"),
        isUp(row, "link_state"),
        counter(statistics, "rx_packets"),
        counter(statistics, "rx_bytes"),
        counter(statistics, "rx_dropped"),
        counter(statistics, "tx_packets"),
        counter(statistics, "tx_bytes"),
        counter(statistics, "tx_dropped"),
        row.optionalText("error"));
  }

  private static UUID uuid(JsonNode columns) throws BadRowException {
    return Row.key(TABLE, columns.path("_uuid").path(1).asText());
  }

  private static Optional<Boolean> isUp(Row row, String column) throws BadRowException {
    String state = row.optionalName(column);
    return switch (state) {
      case "" -> Optional.empty();
      case "up" -> Optional.of(true);
      case "down" -> Optional.of(false);
      default -> throw row.bad(column, "up or down", state);
    };
  }

  private static OptionalLong counter(ImmutableMap<String, Long> statistics, String name) {
    Long value = statistics.get(name);
    // Open vSwitch keeps what it does not count as -1 (lib/netdev-provider.h), and leaves it out.
    return value == null || value < 0 ? OptionalLong.empty() : OptionalLong.of(value);
  }

  private static UnansweredException refused(JsonNode error) {
    return new UnansweredException(Why.REFUSED, "the database refused the select: " + cut(error));
  }

  private static String cut(JsonNode json) {
    return Printable.cut(json.toString(), MAX_SHOWN);
  }
}
