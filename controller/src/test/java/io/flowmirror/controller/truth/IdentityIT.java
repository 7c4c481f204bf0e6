// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ObjectArrays;
import io.flowmirror.config.Overrides;
import io.flowmirror.config.SettingsReader;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.controller.truth.Capture.Side;
import io.flowmirror.controller.truth.PcapReader.Captured;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.IntConsumer;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A number, a key, a name or a port becomes somebody else's: nobody is tapped who was not asked
 * for. The mirrored pod is y; ya is never to be copied, and talks a frame a millisecond all the
 * while.
 *
 * <p>{@code -Didentity.rounds=N} repeats each case, {@code -Didentity.report=FILE} writes how long
 * the stranger was copied, if at all.
 */
@ExtendWith(SharedCluster.class)
final class IdentityIT {
  private static final int ROUNDS = Integer.getInteger("identity.rounds", 1);

  /**
   * Where OVS and OVN offer no order between the change and our hearing of it, copies may go on for
   * as long as it takes to hear of it, to act, and for the datapath's cached flows to follow.
   */
  private static final Duration WINDOW = Duration.ofSeconds(1);

  private static final String MIRROR = "mirror0";
  private static final String NO_SECURITY = "--no-port-security";

  /** Of this address the sandbox makes the MAC address 0a:58:0a:10:07:07, as Kube-OVN does. */
  private static final String YA_IP = "10.16.7.7";

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
    addY();
    settle();
  }

  @AfterAll
  static void report() {
    Windows.report();
  }

  private void addY() {
    cluster.sandbox().run("pod", "add", "demo/y", "--node", Cluster.NODE, NO_SECURITY);
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

  /** Where the copies arrive. */
  private Capture copies() {
    return Capture.start(cluster.path(Cluster.NODE + ".netns"), MIRROR, Side.IN);
  }

  /** Pod y is copied both ways. */
  private void assertCopied(Pod y, Pod peer) {
    try (Capture copies = copies();
        Probe probe = Probe.start(peer, y)) {
      probe.awaitAnswers(50);
      Wait.until(
          "copies of y",
          () -> copies.since(0).stream().filter(copy -> copy.frame().isOf(y.mac())).count() >= 100,
          () -> copies.count() + " copies");
    }
  }

  /**
   * Has something become the stranger's while it talks. Until the window is over its frames may be
   * where they must not be, afterwards a hundred more are not.
   *
   * @param where sees what must not be seen
   * @param strangers what that is
   * @param talk waits until so many more frames have passed
   */
  private void expose(
      String what, Capture where, Predicate<Frame> strangers, IntConsumer talk, Runnable change) {
    Instant changed = Instant.now();
    change.run();
    Wait.until("the window", () -> Instant.now().isAfter(changed.plus(WINDOW)), () -> "");
    int mark = where.count();
    talk.accept(100);
    Windows.note(
        what,
        where.since(0).stream()
            .filter(seen -> !seen.time().isBefore(changed) && strangers.test(seen.frame()))
            .map(Captured::time)
            .toList());
    assertThat(where.since(mark))
        .as(what)
        .filteredOn(seen -> strangers.test(seen.frame()))
        .isEmpty();
  }

  /** Frames to one alone: what a stranger sends to everybody is delivered to y as well. */
  private static Predicate<Frame> between(String one, String other) {
    return frame -> frame.isOf(one) && frame.isOf(other);
  }

  /** Each round begins with y as it was asked for, and ends with it. */
  private void eachRound(Runnable round) {
    for (int i = 0; i < ROUNDS; i++) {
      if (i > 0) {
        addY();
        settle();
      }
      round.run();
      cluster.sandbox().run("pod", "del", "--name-prefix", "y", "--namespace", Pod.NAMESPACE);
    }
    addY();
    settle();
    assertCopied(cluster.pod("y"), cluster.pod("db"));
  }

  /** Pod ya gets y's key, and is pinged before it is there: its very first frame is seen. */
  private void keyGoesToYa(String what, Runnable change) {
    Pod db = cluster.pod("db");
    String key = key("y");
    String mac = "0a:58:0a:10:07:07";
    Program.run(
        "ip",
        "-n",
        db.netns(),
        "neigh",
        "replace",
        YA_IP,
        "lladdr",
        mac,
        "nud",
        "permanent",
        "dev",
        "eth0");
    try (Capture copies = copies();
        Probe probe = Probe.start(db, YA_IP)) {
      expose(what, copies, between(mac, db.mac()), probe::awaitAnswers, change);
      assertThat(key("ya")).as("the key").isEqualTo(key);
      assertThat(cluster.pod("ya").mac()).isEqualTo(mac);
    } finally {
      Program.run("ip", "-n", db.netns(), "neigh", "del", YA_IP, "dev", "eth0");
    }
  }

  private String key(String pod) {
    return cluster
        .sandbox()
        .run("sbctl", "get", "Port_Binding", pod + "." + Pod.NAMESPACE, "tunnel_key")
        .strip();
  }

  private void addYa() {
    cluster.sandbox().run("pod", "add", "demo/ya", "--node", Cluster.NODE, "--ip", YA_IP);
  }

  /** Northd gives the key of a pod that is gone to the next new one, at once. */
  @Test
  void aKeyThatIsReused() {
    eachRound(
        () ->
            keyGoesToYa(
                "the key of a deleted pod, its interface removed first",
                () -> {
                  cluster.sandbox().run("pod", "del", "demo/y", "--no-wait");
                  addYa();
                }));
  }

  /** The same, but y's interface stays on the bridge for a while: only its logical port goes. */
  @Test
  void aKeyThatIsReusedWhileTheInterfaceStays() {
    eachRound(
        () ->
            keyGoesToYa(
                "the key of a deleted pod, its interface still on the bridge",
                () -> {
                  cluster.sandbox().run("nbctl", "lsp-del", "y.demo");
                  addYa();
                  cluster.sandbox().run("pod", "detach", "demo/y");
                }));
  }

  /** And all of that while ovn-controller is away, so that its wipe comes in between. */
  @Test
  void aKeyThatIsReusedWhileOvnIsAway() {
    eachRound(
        () ->
            keyGoesToYa(
                "the same while ovn-controller was away",
                () -> {
                  cluster.sandbox().run("stop", Cluster.NODE, "ovn-controller");
                  cluster.sandbox().run("nbctl", "lsp-del", "y.demo");
                  cluster
                      .sandbox()
                      .run(
                          "pod",
                          "add",
                          "demo/ya",
                          "--node",
                          Cluster.NODE,
                          "--ip",
                          YA_IP,
                          "--no-wait");
                  cluster.sandbox().run("start", Cluster.NODE, "ovn-controller");
                }));
  }

  /** Nobody removes the entry then; the controller that starts does, before anything else. */
  @Test
  void aKeyThatIsReusedWhileNoControllerRuns() {
    eachRound(
        () -> {
          String key = key("y");
          controller.close();
          cluster.sandbox().run("pod", "del", "demo/y");
          addYa();
          assertThat(key("ya")).isEqualTo(key);
          Pod ya = cluster.pod("ya");
          Pod db = cluster.pod("db");
          try (Capture copies = copies();
              Probe probe = Probe.start(db, ya)) {
            probe.awaitAnswers(50);
            expose(
                "a key given away while no controller ran, from our start on",
                copies,
                between(ya.mac(), db.mac()),
                probe::awaitAnswers,
                () -> controller = start());
          }
        });
  }

  /** In one transaction y's interface goes and z's has its number. */
  @Test
  void aNumberThatIsReused() {
    numberGoesToZ(
        "a number given away in the transaction that frees it",
        (z, y, number) -> moveTo(z, number, "--", "del-port", "br-int", y.port()));
  }

  @Test
  void aNumberThatIsReusedLater() {
    numberGoesToZ(
        "a number given away in the next transaction",
        (z, y, number) -> {
          brInt.vsctl("del-port", "br-int", y.port());
          moveTo(z, number);
        });
  }

  /** Two interfaces exchange their numbers, and stay who they are. */
  @Test
  void numbersThatAreExchanged() {
    numberGoesToZ(
        "two interfaces exchange their numbers",
        (z, y, number) -> {
          int other = brInt.ofport(z.port());
          brInt.vsctl(
              "set",
              "Interface",
              z.port(),
              "ofport_request=" + number,
              "--",
              "set",
              "Interface",
              y.port(),
              "ofport_request=" + other);
        });
  }

  private interface Gift {
    void of(Pod z, Pod y, int number);
  }

  private void numberGoesToZ(String what, Gift gift) {
    eachRound(
        () -> {
          cluster.sandbox().run("pod", "add", "demo/ya", "--node", Cluster.NODE);
          Pod z = cluster.pod("ya");
          Pod y = cluster.pod("y");
          int number = brInt.ofport(y.port());
          Pod db = cluster.pod("db");
          try (Capture copies = copies();
              Probe probe = Probe.start(z, db)) {
            probe.awaitAnswers(50);
            expose(
                what,
                copies,
                between(z.mac(), db.mac()),
                probe::awaitAnswers,
                () -> gift.of(z, y, number));
            assertThat(brInt.ofport(z.port())).isEqualTo(number);
          }
        });
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

  /** Two interfaces become each other's pods: what is plugged in at y's is the stranger now. */
  @Test
  void interfacesThatSwapTheirPods() {
    becomesYa(
        "two interfaces that swap their pods",
        (y, z) ->
            brInt.vsctl(
                ObjectArrays.concat(becomes(y, "ya", "--"), becomes(z, "y"), String.class)));
  }

  /** An interface becomes another pod's, which had none. */
  @Test
  void anInterfaceThatBecomesAnotherPods() {
    becomesYa(
        "an interface that becomes another pod's",
        (y, z) -> brInt.vsctl(becomes(y, "ya", "--", "del-port", "br-int", z.port())));
  }

  private static String[] becomes(Pod pod, String name, String... more) {
    return ImmutableList.<String>builder()
        .add("set", "Interface", pod.port())
        .add("external_ids:iface-id=" + name + "." + Pod.NAMESPACE)
        .add("external_ids:pod_name=" + name)
        .add(more)
        .build()
        .toArray(String[]::new);
  }

  private void becomesYa(String what, BiConsumer<Pod, Pod> change) {
    eachRound(
        () -> {
          cluster.sandbox().run("pod", "add", "demo/ya", "--node", Cluster.NODE, NO_SECURITY);
          Pod y = cluster.pod("y");
          Pod z = cluster.pod("ya");
          Pod db = cluster.pod("db");
          Program.run(
              "ip",
              "-n",
              y.netns(),
              "neigh",
              "replace",
              db.ip4(),
              "lladdr",
              db.mac(),
              "nud",
              "permanent",
              "dev",
              "eth0");
          try (Capture copies = copies();
              Capture own = Capture.start(y.netns(), y.device(), Side.OUT);
              Probe probe = Probe.start(y, db)) {
            probe.awaitAnswers(50);
            // Answers to it go to where y is now.
            expose(
                what,
                copies,
                between(y.mac(), db.mac()).and(frame -> frame.isFrom(y.mac())),
                more -> awaitFrames(own, more),
                () -> change.accept(y, z));
          }
        });
  }

  private static void awaitFrames(Capture capture, int more) {
    int goal = capture.count() + more;
    Wait.until(more + " frames", () -> capture.count() >= goal, () -> "" + capture.count());
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

  /** Without a datapath id of its own, the bridge takes its MAC address for one. */
  @Test
  void aNewDatapathIdByTheMacAddress() {
    String before = brInt.vsctl("get", "Bridge", "br-int", "other_config:hwaddr").strip();
    brInt.vsctl("set", "Bridge", "br-int", "other_config:hwaddr=\"0a:00:00:00:00:ab\"");
    controller.await(
        "the new datapath id",
        Cluster.NODE,
        status ->
            status.settled()
                && status.node().datapath().orElseThrow().dpidText().equals("00000a00000000ab"));
    assertCopied(cluster.pod("y"), cluster.pod("db"));
    brInt.vsctl("set", "Bridge", "br-int", "other_config:hwaddr=" + before);
    controller.await(
        "the old datapath id",
        Cluster.NODE,
        status ->
            status.settled()
                && !status.node().datapath().orElseThrow().dpidText().equals("00000a00000000ab"));
  }

  /** Copies must not go to a pod that has the mirror port's number now. */
  @Test
  void aMirrorPortWhoseNumberIsGivenToAPod() {
    eachRound(
        () -> {
          cluster.sandbox().run("pod", "add", "demo/ya", "--node", Cluster.NODE);
          Pod z = cluster.pod("ya");
          Pod y = cluster.pod("y");
          Pod db = cluster.pod("db");
          int number = brInt.ofport(MIRROR);
          try (Capture atZ = Capture.start(z.netns(), z.device(), Side.IN);
              Probe probe = Probe.start(y, db)) {
            probe.awaitAnswers(50);
            expose(
                "the mirror port's number given to a pod: copies that the pod gets",
                atZ,
                between(y.mac(), db.mac()),
                probe::awaitAnswers,
                () -> moveTo(z, number, "--", "del-port", "br-int", MIRROR));
            assertThat(brInt.ofport(z.port())).isEqualTo(number);
          }
          settle();
        });
  }

  @Test
  void aMirrorPortWithAnotherNumber() {
    brInt.vsctl("set", "Interface", MIRROR, "ofport_request=4243");
    controller.await(
        "the new number",
        Cluster.NODE,
        status ->
            status.settled()
                && status.plan().bringUp().isEmpty()
                && status.node().port(MIRROR).orElseThrow().ofport() == 4243);
    assertCopied(cluster.pod("y"), cluster.pod("db"));
  }

  /** Deleted; then another device, of another type. */
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
