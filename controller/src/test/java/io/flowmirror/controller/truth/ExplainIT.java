// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.common.collect.ImmutableList;
import java.util.Locale;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Staged failures, each of which the explanation finds at its own link. */
@ExtendWith(SharedCluster.class)
final class ExplainIT {
  private static final String MIRROR_PORT = "explain0";
  private static final String RIVAL = "cookie=0x77/-1";

  private final Cluster cluster;
  private final BrInt brInt;
  private final Pod web;
  private final Serving controller;

  ExplainIT(Cluster cluster) {
    this.cluster = cluster;
    this.brInt = cluster.brInt(Cluster.NODE);
    this.web = cluster.pod("web");
    // Somebody else's, so that nobody but this test brings it up, or makes it anew.
    makeMirrorPort();
    this.controller =
        Serving.started(
            "explain",
            Intent.ONE_POD.yaml(cluster)
                + "  - pod: demo/ghost\n"
                + "mirror-iface: "
                + MIRROR_PORT
                + "\nnorthbound: {listen: '127.0.0.1:0'}\n");
  }

  private void makeMirrorPort() {
    brInt.vsctl(
        "--may-exist",
        "add-port",
        "br-int",
        MIRROR_PORT,
        "--",
        "set",
        "Interface",
        MIRROR_PORT,
        "type=internal",
        "mtu_request=1400");
    device("up");
  }

  private void device(String state) {
    Program.run(
        "ip", "-n", cluster.path(Cluster.NODE + ".netns"), "link", "set", MIRROR_PORT, state);
  }

  @BeforeEach
  void begin() {
    controller.awaitInSync(Cluster.NODE);
  }

  @AfterEach
  void end() {
    controller.close();
    RunningController.clean(cluster);
    brInt.vsctl("--if-exists", "del-port", "br-int", MIRROR_PORT);
    for (String other : ImmutableList.of("ghost_h")) {
      brInt.vsctl("--if-exists", "del-port", "br-int", other);
    }
  }

  private JsonNode explain(String pod) {
    return controller.get("/v1/pods/demo/" + pod + "/explain");
  }

  /** Waits until this is the first link that is broken, and it says this. */
  private void isBroken(String pod, String link, String says) {
    Wait.until(
        pod + " to be explained by " + link,
        () -> {
          JsonNode first = explain(pod).path("firstBroken");
          return first.path("name").asText().equals(link)
              && first.path("says").asText().toLowerCase(Locale.ROOT).contains(says);
        },
        () -> explain(pod).toPrettyString() + "\n" + controller.log());
  }

  private void isMended(String pod) {
    Wait.until(
        "nothing to be broken",
        () -> explain(pod).path("ok").asBoolean(),
        () -> explain(pod).toPrettyString());
  }

  @Test
  void intentAndPod() {
    isBroken("db", "asked-for", "nobody asks");
    controller.put("/v1/mirrors/demo/db", "{\"for\": \"10m\"}");
    isMended("db");
    controller.delete("/v1/mirrors/demo/db");
    isBroken("db", "asked-for", "nobody asks");

    isBroken("ghost", "pod-found", "no interface");
    // Its device is not there.
    brInt.vsctl(
        "add-port",
        "br-int",
        "ghost_h",
        "--",
        "set",
        "Interface",
        "ghost_h",
        "external_ids:pod_name=ghost",
        "external_ids:pod_namespace=demo",
        "external_ids:iface-id=ghost.demo");
    isBroken("ghost", "interface", "could not open");
    // It is there, and OVN knows no logical port of this name.
    brInt.vsctl("set", "Interface", "ghost_h", "type=internal");
    isBroken("ghost", "logical-port", "ovn has not bound");
  }

  @Test
  void copiesAndTheirPort() {
    isMended("web");
    Program.run("ip", "netns", "exec", web.netns(), "ping", "-c", "3", "-W", "2", gateway());
    Wait.until(
        "copies to be counted",
        () -> {
          controller.send("POST", "/v1/nodes/n1/audit", Optional.empty(), "*/*");
          return explain("web").path("firstBroken").isMissingNode();
        },
        () -> explain("web").toPrettyString());

    device("down");
    isBroken("web", "mirror-port", "is down");
    device("up");
    isMended("web");

    brInt.vsctl("set", "Interface", MIRROR_PORT, "mtu_request=1200");
    isBroken("web", "mtu", "1200");
    brInt.vsctl("set", "Interface", MIRROR_PORT, "mtu_request=1400");
    isMended("web");

    brInt.vsctl("set", "Interface", MIRROR_PORT, "external_ids:iface-id=somebody");
    isBroken("web", "mirror-port", "somebody");
    brInt.vsctl("remove", "Interface", MIRROR_PORT, "external_ids", "iface-id");
    isMended("web");

    brInt.vsctl(
        "--",
        "--id=@p",
        "get",
        "Port",
        web.port(),
        "--",
        "--id=@o",
        "get",
        "Port",
        MIRROR_PORT,
        "--",
        "--id=@m",
        "create",
        "Mirror",
        "name=m0",
        "select_src_port=@p",
        "output_port=@o",
        "--",
        "add",
        "Bridge",
        "br-int",
        "mirrors",
        "@m");
    isBroken("web", "not-doubled", "mirror m0");
    brInt.vsctl("clear", "Bridge", "br-int", "mirrors");
    isMended("web");
  }

  private static String gateway() {
    return "10.16.0.1";
  }

  @Test
  void entries() {
    isMended("web");
    int ofport = brInt.ofport(web.port());
    // It loses nothing: OVN has the packet as it would have it without us.
    Program.run(
        "ovs-ofctl",
        "-O",
        "OpenFlow13",
        "add-flow",
        brInt.openflow(),
        "cookie=0x77,table=0,priority=50000,metadata=0,in_port="
            + ofport
            + ",actions=set_field:1->metadata,resubmit(,0)");
    isBroken("web", "entries", "hides");
    Program.run("ovs-ofctl", "-O", "OpenFlow13", "del-flows", brInt.openflow(), RIVAL);
    isMended("web");
  }

  @Test
  void theNodesConnections() {
    isMended("web");
    cluster.sandbox().run("stop", Cluster.NODE, "ovsdb-server");
    isBroken("web", "node-attached", "no ovsdb");
    cluster.sandbox().run("start", Cluster.NODE, "ovsdb-server");
    isMended("web");

    try (Program holder =
        Program.start(
            "ovsdb-client", "steal", "--timeout=120", cluster.path("n1.ovsdb"), "flowmirror")) {
      isBroken("web", "writer", "another controller");
      assertThat(holder.isRunning()).isTrue();
    }
    isMended("web");

    cluster.sandbox().run("stop", Cluster.NODE, "ovs-vswitchd");
    isBroken("web", "node-attached", "no openflow");
    cluster.sandbox().run("start", Cluster.NODE, "ovs-vswitchd");
    cluster.awaitCalm();
    device("up");
    isMended("web");
  }
}
