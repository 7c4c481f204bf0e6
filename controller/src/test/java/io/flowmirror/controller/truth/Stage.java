// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static java.util.Objects.requireNonNull;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.config.Overrides;
import io.flowmirror.config.Settings;
import io.flowmirror.config.SettingsReader;
import io.flowmirror.controller.reconcile.NodeStatus;
import java.time.Duration;
import java.util.Random;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A cluster with a mirror port that outlives ovs-vswitchd, entries of somebody else's on n1's
 * br-int, and a controller behind a {@link Proxy}, to which faults happen.
 */
final class Stage implements AutoCloseable {
  /** One end of a veth: an internal port would be gone with ovs-vswitchd, and the capture too. */
  private static final String MIRROR_PORT = "fmv0";

  /** Where copies arrive. */
  static final String MIRROR_DEVICE = "fmv1";

  private static final String FOREIGN_COOKIE = "0x5151";

  final Cluster cluster;
  final BrInt brInt;
  final Random random;
  private final Intent intent;
  private final ImmutableSet<String> foreign;
  private final Proxy proxy;
  private @Nullable RunningController controller;
  private boolean isBehindProxy;

  /**
   * Sets the stage, without a controller.
   *
   * @param random decides what a fault leaves open
   */
  Stage(Cluster cluster, Intent intent, Random random) {
    this.cluster = cluster;
    this.brInt = cluster.brInt(Cluster.NODE);
    this.intent = intent;
    this.random = random;
    this.proxy = new Proxy(cluster.path(Cluster.NODE + ".br_int_mgmt"));
    String netns = cluster.path(Cluster.NODE + ".netns");
    Program.run(
        "sh",
        "-c",
        "ip -n $0 link add $1 type veth peer name $2 && ip -n $0 link set $1 up &&"
            + " ip netns exec $0 sysctl -qw net.ipv6.conf.$2.disable_ipv6=1"
            + " net.ipv6.conf.$1.disable_ipv6=1 && ip -n $0 link set $2 up",
        netns,
        MIRROR_PORT,
        MIRROR_DEVICE);
    brInt.vsctl("add-port", "br-int", MIRROR_PORT);
    plant();
    this.foreign = foreign();
    if (foreign.size() < 30) {
      throw new AssertionError("foreign entries: " + foreign);
    }
  }

  /** Somebody else puts his entries where they were. */
  void plant() {
    String entries =
        IntStream.range(0, 10)
            .mapToObj(
                i ->
                    String.format(
                        "cookie=%s,table=0,priority=%d,in_port=%d,metadata=0 actions=drop%n"
                            + "cookie=%1$s,table=65,priority=40000,reg15=%3$d,metadata=77"
                            + " actions=drop%n"
                            + "cookie=%1$s,table=200,priority=1,in_port=%3$d actions=drop%n",
                        FOREIGN_COOKIE, 39980 + 5 * i, 60000 + i))
            .reduce("", String::concat);
    add(entries);
  }

  private void add(String entries) {
    String[] command = {
      "ovs-ofctl", "--bundle", "-O", "OpenFlow13", "add-flows", brInt.openflow(), "-"
    };
    Program.start(entries.getBytes(java.nio.charset.StandardCharsets.UTF_8), command)
        .success(Wait.LONG);
  }

  /** Somebody adds so many entries in a table that nobody uses. */
  void flood(int count) {
    StringBuilder entries = new StringBuilder();
    for (int i = 0; i < count; i++) {
      entries
          .append("cookie=0x6161,table=201,priority=1,reg0=")
          .append(i)
          .append(" actions=drop\n");
    }
    add(entries.toString());
  }

  /**
   * Somebody adds so many entries in OVN's delivery table, of a logical datapath that there is not.
   *
   * @param first the logical port of the first
   */
  void floodDelivery(int first, int count) {
    StringBuilder entries = new StringBuilder();
    for (int i = first; i < first + count; i++) {
      entries
          .append("cookie=0x6161,table=65,priority=1,metadata=0x7ffff0,reg15=")
          .append(i)
          .append(" actions=drop\n");
    }
    add(entries.toString());
  }

  /** He removes what he has added. */
  void drain() {
    Program.run("ovs-ofctl", "-O", "OpenFlow13", "del-flows", brInt.openflow(), "cookie=0x6161/-1");
  }

  /** Has ovs-ofctl make our entries, as they are, once more; says how long that took. */
  Duration replaceOursByOfctl() {
    String ours = String.join("\n", brInt.ourEntries()) + "\n";
    long begin = System.nanoTime();
    add(ours);
    return Duration.ofNanos(System.nanoTime() - begin);
  }

  /** Somebody else's entries that are there now. */
  ImmutableSet<String> foreign() {
    return brInt.entries().stream()
        .filter(line -> line.contains("cookie=" + FOREIGN_COOKIE + ","))
        .collect(ImmutableSet.toImmutableSet());
  }

  /** What of somebody else's is missing, or new. */
  ImmutableSet<String> foreignChanged() {
    return com.google.common.collect.Sets.symmetricDifference(foreign, foreign()).immutableCopy();
  }

  /** Starts the controller, and waits until all is as it wants it. */
  void startController() {
    controller = RunningController.started(settings());
    controller.awaitSettled();
  }

  /** Has the controller behind the proxy, or not; it is started anew if that is a change. */
  void putProxy(boolean between) {
    if (between != isBehindProxy) {
      isBehindProxy = between;
      if (hasController()) {
        stopController();
        startController();
      }
    }
  }

  /** Ends the controller as a crash does: nothing is tidied up. */
  void stopController() {
    requireNonNull(controller).close();
    controller = null;
  }

  /** Waits until the controller, if there is one, knows of this. */
  void controllerNotices(String what, Predicate<NodeStatus> arrived) {
    if (controller != null) {
      controller.await(what, Cluster.NODE, arrived);
    }
  }

  boolean hasController() {
    return controller != null;
  }

  RunningController controller() {
    return requireNonNull(controller, "no controller");
  }

  Proxy proxy() {
    return proxy;
  }

  /** Where copies must come from. */
  String mirrorNetns() {
    return cluster.path(Cluster.NODE + ".netns");
  }

  private Settings settings() {
    NodeAddress direct = NodeAddress.unix(cluster, Cluster.NODE);
    String yaml =
        intent.yaml(
                ImmutableList.of(
                    isBehindProxy
                        ? new NodeAddress(direct.node(), direct.ovsdb(), "unix:" + proxy.path())
                        : direct))
            + "mirror-iface: "
            + MIRROR_PORT
            + "\n";
    return SettingsReader.parse(intent.name(), yaml, Overrides.none());
  }

  /** Runs a program of OVS's or OVN's on n1. */
  String node(String... command) {
    return cluster
        .sandbox()
        .run(
            ImmutableList.<String>builder()
                .add("node-exec", Cluster.NODE, "--")
                .add(command)
                .build()
                .toArray(String[]::new));
  }

  /** Runs a command of the sandbox's. */
  String sandbox(String... command) {
    return cluster.sandbox().run(command);
  }

  @Override
  public void close() {
    if (controller != null) {
      stopController();
    }
    proxy.close();
    RunningController.clean(cluster);
    brInt.vsctl("--if-exists", "del-port", "br-int", MIRROR_PORT);
    Program.run("ip", "-n", mirrorNetns(), "link", "del", MIRROR_DEVICE);
    Program.run(
        "ovs-ofctl",
        "-O",
        "OpenFlow13",
        "del-flows",
        brInt.openflow(),
        "cookie=" + FOREIGN_COOKIE + "/-1");
  }
}
