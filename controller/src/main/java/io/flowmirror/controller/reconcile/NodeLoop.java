// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.reconcile;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.controller.openflow.DatapathReport;
import io.flowmirror.controller.openflow.DatapathSession;
import io.flowmirror.controller.ovsdb.BridgeReport;
import io.flowmirror.controller.ovsdb.BridgeSession;
import io.flowmirror.flows.Action;
import io.flowmirror.flows.FlowChange;
import io.flowmirror.flows.FlowDiff;
import io.flowmirror.flows.FlowKey;
import io.flowmirror.flows.MirrorCompiler;
import io.flowmirror.flows.NodeIntent;
import io.flowmirror.flows.Plan;
import io.flowmirror.flows.RowChange;
import io.flowmirror.topology.Bridge;
import io.flowmirror.topology.Datapath;
import io.flowmirror.topology.Node;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One node's round: compare what is wanted with what was read last, and hand the difference to the
 * sessions, one round at a time. Confined to the loop's thread.
 */
final class NodeLoop {
  /** Rounds and connections are numbered; 0 comes before the first. */
  private static final long NONE = 0;

  private final NodeIntent intent;
  private final boolean mayWrite;

  private @Nullable DatapathSession datapathSession;
  private @Nullable BridgeSession bridgeSession;
  private DatapathReport datapathReport =
      new DatapathReport(Optional.empty(), ImmutableList.of(), NONE, ImmutableMap.of(), "");
  private BridgeReport bridgeReport = new BridgeReport(Optional.empty(), "", NONE, "");

  private long connection = NONE;
  private long entryRound = NONE;
  private long rowRound = NONE;
  private ImmutableList<RowChange> rowsSent = ImmutableList.of();
  private String rowsRefused = "";
  private int broughtUp;
  private ImmutableMap<FlowKey, String> refused = ImmutableMap.of();

  NodeLoop(NodeIntent intent, boolean mayWrite) {
    this.intent = intent;
    this.mayWrite = mayWrite;
  }

  void opened(DatapathSession datapathSession, BridgeSession bridgeSession) {
    this.datapathSession = datapathSession;
    this.bridgeSession = bridgeSession;
  }

  void close() {
    if (datapathSession != null) {
      datapathSession.close();
    }
    if (bridgeSession != null) {
      bridgeSession.close();
    }
  }

  void received(DatapathReport report) {
    long live = report.datapath().map(Datapath::connection).orElse(NONE);
    if (live != connection) {
      // A round on a connection that is gone is over, whatever became of it: the next read tells.
      connection = live;
      entryRound = NONE;
      broughtUp = 0;
      refused = ImmutableMap.of();
    } else if (report.round() == entryRound && report.round() != datapathReport.round()) {
      refused = merge(refused, report.refused());
    }
    datapathReport = report;
  }

  void received(BridgeReport report) {
    if (report.round() == rowRound && report.round() != bridgeReport.round()) {
      rowsRefused = report.refused();
    }
    bridgeReport = report;
  }

  /** Lets what was refused be tried again. */
  void forgetRefusals() {
    refused = ImmutableMap.of();
    rowsRefused = "";
    rowsSent = ImmutableList.of();
    broughtUp = 0;
  }

  /** Compares, starts what is to be done, and says where the node stands. */
  NodeStatus reconcile(Node node) {
    Plan plan = MirrorCompiler.compile(intent, node);
    FlowDiff diff =
        FlowDiff.between(plan, datapathReport.entries(), ImmutableSet.copyOf(refused.keySet()));
    ImmutableList<String> waiting = waiting(node, plan);
    boolean idle = true;
    if (mayWrite && !restoring(node)) {
      boolean repairingEntries = repairEntries(node, plan, diff);
      boolean repairingRows = repairRows(plan, diff);
      idle = !repairingEntries && !repairingRows;
    }
    boolean told = datapathReport.datapath().isPresent() && bridgeReport.bridge().isPresent();
    boolean settled = told && waiting.isEmpty() && idle && diff.inSync() && refused.isEmpty();
    return new NodeStatus(
        intent, node, plan, datapathReport.entries(), diff, refused, waiting, settled);
  }

