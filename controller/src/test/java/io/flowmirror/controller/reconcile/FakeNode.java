// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.reconcile;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.Maps;
import io.flowmirror.config.NodeSettings;
import io.flowmirror.controller.openflow.DatapathReport;
import io.flowmirror.controller.openflow.DatapathSession;
import io.flowmirror.controller.ovsdb.BridgeReport;
import io.flowmirror.controller.ovsdb.BridgeSession;
import io.flowmirror.flows.FlowChange;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.FlowKey;
import io.flowmirror.flows.InstalledEntry;
import io.flowmirror.flows.RowChange;
import io.flowmirror.topology.Bridge;
import io.flowmirror.topology.Datapath;
import io.flowmirror.topology.Interface;
import io.flowmirror.topology.LogicalPort;
import io.flowmirror.topology.Port;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;

/**
 * One node in memory: a switch and its database as the two sessions show them. It answers at once,
 * or, when told to, not at all.
 */
final class FakeNode implements Sessions {
  private final Map<FlowKey, InstalledEntry> entries = new LinkedHashMap<>();
  private final Map<String, Port> ports = new LinkedHashMap<>();
  private final Map<String, Interface> interfaces = new LinkedHashMap<>();
  private final Map<Integer, LogicalPort> logicalPorts = new LinkedHashMap<>();
  private final Map<FlowKey, String> refuse = new LinkedHashMap<>();
  private final List<FlowChange> flowMods = new ArrayList<>();
  private final List<RowChange> rowChanges = new ArrayList<>();
  private Consumer<DatapathReport> datapathReports = report -> {};
  private Consumer<BridgeReport> bridgeReports = report -> {};
  private long connection;
  private long round;
  private long lastRound;
  private long rowRound;
  private int nextPort = 100;
  private boolean restoring;
  private boolean withholding;
  private boolean undoing;
  private boolean ignoringRows;
  private boolean undoingPorts;
  private boolean ovsdbUp = true;
  private String dpid = "";
  private long openflowDpid = 1;

  synchronized FakeNode pod(
      String namespace, String name, int ofport, long datapathKey, int portKey) {
    String device = name + "_h";
    ports.put(device, new Port(ofport, device, false, false));
    interfaces.put(
        device,
        new Interface(
            device,
            "",
            device,
            OptionalInt.of(ofport),
            "",
            ImmutableMap.of(
                "iface-id", name + "." + namespace, "pod_name", name, "pod_namespace", namespace),
            ImmutableMap.of()));
    logicalPorts.put(ofport, new LogicalPort(ofport, datapathKey, portKey, true));
    return this;
  }

  synchronized FakeNode foreignPort(String name, int ofport) {
    ports.put(name, new Port(ofport, name, false, false));
    interfaces.put(
        name,
        new Interface(
            name,
            "internal",
            name,
            OptionalInt.of(ofport),
            "",
            ImmutableMap.of(),
            ImmutableMap.of()));
    return this;
  }

  synchronized void podGone(String name) {
    Port port = ports.remove(name + "_h");
    if (port != null) {
      logicalPorts.remove(port.ofport());
    }
    report();
  }

  synchronized void rowsGone() {
    interfaces.clear();
    report();
  }

  synchronized void install(FlowEntry entry, long age) {
    entries.put(entry.key(), new InstalledEntry(entry, age, 0, 0));
  }

  synchronized void wipe() {
    entries.clear();
    report();
  }

  synchronized void restoring(boolean on) {
    restoring = on;
    report();
  }

  synchronized void refuse(FlowKey key, String error) {
    refuse.put(key, error);
  }

  /** From now on somebody removes what a round has made, at once. */
  synchronized void undoEverything() {
    undoing = true;
  }

  /** From now on somebody removes a port that was made, as soon as entries output to it. */
  synchronized void undoPorts() {
    undoingPorts = true;
  }

  /** From now on row changes are answered, and change nothing. */
  synchronized void ignoreRowChanges() {
    ignoringRows = true;
  }

  /** The datapath id that OVSDB tells; OpenFlow tells 1. */
  synchronized void dpidOfOvsdb(String dpid) {
    this.dpid = dpid;
    report();
  }

  /** The datapath id that OpenFlow tells. */
  synchronized void dpid(long dpid) {
    openflowDpid = dpid;
  }

  synchronized void acceptAll() {
    refuse.clear();
  }

  /** From now on a round is taken and its outcome not reported, until {@link #answer}. */
  synchronized void withholdAnswers() {
    withholding = true;
  }

  synchronized void answer() {
    withholding = false;
    round = lastRound;
    report();
  }

  synchronized void connectionLost() {
    datapathReports.accept(
        new DatapathReport(
            Optional.empty(), ImmutableList.of(), 0, ImmutableMap.of(), "connection reset"));
  }

  synchronized void connected() {
    connection++;
    round = 0;
    report();
  }

  synchronized void ovsdb(boolean up) {
    ovsdbUp = up;
    report();
  }

