// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.ovsdb;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.ImmutableSortedSet;
import io.flowmirror.topology.Bridge;
import io.flowmirror.topology.BridgeMirror;
import io.flowmirror.topology.Interface;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The rows of ovs-vswitchd.conf.db(5) that describe a bridge, as one connection has reported them.
 *
 * <p>Confined to one thread. An update is taken whole or, if anything in it is wrong, not at all.
 * What is kept is bounded, whatever comes.
 */
final class BridgeTables {
  /** Rows of one table. A bridge of Open vSwitch has at most 65,280 ports. */
  static final int MAX_ROWS = 100_000;

  /** Bytes in all, roughly, of what is kept: the rows of 30,000 pods. */
  static final long MAX_BYTES = 64 << 20;

  private static final ImmutableMap<String, ImmutableList<String>> COLUMNS =
      ImmutableMap.of(
          "Open_vSwitch", ImmutableList.of("other_config"),
          "Bridge", ImmutableList.of("name", "datapath_id", "ports", "mirrors"),
          "Port", ImmutableList.of("name", "interfaces", "external_ids"),
          "Interface", ImmutableList.of("name", "type", "ofport", "error", "external_ids"),
          "Mirror",
              ImmutableList.of(
                  "name", "output_port", "select_all", "select_src_port", "select_dst_port"));

  /** A row, as far as it is kept. */
  sealed interface Kept {
    /** How many bytes it occupies, roughly. */
    long bytes();
  }

  /** A row of the Port table. */
  record PortRow(
      UUID uuid,
      String name,
      ImmutableList<UUID> interfaces,
      ImmutableMap<String, String> externalIds)
      implements Kept {
    @Override
    public long bytes() {
      return ROW + text(name) + references(interfaces.size()) + texts(externalIds);
    }
  }

  private record SwitchRow(boolean flowRestoreWait) implements Kept {
    @Override
    public long bytes() {
      return ROW;
    }
  }

  private record BridgeRow(
      String name, String datapathId, ImmutableList<UUID> ports, ImmutableList<UUID> mirrors)
      implements Kept {
    @Override
    public long bytes() {
      return ROW + text(name) + text(datapathId) + references(ports.size() + mirrors.size());
    }
  }

  private record InterfaceRow(
      String name,
      String type,
      OptionalInt ofport,
      String error,
      ImmutableMap<String, String> externalIds)
      implements Kept {
    @Override
    public long bytes() {
      return ROW + text(name) + text(type) + text(error) + texts(externalIds);
    }
  }

  private record MirrorRow(
      String name, Optional<UUID> output, boolean selectAll, ImmutableSet<UUID> selected)
      implements Kept {
    @Override
    public long bytes() {
      return ROW + text(name) + references(selected.size() + 1);
    }
  }

  private static final long ROW = 200;

  private static long text(String text) {
    return 50L + text.length();
  }

  private static long texts(ImmutableMap<String, String> map) {
    long sum = 0;
    for (Map.Entry<String, String> entry : map.entrySet()) {
      sum += 40 + text(entry.getKey()) + text(entry.getValue());
    }
    return sum;
  }

  private static long references(int count) {
    return 40L * count;
  }

  /** The change of one row that an update asks for. */
  private record Change<R extends Kept>(Map<UUID, R> table, UUID uuid, @Nullable R row) {
    int rows() {
      return (row == null ? 0 : 1) - (table.containsKey(uuid) ? 1 : 0);
    }

    long bytes() {
      R before = table.get(uuid);
      return (row == null ? 0 : row.bytes()) - (before == null ? 0 : before.bytes());
    }

    void make() {
      if (row == null) {
        table.remove(uuid);
      } else {
        table.put(uuid, row);
      }
    }
  }

  private final int maxRows;
  private final long maxBytes;
  private final Map<UUID, SwitchRow> switches = new HashMap<>();
  private final Map<UUID, BridgeRow> bridges = new HashMap<>();
  private final Map<UUID, PortRow> ports = new HashMap<>();
  private final Map<UUID, InterfaceRow> interfaces = new HashMap<>();
  private final Map<UUID, MirrorRow> mirrors = new HashMap<>();
  private long bytes;

