// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableMultiset;
import io.flowmirror.controller.truth.Capture.Side;
import io.flowmirror.controller.truth.PcapReader.Captured;
import java.time.Duration;
import java.time.Instant;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * The program, n1 over TCP and n2 by its unix sockets, at once. A node that cannot be reached costs
 * the other nothing, keeps what it has, and is right again when it can.
 */
@ExtendWith(SharedCluster.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class RemoteNodesIT {
  private static final String REMOTE = Cluster.NODE;
  private static final String LOCAL = Cluster.OTHER_NODE;

  /** 5 s for an attempt that is under way, 5 s until the next, and as much for a busy machine. */
  private static final Duration RETURN = Duration.ofSeconds(20);

  private final Cluster cluster;
  private final ListeningNode n1;
  private final FlowmirrorProcess program;

  RemoteNodesIT(Cluster cluster) {
    this.cluster = cluster;
    n1 = ListeningNode.attached(cluster, REMOTE);
    program =
        FlowmirrorProcess.started(
            cluster,
            "remote",
            ImmutableList.of(n1.address(), NodeAddress.unix(cluster, LOCAL)),
            Intent.ON_BOTH_NODES);
  }

  @BeforeEach
  void mirrorAPodOfEach() {
    program.want(Intent.ON_BOTH_NODES);
  }

  @AfterAll
  void takeBack() {
    try (n1) {
      try (program) {
        n1.assertUndisturbed();
      } finally {
        RunningController.clean(cluster);
      }
    }
  }

  @Test
  void bothAreMirrored() {
    assertCopied("web", REMOTE);
    assertCopied("far", LOCAL);
  }

  @Test
  void oneThatCannotBeReachedCostsTheOtherNothing() {
    BrInt remote = cluster.brInt(REMOTE);
    BrInt local = cluster.brInt(LOCAL);
    ImmutableMap<String, Double> before = remote.ourEntriesWithAges();
    Duration usual = local.repaired(local::removeOurEntries);

    long said = program.linesSaid();
    long down = System.nanoTime();
    link("down");
    try (RunningController observer =
        RunningController.observing(cluster, Intent.OTHERS_ON_BOTH_NODES)) {
      Duration unnoticed = local.repaired(local::removeOurEntries);
      program.awaitLine(said, "n1: no OpenFlow: ");
      program.awaitLine(said, "n1: no OVSDB: ");
      Duration noticed = local.repaired(local::removeOurEntries);
      local.repaired(() -> cluster.sandbox().run("restart", LOCAL, "ovn-controller"));
      Duration changed = program.changed(Intent.OTHERS_ON_BOTH_NODES, observer, LOCAL);

      double meanwhile = (System.nanoTime() - down) / 1e9;
      ImmutableMap<String, Double> now = remote.ourEntriesWithAges();
      assertThat(now.keySet()).as("entries of n1 meanwhile").isEqualTo(before.keySet());
      assertThat(now.values()).as("their ages").allMatch(age -> age > meanwhile);

      Instant up = Instant.now();
      link("up");
      observer.awaitSettled();
      Duration back = observer.settledAfter(up, REMOTE);
      System.out.printf(
          "n1 out of reach: n2 repaired in %d ms (usually %d ms), in %d ms once that was noticed,"
              + " changed in %d ms; n1 right %d ms after its link was up%n",
          unnoticed.toMillis(),
          usual.toMillis(),
          noticed.toMillis(),
          changed.toMillis(),
          back.toMillis());
      UnreachableNodesIT.assertNoSlower(unnoticed, usual);
      UnreachableNodesIT.assertNoSlower(noticed, usual);
      assertThat(back).isLessThan(RETURN);
    } finally {
      link("up");
    }
  }

  private void link(String upOrDown) {
    Program.run(
        "ip", "-n", cluster.path("central.netns"), "link", "set", REMOTE + "-mgmt", upOrDown);
  }

  @Test
  void itsSwitchRestarts() {
    cluster.sandbox().run("restart", REMOTE, "ovs-vswitchd");
    Instant restarted = Instant.now();
    try (RunningController observer = RunningController.observing(cluster, Intent.ON_BOTH_NODES)) {
      observer.awaitSettled();
      System.out.printf(
          "ovs-vswitchd of n1 restarted: right %d ms after it worked again, at most%n",
          observer.settledAfter(restarted, REMOTE).toMillis());
    }
    n1.ovnHasChangedItsEntries();
    assertCopied("web", REMOTE);
  }

  /** Three echoes between the two mirrored pods: what one of them saw is what was copied. */
  private void assertCopied(String pod, String node) {
    Pod mirrored = cluster.pod(pod);
    try (Capture sent = Capture.start(mirrored.netns(), "eth0", Side.OUT, "icmp");
        Capture received = Capture.start(mirrored.netns(), "eth0", Side.IN, "icmp");
        Capture copies = Capture.start(cluster.path(node + ".netns"), "mirror0", Side.IN, "icmp")) {
      cluster
          .pod("web")
          .start(Script.ping(cluster.pod("far").ip4()))
          .success(Duration.ofSeconds(30));
      Wait.until(
          "copies of what " + pod + " saw",
          () ->
              copies.count() >= 2 * Script.ECHOES && frames(copies).equals(frames(sent, received)),
          () -> frames(sent, received) + "\ncopies:\n" + frames(copies));
    }
  }

  private static ImmutableMultiset<Frame> frames(Capture... captures) {
    return Stream.of(captures)
        .flatMap(capture -> capture.since(0).stream())
        .map(Captured::frame)
        .collect(ImmutableMultiset.toImmutableMultiset());
  }
}
