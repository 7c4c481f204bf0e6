// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.flows.Cookie;
import io.flowmirror.flows.FlowDiff.Drift;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.FlowKey;
import io.flowmirror.flows.FlowText;
import io.flowmirror.flows.InstalledEntry;
import io.flowmirror.flows.PlannedEntry;
import io.flowmirror.topology.Datapath;
import io.flowmirror.topology.PodInterface;
import io.flowmirror.topology.PodName;
import java.util.Optional;

/**
 * A node's entries for a person to read: each with the pod, the purpose and the state in a comment
 * above it. The whole text is valid input for {@code ovs-ofctl add-flows}, which skips comments.
 */
public final class FlowsReport {
  private final NodeStatus status;
  private final Optional<PodName> only;
  private final ImmutableMap<FlowKey, InstalledEntry> ours;
  private final ImmutableList.Builder<String> lines = ImmutableList.builder();

  private FlowsReport(NodeStatus status, Optional<PodName> only) {
    this.status = status;
    this.only = only;
    this.ours =
        status.installed().stream()
            .filter(there -> Cookie.isOurs(there.entry().cookie()))
            .collect(
                ImmutableMap.toImmutableMap(
                    there -> there.entry().key(), there -> there, (a, b) -> b));
  }

  /** The report on one node, or on one pod's part of it. */
  public static ImmutableList<String> lines(
      String node, NodeStatus status, Optional<PodName> only) {
    FlowsReport report = new FlowsReport(status, only);
    report.header(node);
    report.pods();
    report.wanted();
    report.notWanted();
    return report.lines.build();
  }

  private void header(String node) {
    lines.add("# node " + node + ": " + datapath());
    lines.add("# " + state());
    status.complaints().forEach(complaint -> lines.add("# ! " + complaint));
  }

  private String state() {
    if (status.node().datapath().isEmpty()) {
      return "nothing is known of its entries";
    }
    return String.format(
        "%s wanted, %d installed: %s",
        status.node().bridge().isPresent() ? status.plan().entries().size() : "unknown how many",
        ours.size(),
        status.node().bridge().isPresent() ? status.diff().words() : "not compared");
  }

  private String datapath() {
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
                    + mirrorPort(live))
        .orElse("no connection");
  }

  private String mirrorPort(Datapath live) {
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
  private void pods() {
    boolean found = false;
    for (PodInterface pod : status.intent().pods().keySet()) {
      if (only.isEmpty() || only.get().equals(pod.pod())) {
        found = true;
        Whereabouts.of(status.node(), pod)
            .forEach(words -> lines.add("# pod " + pod + " " + words));
      }
    }
    if (only.isPresent() && !found) {
      lines.add("# pod " + only.get() + " is not in the configuration's mirrors");
    }
  }

  private void wanted() {
    for (PlannedEntry planned : status.plan().entries().values()) {
      if (only.isPresent() && !only.equals(planned.pod())) {
        continue;
      }
      FlowKey key = planned.entry().key();
      String whose = planned.pod().map(PodName::toString).orElse("node");
      lines.add("");
      lines.add("# " + whose + ": " + planned.purpose() + " [" + state(key) + "]");
      lines.add(FlowText.format(planned.entry()));
      InstalledEntry there = ours.get(key);
      if (status.diff().drift().get(key) == Drift.DIFFERENT && there != null) {
        lines.add("# installed instead: " + FlowText.format(there.entry()));
      }
      FlowEntry instead = status.diff().overwritten().get(key);
      if (instead != null) {
        lines.add("# overwritten with: " + FlowText.format(instead));
      }
      FlowEntry hiding = status.diff().hidden().get(key);
      if (hiding != null) {
        lines.add("# hidden by somebody else's entry: " + FlowText.format(hiding));
      }
      FlowEntry conflict = status.diff().conflicts().get(key);
      if (conflict != null) {
        lines.add("# somebody else's entry: " + FlowText.format(conflict));
      }
    }
  }

  private String state(FlowKey key) {
    if (status.diff().conflicts().containsKey(key)) {
      return "NOT INSTALLED: the place is taken";
    }
    Drift drift = status.diff().drift().get(key);
    InstalledEntry there = ours.get(key);
    if (there == null) {
      return drift == null
          ? "NOT INSTALLED: it would do harm without an entry that is not there"
          : drift.name();
    }
    String life =
        "age " + there.age() + " s, " + there.packets() + " packets, " + there.bytes() + " bytes";
    return (drift == null || drift == Drift.DUE ? "installed" : drift.name()) + ", " + life;
  }

  private void notWanted() {
    ImmutableList<FlowEntry> held =
        status.diff().held().stream()
            .map(InstalledEntry::entry)
            .collect(ImmutableList.toImmutableList());
    for (InstalledEntry there : ours.values()) {
      FlowEntry entry = there.entry();
      if (status.plan().entries().containsKey(entry.key())
          || (only.isPresent() && !isOnly(entry))) {
        continue;
      }
      lines.add("");
      lines.add(
          held.contains(entry)
              ? "# held: nothing is known of its port for now"
              : "# SURPLUS: ours and not wanted" + role(entry));
      lines.add("# " + FlowText.format(entry));
    }
  }

  /** By its logical port's name, which Kube-OVN makes of the pod's; the pod may be gone. */
  private boolean isOnly(FlowEntry entry) {
    return only.filter(pod -> Cookie.isFor(entry.cookie(), pod.name() + "." + pod.namespace()))
        .isPresent();
  }

  private static String role(FlowEntry entry) {
    return Cookie.role(entry.cookie()).map(role -> " (" + role + ")").orElse("");
  }
}
