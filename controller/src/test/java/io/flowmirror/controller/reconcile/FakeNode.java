// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.reconcile;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.ImmutableSortedSet;
import com.google.common.collect.Lists;
import com.google.common.collect.Sets;
import io.flowmirror.config.NodeSettings;
import io.flowmirror.controller.openflow.DatapathReport;
import io.flowmirror.controller.openflow.DatapathSession;
import io.flowmirror.controller.openflow.FakeDatapath;
import io.flowmirror.controller.openflow.OvnEntries;
import io.flowmirror.controller.openflow.OvnText;
import io.flowmirror.controller.openflow.Packet;
import io.flowmirror.controller.ovsdb.BridgeReport;
import io.flowmirror.controller.ovsdb.BridgeSession;
import io.flowmirror.controller.ovsdb.Lock;
import io.flowmirror.controller.transport.UnansweredException;
import io.flowmirror.flows.Cookie;
import io.flowmirror.flows.FlowChange;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.FlowKey;
import io.flowmirror.flows.FlowText;
import io.flowmirror.flows.RowChange;
import io.flowmirror.topology.Bridge;
import io.flowmirror.topology.BridgeMirror;
import io.flowmirror.topology.Interface;
import io.flowmirror.topology.InterfaceCounters;
import io.flowmirror.topology.LogicalPort;
import io.flowmirror.topology.Port;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * One node in memory: a switch, what OVN makes of its pods, and its database as a session shows it.
 * It answers at once, or, when told to, not at all.
 */
final class FakeNode implements Sessions {
  private static final int DELIVERY_TABLE = 65;

  private final FakeDatapath datapath = new FakeDatapath(1);
  private final Map<String, Interface> interfaces = new LinkedHashMap<>();
  private final Map<String, LogicalPort> pods = new LinkedHashMap<>();
  private final Map<String, BridgeMirror> mirrors = new LinkedHashMap<>();
  private final List<RowChange> rowChanges = new ArrayList<>();
  private ImmutableSet<FlowEntry> ovn = ImmutableSet.of();
  private Consumer<BridgeReport> bridgeReports = report -> {};
  private long rowRound;
  private int nextPort = 100;
  private boolean restoring;
  private boolean ignoringRows;
  private boolean losingRows;
  private boolean ovsdbUp = true;
  private String dpid = "";
  private Lock lock = Lock.OURS;
  private final List<Lock.Wish> wishes = new ArrayList<>();

  /** What has been wished of the lock, one after the other. */
  synchronized ImmutableList<Lock.Wish> wishes() {
    return ImmutableList.copyOf(wishes);
  }

  /** The generations that have been claimed. */
  ImmutableList<Long> claims() {
    return datapath.claims();
  }

  // Pods and ports.

  synchronized FakeNode pod(
      String namespace, String name, int ofport, long datapathKey, int portKey) {
    String device = device(name);
    row(
        device,
        "",
        ofport,
        ImmutableMap.of(
            "iface-id", name + "." + namespace, "pod_name", name, "pod_namespace", namespace),
        ImmutableMap.of());
    datapath.addPort(new Port(ofport, device, false, false));
    pods.put(name, new LogicalPort(ofport, datapathKey, portKey, true));
    ovnFollows();
    report();
    return this;
  }

  synchronized FakeNode foreignPort(String name, int ofport) {
    row(name, "internal", ofport, ImmutableMap.of(), ImmutableMap.of());
    datapath.addPort(new Port(ofport, name, false, false));
    report();
    return this;
  }

  /** The pod's device has gone, and its row is there yet. */
  synchronized void podGone(String name) {
    pods.remove(name);
    datapath.removePort(device(name));
    ovnFollows();
    report();
  }

  /** The CNI takes a pod's interface off the bridge. */
  synchronized void podDeleted(String name) {
    interfaces.remove(device(name));
    podGone(name);
  }

