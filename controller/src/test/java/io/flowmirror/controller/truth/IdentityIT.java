// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.flowmirror.config.Overrides;
import io.flowmirror.config.SettingsReader;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.controller.truth.Capture.Side;
import io.flowmirror.controller.truth.PcapReader.Captured;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A number, a key, a name or a port becomes somebody else's: nobody is tapped who was not asked
 * for. The mirrored pod is y; z is never to be copied, and talks a frame a millisecond all the
 * while.
 *
 * <p>{@code -Didentity.rounds=N} repeats each case and prints how long z was copied, if at all.
 */
@ExtendWith(SharedCluster.class)
final class IdentityIT {
  private static final int ROUNDS = Integer.getInteger("identity.rounds", 1);

  /**
   * Where OVS and OVN offer no order between the change and our hearing of it, copies may go on for
   * as long as it takes to hear of it, to act, and for the datapath's cached flows to follow.
   */
  private static final Duration WINDOW = Duration.ofSeconds(2);

  private static final String MIRROR = "mirror0";

  private final Cluster cluster;
  private final BrInt brInt;
  private RunningController controller;

  IdentityIT(Cluster cluster) {
    this.cluster = cluster;
    this.brInt = cluster.brInt(Cluster.NODE);
    this.controller = start();
  }

  private RunningController start() {
    String yaml = Intent.NOTHING.with("y").yaml(cluster);
    return RunningController.started(SettingsReader.parse("test", yaml, Overrides.none()));
  }

  @BeforeEach
  void begin() {
    cluster.sandbox().run("pod", "add", "demo/y", "--node", Cluster.NODE, "--no-port-security");
    settle();
  }

  @AfterEach
  void end() {
    cluster.sandbox().run("pod", "del", "--name-prefix", "y", "--namespace", Pod.NAMESPACE);
    controller.close();
    RunningController.clean(cluster);
    cluster.awaitCalm();
  }

  private void settle() {
    controller.await("n1 to be settled", Cluster.NODE, NodeStatus::settled);
  }

  private Capture copies() {
    return Capture.start(cluster.path(Cluster.NODE + ".netns"), MIRROR, Side.IN);
  }

  private static List<Captured> of(Capture copies, String mac) {
    String digits = mac.replace(":", "");
    return copies.since(0).stream()
        .filter(copy -> isOf(copy.frame(), digits))
        .collect(ImmutableList.toImmutableList());
  }

  private static boolean isOf(Frame frame, String digits) {
    return digits.equals(hex(frame, 0)) || digits.equals(hex(frame, 6));
  }

  private static String hex(Frame frame, int offset) {
    return String.format(
        "%04x%04x%04x", frame.u16(offset), frame.u16(offset + 2), frame.u16(offset + 4));
  }

  /** Pod y is copied both ways. */
  private void assertCopied(Pod y, Pod peer) {
    try (Capture copies = copies();
        Probe probe = Probe.start(peer, y)) {
      probe.awaitAnswers(50);
      Wait.until("copies of y", () -> of(copies, y.mac()).size() >= 100, () -> "" + copies.count());
    }
  }

  /** Nothing of this pod was copied, or only within the window. */
  private static void assertNotTapped(String what, Capture copies, Pod z, Instant changed) {
    List<Captured> tapped = of(copies, z.mac());
    Duration length =
        tapped.isEmpty()
            ? Duration.ZERO
            : Duration.between(tapped.get(0).time(), tapped.get(tapped.size() - 1).time());
    System.out.printf(
        "identity: %s: %d frames of another pod copied, within %d us%n",
        what, tapped.size(), length.toNanos() / 1000);
    assertThat(tapped)
        .as("%s: copies of another pod, long after", what)
        .allMatch(copy -> copy.time().isBefore(changed.plus(WINDOW)));
  }

  /** After the window a hundred more of the pod's frames pass, and none is copied. */
  private static void assertNotTappedAnyMore(Capture copies, Pod z, Probe probe, Instant changed) {
    Wait.until("the window", () -> Instant.now().isAfter(changed.plus(WINDOW)), () -> "");
    int mark = copies.count();
    probe.awaitAnswers(100);
    String digits = z.mac().replace(":", "");
    assertThat(copies.since(mark)).noneMatch(copy -> isOf(copy.frame(), digits));
  }

