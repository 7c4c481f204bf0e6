// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.Lists;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A sandbox with pods on both nodes and both subnets, an echo server of each kind in every pod and
 * node, VIPs and ACLs. On n1: web, db and plain (which has no port security) in ovn-default, other
 * in subnet2. On n2: far in ovn-default, far2 in subnet2.
 */
final class Cluster implements AutoCloseable {
  static final String NODE = "n1";
  static final String OTHER_NODE = "n2";
  static final ImmutableList<String> NODES = ImmutableList.of(NODE, OTHER_NODE);

  static final int TCP_PORT = 8080;
  static final int UDP_PORT = 7000;

  /** UDP to web that an ACL drops on delivery. */
  static final int DROPPED_TO_WEB = 7771;

  /** UDP to db that an ACL drops on delivery. */
  static final int DROPPED_TO_DB = 7772;

  /** UDP from web that an ACL drops as it is sent. */
  static final int DROPPED_FROM_WEB = 7773;

  /** UDP and TCP from web that an ACL rejects. */
  static final int REJECTED_FROM_WEB = 7774;

  /** UDP and TCP to web that an ACL rejects on delivery. */
  static final int REJECTED_TO_WEB = 7775;

  private final Sandbox sandbox;
  private final ImmutableMap<String, String> paths;
  private final List<Program> servers = new ArrayList<>();

  private Cluster(Sandbox sandbox) {
    this.sandbox = sandbox;
    this.paths = sandbox.paths();
  }

  static Cluster up() {
    return in(Sandbox.up());
  }

  /** The same in a sandbox of another kind, which goes with it. */
  static Cluster in(Sandbox sandbox) {
    try {
      sandbox.run("pod", "add", "demo/web", "demo/db", "--node", NODE, "--no-wait");
      sandbox.run("pod", "add", "demo/plain", "--node", NODE, "--no-port-security", "--no-wait");
      sandbox.run("pod", "add", "demo/other", "--node", NODE, "--subnet", "subnet2", "--no-wait");
      sandbox.run("pod", "add", "demo/far", "--node", OTHER_NODE, "--no-wait");
      sandbox.run("pod", "add", "demo/far2", "--node", OTHER_NODE, "--subnet", "subnet2");
      Cluster cluster = new Cluster(sandbox);
      cluster.serve();
      cluster.configure();
      return cluster;
    } catch (AssertionError | RuntimeException e) {
      sandbox.close();
      throw e;
    }
  }