  /** Two pods are deleted and made anew, and each gets the other's number and keys. */
  synchronized void podsAreMadeAnew(String one, String two) {
    LogicalPort first = pods.get(one);
    LogicalPort second = pods.get(two);
    podGone(one);
    podGone(two);
    pod("default", two, first.ofport(), first.datapathKey(), first.portKey());
    pod("default", one, second.ofport(), second.datapathKey(), second.portKey());
  }

  /** A pod is deleted, and another of its name comes, with the device of another container. */
  synchronized void podIsMadeAnew(String name, String container) {
    LogicalPort port = pods.get(name);
    interfaces.remove(device(name));
    podGone(name);
    row(
        device(container),
        "",
        port.ofport(),
        ImmutableMap.of(
            "iface-id", name + ".default", "pod_name", name, "pod_namespace", "default"),
        ImmutableMap.of());
    datapath.addPort(new Port(port.ofport(), device(container), false, false));
    pods.put(name, port);
    ovnFollows();
    report();
  }

  /** Somebody takes a port's device down. */
  void down(String port) {
    datapath.setUp(port, false);
  }

  synchronized void rowsGone() {
    interfaces.clear();
    report();
  }

  private static String device(String pod) {
    return pod + "_h";
  }

  private void row(
      String name,
      String type,
      int ofport,
      ImmutableMap<String, String> externalIds,
      ImmutableMap<String, String> portExternalIds) {
    interfaces.put(
        name,
        new Interface(name, type, name, OptionalInt.of(ofport), "", externalIds, portExternalIds));
  }

  synchronized ImmutableList<String> portNames() {
    return datapath.ports().values().stream()
        .map(Port::name)
        .collect(ImmutableList.toImmutableList());
  }

  synchronized boolean isUp(String port) {
    return datapath.ports().values().stream()
        .anyMatch(there -> there.isNamed(port) && !there.adminDown());
  }

  // Entries.

  /** OVN's own entries become those of the pods that there are. */
  private void ovnFollows() {
    ImmutableSet<FlowEntry> wanted =
        ImmutableSet.copyOf(
            Lists.transform(OvnEntries.of(DELIVERY_TABLE, pods.values()), OvnText::parse));
    ImmutableSet<FlowEntry> gone = Sets.difference(ovn, wanted).immutableCopy();
    datapath.uproot(gone::contains);
    datapath.plant(Sets.difference(wanted, ovn));
    ovn = wanted;
  }

  synchronized void install(FlowEntry entry) {
    datapath.plant(ImmutableList.of(entry));
  }

  synchronized void uninstall(FlowKey key) {
    datapath.uproot(key);
  }

  /** ovn-controller connects: it deletes all entries and puts back its own. */
  synchronized void wipe() {
    datapath.wipe();
    ovn = ImmutableSet.of();
    ovnFollows();
  }

  /** ovn-controller deletes all entries, and does not come to put back its own. */
  synchronized void wipeAndStay() {
    datapath.wipe();
    ovn = ImmutableSet.of();
  }

  /** OVN puts its entries back. */
  synchronized void ovnIsBack() {
    ovnFollows();
  }

  /** northd gives each of two pods the other's keys; OVN's entries do not follow yet. */
  synchronized void podsSwapKeys(String one, String two) {
    LogicalPort first = pods.get(one);
    LogicalPort second = pods.get(two);
    pods.put(one, new LogicalPort(first.ofport(), second.datapathKey(), second.portKey(), true));
    pods.put(two, new LogicalPort(second.ofport(), first.datapathKey(), first.portKey(), true));
  }

  /** ovs-vswitchd is started anew, and OVN puts its entries back. */
  synchronized void switchCrashes() {
    datapath.crash();
    ovn = ImmutableSet.of();
    datapath.restart();
    ovnFollows();
  }

  /** All entries of all tables, whosever they are, in ovs-ofctl's syntax. */
  ImmutableSortedSet<String> tables() {
    return datapath.entries().stream()
        .map(FlowText::format)
        .collect(ImmutableSortedSet.toImmutableSortedSet(Comparator.naturalOrder()));
  }

