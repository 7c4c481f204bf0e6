// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static java.util.Objects.requireNonNull;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.config.Direction;
import io.flowmirror.config.Overrides;
import io.flowmirror.config.SettingsReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * A sandbox with what the rows of traffic need: pods, servers in pods and on nodes, a ClusterIP and
 * a NodePort, a mirror port on n1, and for each mode what turns it on. Everything that it adds goes
 * with {@link #close}.
 */
final class TrafficStage implements AutoCloseable {
  static final String NODE = "n1";
  private static final String OTHER_NODE = "n2";

  /** At one end of most rows, with a web server; the pod that is mirrored. */
  private static final String MIRRORED = "traffic-web";

  private static final String NEAR = "traffic-near";
  private static final String NEAR_TOO = "traffic-near2";
  private static final String FAR = "traffic-far";
  private static final String CROWD = "traffic-crowd";
  private static final int OWN_PODS = 3;

  static final String MIRROR_PORT = "tmirror0";
  private static final String COOKIE = "cookie=0x464d000000000000/0xffff000000000000";

  private final Sandbox sandbox;
  private final ImmutableMap<String, String> paths;
  private final ImmutableSet<TrafficRow> rows;
  private final BrInt brInt;
  private final Path folder;
  private final TrafficCounters counters;
  private final TrafficServers servers;
  private final TrafficServices services;
  private final Map<TrafficMode, String> entries = new EnumMap<>(TrafficMode.class);
  private final ImmutableSet<TrafficMode> modes;
  private ImmutableMap<String, Long> switches = ImmutableMap.of();
  private int crowd;

  TrafficStage(Sandbox sandbox, ImmutableSet<TrafficRow> rows, ImmutableSet<TrafficMode> modes) {
    this.sandbox = sandbox;
    this.rows = rows;
    this.modes = modes;
    this.paths = sandbox.paths();
    this.brInt =
        new BrInt(
            path(NODE + ".ovsdb"), "unix:" + path(NODE + ".br_int_mgmt"), path(NODE + ".rundir"));
    try {
      folder = Files.createTempDirectory("fmtraffic");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    servers = new TrafficServers(folder);
    services =
        new TrafficServices(
            sandbox, ImmutableList.of(path(NODE + ".netns"), path(OTHER_NODE + ".netns")));
    counters = new TrafficCounters(brInt, MIRROR_PORT);
    try {
      pod("add", MIRRORED, NEAR, NEAR_TOO, "--node", NODE);
      pod("add", FAR, "--node", OTHER_NODE);
      if (rows.contains(TrafficRow.CLUSTER_IP)) {
        services.clusterIp("add", NEAR);
      }
      if (rows.stream().anyMatch(row -> row.loads.equals(TrafficLoad.REQUESTS))) {
        services.nodePorts(podValue(MIRRORED, "ip4"));
      }
      brInt.vsctl(
          "add-port",
          "br-int",
          MIRROR_PORT,
          "--",
          "set",
          "Interface",
          MIRROR_PORT,
          "type=internal");
      revive();
    } catch (AssertionError | RuntimeException e) {
      close();
      throw e;
    }
  }

  /**
   * Makes everything as it must be after Open vSwitch was started anew: the mirror port, the
   * entries, whose port numbers may be others now, and the servers.
   */
  void revive() {
    ImmutableMap.Builder<String, Long> now = ImmutableMap.builder();
    for (String node : List.of(NODE, OTHER_NODE)) {
      now.put(node, vswitchd(node));
    }
    switches = now.buildOrThrow();
    String netns = path(NODE + ".netns");
    Wait.until(
        "the mirror port",
        () -> Program.start("ip", "-n", netns, "link", "show", MIRROR_PORT).status(Wait.LONG) == 0,
        () -> "no such device");
    shell(
        netns,
        "sysctl -qw net.ipv6.conf."
            + MIRROR_PORT
            + ".disable_ipv6=1; ip link set "
            + MIRROR_PORT
            + " mtu 1500 up");
    learn();
    serve();
  }

  /** The entries of the controller's, which ovs-ofctl puts in place: no JVM disturbs a run. */
  private void learn() {
    clear();
    NodeAddress node = new NodeAddress(NODE, brInt.ovsdb(), brInt.openflow());
    for (TrafficMode mode : modes) {
      if (!mode.isFlowmirror()) {
        continue;
      }
      Intent intent =
          mode.everything
              ? Intent.EVERYTHING
              : new Intent("traffic", false, ImmutableMap.of(MIRRORED, Direction.BOTH));
      String yaml = intent.yaml(ImmutableList.of(node)) + "mirror-iface: " + MIRROR_PORT + "\n";
      try (RunningController controller =
          RunningController.started(SettingsReader.parse("traffic", yaml, Overrides.none()))) {
        controller.awaitSettled();
        entries.put(mode, String.join("\n", brInt.ourEntries()) + "\n");
      }
      clear();
    }
  }

  private void clear() {
    Program.run("ovs-ofctl", "-O", "OpenFlow13", "del-flows", brInt.openflow(), COOKIE);
    if (!brInt.vsctl("--columns=name", "find", "Mirror", "name=traffic").isBlank()) {
      brInt.vsctl(
          "--", "--id=@m", "get", "Mirror", "traffic", "--", "remove", "Bridge", "br-int",
          "mirrors", "@m");
    }
  }

  /** Mirrors in this way from now on, and in no other. */
  void use(TrafficMode mode) {
    clear();
    String entriesOfMode = entries.get(mode);
    if (entriesOfMode != null) {
      Program.start(
              entriesOfMode.getBytes(StandardCharsets.UTF_8),
              "ovs-ofctl",
              "--bundle",
              "-O",
              "OpenFlow13",
              "add-flows",
              brInt.openflow(),
              "-")
          .success(Wait.LONG);
    } else if (mode.mirrors) {
      List<String> make = new ArrayList<>(List.of("--", "--id=@out", "get", "Port", MIRROR_PORT));
      if (!mode.everything) {
        make.addAll(List.of("--", "--id=@pod", "get", "Port", podValue(MIRRORED, "ifname")));
      }
      make.addAll(List.of("--", "--id=@m", "create", "Mirror", "name=traffic", "output_port=@out"));
      make.addAll(
          mode.everything
              ? List.of("select_all=true")
              : List.of("select_src_port=@pod", "select_dst_port=@pod"));
      make.addAll(List.of("--", "add", "Bridge", "br-int", "mirrors", "@m"));
      brInt.vsctl(make.toArray(String[]::new));
    }
    // A change of a Mirror does not reach the megaflows that are in use already.
    brInt.appctl("revalidator/purge");
  }

  /** Has as many pods on n1 as the row needs. */
  void populate(TrafficRow row) {
    int wanted = Math.max(0, row.population() - OWN_PODS);
    if (wanted == crowd) {
      return;
    }
    sandbox.run("pod", "del", "--namespace", Pod.NAMESPACE, "--name-prefix", CROWD);
    if (wanted > 0) {
      sandbox.run(
          "pods",
          "add",
          "--count",
          "" + wanted,
          "--prefix",
          CROWD,
          "--namespace",
          Pod.NAMESPACE,
          "--node",
          NODE,
          "--dummy");
    }
    crowd = wanted;
    learn();
  }

  /** The namespace that the row's traffic begins in. */
  String client(TrafficRow row) {
    return switch (row) {
      case NODE_TO_NODE -> path(NODE + ".netns");
      case REMOTE_NODE_PORT, LOCAL_NODE_PORT -> path("central.netns");
      case ONE_OF_TEN, ONE_OF_HUNDRED -> podValue(NEAR, "netns");
      default -> podValue(MIRRORED, "netns");
    };
  }

  /** Where the row's traffic goes to. */
  String target(TrafficRow row, TrafficLoad load) {
    return switch (row) {
      case SAME_NODE -> podValue(NEAR, "ip4");
      case OTHER_NODE -> podValue(FAR, "ip4");
      case NODE_TO_NODE -> path(OTHER_NODE + ".underlay");
      case OWN_NODE -> path(NODE + ".ovn0_ip4");
      case ANOTHER_NODE -> path(OTHER_NODE + ".ovn0_ip4");
      case CLUSTER_IP ->
          load.isRequests() ? "http://" + TrafficServices.VIP + "/" : TrafficServices.VIP;
      case REMOTE_NODE_PORT ->
          "http://" + path(OTHER_NODE + ".mgmt_ip4") + ":" + TrafficServices.NODE_PORT + "/";
      case LOCAL_NODE_PORT ->
          "http://" + path(NODE + ".mgmt_ip4") + ":" + TrafficServices.NODE_PORT + "/";
      case ONE_OF_TEN, ONE_OF_HUNDRED -> podValue(NEAR_TOO, "ip4");
    };
  }

  /** Frames and bytes, of both directions, at the end of the traffic that is on n1. */
  long[] atTheEnd(TrafficRow row) {
    String netns =
        switch (row) {
          case NODE_TO_NODE, ONE_OF_TEN, ONE_OF_HUNDRED -> client(row);
          default -> podValue(MIRRORED, "netns");
        };
    String device = row == TrafficRow.NODE_TO_NODE ? "br-phy" : "eth0";
    return TrafficCounters.numbers(
        shell(
            netns,
            "cd /sys/class/net/"
                + device
                + "/statistics; "
                + "echo $(($(cat rx_packets) + $(cat tx_packets)))"
                + " $(($(cat rx_bytes) + $(cat tx_bytes)))"));
  }

  /** That of n1. */
  BrInt brInt() {
    return brInt;
  }

  /** The counters of n1's switch. */
  TrafficCounters counters() {
    return counters;
  }

  /** CPU time of n1's ovs-vswitchd so far, in nanoseconds; -1 if it has ended. */
  long cpuNanos() {
    return TrafficCounters.cpuNanos(requireNonNull(switches.get(NODE)));
  }

  /** Whether the switches of both nodes are those that were there at the beginning. */
  boolean switchesRun() {
    return switches.values().stream().allMatch(TrafficCounters::runs);
  }

  /** The nodes whose ovs-vswitchd is no longer the one that it was, with its last words. */
  ImmutableMap<String, String> ended() {
    ImmutableMap.Builder<String, String> ended = ImmutableMap.builder();
    switches.forEach(
        (node, pid) -> {
          if (!TrafficCounters.runs(pid) || vswitchd(node) != pid) {
            ended.put(node, lastWords(node));
          }
        });
    return ended.buildOrThrow();
  }

  /** Ends the switch of n1 as an assertion does. */
  void abortSwitch() {
    Program.run("kill", "-ABRT", "" + switches.get(NODE));
    Wait.until("the end of ovs-vswitchd", () -> !switchesRun(), () -> "it runs");
  }

  private String lastWords(String node) {
    return Program.run(
            "sh",
            "-c",
            "cat \"$0\"/ovs-vswitchd.log* | grep -hE 'EMER|assert|FATAL' | tail -n 1",
            path(node + ".logdir"))
        .strip();
  }

  /** Starts what has ended, and has all as before. */
  void restartSwitches() {
    for (String node : switches.keySet()) {
      sandbox.run("start", node, "ovs-vswitchd");
    }
    revive();
  }

  private long vswitchd(String node) {
    try {
      return TrafficCounters.numbers(
          Files.readString(Path.of(path(node + ".rundir"), "ovs-vswitchd.pid")))[0];
    } catch (IOException e) {
      return -1;
    }
  }

  /** Starts every server anew, whatever a test that broke off has left of it. */
  void serve() {
    servers.close();
    for (String pod : List.of(NEAR, NEAR_TOO, FAR)) {
      servers.messages(podValue(pod, "netns"));
    }
    for (String node : List.of(NODE, OTHER_NODE)) {
      servers.messages(path(node + ".netns"));
    }
    if (rows.stream().anyMatch(row -> row.loads.contains(TrafficLoad.HTTP))) {
      servers.requests(podValue(MIRRORED, "netns"));
      servers.requests(podValue(NEAR, "netns"));
    }
  }

  private String path(String key) {
    String value = paths.get(key);
    if (value == null) {
      throw new AssertionError("sandbox paths prints no " + key);
    }
    return value;
  }

  private String podValue(String pod, String key) {
    try {
      Path file = Path.of(path("state"), "pods", Pod.NAMESPACE + "." + pod);
      String value = Sandbox.keysAndValues(Files.readString(file)).get(key);
      return requireNonNull(value, key);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void pod(String verb, String... words) {
    List<String> command = new ArrayList<>(List.of("pod", verb));
    for (String word : words) {
      command.add(word.startsWith("traffic-") ? Pod.NAMESPACE + "/" + word : word);
    }
    sandbox.run(command.toArray(String[]::new));
  }

  private static String shell(String netns, String script) {
    return Program.run("ip", "netns", "exec", netns, "sh", "-c", script);
  }

  @Override
  public void close() {
    servers.close();
    clear();
    brInt.vsctl("--if-exists", "del-port", "br-int", MIRROR_PORT);
    if (rows.contains(TrafficRow.CLUSTER_IP)) {
      services.clusterIp("del", NEAR);
    }
    services.noNodePorts();
    for (String pods : List.of(CROWD, "traffic-")) { // dummies first: they go in another way
      sandbox.run("pod", "del", "--namespace", Pod.NAMESPACE, "--name-prefix", pods);
    }
    Program.run("rm", "-rf", folder.toString());
  }
}
