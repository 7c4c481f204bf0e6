// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.ImmutableSortedSet;
import io.flowmirror.config.Direction;
import io.flowmirror.config.KubeOvnMirror;
import io.flowmirror.flows.Plan.Undecided;
import io.flowmirror.topology.Bridge;
import io.flowmirror.topology.BridgeMirror;
import io.flowmirror.topology.Datapath;
import io.flowmirror.topology.Interface;
import io.flowmirror.topology.LogicalPort;
import io.flowmirror.topology.Node;
import io.flowmirror.topology.PodPort;
import io.flowmirror.topology.Port;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Turns what is wanted of a node and what has been observed of it into a plan. The plan depends on
 * those two alone: not on what came before, and not on what is installed.
 */
public final class MirrorCompiler {
  /** Above this many local ports, what could cost OVN a broadcast is refused. */
  public static final int MAX_LOCAL_PORTS = ResubmitBudget.MAX_LOCAL_PORTS;

  private final NodeIntent intent;
  private final Node node;
  private final Bridge bridge;
  private final Datapath datapath;
  private final ImmutableList<PodPort> mirrored;
  private final ResubmitBudget budget;
  private final ImmutableMap.Builder<FlowKey, PlannedEntry> entries = ImmutableMap.builder();
  private final ImmutableList.Builder<RowChange> rows = ImmutableList.builder();
  private final ImmutableList.Builder<String> refusals = ImmutableList.builder();

  private MirrorCompiler(NodeIntent intent, Node node, Bridge bridge, Datapath datapath) {
    this.intent = intent;
    this.node = node;
    this.bridge = bridge;
    this.datapath = datapath;
    this.mirrored =
        node.podPorts().stream()
            .filter(port -> intent.includes(port.podInterface(), port.interfaceName()))
            .collect(ImmutableList.toImmutableList());
    this.budget = ResubmitBudget.of(datapath);
  }

  /**
   * The plan for one node. Until both OVSDB and OpenFlow have said something of it, there is
   * nothing to plan.
   */
  public static Plan compile(NodeIntent intent, Node node) {
    if (node.bridge().isEmpty() || !node.isOneSwitch()) {
      return Plan.NOTHING;
    }
    Bridge bridge = node.bridge().get();
    MirrorPort mirrorPort = MirrorPort.of(intent, node, bridge);
    ImmutableList.Builder<String> refusals = ImmutableList.builder();
    refusals.addAll(mirrorPort.refusals());
    ImmutableMap<FlowKey, PlannedEntry> entries = ImmutableMap.of();
    ImmutableList.Builder<RowChange> rows = ImmutableList.builder();
    rows.addAll(mirrorPort.rows());
    if (node.datapath().isPresent() && mirrorPort.port().isPresent()) {
      MirrorCompiler compiler = new MirrorCompiler(intent, node, bridge, node.datapath().get());
      compiler.planEntries(mirrorPort.port().get());
      // Two stale interfaces of one pod can share its keys; the entries are then the same.
      entries = compiler.entries.buildKeepingLast();
      refusals.addAll(compiler.refusals.build());
      if (node.bridgeConfirmed()) {
        rows.addAll(compiler.rows.build());
      }
    }
    return new Plan(
        entries,
        rows.build(),
        mirrorPort.removableRows(),
        mirrorPort.bringUp(),
        undecided(intent, node, bridge),
        node.bridgeConfirmed() && node.datapath().isPresent(),
        refusals.build());
  }

  /**
   * Whether the plan of a node is the same by either: what is wanted of pods that are elsewhere has
   * no part in it.
   */
  public static boolean compilesTheSame(NodeIntent one, NodeIntent other, Node node) {
    return one.wantsTheSame(other, node.podPorts());
  }

  private void planEntries(Port mirrorPort) {
    if (datapath.natInLabel()) {
      refusals.add(
          "this node's OVN keeps its NAT mark in ct_label, as OVN before 22.06 does:"
              + " nothing is mirrored; 22.06 or later is needed");
      return;
    }
    planOtherMirrors(mirrorPort);
    MirrorEntries flows = new MirrorEntries(mirrorPort.ofport(), intent.holdSeconds());
    if (intent.everything()) {
      planEverything(flows);
    } else {
      planPods(flows);
    }
  }

