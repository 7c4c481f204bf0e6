// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.ovsdb;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.ImmutableSortedMap;
import com.google.common.collect.ImmutableSortedSet;
import io.flowmirror.topology.Bridge;
import io.flowmirror.topology.BridgeMirror;
import io.flowmirror.topology.Interface;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The rows of ovs-vswitchd.conf.db(5) that describe a bridge, as one connection has reported them.
 *
 * <p>Confined to one thread. An update is taken whole or, if anything in it is wrong, not at all.
 */
final class BridgeTables {
  private static final ImmutableMap<String, ImmutableList<String>> COLUMNS =
      ImmutableMap.of(
          "Open_vSwitch", ImmutableList.of("other_config"),
          "Bridge", ImmutableList.of("name", "datapath_id", "ports", "mirrors"),
          "Port", ImmutableList.of("name", "interfaces", "external_ids"),
          "Interface", ImmutableList.of("name", "type", "ofport", "error", "external_ids"),
          "Mirror",
              ImmutableList.of(
                  "name", "output_port", "select_all", "select_src_port", "select_dst_port"));

  /** A row of the Port table. */
  record PortRow(
      UUID uuid,
      String name,
      ImmutableList<UUID> interfaces,
      ImmutableMap<String, String> externalIds) {}

  private record SwitchRow(boolean flowRestoreWait) {}

  private record BridgeRow(
      String name, String datapathId, ImmutableList<UUID> ports, ImmutableList<UUID> mirrors) {}

  private record InterfaceRow(
      String name,
      String type,
      OptionalInt ofport,
      String error,
      ImmutableMap<String, String> externalIds) {}

  private record MirrorRow(
      String name, Optional<UUID> output, boolean selectAll, ImmutableSet<UUID> selected) {}

  private final Map<UUID, SwitchRow> switches = new HashMap<>();
  private final Map<UUID, BridgeRow> bridges = new HashMap<>();
  private final Map<UUID, PortRow> ports = new HashMap<>();
  private final Map<UUID, InterfaceRow> interfaces = new HashMap<>();
  private final Map<UUID, MirrorRow> mirrors = new HashMap<>();

  /** The {@code <monitor-requests>} for these tables (RFC 7047, section 4.1.5). */
  static ObjectNode monitorRequests() {
    ObjectNode requests = JsonNodeFactory.instance.objectNode();
    COLUMNS.forEach(
        (table, columns) -> columns.forEach(requests.putObject(table).putArray("columns")::add));
    return requests;
  }

  /**
   * Takes in {@code <table-updates>} (RFC 7047, section 4.1.6), either the first answer to {@code
   * monitor} or what follows it. A row's {@code new} holds all of its monitored columns.
   */
  void update(JsonNode tableUpdates) throws BadRowException {
    if (!tableUpdates.isObject()) {
      throw new BadRowException("the table updates are not an object");
    }
    List<Runnable> changes = new ArrayList<>();
    for (Map.Entry<String, JsonNode> table : tableUpdates.properties()) {
      if (!table.getValue().isObject()) {
        throw new BadRowException("table " + table.getKey() + ": its update is not an object");
      }
      for (Map.Entry<String, JsonNode> row : table.getValue().properties()) {
        UUID uuid = Row.key(table.getKey(), row.getKey());
        JsonNode columns = row.getValue().get("new");
        changes.add(change(table.getKey(), uuid, columns));
      }
    }
    changes.forEach(Runnable::run);
  }

  private Runnable change(String table, UUID uuid, @Nullable JsonNode columns)
      throws BadRowException {
    Row row = columns == null ? null : new Row(table, uuid, columns);
    return switch (table) {
      case "Open_vSwitch" -> change(switches, uuid, row == null ? null : switchRow(row));
      case "Bridge" -> change(bridges, uuid, row == null ? null : bridgeRow(row));
      case "Port" -> change(ports, uuid, row == null ? null : portRow(row));
      case "Interface" -> change(interfaces, uuid, row == null ? null : interfaceRow(row));
      case "Mirror" -> change(mirrors, uuid, row == null ? null : mirrorRow(row));
      default -> throw new BadRowException("table " + table + " was not asked for");
    };
  }

  private static <R> Runnable change(Map<UUID, R> table, UUID uuid, @Nullable R row) {
    return row == null ? () -> table.remove(uuid) : () -> table.put(uuid, row);
  }

