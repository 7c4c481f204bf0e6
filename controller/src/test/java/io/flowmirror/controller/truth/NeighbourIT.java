// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * The controller is a good neighbour: whatever it does, and whatever it leaves behind, OVN's
 * entries stay as they are and no pod's packet is lost.
 */
@ExtendWith(SharedCluster.class)
final class NeighbourIT {
  private static final Duration PROGRAM_ENDS = Duration.ofSeconds(60);

  private final Cluster cluster;
  private final BrInt brInt;

  NeighbourIT(Cluster cluster) {
    this.cluster = cluster;
    this.brInt = cluster.brInt(Cluster.NODE);
  }

  /** What other tests have removed is gone from the bridge too. */
  @BeforeEach
  void settle() {
    cluster.awaitCalm();
  }

  @AfterEach
  void clean() {
    RunningController.clean(cluster);
  }

  @Test
  void connectingReconfiguringDisconnectingAndCleaning() {
    Bridge before = Bridge.of(brInt);
    assertThat(before.ovnEntries()).hasSizeGreaterThan(100);
    assertThat(before.primaryControllers()).isEmpty();

    try (Probes within = Probes.withinNode(cluster)) {
      // This makes the mirror port; afterwards no port comes or goes until it is removed.
      RunningController.settled(cluster, Intent.NOTHING).close();
      reconfigure(before, within);
      RunningController.clean(cluster);
      within.awaitAnswers("after clean");
      within.assertNothingLost();
    }
    assertThat(Bridge.of(brInt)).isEqualTo(before);
    assertThat(brInt.ourEntries()).isEmpty();
  }

  private void reconfigure(Bridge before, Probes within) {
    try (Probes between = Probes.betweenNodes(cluster)) {
      for (Intent intent :
          List.of(Intent.ONE_POD, Intent.THREE_PODS, Intent.EVERYTHING, Intent.ONE_POD_OUT)) {
        try (RunningController controller = RunningController.settled(cluster, intent)) {
          assertThat(controller.status(Cluster.NODE).plan().entries()).isNotEmpty();
          awaitAnswers("with the controller, " + intent, within, between);
          assertThat(Bridge.of(brInt)).as("with the controller, %s", intent).isEqualTo(before);
        }
        awaitAnswers("with the controller gone, " + intent, within, between);
        assertThat(Bridge.of(brInt)).as("with the controller gone, %s", intent).isEqualTo(before);
      }
      RunningController.settled(cluster, Intent.NOTHING).close();
      awaitAnswers("with nothing mirrored any more", within, between);
      between.assertNothingLost();
    }
  }

  private static void awaitAnswers(String step, Probes... all) {
    for (Probes probes : all) {
      probes.awaitAnswers(step);
    }
  }

  @Test
  void aRestartSendsNoFlowModForWhatStays() {
    RunningController.settled(cluster, Intent.ONE_POD).close();
    long settled = System.nanoTime();
    Map<String, Double> before = brInt.ourEntriesWithAges();
    assertThat(before).hasSizeGreaterThanOrEqualTo(3);

    RunningController.settled(cluster, Intent.ONE_POD).close();
    RunningController.settled(cluster, Intent.THREE_PODS).close();
    double age = (System.nanoTime() - settled) / 1e9;
    Map<String, Double> after = brInt.ourEntriesWithAges();
    // Whatever has been added anew since, even if as it was, is younger.
    assertThat(after.keySet()).containsAll(before.keySet());
    before.keySet().forEach(entry -> assertThat(after.get(entry)).as(entry).isGreaterThan(age));
  }

  @Test
  void entriesOfAKilledControllerWhoseMirrorPortIsGone(@TempDir Path folder) throws IOException {
    Bridge before = Bridge.of(brInt);
    Path config =
        Files.writeString(folder.resolve("flowmirror.yaml"), Intent.THREE_PODS.yaml(cluster));
    runAndKill(config, 10);
    try (Probes within = Probes.withinNode(cluster)) {
      brInt.vsctl("del-port", "br-int", "mirror0");
      try (Probes between = Probes.betweenNodes(cluster)) {
        awaitAnswers("with the mirror port gone", within, between);
        assertThat(brInt.ourEntries()).as("stale entries").hasSizeGreaterThanOrEqualTo(10);
        within.assertNothingLost();
        between.assertNothingLost();
      }
    }

    flowmirror("clean", config).success(PROGRAM_ENDS);
    assertThat(Bridge.of(brInt)).isEqualTo(before);
    assertThat(brInt.ourEntries()).isEmpty();
  }

  @Test
  void entriesOfAKilledControllerWhosePodIsGone(@TempDir Path folder) throws IOException {
    Bridge before = Bridge.of(brInt);
    cluster.sandbox().run("pod", "add", "demo/brief", "--node", Cluster.NODE);
    Intent intent = Intent.ONE_POD.with("brief");
    Path config = Files.writeString(folder.resolve("flowmirror.yaml"), intent.yaml(cluster));
    String key = portKey("brief");
    runAndKill(config, 7);
    try (Probes within = Probes.withinNode(cluster)) {
      cluster.sandbox().run("pod", "del", "demo/brief");
      cluster.sandbox().run("pod", "add", "demo/next", "--node", Cluster.NODE);
      // It inherits the keys, and with them a stale entry, from which it must not suffer.
      assertThat(portKey("next")).isEqualTo(key);
      try (Probes between = Probes.betweenNodes(cluster).add("next", "far").add("web", "next")) {
        awaitAnswers("with a new pod in its place", within, between);
        assertThat(brInt.ourEntries()).as("stale entries").hasSizeGreaterThanOrEqualTo(7);
        within.assertNothingLost();
        between.assertNothingLost();
      }
    }
    cluster.sandbox().run("pod", "del", "demo/next");
    RunningController.clean(cluster);
    assertThat(Bridge.of(brInt)).isEqualTo(before);
    assertThat(brInt.ourEntries()).isEmpty();
  }

  private String portKey(String pod) {
    String port = "logical_port=" + cluster.logicalPort(cluster.pod(pod));
    String[] find = {"sbctl", "--bare", "--columns=tunnel_key", "find", "Port_Binding", port};
    return cluster.sandbox().run(find).strip();
  }

  /** Runs the real program until it has installed its entries, then lets it crash. */
  private void runAndKill(Path config, int entries) {
    Program program = flowmirror("run", config);
    Wait.until(
        entries + " entries",
        () -> brInt.ourEntries().size() >= entries,
        () -> {
          program.close();
          return program.output();
        });
    program.kill();
  }

  private static Program flowmirror(String command, Path config) {
    String launcher = Sandbox.root().resolve("bin/flowmirror").toString();
    return Program.start(launcher, command, "--config", config.toString());
  }
}