  /** Open vSwitch's own Mirror into the same port, as kube-ovn-cni sets it up, copies once more. */
  private void planOtherMirrors(Port mirrorPort) {
    for (BridgeMirror mirror : bridge.mirrors()) {
      if (!mirror.outputPort().equals(mirrorPort.name())) {
        continue;
      }
      ImmutableSortedSet<String> doubled =
          mirrored.stream()
              .map(port -> portName(port.interfaceName()))
              .filter(port -> mirror.selectAll() || mirror.selected().contains(port))
              .collect(ImmutableSortedSet.toImmutableSortedSet(Comparator.naturalOrder()));
      boolean any = intent.everything() ? mirror.selectsAnything() : !doubled.isEmpty();
      if (!any) {
        continue;
      }
      boolean canTakeOver = !intent.everything() && !mirror.selectAll();
      if (canTakeOver && intent.kubeOvnMirror() == KubeOvnMirror.TAKE_OVER) {
        rows.add(new RowChange.Deselect(mirror.name(), mirrorPort.name(), doubled));
      } else {
        refusals.add(doubled(mirror, doubled, canTakeOver));
      }
    }
  }

  private String doubled(
      BridgeMirror mirror, ImmutableSortedSet<String> ports, boolean canTakeOver) {
    String whose =
        intent.everything()
            ? ""
            : mirrored.stream()
                .filter(port -> ports.contains(portName(port.interfaceName())))
                .map(port -> port.pod().toString())
                .distinct()
                .collect(Collectors.joining(", ", " of ", ""));
    return Plan.DOUBLED
        + mirror.name()
        + ": Open vSwitch copies frames"
        + whose
        + " to "
        + mirror.outputPort()
        + " too ("
        + (mirror.selectAll() ? "select_all" : "it selects " + String.join(", ", mirror.selected()))
        + "): those arrive twice. "
        + (canTakeOver
            ? "Remove Kube-OVN's annotation, or set kube-ovn-mirror: take-over"
            : "Switch it off (Kube-OVN: --enable-mirror=false), or take another mirror-iface");
  }

  private String portName(String interfaceName) {
    Interface row = bridge.interfaces().get(interfaceName);
    return row == null ? interfaceName : row.portName();
  }

  private void planPods(MirrorEntries flows) {
    int delivered = (int) mirrored.stream().filter(port -> direction(port).toPod()).count();
    boolean mayCopyDelivered = budget.allows(delivered);
    if (!mayCopyDelivered && delivered > 0) {
      refusals.add(
          budget.reason() + " what pods receive is not copied (mirrored there: " + delivered + ")");
    }
    ImmutableSet<Long> copiedDatapaths =
        mirrored.stream()
            .filter(port -> mayCopyDelivered && direction(port).toPod())
            .flatMap(port -> port.keys().stream())
            .map(LogicalPort::datapathKey)
            .collect(ImmutableSet.toImmutableSet());
    boolean leftOut = false;

    if (!mirrored.isEmpty()) {
      add(flows.mirrorPortIngress(), Optional.empty(), "keeps the mirror port's own frames out");
    }
    for (PodPort port : mirrored) {
      String subject = subject(port.interfaceName());
      FlowEntry fromPort = flows.fromPort(port.ofport(), subject);
      if (direction(port).fromPod()) {
        add(fromPort, Optional.of(port), "copies what the pod sends");
      }
      if (port.keys().isEmpty() || datapath.deliveryTable().isEmpty()) {
        continue;
      }
      LogicalPort keys = port.keys().get();
      int table = datapath.deliveryTable().getAsInt();
      if (direction(port).toPod() && mayCopyDelivered) {
        add(flows.toPort(table, keys, subject), Optional.of(port), "copies what the pod receives");
      }
      if (direction(port).fromPod() && copiedDatapaths.contains(keys.datapathKey())) {
        leftOut |= !budget.allowsOneMorePerPort();
        if (budget.allowsOneMorePerPort()) {
          add(
              flows.copiedAlready(table, keys, subject),
              Optional.of(port),
              "keeps what the pod sent, and nobody changed, from being copied again on delivery",
              fromPort.key());
        }
      }
    }
    if (leftOut) {
      refusals.add(
          budget.reason()
              + " the entries that keep a frame between two mirrored pods from being copied twice"
              + " are left out");
    }
  }