  /** All entries but those that OVN has made of the pods. */
  synchronized ImmutableList<FlowEntry> entries() {
    return datapath.entries().stream()
        .filter(entry -> !ovn.contains(entry))
        .collect(ImmutableList.toImmutableList());
  }

  int bundles() {
    return datapath.bundles();
  }

  ImmutableList<FlowChange> flowMods() {
    return datapath.flowMods();
  }

  /** The ports that a frame from one pod to another is output to, by name and in order. */
  synchronized ImmutableList<String> reach(String from, String to) {
    return reach(Packet.from(pods.get(from).ofport()).to(OvnEntries.address(pods.get(to))));
  }

  /** The ports that a pod's broadcast is output to, by name and in order. */
  synchronized ImmutableList<String> flood(String from) {
    return reach(Packet.from(pods.get(from).ofport()));
  }

  private ImmutableList<String> reach(Packet packet) {
    ImmutableMap<Integer, Port> ports = datapath.ports();
    return datapath.reach(packet).stream()
        .map(ofport -> ports.get(ofport).name())
        .collect(ImmutableList.toImmutableList());
  }

  // The connection, time, and what goes wrong.

  void connectionLost() {
    datapath.disconnect("connection reset");
  }

  void connected() {
    datapath.connect();
  }

  /** Time passes for the switch, and for the audit of its sessions. */
  void elapse(Duration time) {
    datapath.elapse(time);
  }

  /** The datapath id that OpenFlow tells. */
  void dpid(long dpid) {
    datapath.dpid(dpid);
  }

  /** The datapath id that OVSDB tells. */
  synchronized void dpidOfOvsdb(String dpid) {
    this.dpid = dpid;
    report();
  }

  void refuse(FlowKey key, String error) {
    datapath.refuse(key, error);
  }

  void acceptAll() {
    datapath.acceptAll();
  }

  /** From now on a round is taken and its outcome not reported, until {@link #answer}. */
  void withholdAnswers() {
    datapath.withholdOutcomes();
  }

  void answer() {
    datapath.tellOutcomes();
  }

  /** From now on rounds are answered as if they had been applied, and nothing changes. */
  void claimSuccess() {
    datapath.pretend();
  }

  /** From now on somebody removes what a round has made, at once. */
  void undoEverything() {
    datapath.afterEachRound(() -> datapath.uproot(entry -> Cookie.isOurs(entry.cookie())));
  }

  /** From now on somebody removes a port that was made, as soon as entries output to it. */
  void undoPorts() {
    datapath.afterEachRound(this::removeOurPorts);
  }

  /** Somebody removes the ports that are marked as ours. */
  synchronized void removeOurPorts() {
    ImmutableList<String> ours =
        interfaces.values().stream()
            .filter(row -> !row.portExternalIds().isEmpty())
            .map(Interface::name)
            .collect(ImmutableList.toImmutableList());
    ours.forEach(this::removePort);
    report();
  }

  private void removePort(String name) {
    interfaces.remove(name);
    datapath.removePort(name);
  }

  // The database.

  synchronized void ovsdb(boolean up) {
    ovsdbUp = up;
    report();
  }

  /** Who has the lock of the one who writes. */
  synchronized void lock(Lock lock) {
    this.lock = lock;
    report();
  }

  synchronized void restoring(boolean on) {
    restoring = on;
    report();
  }

  /** The connection is lost before the next change of rows is answered, and is back at once. */
  synchronized void loseNextRowChange() {
    losingRows = true;
  }

  /** From now on row changes are answered, and change nothing. */
  synchronized void ignoreRowChanges() {
    ignoringRows = true;
  }

  synchronized ImmutableList<RowChange> rowChanges() {
    return ImmutableList.copyOf(rowChanges);
  }

  /** Somebody has a Mirror of Open vSwitch's copy these ports to another. */
  synchronized void mirror(String name, String output, String... selected) {
    mirrors.put(name, new BridgeMirror(name, output, false, ImmutableSet.copyOf(selected)));
    report();
  }