  /** Northd gives the key of a pod that is gone to the next new one, at once. */
  @Test
  void aKeyThatIsReused() {
    for (int round = 0; round < ROUNDS; round++) {
      try (Capture copies = copies()) {
        cluster.sandbox().run("pod", "del", "demo/y");
        Instant changed = Instant.now();
        cluster.sandbox().run("pod", "add", "demo/ya", "--node", Cluster.NODE);
        Pod z = cluster.pod("ya");
        try (Probe probe = Probe.start(cluster.pod("db"), z)) {
          probe.awaitAnswers(200);
          assertNotTappedAnyMore(copies, z, probe, changed);
        }
        assertNotTapped("key reused", copies, z, changed);
        assertThat(of(copies, z.mac())).as("y's entries went before z came").isEmpty();
      }
      cluster.sandbox().run("pod", "del", "demo/ya");
      cluster.sandbox().run("pod", "add", "demo/y", "--node", Cluster.NODE, "--no-port-security");
      settle();
    }
    assertCopied(cluster.pod("y"), cluster.pod("db"));
  }

  /** The same, but y's interface stays on the bridge: only its logical port goes. */
  @Test
  void aKeyThatIsReusedWhileTheInterfaceStays() {
    for (int round = 0; round < ROUNDS; round++) {
      Pod y = cluster.pod("y");
      try (Capture copies = copies()) {
        cluster.sandbox().run("nbctl", "lsp-del", "y.demo");
        Instant changed = Instant.now();
        cluster.sandbox().run("pod", "add", "demo/ya", "--node", Cluster.NODE);
        Pod z = cluster.pod("ya");
        try (Probe probe = Probe.start(cluster.pod("db"), z)) {
          probe.awaitAnswers(200);
          assertNotTappedAnyMore(copies, z, probe, changed);
        }
        assertNotTapped("key reused, interface stays", copies, z, changed);
      }
      assertThat(y.port()).isNotEmpty();
      cluster.sandbox().run("pod", "del", "demo/ya", "demo/y");
      cluster.sandbox().run("pod", "add", "demo/y", "--node", Cluster.NODE, "--no-port-security");
      settle();
    }
    assertCopied(cluster.pod("y"), cluster.pod("db"));
  }

  /** And all of that while ovn-controller is away, so that its wipe comes in between. */
  @Test
  void aKeyThatIsReusedWhileOvnIsAway() {
    for (int round = 0; round < ROUNDS; round++) {
      try (Capture copies = copies()) {
        cluster.sandbox().run("stop", Cluster.NODE, "ovn-controller");
        cluster.sandbox().run("nbctl", "lsp-del", "y.demo");
        cluster.sandbox().run("pod", "add", "demo/ya", "--node", Cluster.NODE, "--no-wait");
        cluster.sandbox().run("start", Cluster.NODE, "ovn-controller");
        Instant changed = Instant.now();
        Pod z = cluster.pod("ya");
        try (Probe probe = Probe.start(cluster.pod("db"), z)) {
          probe.awaitAnswers(200);
          assertNotTappedAnyMore(copies, z, probe, changed);
        }
        assertNotTapped("key reused while ovn-controller is away", copies, z, changed);
      }
      cluster.sandbox().run("pod", "del", "demo/ya", "demo/y");
      cluster.sandbox().run("pod", "add", "demo/y", "--node", Cluster.NODE, "--no-port-security");
      settle();
    }
    assertCopied(cluster.pod("y"), cluster.pod("db"));
  }

