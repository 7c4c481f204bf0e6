// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.config.Direction;
import io.flowmirror.flows.Plan.Undecided;
import io.flowmirror.topology.Bridge;
import io.flowmirror.topology.BridgeMirror;
import io.flowmirror.topology.Datapath;
import io.flowmirror.topology.Interface;
import io.flowmirror.topology.LogicalPort;
import io.flowmirror.topology.Node;
import io.flowmirror.topology.PodPort;
import io.flowmirror.topology.Port;
import java.util.Collections;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Turns what is wanted of a node and what has been observed of it into a plan. The plan depends on
 * those two alone: not on what came before, and not on what is installed.
 */
public final class MirrorCompiler {
  /**
   * Above this many local ports an entry that costs one more resubmit per delivery could push OVN's
   * own broadcast over Open vSwitch's limit of 4,096 (ofproto/ofproto-dpif-xlate.c, MAX_RESUBMITS),
   * and the packet would be lost. OVN needs about 13 a port; 14 × 250 leaves a good margin.
   */
  public static final int MAX_LOCAL_PORTS = 250;

  private static final int MAX_RESUBMITS = 4096;
  private static final int RESUBMITS_PER_LOCAL_PORT = 13;

  private static final ImmutableSet<String> TUNNEL_TYPES =
      ImmutableSet.of("geneve", "vxlan", "stt");

  private final NodeIntent intent;
  private final Node node;
  private final ImmutableMap.Builder<FlowKey, PlannedEntry> entries = ImmutableMap.builder();
  private final ImmutableList.Builder<RowChange> rows = ImmutableList.builder();
  private final ImmutableList.Builder<RowChange> removableRows = ImmutableList.builder();
  private final ImmutableList.Builder<String> refusals = ImmutableList.builder();
  private OptionalInt bringUp = OptionalInt.empty();

  private MirrorCompiler(NodeIntent intent, Node node) {
    this.intent = intent;
    this.node = node;
  }

  /** The plan for one node. */
  public static Plan compile(NodeIntent intent, Node node) {
    return new MirrorCompiler(intent, node).compile();
  }

  private Plan compile() {
    node.bridge().ifPresent(this::planRows);
    if (node.datapath().isPresent() && intent.mirrorIface().isPresent()) {
      planEntries(node.datapath().get(), intent.mirrorIface().get());
    }
    return new Plan(
        // Two stale interfaces of one pod can share its keys; the entries are then the same.
        entries.buildKeepingLast(),
        rows.build(),
        removableRows.build(),
        bringUp,
        undecided(),
        node.bridgeConfirmed() && node.datapath().isPresent(),
        refusals.build());
  }

  private void planRows(Bridge bridge) {
    if (!node.bridgeConfirmed()) {
      return;
    }
    // Both channels must say that it is not there: an empty answer from one is not a missing port.
    intent
        .mirrorIface()
        .filter(name -> !bridge.interfaces().containsKey(name))
        .filter(name -> node.datapath().isPresent() && node.port(name).isEmpty())
        .ifPresent(name -> rows.add(new RowChange.AddInternalPort(name)));
    for (Interface row : bridge.interfaces().values()) {
      if (isOurs(row) && !intent.mirrorIface().equals(Optional.of(row.name()))) {
        removableRows.add(new RowChange.RemovePort(row.portName()));
      }
    }
  }

  private void planEntries(Datapath datapath, String mirrorIface) {
    // While the wanted port is not there, copies stay on the one of ours that is: a change of
    // mirror-iface then moves them in one step, with no gap between the two.
    Optional<Port> mirrorPort = mirrorPort(mirrorIface).or(this::earlierMirrorPort);
    if (mirrorPort.isEmpty()) {
      return;
    }
    if (datapath.natInLabel()) {
      refusals.add(
          "this node's OVN keeps its NAT mark in ct_label, as OVN before 22.06 does:"
              + " nothing is mirrored; 22.06 or later is needed");
      return;
    }
    reportOtherMirrors(mirrorPort.get());
    MirrorEntries flows = new MirrorEntries(mirrorPort.get().ofport(), intent.holdSeconds());
    if (intent.everything()) {
      planEverything(datapath, flows);
    } else {
      planPods(datapath, flows);
    }
  }

  /** The mirror port, if it is there and may be used; otherwise says why not. */
  private Optional<Port> mirrorPort(String name) {
    Interface row = node.bridge().map(bridge -> bridge.interfaces().get(name)).orElse(null);
    if (row != null) {
      Optional<String> objection = objection(row);
      if (objection.isPresent()) {
        refusals.add("mirror-iface " + name + " " + objection.get());
        return Optional.empty();
      }
    }
    Optional<Port> port = node.port(name);
    if (port.isPresent() && port.get().adminDown()) {
      if (row != null && isOurs(row)) {
        bringUp = OptionalInt.of(port.get().ofport());
      } else {
        refusals.add(
            "mirror-iface "
                + name
                + " is down and swallows every copy: ip link set "
                + name
                + " up");
      }
    }
    return port;
  }

