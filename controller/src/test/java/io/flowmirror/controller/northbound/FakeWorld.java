// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.config.Direction;
import io.flowmirror.config.KubeOvnMirror;
import io.flowmirror.config.Overrides;
import io.flowmirror.config.Settings;
import io.flowmirror.config.SettingsReader;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.controller.reconcile.Obstacle;
import io.flowmirror.controller.reconcile.Repair;
import io.flowmirror.flows.EntryFilter;
import io.flowmirror.flows.FlowDiff;
import io.flowmirror.flows.FlowParser;
import io.flowmirror.flows.InstalledEntry;
import io.flowmirror.flows.MirrorCompiler;
import io.flowmirror.flows.NodeIntent;
import io.flowmirror.flows.Plan;
import io.flowmirror.topology.Bridge;
import io.flowmirror.topology.Datapath;
import io.flowmirror.topology.Interface;
import io.flowmirror.topology.InterfaceCounters;
import io.flowmirror.topology.LogicalPort;
import io.flowmirror.topology.Node;
import io.flowmirror.topology.PodInterface;
import io.flowmirror.topology.PodName;
import io.flowmirror.topology.Port;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * Two nodes without switches: on n1 web (mirrored by the configuration, all entries there), db and
 * other/api; n2 is away. The entries are those that the compiler wants.
 */
final class FakeWorld implements World {
  static final PodName WEB = new PodName("demo", "web");
  static final PodName DB = new PodName("demo", "db");
  static final PodName API = new PodName("other", "api");

  static final String YAML =
      """
      nodes:
        - {name: n1, ovsdb: 'unix:/db1', openflow: 'unix:/of1'}
        - {name: n2, ovsdb: 'unix:/db2', openflow: 'unix:/of2'}
      mirrors: [{pod: demo/web}]
      """;

  private volatile Settings settings = settingsWith("");
  private volatile ImmutableMap<String, NodeStatus> statuses;
  volatile boolean turns = true;
  final AtomicInteger dumps = new AtomicInteger();
  volatile ImmutableList<String> unready = ImmutableList.of();
  volatile Optional<Duration> apiSilence = Optional.of(Duration.ofMillis(1500));

  /** What becomes of what is told to other controllers. */
  volatile Consumer<String> shares =
      text -> {
        throw new IllegalStateException("nobody else is there");
      };

  volatile ImmutableMap<PodInterface, ImmutableList<String>> askedByApi = ImmutableMap.of();
  volatile ImmutableMap<String, Instant> endsByApi = ImmutableMap.of();

  FakeWorld() {
    statuses = ImmutableMap.of("n1", there(), "n2", away());
  }

  /** The configuration has these lines from now on, besides its own. */
  void configured(String lines) {
    settings = settingsWith(lines);
  }

  private static Settings settingsWith(String lines) {
    return SettingsReader.parse("f.yaml", YAML + lines, Overrides.none());
  }

  void becomes(ImmutableMap<String, NodeStatus> others) {
    statuses = others;
  }

  private static NodeIntent intent() {
    return intent(false);
  }

  private static NodeIntent intent(boolean everything) {
    return new NodeIntent(
        Optional.of("mirror0"),
        everything,
        1800,
        KubeOvnMirror.REPORT,
        ImmutableMap.of(
            PodInterface.primary(WEB),
            Direction.BOTH,
            PodInterface.primary(new PodName("demo", "nowhere")),
            Direction.TO_POD),
        ImmutableMap.of());
  }

  static NodeStatus there() {
    return there(ImmutableList.of());
  }

  /** The same, where everything is mirrored. */
  static NodeStatus everything() {
    return there(intent(true), ImmutableList.of());
  }

  /** The same, with something in the way; where that is OVN, its entries are gone. */
  static NodeStatus there(ImmutableList<Obstacle> obstacles) {
    return there(intent(), obstacles);
  }