  /** What a Mirror selects. */
  synchronized ImmutableSet<String> selected(String mirror) {
    return mirrors.get(mirror).selected();
  }

  private void deselect(RowChange.Deselect change) {
    mirrors.computeIfPresent(
        change.mirror(),
        (name, mirror) ->
            new BridgeMirror(
                name,
                mirror.outputPort(),
                mirror.selectAll(),
                Sets.difference(mirror.selected(), change.selected()).immutableCopy()));
  }

  private void report() {
    report("");
  }

  private void report(String refused) {
    bridgeReports.accept(
        ovsdbUp
            ? new BridgeReport(
                Optional.of(
                    new Bridge(
                        "br-int",
                        dpid,
                        restoring,
                        ImmutableMap.copyOf(interfaces),
                        ImmutableList.copyOf(mirrors.values()))),
                "",
                rowRound,
                refused,
                lock)
            : new BridgeReport(Optional.empty(), "connection refused", rowRound, "", Lock.UNKNOWN));
  }

  // Sessions.

  @Override
  public DatapathSession openDatapath(
      NodeSettings node, Duration audit, Consumer<DatapathReport> reports) {
    return datapath.open(audit, reports);
  }

  @Override
  public synchronized BridgeSession openBridge(
      NodeSettings node, Lock.Wish wish, Consumer<BridgeReport> reports) {
    bridgeReports = reports;
    wishes.add(wish);
    rowRound = 0;
    report();
    return new Database();
  }

  @Override
  public void close() {}

  private static InterfaceCounters counters(String name) {
    return new InterfaceCounters(
        name,
        OptionalInt.of(1400),
        Optional.of(true),
        Optional.of(true),
        OptionalLong.of(3),
        OptionalLong.of(180),
        OptionalLong.of(0),
        OptionalLong.of(2),
        OptionalLong.of(120),
        OptionalLong.of(0),
        "");
  }

  private final class Database implements BridgeSession {
    @Override
    public void apply(long ofRound, List<RowChange> changes) {
      synchronized (FakeNode.this) {
        rowRound = ofRound;
        rowChanges.addAll(changes);
        if (losingRows) {
          losingRows = false;
          report("the connection was lost before the answer: the peer closed it");
          return;
        }
        if (!ignoringRows) {
          changes.forEach(this::applyOne);
        }
        report();
      }
    }

    @Override
    public CompletableFuture<ImmutableMap<String, InterfaceCounters>> counters(
        ImmutableSet<String> names) {
      synchronized (FakeNode.this) {
        return ovsdbUp
            ? CompletableFuture.completedFuture(
                names.stream()
                    .filter(interfaces::containsKey)
                    .collect(ImmutableMap.toImmutableMap(name -> name, FakeNode::counters)))
            : CompletableFuture.failedFuture(
                new UnansweredException(
                    UnansweredException.Why.NOT_CONNECTED,
                    "no OVSDB connection: connection refused"));
      }
    }

    @Override
    public void lock(Lock.Wish wish) {
      synchronized (FakeNode.this) {
        wishes.add(wish);
        if (wish == Lock.Wish.STEAL) {
          lock = Lock.OURS;
        } else if (wish == Lock.Wish.NONE || wish == Lock.Wish.YIELD) {
          lock = Lock.ANOTHERS;
        }
        report();
      }
    }

    private void applyOne(RowChange change) {
      switch (change) {
        case RowChange.AddInternalPort(String name) -> {
          int ofport = nextPort++;
          row(
              name,
              "internal",
              ofport,
              ImmutableMap.of(),
              ImmutableMap.of(RowChange.OWNER_KEY, RowChange.OWNER_VALUE));
          datapath.addPort(name, ofport);
        }
        case RowChange.RemovePort(String name) -> removePort(name);
        case RowChange.Deselect deselect -> deselect(deselect);
      }
    }

    @Override
    public void close() {}
  }
}