  synchronized ImmutableList<FlowEntry> entries() {
    return entries.values().stream()
        .map(InstalledEntry::entry)
        .collect(ImmutableList.toImmutableList());
  }

  synchronized ImmutableList<FlowChange> flowMods() {
    return ImmutableList.copyOf(flowMods);
  }

  synchronized ImmutableList<RowChange> rowChanges() {
    return ImmutableList.copyOf(rowChanges);
  }

  synchronized ImmutableList<String> portNames() {
    return ImmutableList.copyOf(ports.keySet());
  }

  synchronized boolean isUp(String port) {
    Port there = ports.get(port);
    return there != null && !there.adminDown();
  }

  @Override
  public synchronized DatapathSession openDatapath(
      NodeSettings node, Duration audit, Consumer<DatapathReport> reports) {
    datapathReports = reports;
    connected();
    return new Switch();
  }

  @Override
  public synchronized BridgeSession openBridge(NodeSettings node, Consumer<BridgeReport> reports) {
    bridgeReports = reports;
    rowRound = 0;
    report();
    return new Database();
  }

  private void report() {
    report(ImmutableMap.of());
  }

  private void report(ImmutableMap<FlowKey, String> refused) {
    datapathReports.accept(
        new DatapathReport(
            Optional.of(
                new Datapath(
                    connection,
                    openflowDpid,
                    "3.1.0",
                    Maps.uniqueIndex(ports.values(), Port::ofport),
                    logicalPorts.isEmpty() ? OptionalInt.empty() : OptionalInt.of(65),
                    ImmutableList.copyOf(logicalPorts.values()),
                    false)),
            ImmutableList.copyOf(entries.values()),
            round,
            refused,
            ""));
    bridgeReports.accept(
        ovsdbUp
            ? new BridgeReport(
                Optional.of(
                    new Bridge(
                        "br-int",
                        dpid,
                        restoring,
                        ImmutableMap.copyOf(interfaces),
                        ImmutableList.of())),
                "",
                rowRound,
                "")
            : new BridgeReport(Optional.empty(), "connection refused", rowRound, ""));
  }

  @Override
  public void close() {}

  private synchronized void removeOurPorts() {
    List<String> ours =
        interfaces.values().stream()
            .filter(row -> !row.portExternalIds().isEmpty())
            .map(Interface::name)
            .toList();
    ports.keySet().removeAll(ours);
    interfaces.keySet().removeAll(ours);
    report();
  }

  private final class Switch implements DatapathSession {
    @Override
    public void apply(long ofConnection, long ofRound, List<FlowChange> changes) {
      synchronized (FakeNode.this) {
        if (ofConnection != connection) {
          return;
        }
        lastRound = ofRound;
        if (!withholding) {
          round = ofRound;
        }
        flowMods.addAll(changes);
        Map<FlowKey, String> refused = new LinkedHashMap<>();
        for (FlowChange change : changes) {
          if (refuse.containsKey(change.key())) {
            refused.put(change.key(), refuse.get(change.key()));
          }
        }
        if (refused.isEmpty()) {
          changes.forEach(this::applyOne);
        }
        if (undoing) {
          entries.clear();
        }
        report(ImmutableMap.copyOf(refused));
        if (undoingPorts) {
          removeOurPorts();
        }
      }
    }

    private void applyOne(FlowChange change) {
      switch (change) {
        case FlowChange.Add(FlowEntry entry) -> install(entry, 0);
        case FlowChange.Delete(FlowKey key, long cookie) -> {
          InstalledEntry there = entries.get(key);
          if (there != null && there.entry().cookie() == cookie) {
            entries.remove(key);
          }
        }
      }
    }

    @Override
    public void bringUp(long ofConnection, int ofport) {
      synchronized (FakeNode.this) {
        ports.replaceAll(
            (name, port) -> port.ofport() == ofport ? new Port(ofport, name, false, false) : port);
        report();
      }
    }

    @Override
    public void read() {}

    @Override
    public void close() {}
  }

  private final class Database implements BridgeSession {
    @Override
    public void apply(long ofRound, List<RowChange> changes) {
      synchronized (FakeNode.this) {
        rowRound = ofRound;
        for (RowChange change : changes) {
          rowChanges.add(change);
          if (ignoringRows) {
            continue;
          }
          switch (change) {
            case RowChange.AddInternalPort(String name) -> {
              int ofport = nextPort++;
              ports.put(name, new Port(ofport, name, true, true));
              interfaces.put(
                  name,
                  new Interface(
                      name,
                      "internal",
                      name,
                      OptionalInt.of(ofport),
                      "",
                      ImmutableMap.of(),
                      ImmutableMap.of(RowChange.OWNER_KEY, RowChange.OWNER_VALUE)));
            }
            case RowChange.RemovePort(String name) -> {
              ports.remove(name);
              interfaces.remove(name);
            }
          }
        }
        report();
      }
    }

    @Override
    public void close() {}
  }
}
