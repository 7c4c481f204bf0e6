// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.ovsdb;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Sets;
import io.flowmirror.flows.RowChange;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/**
 * The operations of one {@code transact} (RFC 7047, sections 4.1.3 and 5.2) that make our changes.
 *
 * <p>The plan is made from a copy of the tables that may be a moment old. So each change is
 * preceded by a {@code wait} with a timeout of 0 for what the plan relied on, which lets the whole
 * transaction fail if that is no longer true. Sets are changed by {@code mutate} only: an {@code
 * update} from an old copy would undo what others did meanwhile.
 *
 * <p>{@code next_cfg} is not increased, as ovs-vsctl does to wait until {@code cur_cfg} follows:
 * ovs-vswitchd acts on every change of the database, with or without it, and what became of the
 * port shows in the interface's {@code ofport} and {@code error}.
 */
final class PortTransaction {
  private static final String DATABASE = "Open_vSwitch";
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  /**
   * How it ended.
   *
   * @param refused why nothing was changed, in words; empty if the changes were made
   * @param outdated whether a {@code wait} failed, so that another plan may succeed
   */
  record Outcome(String refused, boolean outdated) {}

  /** An error of the database's is shown in one line. */
  private static final int MAX_SHOWN = 300;

  private record Operation(String words, ObjectNode json) {}

  private final String bridge;
  private final List<Operation> operations = new ArrayList<>();

  private PortTransaction(String bridge) {
    this.bridge = bridge;
  }

  /** Plans changes; of those that are true already nothing is left. */
  static PortTransaction plan(String bridge, BridgeTables tables, List<RowChange> changes) {
    PortTransaction plan = new PortTransaction(bridge);
    Set<String> added = new HashSet<>();
    Set<String> removed = new HashSet<>();
    for (RowChange change : changes) {
      String name = change.port();
      Optional<BridgeTables.PortRow> present = tables.port(bridge, name);
      switch (change) {
        case RowChange.AddInternalPort add -> {
          boolean there = present.isPresent() && !removed.contains(name);
          if (!there && added.add(name)) {
            // A row that this transaction removes is still seen by its own waits.
            plan.add(name, added.size(), !removed.contains(name));
          }
        }
        case RowChange.RemovePort remove -> {
          if (present.isPresent() && isOurs(present.get()) && removed.add(name)) {
            plan.remove(name, present.get().uuid());
          }
        }
        case RowChange.Deselect deselect -> plan.deselect(deselect, tables);
      }
    }
    if (!plan.operations.isEmpty()) {
      plan.operation("comment", "comment").put("comment", "flowmirror: " + changes);
    }
    return plan;
  }

  private static boolean isOurs(BridgeTables.PortRow port) {
    return RowChange.OWNER_VALUE.equals(port.externalIds().get(RowChange.OWNER_KEY));
  }

  private void add(String name, int number, boolean guarded) {
    if (guarded) {
      ObjectNode guard = operation("wait until no port is called " + name, "wait");
      guard.put("table", "Port").put("timeout", 0).put("until", "==");
      guard.putArray("where").add(condition("name", "==", JSON.textNode(name)));
      guard.putArray("columns").add("name");
      guard.putArray("rows");
    }
    ObjectNode newInterface = operation("insert interface " + name, "insert");
    newInterface.put("table", "Interface").put("uuid-name", "interface" + number);
    newInterface.putObject("row").put("name", name).put("type", "internal");

    ObjectNode newPort = operation("insert port " + name, "insert");
    newPort.put("table", "Port").put("uuid-name", "port" + number);
    ObjectNode row = newPort.putObject("row").put("name", name);
    row.putArray("interfaces").add("named-uuid").add("interface" + number);
    row.set("external_ids", mark());

    mutatePorts(
        "add port " + name + " to " + bridge, "insert", reference("named-uuid", "port" + number));
  }

  private void remove(String name, UUID uuid) {
    ObjectNode guard = operation("wait until port " + name + " bears our mark", "wait");
    guard.put("table", "Port").put("timeout", 0).put("until", "==");
    guard
        .putArray("where")
        .add(condition("_uuid", "==", reference("uuid", uuid.toString())))
        .add(condition("external_ids", "includes", mark()));
    guard.putArray("columns").add("name");
    guard.putArray("rows").addObject().put("name", name);

    // The rows of the port and its interface go by themselves when nothing refers to them.
    mutatePorts(
        "remove port " + name + " from " + bridge, "delete", reference("uuid", uuid.toString()));
  }