  BridgeTables() {
    this(MAX_ROWS, MAX_BYTES);
  }

  BridgeTables(int maxRows, long maxBytes) {
    this.maxRows = maxRows;
    this.maxBytes = maxBytes;
  }

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
    List<Change<?>> changes = new ArrayList<>();
    long bytesAfter = bytes;
    for (Map.Entry<String, JsonNode> table : tableUpdates.properties()) {
      if (!table.getValue().isObject()) {
        throw new BadRowException("table " + table.getKey() + ": its update is not an object");
      }
      Map<UUID, ? extends Kept> rows = table(table.getKey());
      int rowsAfter = rows.size();
      for (Map.Entry<String, JsonNode> row : table.getValue().properties()) {
        UUID uuid = Row.key(table.getKey(), row.getKey());
        Change<?> change = change(table.getKey(), uuid, row.getValue());
        changes.add(change);
        rowsAfter += change.rows();
        bytesAfter += change.bytes();
        if (bytesAfter > maxBytes) {
          throw new BadRowException(
              "table %s, row %s: with it the rows would occupy more than %d bytes"
                  .formatted(table.getKey(), uuid, maxBytes));
        }
      }
      if (rowsAfter > maxRows) {
        throw new BadRowException(
            "table %s: it has more than %d rows".formatted(table.getKey(), maxRows));
      }
    }
    changes.forEach(Change::make);
    bytes = bytesAfter;
  }

  private Map<UUID, ? extends Kept> table(String name) throws BadRowException {
    return switch (name) {
      case "Open_vSwitch" -> switches;
      case "Bridge" -> bridges;
      case "Port" -> ports;
      case "Interface" -> interfaces;
      case "Mirror" -> mirrors;
      default -> throw new BadRowException("table " + name + " was not asked for");
    };
  }

  private Change<?> change(String table, UUID uuid, JsonNode update) throws BadRowException {
    JsonNode columns = update.get("new");
    if (columns == null && !update.path("old").isObject()) {
      throw new BadRowException(
          "table " + table + ", row " + uuid + ": its update has neither old nor new columns");
    }
    Row row = columns == null ? null : new Row(table, uuid, columns);
    return switch (table) {
      case "Open_vSwitch" -> new Change<>(switches, uuid, row == null ? null : switchRow(row));
      case "Bridge" -> new Change<>(bridges, uuid, row == null ? null : bridgeRow(row));
      case "Port" -> new Change<>(ports, uuid, row == null ? null : portRow(row));
      case "Interface" -> new Change<>(interfaces, uuid, row == null ? null : interfaceRow(row));
      case "Mirror" -> new Change<>(mirrors, uuid, row == null ? null : mirrorRow(row));
      default -> throw new BadRowException("table " + table + " was not asked for");
    };
  }

  private static SwitchRow switchRow(Row row) throws BadRowException {
    return new SwitchRow(
        // As ovs-vswitchd reads it (smap_get_bool): only the word "true", in any case, is true.
        "true".equalsIgnoreCase(row.map("other_config").getOrDefault("flow-restore-wait", "")));
  }

  private static BridgeRow bridgeRow(Row row) throws BadRowException {
    return new BridgeRow(
        row.name("name"),
        row.optionalName("datapath_id"),
        row.uuids("ports"),
        row.uuids("mirrors"));
  }

  private static PortRow portRow(Row row) throws BadRowException {
    return new PortRow(
        row.uuid(), row.name("name"), row.uuids("interfaces"), row.map("external_ids"));
  }

  private static InterfaceRow interfaceRow(Row row) throws BadRowException {
    return new InterfaceRow(
        row.name("name"),
        row.name("type"),
        // Any number may be written here by anybody, and ovs-vswitchd leaves it: one that no port
        // has is no port's. It writes -1 itself for a port that it could not open.
        row.optionalInt("ofport"),
        row.optionalText("error"),
        row.map("external_ids"));
  }

  private static MirrorRow mirrorRow(Row row) throws BadRowException {
    return new MirrorRow(
        row.name("name"),
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
   * @throws BadRowException if the rows contradict each other in a way that the database rules out:
   *     by a reference to a row that is not there, by two rows of one name (RFC 7047, section 3.2),
   *     or by an interface in two ports, of which nobody can say whose it is
   */
  Optional<Bridge> bridge(String name) throws BadRowException {
    BridgeRow row = null;
    for (Map.Entry<UUID, BridgeRow> one : bridges.entrySet()) {
      if (one.getValue().name().equals(name)) {
        if (row != null) {
          throw twice("Bridge", one.getKey(), "bridge", name);
        }
        row = one.getValue();
      }
    }
    if (row == null) {
      return Optional.empty();
    }
    if (switches.size() > 1) {
      throw new BadRowException("table Open_vSwitch: it has " + switches.size() + " rows, not one");
    }
    Map<String, Interface> byName = new TreeMap<>();
    Set<String> portNames = new HashSet<>();
    for (UUID portUuid : row.ports()) {
      PortRow port = referred(ports, "Port", portUuid);
      if (!portNames.add(port.name())) {
        throw twice("Port", portUuid, "port", port.name());
      }
      for (UUID uuid : port.interfaces()) {
        InterfaceRow is = referred(interfaces, "Interface", uuid);
        Interface other =
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
        if (other != null) {
          throw new BadRowException(
              "table Port, row %s: column interfaces has %s, which port %s has too"
                  .formatted(portUuid, is.name(), other.portName()));
        }
      }
    }
    List<BridgeMirror> mirrorsByName = new ArrayList<>();
    for (UUID uuid : row.mirrors()) {
      mirrorsByName.add(mirror(referred(mirrors, "Mirror", uuid)));
    }
    // No two mirrors of a bridge need differ in name; the rest of the order is theirs to be stable.
    mirrorsByName.sort(
        Comparator.comparing(BridgeMirror::name).thenComparing(BridgeMirror::outputPort));
    Optional<SwitchRow> own = switches.values().stream().findFirst();
    return Optional.of(
        new Bridge(
            name,
            row.datapathId(),
            own.map(SwitchRow::flowRestoreWait).orElse(false),
            ImmutableMap.copyOf(byName),
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
    return bridges.values().stream()
        .filter(row -> row.name().equals(bridge))
        .flatMap(row -> row.ports().stream().map(ports::get))
        .filter(port -> port != null && port.name().equals(name))
        .findFirst();
  }

  /** A row of the Mirror table, with what of it names ports. */
  record MirrorPorts(UUID uuid, UUID output, ImmutableSet<UUID> selected) {}

  /** The mirrors of this bridge that have this name and output to the port of that name. */
  ImmutableList<MirrorPorts> mirrors(String bridge, String name, String outputPort) {
    Optional<UUID> output = port(bridge, outputPort).map(PortRow::uuid);
    ImmutableList.Builder<MirrorPorts> found = ImmutableList.builder();
    for (BridgeRow row : bridges.values()) {
      if (row.name().equals(bridge) && output.isPresent()) {
        for (UUID uuid : row.mirrors()) {
          MirrorRow mirror = mirrors.get(uuid);
          if (mirror != null && mirror.name().equals(name) && mirror.output().equals(output)) {
            found.add(new MirrorPorts(uuid, output.get(), mirror.selected()));
          }
        }
      }
    }
    return found.build();
  }

  private static BadRowException twice(String table, UUID uuid, String what, String name) {
    return new BadRowException(
        "table %s, row %s: column name is %s, as is another %s's"
            .formatted(table, uuid, name, what));
  }

  private static <R> R referred(Map<UUID, R> rows, String table, UUID uuid) throws BadRowException {
    R row = rows.get(uuid);
    if (row == null) {
      throw new BadRowException("table " + table + ": row " + uuid + " is referred to but missing");
    }
    return row;
  }

  /** All that is kept. */
  @Override
  public String toString() {
    return "Open_vSwitch%s Bridge%s Port%s Interface%s Mirror%s, %d bytes"
        .formatted(switches, bridges, ports, interfaces, mirrors, bytes);
  }
}