  private static SwitchRow switchRow(Row row) throws BadRowException {
    return new SwitchRow(
        // As ovs-vswitchd reads it (smap_get_bool): only the word "true", in any case, is true.
        "true".equalsIgnoreCase(row.map("other_config").getOrDefault("flow-restore-wait", "")));
  }

  private static BridgeRow bridgeRow(Row row) throws BadRowException {
    return new BridgeRow(
        row.string("name"),
        row.optionalString("datapath_id").orElse(""),
        row.uuids("ports"),
        row.uuids("mirrors"));
  }

  private static PortRow portRow(Row row) throws BadRowException {
    return new PortRow(
        row.uuid(), row.string("name"), row.uuids("interfaces"), row.map("external_ids"));
  }

  private static InterfaceRow interfaceRow(Row row) throws BadRowException {
    return new InterfaceRow(
        row.string("name"),
        row.string("type"),
        row.optionalInt("ofport"),
        row.optionalString("error").orElse(""),
        row.map("external_ids"));
  }

  private static MirrorRow mirrorRow(Row row) throws BadRowException {
    return new MirrorRow(
        row.string("name"),
        row.optionalUuid("output_port"),
        row.bool("select_all"),
        ImmutableSet.<UUID>builder()
            .addAll(row.uuids("select_src_port"))
            .addAll(row.uuids("select_dst_port"))
            .build());
  }

  /**
   * The bridge with this name, or empty if there is none.
   *
   * @throws BadRowException if a row refers to one that is not there, which the database rules out
   *     (RFC 7047, section 3.2, on referential integrity)
   */
  Optional<Bridge> bridge(String name) throws BadRowException {
    Optional<BridgeRow> row = bridgeRow(name);
    if (row.isEmpty()) {
      return Optional.empty();
    }
    ImmutableSortedMap.Builder<String, Interface> byName = ImmutableSortedMap.naturalOrder();
    for (UUID portUuid : row.get().ports()) {
      PortRow port = referred(ports, "Port", portUuid);
      for (UUID uuid : port.interfaces()) {
        InterfaceRow is = referred(interfaces, "Interface", uuid);
        byName.put(
            is.name(),
            new Interface(
                is.name(),
                is.type(),
                port.name(),
                is.ofport(),
                is.error(),
                is.externalIds(),
                port.externalIds()));
      }
    }
    List<BridgeMirror> mirrorsByName = new ArrayList<>();
    for (UUID uuid : row.get().mirrors()) {
      mirrorsByName.add(mirror(referred(mirrors, "Mirror", uuid)));
    }
    // No two mirrors of a bridge need differ in name; the rest of the order is theirs to be stable.
    mirrorsByName.sort(
        Comparator.comparing(BridgeMirror::name).thenComparing(BridgeMirror::outputPort));
    Optional<SwitchRow> own = switches.values().stream().findFirst();
    return Optional.of(
        new Bridge(
            name,
            row.get().datapathId(),
            own.map(SwitchRow::flowRestoreWait).orElse(false),
            ImmutableMap.copyOf(byName.buildOrThrow()),
            ImmutableList.copyOf(mirrorsByName)));
  }

  private BridgeMirror mirror(MirrorRow row) throws BadRowException {
    ImmutableSortedSet.Builder<String> selected = ImmutableSortedSet.naturalOrder();
    for (UUID uuid : row.selected()) {
      selected.add(referred(ports, "Port", uuid).name());
    }
    String output =
        row.output().isPresent() ? referred(ports, "Port", row.output().get()).name() : "";
    return new BridgeMirror(
        row.name(), output, row.selectAll(), ImmutableSet.copyOf(selected.build()));
  }

  /** The port with this name on this bridge. */
  Optional<PortRow> port(String bridge, String name) {
    return bridgeRow(bridge)
        .flatMap(
            row ->
                row.ports().stream()
                    .map(ports::get)
                    .filter(port -> port != null && port.name().equals(name))
                    .findFirst());
  }

  private Optional<BridgeRow> bridgeRow(String name) {
    return bridges.values().stream().filter(bridge -> bridge.name().equals(name)).findFirst();
  }

  private static <R> R referred(Map<UUID, R> rows, String table, UUID uuid) throws BadRowException {
    R row = rows.get(uuid);
    if (row == null) {
      throw new BadRowException("table " + table + ": row " + uuid + " is referred to but missing");
    }
    return row;
  }
}
