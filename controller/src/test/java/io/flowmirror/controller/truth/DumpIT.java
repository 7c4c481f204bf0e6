// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.controller.reconcile.Reconciler;
import io.flowmirror.flows.Cookie;
import io.flowmirror.flows.EntryFilter;
import io.flowmirror.flows.Field;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.FlowText;
import io.flowmirror.flows.InstalledEntry;
import io.flowmirror.flows.Match;
import io.flowmirror.flows.OvnPipeline;
import io.flowmirror.topology.InterfaceCounters;
import io.flowmirror.topology.LogicalPort;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What is read on demand, held against what Open vSwitch's own tools print of the same. */
@ExtendWith(SharedCluster.class)
final class DumpIT {
  private final Cluster cluster;

  @TempDir Path folder;

  DumpIT(Cluster cluster) {
    this.cluster = cluster;
  }

  static List<Intent> intents() {
    return List.of(Intent.THREE_PODS, Intent.EVERYTHING);
  }

  /** Byte for byte and in the same order: every entry of ours, and of OVN's of every port. */
  @ParameterizedTest
  @MethodSource("intents")
  void entriesArePrintedAsOvsOfctlPrintsThem(Intent intent) throws IOException {
    try (RunningController controller = RunningController.settled(cluster, intent)) {
      cluster.awaitCalm();
      Reconciler reconciler = controller.reconciler();
      get(reconciler.audit(Cluster.NODE));
      NodeStatus status = controller.status(Cluster.NODE);
      List<FlowEntry> ours =
          same(
              reconciler,
              EntryFilter.ALL.withCookie(Cookie.OWNER, Cookie.OWNER_MASK),
              "cookie=0x464d000000000000/0xffff000000000000");
      assertThat(ours).hasSameSizeAs(status.plan().entries().values());
      int table = status.node().datapath().orElseThrow().deliveryTable().orElseThrow();
      List<LogicalPort> ports = status.node().datapath().orElseThrow().logicalPorts();
      // Four pods and ovn0.
      assertThat(ports).hasSizeGreaterThanOrEqualTo(5);
      for (LogicalPort port : ports) {
        assertOvns(
            same(
                reconciler,
                EntryFilter.ALL.inTable(0).withInPort(port.ofport()),
                "table=0,in_port=" + port.ofport()),
            "maps port %d to logical datapath %d, logical port %d, conntrack zone "
                .formatted(port.ofport(), port.datapathKey(), port.portKey()));
        String delivers =
            "delivers logical port %d of datapath %d to port %d"
                .formatted(port.portKey(), port.datapathKey(), port.ofport());
        assertOvns(
            same(
                reconciler,
                EntryFilter.ALL
                    .inTable(table)
                    .with(
                        Match.ANY
                            .with(Field.REG15, port.portKey())
                            .with(Field.METADATA, port.datapathKey())),
                "table=%d,reg15=%d,metadata=%d"
                    .formatted(table, port.portKey(), port.datapathKey())),
            delivers);
        assertOvns(
            same(
                reconciler,
                EntryFilter.ALL.inTable(table).withOutPort(port.ofport()),
                "table=%d,out_port=%d".formatted(table, port.ofport())),
            delivers);
      }
      assertWholeBridge(reconciler);
    } finally {
      RunningController.clean(cluster);
    }
  }

  private List<FlowEntry> same(Reconciler reconciler, EntryFilter filter, String match) {
    List<FlowEntry> entries = entries(reconciler, filter);
    List<String> lines = entries.stream().map(FlowText::dump).toList();
    assertThat(lines).as(match).isNotEmpty().isEqualTo(ofctl(match));
    return entries;
  }

  /** One of them is OVN's, and it is for this. */
  private static void assertOvns(List<FlowEntry> entries, String purpose) {
    assertThat(entries.stream().filter(entry -> !Cookie.isOurs(entry.cookie())))
        .singleElement()
        .satisfies(
            entry -> assertThat(OvnPipeline.purpose(entry).orElseThrow()).startsWith(purpose));
  }

  private static List<FlowEntry> entries(Reconciler reconciler, EntryFilter filter) {
    return get(reconciler.entries(Cluster.NODE, filter)).stream()
        .map(InstalledEntry::entry)
        .toList();
  }

  /** What ovs-ofctl prints to a pipe, but for the blanks at the beginning of each line. */
  private List<String> ofctl(String match) {
    return Program.run(
            "ovs-ofctl",
            "-O",
            "OpenFlow13",
            "dump-flows",
            "--no-stats",
            cluster.brInt(Cluster.NODE).openflow(),
            match)
        .lines()
        .map(line -> line.replaceFirst("^ *", ""))
        .toList();
  }

  /** Each entry is a line that ovs-ofctl prints too, or a comment; and it takes the whole. */
  private void assertWholeBridge(Reconciler reconciler) throws IOException {
    List<String> lines = entries(reconciler, EntryFilter.ALL).stream().map(FlowText::dump).toList();
    List<String> printed = ofctl("");
    assertThat(lines).hasSameSizeAs(printed);
    List<String> named = lines.stream().filter(line -> !line.startsWith("# ")).toList();
    assertThat(printed).containsAll(named);
    System.out.printf("dump of br-int: %d of %d entries have names%n", named.size(), lines.size());
    Path file = Files.write(folder.resolve("dump"), lines);
    String openflow = cluster.brInt(Cluster.NODE).openflow();
    String parsed = Program.run("ovs-ofctl", "-O", "OpenFlow13", "parse-flows", file.toString());
    assertThat(parsed.lines().filter(line -> line.contains("ADD"))).hasSameSizeAs(named);
    // "-" is what only the file has.
    assertThat(
            Program.start(
                    "sh",
                    "-c",
                    "ovs-ofctl -O OpenFlow13 diff-flows $0 $1 || test $? = 2",
                    file.toString(),
                    openflow)
                .success(Duration.ofSeconds(60)))
        .doesNotContainPattern("(?m)^-");
  }

  @Test
  void anAuditAndTheCountersAnswer() {
    try (RunningController controller = RunningController.observing(cluster, Intent.NOTHING)) {
      controller.await(
          "both connections",
          Cluster.NODE,
          status -> status.node().datapath().isPresent() && status.node().bridge().isPresent());
      Reconciler reconciler = controller.reconciler();
      get(reconciler.audit(Cluster.NODE));
      Pod web = cluster.pod("web");
      Program ping = web.start("exec ping -q -c 3 -i 0.2 " + cluster.pod("db").ip4());
      assertThat(ping.success(Duration.ofSeconds(30))).contains("3 received");
      Wait.until(
          "ovs-vswitchd to write what it has counted",
          () -> {
            ImmutableMap<String, InterfaceCounters> counters =
                get(reconciler.counters(Cluster.NODE, ImmutableSet.of(web.port(), "nosuch")));
            assertThat(counters).containsOnlyKeys(web.port());
            InterfaceCounters there = counters.get(web.port());
            return there.mtu().orElse(0) == 1400
                && there.adminUp().equals(Optional.of(true))
                && there.rxPackets().orElse(0) >= 3
                && there.txPackets().orElse(0) >= 3;
          },
          () -> "no such counters");
    }
  }

  private static <T> T get(CompletableFuture<T> answer) {
    return answer.orTimeout(90, TimeUnit.SECONDS).join();
  }
}