  /** In one transaction y's interface goes and z's has its number. */
  @Test
  void aNumberThatIsReused() {
    cluster.sandbox().run("pod", "add", "demo/ya", "--node", Cluster.NODE);
    Pod z = cluster.pod("ya");
    for (int round = 0; round < ROUNDS; round++) {
      Pod y = cluster.pod("y");
      int number = brInt.ofport(y.port());
      try (Capture copies = copies();
          Probe probe = Probe.start(z, cluster.pod("db"))) {
        probe.awaitAnswers(100);
        Instant changed = Instant.now();
        moveTo(z, number, "--", "del-port", "br-int", y.port());
        probe.awaitAnswers(200);
        assertThat(brInt.ofport(z.port())).isEqualTo(number);
        assertNotTappedAnyMore(copies, z, probe, changed);
        assertNotTapped("number reused", copies, z, changed);
      }
      cluster.sandbox().run("pod", "del", "demo/y");
      cluster.sandbox().run("pod", "add", "demo/y", "--node", Cluster.NODE, "--no-port-security");
      settle();
    }
    assertCopied(cluster.pod("y"), cluster.pod("db"));
  }

  /** Takes an interface off the bridge and puts it back with this number, in one transaction. */
  private void moveTo(Pod pod, int number, String... first) {
    String id = brInt.vsctl("get", "Interface", pod.port(), "external_ids").strip();
    ImmutableList<String> command =
        ImmutableList.<String>builder()
            .add(first.length == 0 ? new String[] {"--"} : first)
            .add("--", "del-port", "br-int", pod.port())
            .add("--", "add-port", "br-int", pod.port())
            .add("--", "set", "Interface", pod.port(), "ofport_request=" + number)
            .add("external_ids=" + id)
            .build();
    brInt.vsctl(command.toArray(String[]::new));
  }

  /** Two interfaces become each other's pods, in one transaction. */
  @Test
  void interfacesThatSwapTheirPods() {
    cluster.sandbox().run("pod", "add", "demo/ya", "--node", Cluster.NODE, "--no-port-security");
    Pod y = cluster.pod("y");
    Pod z = cluster.pod("ya");
    for (int round = 0; round < ROUNDS; round++) {
      boolean swapped = round % 2 == 0;
      try (Capture copies = copies()) {
        Instant changed = Instant.now();
        name(swapped ? y : z, "ya", swapped ? z : y, "y");
        settle();
        Wait.until(
            "the plan to be of the other interface",
            () ->
                controller.status(Cluster.NODE).node().podPorts().stream()
                    .anyMatch(
                        port ->
                            port.pod().name().equals("y")
                                && port.interfaceName().equals((swapped ? z : y).port())),
            () -> "" + controller.status(Cluster.NODE).node().podPorts());
        settle();
        assertNotTapped("pods swapped", copies, swapped ? y : z, changed);
      }
    }
    if (ROUNDS % 2 == 1) {
      name(z, "ya", y, "y");
      settle();
    }
    assertCopied(y, cluster.pod("db"));
  }

  private void name(Pod one, String oneName, Pod two, String twoName) {
    brInt.vsctl(
        "set",
        "Interface",
        one.port(),
        "external_ids:iface-id=" + oneName + ".demo",
        "external_ids:pod_name=" + oneName,
        "--",
        "set",
        "Interface",
        two.port(),
        "external_ids:iface-id=" + twoName + ".demo",
        "external_ids:pod_name=" + twoName);
  }

  @Test
  void aPodThatMovesToAnotherSwitchAndANumberThatChanges() {
    cluster.sandbox().run("pod", "move", "demo/y", "--subnet", "subnet2");
    settle();
    assertCopied(cluster.pod("y"), cluster.pod("other"));
    remakeSubnet2();
    settle();
    assertCopied(cluster.pod("y"), cluster.pod("other"));
    Pod y = cluster.pod("y");
    moveTo(y, 777);
    controller.await(
        "the new number",
        Cluster.NODE,
        status -> status.settled() && status.node().port(y.port()).orElseThrow().ofport() == 777);
    cluster.sandbox().run("nbctl", "--wait=hv", "sync");
    assertCopied(y, cluster.pod("other"));
  }

