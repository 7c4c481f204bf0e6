// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.config.Direction;
import io.flowmirror.config.KubeOvnMirror;
import io.flowmirror.flows.Cookie;
import io.flowmirror.flows.FlowChange;
import io.flowmirror.flows.FlowDiff;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.FlowKey;
import io.flowmirror.flows.FlowParser;
import io.flowmirror.flows.FlowText;
import io.flowmirror.flows.InstalledEntry;
import io.flowmirror.flows.MirrorCompiler;
import io.flowmirror.flows.NodeIntent;
import io.flowmirror.flows.Plan;
import io.flowmirror.flows.PlannedEntry;
import io.flowmirror.topology.Bridge;
import io.flowmirror.topology.Datapath;
import io.flowmirror.topology.Interface;
import io.flowmirror.topology.LogicalPort;
import io.flowmirror.topology.Node;
import io.flowmirror.topology.PodInterface;
import io.flowmirror.topology.PodName;
import io.flowmirror.topology.Port;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What is done with every entry, for one node of 20 mirrored pods: per entry, of which there are
 * 61. Run by {@code bench/micro}, which also has JMH's generator look at it.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class MicroBench {
  private static final int PODS = 20;
  private static final int ENTRIES = 1 + 3 * PODS;
  private static final int TABLE = 65;
  private static final int HOLD = 1800;

  private NodeIntent intent;
  private Node node;
  private Plan plan;
  private List<InstalledEntry> installed;
  private ImmutableSet<FlowKey> owned;
  private List<FlowChange> adds;
  private List<FlowEntry> entries;
  private List<String> lines;
  private ByteBuf stats;
  private ByteBuf out;

  /** A node as it is when all is well. */
  @Setup
  public void prepare() {
    ImmutableMap.Builder<PodInterface, Direction> pods = ImmutableMap.builder();
    ImmutableMap.Builder<String, Interface> rows = ImmutableMap.builder();
    ImmutableMap.Builder<Integer, Port> ports = ImmutableMap.builder();
    ImmutableList.Builder<LogicalPort> logical = ImmutableList.builder();
    rows.put("mirror0", row("mirror0", "internal", 1, ImmutableMap.of()));
    ports.put(1, new Port(1, "mirror0", false, false));
    for (int i = 0; i < PODS; i++) {
      String pod = "p" + (1 + i);
      String name = pod + "_h";
      pods.put(PodInterface.primary(new PodName("default", pod)), Direction.BOTH);
      ImmutableMap<String, String> ids =
          ImmutableMap.of(
              "iface-id", pod + ".default", "pod_name", pod, "pod_namespace", "default");
      rows.put(name, row(name, "", 2 + i, ids));
      ports.put(2 + i, new Port(2 + i, name, false, false));
      logical.add(new LogicalPort(2 + i, 3, 1 + i, true));
    }
    intent =
        new NodeIntent(
            Optional.of("mirror0"),
            false,
            HOLD,
            KubeOvnMirror.REPORT,
            pods.buildOrThrow(),
            ImmutableMap.of());
    Datapath datapath =
        new Datapath(
            1,
            0x0a00_0000_0001L,
            "3.1.0",
            ports.buildOrThrow(),
            OptionalInt.of(TABLE),
            logical.build(),
            false,
            ImmutableSet.of());
    node =
        new Node(
            "n1",
            Optional.of(
                new Bridge(
                    "br-int", datapath.dpidText(), false, rows.buildOrThrow(), ImmutableList.of())),
            true,
            Optional.of(datapath));
    plan = MirrorCompiler.compile(intent, node);
    entries = plan.entries().values().stream().map(PlannedEntry::entry).toList();
    if (entries.size() != ENTRIES) {
      throw new IllegalStateException(entries.size() + " entries");
    }
    adds = entries.stream().map(Entries::add).toList();
    lines = entries.stream().map(FlowText::format).toList();
    stats = Unpooled.buffer();
    entries.forEach(entry -> FlowStats.write(entry, stats));
    installed = decode();
    owned = ImmutableSet.copyOf(plan.entries().keySet());
    out = Unpooled.buffer(1 << 16);
    if (!difference().inSync()) {
      throw new IllegalStateException("not in sync: " + difference());
    }
  }

  private static Interface row(
      String name, String type, int ofport, ImmutableMap<String, String> ids) {
    return new Interface(name, type, name, OptionalInt.of(ofport), "", ids, ImmutableMap.of());
  }

  /** From what is wanted and observed to a plan. */
  @Benchmark
  @OperationsPerInvocation(ENTRIES)
  public Plan compile() {
    return MirrorCompiler.compile(intent, node);
  }

  /** A plan against what was read, when both are the same. */
  @Benchmark
  @OperationsPerInvocation(ENTRIES)
  public FlowDiff difference() {
    return FlowDiff.between(plan, installed, ImmutableSet.of(), owned);
  }

  /** To FLOW_MOD messages. */
  @Benchmark
  @OperationsPerInvocation(ENTRIES)
  public ByteBuf encode() {
    out.clear();
    for (FlowChange change : adds) {
      FlowEncoder.flowMod(change, 1, out);
    }
    return out;
  }

  /** From a reply to OFPMP_FLOW. */
  @Benchmark
  @OperationsPerInvocation(ENTRIES)
  public List<InstalledEntry> decode() {
    List<InstalledEntry> read = new ArrayList<>(ENTRIES);
    FlowDecoder.decode(stats.duplicate(), read::add);
    return read;
  }

  /** What was read, into what is known of a table. */
  @Benchmark
  @OperationsPerInvocation(ENTRIES)
  public TableView view() {
    TableView view = new TableView(1000);
    view.replace(0, installed, "table 0");
    return view;
  }

  /** The cookie of an entry. */
  @Benchmark
  public long cookie() {
    return Cookie.of(Cookie.Role.FROM_PORT, "p1.default");
  }

  /** To ovs-ofctl's syntax. */
  @Benchmark
  @OperationsPerInvocation(ENTRIES)
  public int format() {
    int length = 0;
    for (FlowEntry entry : entries) {
      length += FlowText.format(entry).length();
    }
    return length;
  }

  /** And back. */
  @Benchmark
  @OperationsPerInvocation(ENTRIES)
  public int parse() {
    int tables = 0;
    for (String line : lines) {
      tables += FlowParser.parse(line).key().table();
    }
    return tables;
  }
}