  /** Only where a mirror with that output selects them now: nothing else is ours to touch. */
  private void deselect(RowChange.Deselect change, BridgeTables tables) {
    ImmutableSet<UUID> unwanted =
        change.selected().stream()
            .flatMap(port -> tables.port(bridge, port).stream())
            .map(BridgeTables.PortRow::uuid)
            .collect(ImmutableSet.toImmutableSet());
    for (var mirror : tables.mirrors(bridge, change.mirror(), change.port())) {
      ImmutableSet<UUID> selected = Sets.intersection(mirror.selected(), unwanted).immutableCopy();
      if (!selected.isEmpty()) {
        deselect(change, mirror, selected);
      }
    }
  }

  private void deselect(
      RowChange.Deselect change, BridgeTables.MirrorPorts mirror, ImmutableSet<UUID> selected) {
    ArrayNode self = condition("_uuid", "==", reference("uuid", mirror.uuid().toString()));
    ObjectNode guard =
        operation("wait until Mirror " + change.mirror() + " outputs to " + change.port(), "wait");
    guard.put("table", "Mirror").put("timeout", 0).put("until", "==");
    guard.putArray("where").add(self.deepCopy());
    guard.putArray("columns").add("output_port");
    guard
        .putArray("rows")
        .addObject()
        .set("output_port", reference("uuid", mirror.output().toString()));

    ArrayNode ports = JSON.arrayNode().add("set");
    ArrayNode references = ports.addArray();
    selected.forEach(uuid -> references.add(reference("uuid", uuid.toString())));
    ObjectNode mutate = operation(change.toString(), "mutate").put("table", "Mirror");
    mutate.putArray("where").add(self);
    ArrayNode mutations = mutate.putArray("mutations");
    for (String column : ImmutableList.of("select_src_port", "select_dst_port")) {
      mutations.addArray().add(column).add("delete").add(ports.deepCopy());
    }
  }

  private void mutatePorts(String words, String mutator, ArrayNode port) {
    ObjectNode mutate = operation(words, "mutate").put("table", "Bridge");
    mutate.putArray("where").add(condition("name", "==", JSON.textNode(bridge)));
    mutate.putArray("mutations").addArray().add("ports").add(mutator).add(port);
  }

  private ObjectNode operation(String words, String op) {
    ObjectNode json = JSON.objectNode().put("op", op);
    operations.add(new Operation(words, json));
    return json;
  }

  private static ArrayNode condition(String column, String function, JsonNode value) {
    return JSON.arrayNode().add(column).add(function).add(value);
  }

  private static ArrayNode reference(String kind, String name) {
    return JSON.arrayNode().add(kind).add(name);
  }

  private static ArrayNode mark() {
    ArrayNode map = JSON.arrayNode().add("map");
    map.addArray().addArray().add(RowChange.OWNER_KEY).add(RowChange.OWNER_VALUE);
    return map;
  }

  /** Whether nothing has to be done. */
  boolean isEmpty() {
    return operations.isEmpty();
  }

  /** Whether another plan would ask for the very same. */
  boolean sameAs(PortTransaction other) {
    return operations.equals(other.operations);
  }

  /** The parameters of {@code transact}. */
  ArrayNode params() {
    ArrayNode params = JSON.arrayNode().add(DATABASE);
    operations.forEach(operation -> params.add(operation.json()));
    return params;
  }

  /** Reads the answer. The database makes all changes or, if it refuses one, none of them. */
  Outcome outcome(JsonNode result, JsonNode error) {
    if (!error.isNull()) {
      return new Outcome("the transaction was refused: " + words(error), false);
    }
    if (!result.isArray()) {
      return new Outcome("the answer to the transaction is not an array", false);
    }
    for (int i = 0; i < result.size(); i++) {
      JsonNode one = result.get(i);
      boolean commit = i >= operations.size();
      if (one.path("error").isTextual()) {
        String which =
            commit ? "the commit" : "operation " + (i + 1) + " (" + operations.get(i).words() + ")";
        return new Outcome(
            which + " failed: " + words(one), !commit && "wait".equals(op(operations.get(i))));
      }
      // A Mirror that is gone has failed its wait.
      if (!commit && op(operations.get(i)).equals("mutate") && one.path("count").asInt() == 0) {
        return new Outcome("there is no bridge " + bridge, false);
      }
    }
    if (result.size() < operations.size()) {
      return new Outcome(
          "the answer has "
              + result.size()
              + " results for the "
              + operations.size()
              + " operations of the transaction",
          false);
    }
    return new Outcome("", false);
  }

  private static String op(Operation operation) {
    return operation.json().path("op").asText();
  }

  private static String words(JsonNode error) {
    return Printable.cut(plainWords(error), MAX_SHOWN);
  }

  private static String plainWords(JsonNode error) {
    if (!error.isObject()) {
      return error.asText();
    }
    return ImmutableList.of(error.path("error").asText(), error.path("details").asText()).stream()
        .filter(text -> !text.isEmpty())
        .reduce((first, second) -> first + ": " + second)
        .orElse(error.toString());
  }
}