  /** The logical switch is deleted and made anew: OVN may give it, and its ports, the same keys. */
  private void remakeSubnet2() {
    cluster.sandbox().run("nbctl", "--wait=hv", "ls-del", "subnet2");
    ImmutableList.Builder<String> command = ImmutableList.builder();
    command.add("nbctl", "--wait=hv", "ls-add", "subnet2");
    command.add("--", "lsp-add", "subnet2", "subnet2-ovn-cluster");
    command.add("--", "lsp-set-type", "subnet2-ovn-cluster", "router");
    command.add("--", "lsp-set-addresses", "subnet2-ovn-cluster", "router");
    command.add("--", "lsp-set-options", "subnet2-ovn-cluster", "router-port=ovn-cluster-subnet2");
    for (String name : List.of("other", "far2", "y")) {
      Pod pod = cluster.pod(name);
      String port = name + "." + Pod.NAMESPACE;
      command.add("--", "lsp-add", "subnet2", port, "--", "lsp-set-addresses", port);
      String addresses = pod.mac() + " " + pod.ip4() + " " + pod.ip6();
      command.add(addresses);
      if (!name.equals("y")) {
        command.add("--", "lsp-set-port-security", port, addresses);
      }
    }
    for (String protocol : List.of("tcp", "udp")) {
      command.add("--", "ls-lb-add", "subnet2", "cluster-" + protocol + "-loadbalancer");
    }
    cluster.sandbox().run(command.build().toArray(String[]::new));
  }

  @Test
  void aPodThatMovesToAnotherNode() {
    cluster.sandbox().run("pod", "del", "demo/y");
    cluster.sandbox().run("pod", "add", "demo/y", "--node", Cluster.OTHER_NODE);
    controller.await("n1 to be settled", Cluster.NODE, NodeStatus::settled);
    controller.await(
        "n2 to have it",
        Cluster.OTHER_NODE,
        status -> status.settled() && !status.plan().entries().isEmpty());
    assertThat(brInt.ourEntries()).isEmpty();
  }

  @Test
  void aNewDatapathId() {
    String before = brInt.vsctl("get", "Bridge", "br-int", "datapath_id").replace("\"", "").strip();
    brInt.vsctl("set", "Bridge", "br-int", "other_config:datapath-id=00000000000000ab");
    controller.await(
        "the new datapath id",
        Cluster.NODE,
        status ->
            status.settled()
                && status.node().datapath().orElseThrow().dpidText().equals("00000000000000ab"));
    assertCopied(cluster.pod("y"), cluster.pod("db"));
    brInt.vsctl("remove", "Bridge", "br-int", "other_config", "datapath-id");
    controller.await(
        "the old datapath id",
        Cluster.NODE,
        status ->
            status.settled() && status.node().datapath().orElseThrow().dpidText().equals(before));
  }

  /** Deleted, and with another number; then replaced by a device of another type. */
  @Test
  void aMirrorPortThatIsAnother() {
    brInt.vsctl("del-port", "br-int", MIRROR);
    controller.await(
        "the port to be made again",
        Cluster.NODE,
        status ->
            status.settled()
                && status.plan().bringUp().isEmpty()
                && status.node().port(MIRROR).isPresent());
    assertCopied(cluster.pod("y"), cluster.pod("db"));

    String netns = cluster.path(Cluster.NODE + ".netns");
    Program.run("ip", "-n", netns, "link", "add", "fmo0", "type", "veth", "peer", "name", "fmo1");
    Program.run("ip", "-n", netns, "link", "set", "fmo0", "up");
    Program.run("ip", "-n", netns, "link", "set", "fmo1", "up");
    try {
      brInt.vsctl(
          "del-port",
          "br-int",
          MIRROR,
          "--",
          "add-port",
          "br-int",
          "fmo0",
          "--",
          "set",
          "Interface",
          "fmo0",
          "ofport_request=4242");
      controller.close();
      String yaml = Intent.NOTHING.with("y").yaml(cluster) + "mirror-iface: fmo0\n";
      controller = RunningController.started(SettingsReader.parse("test", yaml, Overrides.none()));
      settle();
      assertThat(brInt.ourEntries()).anyMatch(entry -> entry.contains("output:4242"));
      assertThat(brInt.ourEntries()).noneMatch(entry -> entry.contains("output:1,"));
    } finally {
      controller.close();
      RunningController.clean(cluster);
      brInt.vsctl("--if-exists", "del-port", "br-int", "fmo0");
      Program.run("ip", "-n", netns, "link", "del", "fmo1");
      controller = start();
    }
  }
}