  private Optional<Port> earlierMirrorPort() {
    return node.bridge().stream()
        .flatMap(bridge -> bridge.interfaces().values().stream())
        .filter(row -> isOurs(row) && objection(row).isEmpty())
        .flatMap(row -> node.port(row.name()).stream())
        .findFirst();
  }

  private static Optional<String> objection(Interface row) {
    if (!row.error().isEmpty()) {
      return Optional.of(
          "could not be opened by the switch: "
              + row.error()
              + (isOurs(row)
                  ? "; an existing NIC is bridged by config/node/attach on the node"
                  : ""));
    }
    if (row.pod().isPresent() || row.ifaceId().isPresent()) {
      return Optional.of(
          "is the interface of " + row.ifaceId().orElseGet(() -> row.pod().get().toString()));
    }
    if (TUNNEL_TYPES.contains(row.type()) || row.type().equals("patch")) {
      return Optional.of("is a port of OVN's, of type " + row.type());
    }
    return Optional.empty();
  }

  /** Open vSwitch's own Mirror into the same port, as kube-ovn-cni sets it up, copies once more. */
  private void reportOtherMirrors(Port mirrorPort) {
    ImmutableSet<String> ours =
        intent.everything()
            ? ImmutableSet.of()
            : mirroredPorts().stream()
                .map(PodPort::interfaceName)
                .collect(ImmutableSet.toImmutableSet());
    for (BridgeMirror mirror : node.bridge().map(Bridge::mirrors).orElse(ImmutableList.of())) {
      boolean same =
          intent.everything()
              ? mirror.selectsAnything()
              : mirror.selectAll() || !Collections.disjoint(ours, mirror.selected());
      if (same && mirror.outputPort().equals(mirrorPort.name())) {
        refusals.add(
            "Open vSwitch's Mirror "
                + mirror.name()
                + " outputs to "
                + mirrorPort.name()
                + " too ("
                + (mirror.selectAll()
                    ? "select_all"
                    : "ports " + String.join(", ", mirror.selected()))
                + "): those frames arrive twice");
      }
    }
  }

  private ImmutableList<PodPort> mirroredPorts() {
    return node.podPorts().stream()
        .filter(port -> port.provider().isEmpty() && intent.pods().containsKey(port.pod()))
        .collect(ImmutableList.toImmutableList());
  }

  private void planPods(Datapath datapath, MirrorEntries flows) {
    ImmutableList<PodPort> mirrored = mirroredPorts();
    int delivered = (int) mirrored.stream().filter(port -> direction(port).toPod()).count();
    boolean mayCopyDelivered = mayCopyDelivered(datapath, delivered);
    ImmutableSet<Long> copiedDatapaths =
        mirrored.stream()
            .filter(port -> mayCopyDelivered && direction(port).toPod())
            .flatMap(port -> port.keys().stream())
            .map(LogicalPort::datapathKey)
            .collect(ImmutableSet.toImmutableSet());
    boolean mayCompare = localPorts(datapath) <= MAX_LOCAL_PORTS;
    boolean needsCompare = false;

    if (!mirrored.isEmpty()) {
      add(flows.mirrorPortIngress(), Optional.empty(), "keeps the mirror port's own frames out");
    }
    for (PodPort port : mirrored) {
      String subject = subject(port.interfaceName());
      if (direction(port).fromPod()) {
        add(flows.fromPort(port.ofport(), subject), Optional.of(port), "copies what the pod sends");
      }
      LogicalPort keys = port.keys().orElse(null);
      if (keys == null || datapath.deliveryTable().isEmpty()) {
        continue;
      }
      int table = datapath.deliveryTable().getAsInt();
      if (direction(port).toPod() && mayCopyDelivered) {
        add(flows.toPort(table, keys, subject), Optional.of(port), "copies what the pod receives");
      }
      if (direction(port).fromPod() && copiedDatapaths.contains(keys.datapathKey())) {
        needsCompare = true;
        if (mayCompare) {
          add(
              flows.copiedAlready(table, keys, subject),
              Optional.of(port),
              "keeps what the pod sent, and nobody changed, from being copied again on delivery");
        }
      }
    }
    if (needsCompare && !mayCompare) {
      refusals.add(
          tooManyPorts(datapath)
              + " the entries that keep a frame between two mirrored pods from being copied twice"
              + " are left out");
    }
  }

