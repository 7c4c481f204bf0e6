// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.google.common.collect.ImmutableList;
import io.flowmirror.controller.northbound.OurEntries.Selection;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.topology.Datapath;
import io.flowmirror.topology.PodInterface;
import io.flowmirror.topology.PodName;
import java.util.Optional;

/**
 * A node's entries of ours for a person to read: each with the pod, the purpose and the state in a
 * comment above it. What is no comment is an entry as ovs-ofctl prints and reads it.
 *
 * <p>It is the same whether a running controller tells it or the node itself was asked.
 */
public final class FlowsReport {
  private FlowsReport() {}

  /**
   * The report on one node, or on one pod's part of it, of whoever knows the configuration alone.
   */
  public static ImmutableList<String> lines(
      String node, NodeStatus status, Optional<PodName> only) {
    Selection which = Selection.all(only);
    ImmutableList.Builder<String> lines = ImmutableList.builder();
    lines.addAll(head(node, status, which, true));
    if (only.isPresent() && !isAskedFor(status, only.get())) {
      lines.add(
          "# (by the configuration; a running controller alone knows what REST and the Kubernetes"
              + " API ask for)");
    }
    new OurEntries(status, which).each(line -> lines.addAll(line.text()));
    return lines.build();
  }

  /**
   * What there is to say before the entries.
   *
   * @param whole whether it is for somebody who may see all namespaces: complaints name pods
   */
  static ImmutableList<String> head(
      String node, NodeStatus status, Selection which, boolean whole) {
    ImmutableList.Builder<String> lines = ImmutableList.builder();
    lines.add("# node " + node + ": " + datapath(status));
    lines.add("# " + state(status, which));
    if (!which.view().equals("all") || which.table().isPresent()) {
      lines.add(
          "# shown: " + which.view() + which.table().map(table -> ", table " + table).orElse(""));
    }
    if (whole) {
      status.complaints().forEach(complaint -> lines.add("# ! " + complaint));
    }
    pods(status, which.pod(), whole, lines);
    return lines.build();
  }

  private static String state(NodeStatus status, Selection which) {
    if (status.node().datapath().isEmpty()) {
      return "nothing is known of its entries";
    }
    return String.format(
        "%s wanted, %d installed: %s",
        status.node().bridge().isPresent() ? status.plan().entries().size() : "unknown how many",
        new OurEntries(status, which).installed(),
        status.node().bridge().isPresent() ? status.diff().words() : "not compared");
  }

  private static String datapath(NodeStatus status) {
    return status
        .node()
        .datapath()
        .map(
            live ->
                "dpid "
                    + live.dpidText()
                    + ", Open vSwitch "
                    + live.switchVersion()
                    + ", OVN delivers in table "
                    + (live.deliveryTable().isPresent()
                        ? live.deliveryTable().getAsInt()
                        : "(none yet)")
                    + mirrorPort(status, live))
        .orElse("no connection");
  }

  private static String mirrorPort(NodeStatus status, Datapath live) {
    return status
        .intent()
        .mirrorIface()
        .map(
            name ->
                live.port(name)
                    .map(port -> ", " + name + " is port " + port.ofport())
                    .orElse(", " + name + " is not there"))
        .orElse("");
  }

  /** Says of each mirrored pod where it is, or why it is not seen. */
  private static void pods(
      NodeStatus status,
      Optional<PodName> only,
      boolean whole,
      ImmutableList.Builder<String> lines) {
    for (PodInterface pod : status.intent().pods().keySet()) {
      if (only.isEmpty() ? whole : only.get().equals(pod.pod())) {
        Whereabouts.of(status.node(), pod)
            .forEach(words -> lines.add("# pod " + pod + " " + words));
      }
    }
    if (only.isPresent() && !isAskedFor(status, only.get())) {
      lines.add("# nobody asks for pod " + only.get());
    }
  }

  private static boolean isAskedFor(NodeStatus status, PodName pod) {
    return status.intent().everything()
        || status.intent().pods().keySet().stream().anyMatch(at -> at.pod().equals(pod));
  }
}