  private static NodeStatus there(NodeIntent intent, ImmutableList<Obstacle> obstacles) {
    boolean wiped = obstacles.stream().anyMatch(each -> each.on() == Obstacle.On.OVN);
    Node node =
        new Node(
            "n1",
            Optional.of(bridge()),
            true,
            Optional.of(datapath(wiped ? ImmutableSet.of(5) : ImmutableSet.of())));
    Plan plan = MirrorCompiler.compile(intent, node);
    ImmutableList<InstalledEntry> installed =
        plan.entries().values().stream()
            .map(planned -> new InstalledEntry(planned.entry(), 7, 9, 900))
            .collect(ImmutableList.toImmutableList());
    return status(
        intent,
        node,
        plan,
        installed,
        obstacles,
        ImmutableList.of(
            new Repair(
                Repair.Cause.WIPED,
                Instant.parse("2026-01-31T10:00:00Z"),
                Duration.ofMillis(7),
                3,
                Optional.of(Duration.ofMillis(5)))));
  }

  static NodeStatus away() {
    Node node = new Node("n2", Optional.empty(), false, Optional.empty());
    return status(
        intent(),
        node,
        MirrorCompiler.compile(intent(), node),
        ImmutableList.of(),
        ImmutableList.of(
            new Obstacle(Obstacle.On.OPENFLOW, "no OpenFlow: connection refused"),
            new Obstacle(Obstacle.On.OVSDB, "no OVSDB: connection refused")),
        ImmutableList.of());
  }

  /**
   * A node n1 with pods web and db, both on one logical switch, in sync.
   *
   * @param others how many other ports there are
   */
  static NodeStatus crowded(ImmutableMap<PodName, Direction> mirrored, int others) {
    ImmutableList.Builder<LogicalPort> ports = ImmutableList.builder();
    ports.addAll(datapath(ImmutableSet.of()).logicalPorts());
    for (int i = 0; i < others; i++) {
      ports.add(new LogicalPort(100 + i, 2, 100 + i, true));
    }
    Datapath there = datapath(ImmutableSet.of());
    Datapath crowded =
        new Datapath(
            there.connection(),
            there.dpid(),
            there.switchVersion(),
            there.ports(),
            there.deliveryTable(),
            ports.build(),
            there.natInLabel(),
            there.remembered());
    Node node = new Node("n1", Optional.of(bridge()), true, Optional.of(crowded));
    NodeIntent intent =
        new NodeIntent(
            Optional.of("mirror0"),
            false,
            1800,
            KubeOvnMirror.REPORT,
            mirrored.entrySet().stream()
                .collect(
                    ImmutableMap.toImmutableMap(
                        asked -> PodInterface.primary(asked.getKey()), asked -> asked.getValue())),
            ImmutableMap.of());
    Plan plan = MirrorCompiler.compile(intent, node);
    ImmutableList<InstalledEntry> installed =
        plan.entries().values().stream()
            .map(planned -> new InstalledEntry(planned.entry(), 7, 9, 900))
            .collect(ImmutableList.toImmutableList());
    return new NodeStatus(
        intent,
        node,
        plan,
        installed,
        FlowDiff.between(plan, installed, ImmutableSet.of(), ImmutableSet.of()),
        ImmutableMap.of(),
        NodeStatus.Writer.US,
        ImmutableList.of(),
        Optional.empty(),
        true,
        ImmutableList.of());
  }

  private static NodeStatus status(
      NodeIntent intent,
      Node node,
      Plan plan,
      ImmutableList<InstalledEntry> installed,
      ImmutableList<Obstacle> waiting,
      ImmutableList<Repair> repairs) {
    FlowDiff diff = FlowDiff.between(plan, installed, ImmutableSet.of(), ImmutableSet.of());
    return new NodeStatus(
        intent,
        node,
        plan,
        installed,
        diff,
        ImmutableMap.of(),
        node.bridgeConfirmed() ? NodeStatus.Writer.US : NodeStatus.Writer.UNDECIDED,
        waiting,
        Optional.empty(),
        waiting.isEmpty() && diff.inSync(),
        repairs);
  }

  private static Bridge bridge() {
    return new Bridge(
        "br-int",
        "",
        false,
        ImmutableMap.of(
            "mirror0", row("mirror0", 3, ImmutableMap.of()),
            "web_h", row("web_h", 5, pod(WEB)),
            "db_h", row("db_h", 6, pod(DB)),
            "api_h", row("api_h", 7, pod(API))),
        ImmutableList.of());
  }