  private void planEverything(Datapath datapath, MirrorEntries flows) {
    if (localPorts(datapath) > MAX_LOCAL_PORTS) {
      refusals.add(tooManyPorts(datapath) + " enable-mirror is refused, nothing is mirrored");
      return;
    }
    add(flows.mirrorPortIngress(), Optional.empty(), "keeps the mirror port's own frames out");
    add(flows.fromAnyPort(), Optional.empty(), "copies what comes in by any port");
    if (datapath.deliveryTable().isEmpty()) {
      return;
    }
    int table = datapath.deliveryTable().getAsInt();
    ImmutableMap<Integer, Port> byNumber =
        datapath.ports().values().stream()
            .collect(ImmutableMap.toImmutableMap(Port::ofport, port -> port, (a, b) -> b));
    ImmutableSet.Builder<Long> localDatapaths = ImmutableSet.builder();
    for (LogicalPort keys : datapath.logicalPorts()) {
      Port port = byNumber.get(keys.ofport());
      if (port == null) {
        continue;
      }
      localDatapaths.add(keys.datapathKey());
      String subject = subject(port.name());
      Optional<PodPort> pod = podPort(keys.ofport());
      add(flows.toPort(table, keys, subject), pod, "copies what is delivered to " + port.name());
      add(
          flows.copiedAlready(table, keys, subject),
          pod,
          "keeps what came in by " + port.name() + " unchanged from being copied again");
    }
    for (Port tunnel : tunnels(datapath)) {
      for (long datapathKey : localDatapaths.build()) {
        add(
            flows.copiedAtTunnel(table, tunnel.ofport(), datapathKey),
            Optional.empty(),
            "keeps what came in by the tunnel "
                + tunnel.name()
                + " unchanged from being copied again");
      }
    }
  }

  private ImmutableList<Port> tunnels(Datapath datapath) {
    return datapath.ports().values().stream()
        .filter(
            port ->
                node.bridge()
                    .map(bridge -> bridge.interfaces().get(port.name()))
                    .filter(row -> TUNNEL_TYPES.contains(row.type()))
                    .isPresent())
        .collect(ImmutableList.toImmutableList());
  }

  private boolean mayCopyDelivered(Datapath datapath, int delivered) {
    int local = localPorts(datapath);
    if (local <= MAX_LOCAL_PORTS
        || local * RESUBMITS_PER_LOCAL_PORT + delivered <= MAX_RESUBMITS - MAX_RESUBMITS / 32) {
      return true;
    }
    if (delivered > 0) {
      refusals.add(
          tooManyPorts(datapath)
              + " with "
              + delivered
              + " mirrored pods what pods receive is not copied");
    }
    return false;
  }

  private static String tooManyPorts(Datapath datapath) {
    return localPorts(datapath)
        + " local ports are more than "
        + MAX_LOCAL_PORTS
        + ", where OVN's own broadcast comes near Open vSwitch's limit of "
        + MAX_RESUBMITS
        + " resubmits and would be lost:";
  }

  private static int localPorts(Datapath datapath) {
    return (int) datapath.logicalPorts().stream().mapToInt(LogicalPort::ofport).distinct().count();
  }

  private Undecided undecided() {
    if (node.datapath().isEmpty() || intent.mirrorIface().isEmpty()) {
      return Undecided.NOTHING;
    }
    Datapath datapath = node.datapath().get();
    ImmutableSet<Integer> ofports = node.undecidedPorts();
    return new Undecided(
        ofports,
        datapath.logicalPorts().stream()
            .filter(port -> ofports.contains(port.ofport()))
            .map(port -> new Undecided.LogicalKeys(port.datapathKey(), port.portKey()))
            .collect(ImmutableSet.toImmutableSet()),
        datapath.ports().values().stream()
            .map(Port::ofport)
            .collect(ImmutableSet.toImmutableSet()));
  }

  private void add(FlowEntry entry, Optional<PodPort> port, String purpose) {
    entries.put(entry.key(), new PlannedEntry(entry, port.map(PodPort::pod), purpose));
  }

  private Direction direction(PodPort port) {
    return intent.pods().getOrDefault(port.pod(), Direction.BOTH);
  }

  private Optional<PodPort> podPort(int ofport) {
    return node.podPorts().stream().filter(port -> port.ofport() == ofport).findFirst();
  }

  /** Whose traffic it is: the logical port, or failing that the interface. */
  private String subject(String interfaceName) {
    return node.bridge()
        .map(bridge -> bridge.interfaces().get(interfaceName))
        .flatMap(Interface::ifaceId)
        .orElse("interface:" + interfaceName);
  }

  private static boolean isOurs(Interface row) {
    return RowChange.OWNER_VALUE.equals(row.portExternalIds().get(RowChange.OWNER_KEY));
  }
}