  /** A pod by its name; it need not have been there from the beginning. */
  Pod pod(String name) {
    try {
      Path file = Path.of(path("state"), "pods", Pod.NAMESPACE + "." + name);
      ImmutableMap<String, String> values = Sandbox.keysAndValues(Files.readString(file));
      return new Pod(
          name,
          values.get("netns"),
          "eth0",
          values.get("ifname"),
          values.get("ip4"),
          values.get("ip6"),
          values.get("mac"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A node's own port. */
  Pod ovn0(String node) {
    return new Pod(
        node + " ovn0",
        path(node + ".netns"),
        "ovn0",
        "ovn0",
        path(node + ".ovn0_ip4"),
        path(node + ".ovn0_ip6"),
        "02:00:00:00:03:0" + node.substring(1));
  }

  /**
   * Waits until OVN has left both bridges alone for a second: what a pod leaves behind there goes
   * some time after ovn-controller has said that it is in step.
   */
  void awaitCalm() {
    AtomicReference<List<ImmutableList<String>>> last = new AtomicReference<>(List.of());
    AtomicLong since = new AtomicLong(System.nanoTime());
    Wait.until(
        "OVN to be done",
        () -> {
          List<ImmutableList<String>> now = new ArrayList<>();
          NODES.forEach(node -> now.add(brInt(node).ovnEntries()));
          if (!now.equals(last.getAndSet(now))) {
            since.set(System.nanoTime());
          }
          return System.nanoTime() - since.get() > Duration.ofSeconds(1).toNanos();
        },
        () -> "its entries still change");
  }

  /** A value that {@code sandbox paths} printed. */
  String path(String key) {
    String value = paths.get(key);
    if (value == null) {
      throw new AssertionError("sandbox paths prints no " + key + ", only " + paths.keySet());
    }
    return value;
  }

  BrInt brInt(String node) {
    return new BrInt(
        path(node + ".ovsdb"), "unix:" + path(node + ".br_int_mgmt"), path(node + ".rundir"));
  }

  Sandbox sandbox() {
    return sandbox;
  }

  private void serve() {
    List<Pod> places = new ArrayList<>();
    for (String name : List.of("web", "db", "plain", "other", "far", "far2")) {
      places.add(pod(name));
    }
    for (String node : NODES) {
      places.add(ovn0(node));
    }
    for (Pod place : places) {
      servers.add(
          place.start(
              "exec socat -T 3 UDP6-LISTEN:" + UDP_PORT + ",ipv6only=0,fork,reuseaddr PIPE"));
      servers.add(
          place.start("exec socat TCP6-LISTEN:" + TCP_PORT + ",ipv6only=0,fork,reuseaddr PIPE"));
    }
  }

  /** All in one transaction of the northbound database. */
  private void configure() {
    List<String> command = new ArrayList<>(List.of("nbctl", "--timeout=60", "--wait=hv"));
    for (String protocol : List.of("tcp", "udp")) {
      command.addAll(
          List.of("--", "set", "Load_Balancer", "cluster-" + protocol + "-loadbalancer"));
      for (Vip vip : Vip.values()) {
        Pod backend = pod(vip.backend());
        int from = protocol.equals("tcp") ? Vip.TCP_PORT : Vip.UDP_PORT;
        int to = protocol.equals("tcp") ? TCP_PORT : UDP_PORT;
        command.add(mapping(vip.ip4() + ":" + from, backend.ip4() + ":" + to));
        command.add(mapping("[" + vip.ip6() + "]:" + from, "[" + backend.ip6() + "]:" + to));
      }
    }
    String web = logicalPort(pod("web"));
    String db = logicalPort(pod("db"));
    acl(command, "from-lport", "inport == " + web + " && udp.dst == " + DROPPED_FROM_WEB, "drop");
    acl(command, "to-lport", "outport == " + web + " && udp.dst == " + DROPPED_TO_WEB, "drop");
    acl(command, "to-lport", "outport == " + db + " && udp.dst == " + DROPPED_TO_DB, "drop");
    for (String l4 : List.of("tcp", "udp")) {
      acl(
          command,
          "from-lport",
          "inport == " + web + " && " + l4 + ".dst == " + REJECTED_FROM_WEB,
          "reject");
      acl(
          command,
          "to-lport",
          "outport == " + web + " && " + l4 + ".dst == " + REJECTED_TO_WEB,
          "reject");
    }
    // As a network policy makes it: with it, OVN sends everything through conntrack.
    acl(command, "to-lport", "outport == " + db + " && tcp.dst == " + TCP_PORT, "allow-related");
    sandbox.run(command.toArray(String[]::new));
  }

  /** The name of the logical port of a pod on n1, in quotes, as its interface says it. */
  String logicalPort(Pod pod) {
    String id = brInt(NODE).vsctl("get", "Interface", pod.port(), "external_ids:iface-id").strip();
    return "\"" + id.replace("\"", "") + "\"";
  }

  private static String mapping(String vip, String backend) {
    return "vips:\"" + vip + "\"=\"" + backend + "\"";
  }

  private static void acl(List<String> command, String direction, String match, String verdict) {
    command.addAll(List.of("--", "acl-add", "ovn-default", direction, "2000", match, verdict));
  }

  @Override
  public void close() {
    Lists.reverse(servers).forEach(Program::close);
    sandbox.close();
  }
}
