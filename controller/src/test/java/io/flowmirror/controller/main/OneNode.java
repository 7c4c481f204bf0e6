// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.config.Direction;
import io.flowmirror.config.KubeOvnMirror;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.controller.reconcile.Obstacle;
import io.flowmirror.flows.FlowDiff;
import io.flowmirror.flows.FlowKey;
import io.flowmirror.flows.InstalledEntry;
import io.flowmirror.flows.MirrorCompiler;
import io.flowmirror.flows.NodeIntent;
import io.flowmirror.flows.Plan;
import io.flowmirror.topology.Bridge;
import io.flowmirror.topology.BridgeMirror;
import io.flowmirror.topology.Datapath;
import io.flowmirror.topology.Interface;
import io.flowmirror.topology.LogicalPort;
import io.flowmirror.topology.Node;
import io.flowmirror.topology.PodInterface;
import io.flowmirror.topology.PodName;
import io.flowmirror.topology.Port;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A node n1 at one moment: it has default/web at port 5 and secret/db at port 6. Open vSwitch's
 * Mirror m0 copies whatever is mirrored of them once more.
 */
record OneNode(
    ImmutableMap<PodInterface, Direction> wanted,
    boolean everything,
    boolean connected,
    String webInterface,
    ImmutableList<String> waiting,
    NodeStatus.Writer writer) {
  static final PodInterface WEB = PodInterface.primary(new PodName("default", "web"));
  static final PodInterface DB = PodInterface.primary(new PodName("secret", "db"));

  static OneNode quiet() {
    return new OneNode(
        ImmutableMap.of(), false, true, "web_h", ImmutableList.of(), NodeStatus.Writer.US);
  }

  static OneNode wanting(PodInterface... pods) {
    ImmutableMap.Builder<PodInterface, Direction> wanted = ImmutableMap.builder();
    for (PodInterface pod : pods) {
      wanted.put(pod, Direction.BOTH);
    }
    return quiet().with(wanted.buildOrThrow());
  }

  OneNode with(ImmutableMap<PodInterface, Direction> others) {
    return new OneNode(others, everything, connected, webInterface, waiting, writer);
  }

  OneNode allMirrored() {
    return new OneNode(wanted, true, connected, webInterface, waiting, writer);
  }

  /** Without OpenFlow. */
  OneNode lost(String why) {
    return new OneNode(wanted, everything, false, webInterface, ImmutableList.of(why), writer);
  }

  OneNode waitingFor(String why) {
    return new OneNode(wanted, everything, connected, webInterface, ImmutableList.of(why), writer);
  }

  OneNode writtenBy(NodeStatus.Writer other) {
    return new OneNode(wanted, everything, connected, webInterface, waiting, other);
  }

  /** With another pod of web's name. */
  OneNode withWebAt(String name) {
    return new OneNode(wanted, everything, connected, name, waiting, writer);
  }

  private static Interface row(String name, int ofport, ImmutableMap<String, String> ids) {
    return new Interface(
        name, "internal", name, OptionalInt.of(ofport), "", ids, ImmutableMap.of());
  }

  private static ImmutableMap<String, String> ids(PodName pod) {
    return ImmutableMap.of(
        "iface-id",
        pod.name() + "." + pod.namespace(),
        "pod_name",
        pod.name(),
        "pod_namespace",
        pod.namespace());
  }

  private Node node() {
    Bridge bridge =
        new Bridge(
            "br-int",
            "",
            false,
            ImmutableMap.of(
                "mirror0",
                row("mirror0", 3, ImmutableMap.of()),
                webInterface,
                row(webInterface, 5, ids(WEB.pod())),
                "db_h",
                row("db_h", 6, ids(DB.pod()))),
            ImmutableList.of(new BridgeMirror("m0", "mirror0", true, ImmutableSet.of())));
    Datapath datapath =
        new Datapath(
            1,
            0x20000000101L,
            "3.1.0",
            ImmutableMap.of(
                3,
                new Port(3, "mirror0", false, false),
                5,
                new Port(5, webInterface, false, false),
                6,
                new Port(6, "db_h", false, false)),
            OptionalInt.of(65),
            ImmutableList.of(new LogicalPort(5, 2, 3, true), new LogicalPort(6, 2, 4, true)),
            false,
            ImmutableSet.of());
    return new Node(
        "n1", Optional.of(bridge), true, connected ? Optional.of(datapath) : Optional.empty());
  }

  private NodeIntent intent() {
    return new NodeIntent(
        Optional.of("mirror0"), everything, 1800, KubeOvnMirror.REPORT, wanted, ImmutableMap.of());
  }

  /** With all entries that are wanted. */
  NodeStatus done() {
    return after(this, ImmutableMap.of());
  }

  /** With none of them, and these refused. */
  NodeStatus refused(String why) {
    Plan plan = MirrorCompiler.compile(intent(), node());
    ImmutableMap.Builder<FlowKey, String> refused = ImmutableMap.builder();
    plan.entries().keySet().forEach(key -> refused.put(key, why));
    return after(quiet(), refused.buildOrThrow());
  }

  /** With those still that were there before. */
  NodeStatus after(OneNode before) {
    return after(before, ImmutableMap.of());
  }

  private NodeStatus after(OneNode before, ImmutableMap<FlowKey, String> refused) {
    Node node = node();
    Plan plan = MirrorCompiler.compile(intent(), node);
    ImmutableList<InstalledEntry> installed =
        connected
            ? MirrorCompiler.compile(before.intent(), before.node()).entries().values().stream()
                .map(planned -> new InstalledEntry(planned.entry(), 7, 9, 900))
                .collect(ImmutableList.toImmutableList())
            : ImmutableList.of();
    FlowDiff diff = FlowDiff.between(plan, installed, ImmutableSet.of(), ImmutableSet.of());
    return new NodeStatus(
        intent(),
        node,
        plan,
        installed,
        diff,
        refused,
        writer,
        waiting.stream()
            .map(words -> new Obstacle(Obstacle.On.MIRROR_PORT, words))
            .collect(ImmutableList.toImmutableList()),
        Optional.empty(),
        waiting.isEmpty() && diff.inSync(),
        ImmutableList.of());
  }
}