  /** Starts or awaits a round on the entries; false when there is nothing to do. */
  private boolean repairEntries(Node node, Plan plan, FlowDiff diff) {
    if (datapathSession == null || node.datapath().isEmpty()) {
      return false;
    }
    if (datapathReport.round() < entryRound) {
      return true;
    }
    if (plan.bringUp().isPresent() && broughtUp != plan.bringUp().getAsInt()) {
      broughtUp = plan.bringUp().getAsInt();
      datapathSession.bringUp(connection, broughtUp);
    }
    if (plan.bringUp().isEmpty()) {
      broughtUp = 0;
    }
    List<FlowChange> changes = diff.changes();
    if (changes.isEmpty()) {
      return false;
    }
    entryRound = Math.max(entryRound, datapathReport.round()) + 1;
    datapathSession.apply(connection, entryRound, changes);
    return true;
  }

  /** Starts or awaits a round on br-int's rows; false when there is nothing to do. */
  private boolean repairRows(Plan plan, FlowDiff diff) {
    if (bridgeSession == null || bridgeReport.bridge().isEmpty()) {
      return false;
    }
    if (bridgeReport.round() < rowRound) {
      return true;
    }
    ImmutableList<RowChange> wanted =
        plan.rows().isEmpty() ? removableNow(plan, diff) : plan.rows();
    if (wanted.isEmpty() || (wanted.equals(rowsSent) && !rowsRefused.isEmpty())) {
      rowsSent = wanted;
      return false;
    }
    rowsSent = wanted;
    rowsRefused = "";
    rowRound++;
    bridgeSession.apply(rowRound, wanted);
    return true;
  }

  /** A port of ours goes only after the last entry that outputs to it. */
  private ImmutableList<RowChange> removableNow(Plan plan, FlowDiff diff) {
    boolean told = datapathReport.datapath().isPresent();
    return told && diff.inSync() && refused.isEmpty()
        ? plan.removableRows().stream()
            .filter(row -> !outputsTo(row.port()))
            .collect(ImmutableList.toImmutableList())
        : ImmutableList.of();
  }

  private boolean outputsTo(String portName) {
    return datapathReport
        .datapath()
        .map(datapath -> datapath.ports().get(portName))
        .filter(
            port ->
                datapathReport.entries().stream()
                    .flatMap(there -> there.entry().actions().stream())
                    .anyMatch(new Action.Output(port.ofport())::equals))
        .isPresent();
  }

  private ImmutableList<String> waiting(Node node, Plan plan) {
    ImmutableList.Builder<String> waiting = ImmutableList.builder();
    // Before the first report there is neither a connection nor a reason for its absence.
    if (datapathReport.datapath().isEmpty() && !datapathReport.reason().isEmpty()) {
      waiting.add("no OpenFlow: " + datapathReport.reason());
    }
    if (bridgeReport.bridge().isEmpty() && !bridgeReport.reason().isEmpty()) {
      waiting.add("no OVSDB: " + bridgeReport.reason());
    }
    if (restoring(node)) {
      waiting.add("the switch is restoring saved flows (flow-restore-wait): nothing is written");
    }
    if (!rowsRefused.isEmpty()) {
      waiting.add("OVSDB refused " + rowsSent + ": " + rowsRefused);
    }
    if (datapathReport.datapath().isPresent()
        && bridgeReport.bridge().isPresent()
        && plan.rows().isEmpty()
        && intent.mirrorIface().isPresent()
        && node.port(intent.mirrorIface().get()).isEmpty()) {
      waiting.add("mirror-iface " + intent.mirrorIface().get() + " is not a port of br-int yet");
    }
    return waiting.build();
  }

  private static boolean restoring(Node node) {
    return node.bridge().map(Bridge::flowRestoreWait).orElse(false);
  }

  private static ImmutableMap<FlowKey, String> merge(
      ImmutableMap<FlowKey, String> before, ImmutableMap<FlowKey, String> more) {
    return ImmutableMap.<FlowKey, String>builder().putAll(before).putAll(more).buildKeepingLast();
  }
}
