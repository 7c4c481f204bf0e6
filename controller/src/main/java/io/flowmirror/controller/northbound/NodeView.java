// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.common.base.Ascii;
import com.google.common.collect.Iterables;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.controller.reconcile.Repair;
import io.flowmirror.flows.InstalledEntry;
import io.flowmirror.topology.Datapath;
import io.flowmirror.topology.Port;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A node as the northbound shows it. */
final class NodeView {
  /**
   * ovn-controller tells its version on its own control socket alone: neither of the two channels
   * to a node has it, and the southbound database is not ours to read. It is not guessed.
   */
  private static final String OVN_VERSION = "unknown";

  private NodeView() {}

  /**
   * One node.
   *
   * @param whole whether the caller may see all namespaces: complaints name pods
   */
  static ObjectNode json(String name, NodeStatus status, boolean whole) {
    ObjectNode json = Json.object();
    json.put("name", name);
    json.put("inSync", status.settled());
    json.put("state", state(status));
    json.put("writer", Ascii.toLowerCase(status.writer().name()));
    ObjectNode connections = json.putObject("connections");
    connections.put("openflow", status.node().datapath().isPresent());
    connections.put("ovsdb", status.node().bridgeConfirmed());
    status
        .node()
        .datapath()
        .ifPresent(
            live -> {
              json.put("dpid", live.dpidText());
              json.put("ovsVersion", live.switchVersion());
              live.deliveryTable().ifPresent(table -> json.put("deliveryTable", table));
            });
    json.put("ovnVersion", OVN_VERSION);
    status.intent().mirrorIface().ifPresent(port -> json.set("mirrorPort", port(port, status)));
    json.put("everything", status.intent().everything());
    json.put("podPorts", status.node().podPorts().size());
    json.put("mirroredPods", Pods.mirroredOf(status));
    ObjectNode entries = json.putObject("entries");
    entries.put("wanted", status.plan().entries().size());
    entries.put("installed", status.installed().stream().filter(InstalledEntry::isOurs).count());
    entries.put("drift", status.diff().words());
    ArrayNode complaints = json.putArray("complaints");
    if (whole) {
      status.complaints().forEach(complaints::add);
    } else if (!status.complaints().isEmpty()) {
      complaints.add(
          status.complaints().size()
              + " that may name pods of other namespaces: ask who may see all of them");
    }
    @Nullable Repair last = Iterables.getLast(status.repairs(), null);
    if (last != null) {
      json.set("lastRepair", json(last));
    }
    return json;
  }

  /** In a word: what a person who looks at a list of nodes has to know. */
  static String state(NodeStatus status) {
    if (status.node().datapath().isEmpty() || !status.node().bridgeConfirmed()) {
      return "disconnected";
    }
    if (status.writer() == NodeStatus.Writer.ANOTHER) {
      return "stand-by";
    }
    if (status.settled()) {
      return status.complaints().isEmpty() ? "in-sync" : "in-sync-with-complaints";
    }
    return status.waiting().isEmpty() ? "repairing" : "waiting";
  }

  private static ObjectNode port(String name, NodeStatus status) {
    ObjectNode json = Json.object().put("name", name);
    Optional<Datapath> live = status.node().datapath();
    Optional<Port> port = live.flatMap(datapath -> datapath.port(name));
    port.ifPresent(found -> json.put("ofport", found.ofport()));
    json.put(
        "state",
        live.isEmpty()
            ? "unknown"
            : port.map(found -> found.adminDown() ? "down" : found.linkDown() ? "no-link" : "up")
                .orElse("missing"));
    return json;
  }

  static ObjectNode json(Repair repair) {
    ObjectNode json = Json.object();
    json.put("cause", Ascii.toLowerCase(repair.cause().name()));
    json.put("noticed", repair.noticed().toString());
    json.put("tookMillis", repair.took().toNanos() / 1e6);
    json.put("entries", repair.entries());
    repair.gap().ifPresent(gap -> json.put("gapMillis", gap.toNanos() / 1e6));
    json.put("text", repair.toString());
    return json;
  }
}