  private static ImmutableMap<String, String> pod(PodName pod) {
    return ImmutableMap.of(
        "iface-id",
        pod.name() + "." + pod.namespace(),
        "pod_name",
        pod.name(),
        "pod_namespace",
        pod.namespace());
  }

  private static Interface row(String name, int ofport, ImmutableMap<String, String> ids) {
    return new Interface(
        name, "internal", name, OptionalInt.of(ofport), "", ids, ImmutableMap.of());
  }

  private static Datapath datapath(ImmutableSet<Integer> remembered) {
    return new Datapath(
        1,
        0x20000000101L,
        "3.1.0",
        ImmutableMap.of(
            3, new Port(3, "mirror0", false, false),
            5, new Port(5, "web_h", false, false),
            6, new Port(6, "db_h", false, false),
            7, new Port(7, "api_h", false, false)),
        OptionalInt.of(65),
        ImmutableList.of(
            new LogicalPort(5, 2, 3, true),
            new LogicalPort(6, 2, 4, true),
            new LogicalPort(7, 2, 5, true)),
        false,
        remembered);
  }

  @Override
  public ImmutableMap<String, NodeStatus> statuses() {
    return statuses;
  }

  @Override
  public Settings settings() {
    return settings;
  }

  @Override
  public CompletableFuture<Void> turn() {
    return turns ? CompletableFuture.completedFuture(null) : new CompletableFuture<>();
  }

  @Override
  public ImmutableMap<String, Integer> queues() {
    return ImmutableMap.of("loop", 3);
  }

  @Override
  public Optional<Duration> apiSilence() {
    return apiSilence;
  }

  @Override
  public ImmutableList<String> unready() {
    return unready;
  }

  @Override
  public void share(String text) {
    shares.accept(text);
  }

  @Override
  public CompletableFuture<Void> audit(String node) {
    return node.equals("n1")
        ? CompletableFuture.completedFuture(null)
        : CompletableFuture.failedFuture(new IllegalStateException("no connection"));
  }

  @Override
  public CompletableFuture<Long> dump(
      String node, EntryFilter filter, Consumer<ImmutableList<InstalledEntry>> batches) {
    ImmutableList<InstalledEntry> all =
        ImmutableList.of(
            new InstalledEntry(
                FlowParser.parse(
                    "cookie=0x1, table=0, priority=100,in_port=5"
                        + " actions=set_field:0x3->reg14,set_field:0x2->metadata,resubmit(,8)"),
                8,
                1,
                60),
            new InstalledEntry(
                FlowParser.parse(
                    "cookie=0x2, table=65, priority=100,reg15=0x3,metadata=0x2 actions=output:5"),
                8,
                1,
                60));
    dumps.incrementAndGet();
    NodeStatus status = statuses.get(node);
    ImmutableList<InstalledEntry> ours = status == null ? ImmutableList.of() : status.installed();
    ImmutableList<InstalledEntry> found =
        Stream.concat(ours.stream(), all.stream())
            .filter(there -> filter.includes(there.entry()))
            .collect(ImmutableList.toImmutableList());
    batches.accept(found);
    return CompletableFuture.completedFuture((long) found.size());
  }

  @Override
  public CompletableFuture<ImmutableMap<String, InterfaceCounters>> counters(
      String node, ImmutableSet<String> interfaces) {
    return CompletableFuture.completedFuture(
        interfaces.stream()
            .collect(
                ImmutableMap.toImmutableMap(
                    name -> name,
                    name ->
                        new InterfaceCounters(
                            name,
                            OptionalInt.of(1400),
                            Optional.of(true),
                            Optional.of(true),
                            OptionalLong.of(9),
                            OptionalLong.of(900),
                            OptionalLong.of(0),
                            OptionalLong.of(9),
                            OptionalLong.of(900),
                            OptionalLong.of(0),
                            ""))));
  }

  @Override
  public ImmutableMap<PodInterface, ImmutableList<String>> askedByApi(String node) {
    return node.equals("n1") ? askedByApi : ImmutableMap.of();
  }

  @Override
  public ImmutableMap<String, Instant> endsByApi(String node) {
    return node.equals("n1") ? endsByApi : ImmutableMap.of();
  }

  @Override
  public Optional<String> refusedByApi(PodName pod) {
    return Optional.empty();
  }
}
