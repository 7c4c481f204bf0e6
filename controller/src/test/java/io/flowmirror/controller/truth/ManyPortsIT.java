// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableMap;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.controller.truth.Capture.Side;
import io.flowmirror.flows.MirrorCompiler;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A node with 300 local ports. Open vSwitch drops a packet that needs more than 4,096 resubmits,
 * and OVN's own broadcast comes near that: a mirror must not push it over.
 */
@ExtendWith(SharedCluster.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
final class ManyPortsIT {
  private static final int PORTS = 300;

  /** ovs-vswitchd's words for it (ofproto/ofproto-dpif-xlate.c). */
  private static final String TOO_MANY = "resubmit actions";

  /** A line of ofproto/trace for each table that a packet was looked up in. */
  private static final Pattern LOOKUP = Pattern.compile("(?m)^\\s*\\d+\\. ");

  private final Cluster cluster;
  private final BrInt brInt;
  private final Pod web;
  private int floods;

  ManyPortsIT(Cluster cluster) {
    this.cluster = cluster;
    this.brInt = cluster.brInt(Cluster.NODE);
    this.web = cluster.pod("web");
  }

  @AfterAll
  void removePorts() {
    RunningController.clean(cluster);
    cluster.sandbox().run("pod", "del", "--name-prefix", "bulk", "--namespace", "demo");
    cluster.awaitCalm();
  }

  /** What one local port costs a broadcast, with few ports, so that nothing is refused. */
  @Test
  @Order(1)
  void fewPortsForComparison() {
    printResubmits("few ports, no mirror");
    for (Intent intent : List.of(Intent.ONE_POD, Intent.THREE_PODS, Intent.EVERYTHING)) {
      try (RunningController controller = RunningController.settled(cluster, intent)) {
        assertThat(controller.status(Cluster.NODE).complaints()).isEmpty();
        printResubmits("few ports, " + intent);
      }
    }
    RunningController.clean(cluster);
  }

  @Test
  @Order(2)
  void withoutMirrorABroadcastReachesAll() throws IOException {
    cluster
        .sandbox()
        .run(
            "pods",
            "add",
            "--count",
            Integer.toString(PORTS),
            "--prefix",
            "bulk",
            "--namespace",
            "demo",
            "--node",
            Cluster.NODE,
            "--dummy");
    printResubmits("many ports, no mirror");
    assertBroadcastReachesAll();
  }

  @Test
  @Order(3)
  void aMirroredPodIsCopiedAndEntriesThatCompareAreRefused() throws IOException {
    try (RunningController controller = RunningController.settled(cluster, Intent.ONE_POD)) {
      NodeStatus status = controller.status(Cluster.NODE);
      assertThat(status.plan().refusals())
          .anyMatch(refusal -> refusal.contains(Integer.toString(MirrorCompiler.MAX_LOCAL_PORTS)));
      assertThat(status.complaints()).containsAll(status.plan().refusals());
      assertThat(brInt.ourEntries()).as("E0, E1 and E2").hasSize(3);
      printResubmits("many ports, " + Intent.ONE_POD);
      assertBroadcastReachesAll();
    }
    RunningController.clean(cluster);
  }

  @Test
  @Order(4)
  void everythingIsRefusedAndNothingInstalled() throws IOException {
    try (RunningController controller = RunningController.settled(cluster, Intent.EVERYTHING)) {
      assertThat(controller.status(Cluster.NODE).plan().refusals())
          .anyMatch(
              refusal ->
                  refusal.contains(Integer.toString(MirrorCompiler.MAX_LOCAL_PORTS))
                      && refusal.contains("enable-mirror"));
      assertThat(brInt.ourEntries()).isEmpty();
      assertBroadcastReachesAll();
    }
    RunningController.clean(cluster);
  }

  /**
   * Every bulk port's far end counts it, and the real pods have it exactly once. Too many resubmits
   * drop each broadcast, every time; one that the switch lost for another reason, as it says
   * itself, is sent anew.
   */
  private void assertBroadcastReachesAll() throws IOException {
    Path log = Path.of(cluster.path(Cluster.NODE + ".ovs-vswitchd.log"));
    long logged = tooMany(log);
    // What broadcasts of before these ports have left in the datapath's cache reaches none of them.
    cluster.awaitCalm();
    brInt.awaitRevalidation();
    long lost = SwitchLosses.at(cluster, Cluster.NODE);
    Optional<String> failure = broadcast();
    if (failure.isPresent() && SwitchLosses.at(cluster, Cluster.NODE) > lost) {
      System.out.printf("lost by the switch, once more: %s%n", failure.get());
      failure = broadcast();
    }
    assertThat(failure).isEmpty();
    assertThat(tooMany(log)).as("drops for too many resubmits in %s", log).isEqualTo(logged);
  }

  /** Sends one; if it did not reach all, says whom, and what the datapath has for it. */
  private Optional<String> broadcast() {
    Map<String, Long> before = received();
    assertThat(before).hasSize(PORTS);
    String asked = "10.16.201." + ++floods;
    try (Capture db = Capture.start(cluster.pod("db").netns(), "eth0", Side.IN, "arp");
        Capture plain = Capture.start(cluster.pod("plain").netns(), "eth0", Side.IN, "arp")) {
      web.send(RawFrame.arpRequest(web.mac(), web.ip4(), asked)).success(Wait.LONG);
      if (Wait.within(
          Wait.LONG,
          () -> missed(before) == 0 && count(db, asked) > 0 && count(plain, asked) > 0)) {
        assertThat(count(db, asked)).isEqualTo(1);
        assertThat(count(plain, asked)).isEqualTo(1);
        return Optional.empty();
      }
      return Optional.of(
          String.format(
              "%d of %d bulk ports have not received the request for %s, db has %d, plain %d;%n%s%n%s",
              missed(before),
              PORTS,
              asked,
              count(db, asked),
              count(plain, asked),
              brInt.appctl("coverage/show"),
              brInt.appctl("dpctl/dump-flows", "filter=arp")));
    }
  }

  private static long tooMany(Path log) throws IOException {
    return Files.readString(log).lines().filter(line -> line.contains(TOO_MANY)).count();
  }

  private static long count(Capture capture, String asked) {
    return capture.since(0).stream()
        .filter(captured -> captured.frame().toString().contains("who-has " + asked + " "))
        .count();
  }

  private long missed(Map<String, Long> before) {
    Map<String, Long> now = received();
    return before.entrySet().stream()
        .filter(port -> now.getOrDefault(port.getKey(), 0L) <= port.getValue())
        .count();
  }

  /** What each bulk port's far end has received. */
  private Map<String, Long> received() {
    String sink = cluster.sandbox().prefix() + "-s-" + Cluster.NODE;
    ImmutableMap.Builder<String, Long> counts = ImmutableMap.builder();
    Program.run(
            "ip",
            "netns",
            "exec",
            sink,
            "sh",
            "-c",
            "grep . /sys/class/net/*_c/statistics/rx_packets")
        .lines()
        .forEach(
            line -> {
              int colon = line.lastIndexOf(':');
              counts.put(line.substring(0, colon), Long.parseLong(line.substring(colon + 1)));
            });
    return counts.buildOrThrow();
  }

  /**
   * How many lookups, which is how many resubmits, a mirrored and an unmirrored pod's flood take.
   */
  private void printResubmits(String when) {
    System.out.printf(
        "%s: %d local ports, resubmits of a broadcast from web %d, from plain %d%n",
        when, localPorts(), resubmits(web), resubmits(cluster.pod("plain")));
  }

  private long resubmits(Pod from) {
    String packet =
        String.format(
            "in_port=%d,arp,dl_src=%s,dl_dst=%s,arp_op=1,arp_spa=%s,arp_tpa=10.16.202.1,arp_sha=%s,"
                + "arp_tha=00:00:00:00:00:00",
            brInt.ofport(from.port()), from.mac(), RawFrame.BROADCAST, from.ip4(), from.mac());
    String trace = brInt.trace(packet);
    assertThat(trace).doesNotContainIgnoringCase(TOO_MANY);
    return LOOKUP.matcher(trace).results().count();
  }

  private long localPorts() {
    return brInt
        .vsctl("--bare", "--columns=external_ids", "list", "Interface")
        .lines()
        .filter(line -> line.contains("iface-id="))
        .count();
  }
}