  private void planEverything(MirrorEntries flows) {
    if (!budget.allowsOneMorePerPort()) {
      refusals.add(budget.reason() + " enable-mirror is refused, nothing is mirrored");
      return;
    }
    FlowEntry fromAnyPort = flows.fromAnyPort();
    add(flows.mirrorPortIngress(), Optional.empty(), "keeps the mirror port's own frames out");
    add(fromAnyPort, Optional.empty(), "copies what comes in by any port");
    if (datapath.deliveryTable().isEmpty()) {
      return;
    }
    int table = datapath.deliveryTable().getAsInt();
    ImmutableSet.Builder<Long> localDatapaths = ImmutableSet.builder();
    Map<Integer, Interface> rows = node.rows();
    Map<Integer, PodPort> pods = new HashMap<>();
    node.podPorts().forEach(pod -> pods.putIfAbsent(pod.ofport(), pod));
    for (LogicalPort keys : datapath.logicalPorts()) {
      Port port = datapath.ports().get(keys.ofport());
      if (port == null) {
        continue;
      }
      localDatapaths.add(keys.datapathKey());
      Interface known = rows.get(keys.ofport());
      String name = known == null ? port.name() : known.name();
      // Whoever it is, everybody is asked for: the entries do not change with the port's owner.
      String subject = "";
      Optional<PodPort> pod = Optional.ofNullable(pods.get(keys.ofport()));
      add(flows.toPort(table, keys, subject), pod, "copies what is delivered to " + name);
      // A frame that loses its tag on the way is another frame, which nobody has copied.
      if (keys.untags()) {
        continue;
      }
      add(
          flows.copiedAlready(table, keys, subject),
          pod,
          "keeps what came in by " + name + " unchanged from being copied again",
          fromAnyPort.key());
    }
    for (Port tunnel : datapath.ports().values()) {
      Interface known = rows.get(tunnel.ofport());
      Optional<Encapsulation> encapsulation =
          known == null ? Optional.empty() : Encapsulation.of(known);
      if (encapsulation.isEmpty()) {
        continue;
      }
      for (long datapathKey : localDatapaths.build()) {
        add(
            flows.copiedAtTunnel(table, tunnel.ofport(), encapsulation.get(), datapathKey),
            Optional.empty(),
            "keeps what came in by the tunnel "
                + tunnel.name()
                + " unchanged from being copied again",
            fromAnyPort.key());
      }
    }
  }

  private static Undecided undecided(NodeIntent intent, Node node, Bridge bridge) {
    if (node.datapath().isEmpty() || intent.mirrorIface().isEmpty()) {
      return Undecided.NOTHING;
    }
    ImmutableSet<Integer> ofports = node.undecidedPorts();
    ImmutableSet.Builder<Integer> mirrorPorts = ImmutableSet.builder();
    node.port(intent.mirrorIface().get()).ifPresent(port -> mirrorPorts.add(port.ofport()));
    bridge.interfaces().values().stream()
        .filter(MirrorPort::isOurs)
        .flatMap(row -> node.port(row).stream())
        .forEach(port -> mirrorPorts.add(port.ofport()));
    return new Undecided(
        ofports,
        node.datapath().get().logicalPorts().stream()
            .filter(port -> ofports.contains(port.ofport()))
            .map(port -> new Undecided.LogicalKeys(port.datapathKey(), port.portKey()))
            .collect(ImmutableSet.toImmutableSet()),
        mirrorPorts.build(),
        bridge.interfaces().values().stream()
            .map(MirrorCompiler::subject)
            .collect(ImmutableSet.toImmutableSet()));
  }

  private void add(FlowEntry entry, Optional<PodPort> port, String purpose) {
    entries.put(
        entry.key(), new PlannedEntry(entry, port.map(PodPort::pod), purpose, Optional.empty()));
  }

  private void add(FlowEntry entry, Optional<PodPort> port, String purpose, FlowKey needs) {
    entries.put(
        entry.key(), new PlannedEntry(entry, port.map(PodPort::pod), purpose, Optional.of(needs)));
  }

  private Direction direction(PodPort port) {
    return intent.pods().getOrDefault(port.podInterface(), Direction.BOTH);
  }

  /** Whose traffic it is: the logical port, or failing that the interface. */
  private String subject(String interfaceName) {
    Interface row = bridge.interfaces().get(interfaceName);
    return row == null ? "interface:" + interfaceName : subject(row);
  }

  static String subject(Interface row) {
    return row.ifaceId().orElse("interface:" + row.name());
  }
}
