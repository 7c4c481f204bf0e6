// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import com.google.common.collect.ImmutableList;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * The ClusterIP, which is OVN's, and the NodePort, which is the nodes' own kernels'.
 *
 * @param nodes the nodes' network namespaces
 */
record TrafficServices(Sandbox sandbox, ImmutableList<String> nodes) {
  static final String VIP = "10.96.0.77";
  static final int NODE_PORT = 30080;
  private static final String TABLE = "flowmirror-traffic";

  /**
   * Adds or deletes the ClusterIP.
   *
   * @param verb {@code add} or {@code del}
   * @param pod that is behind it
   */
  void clusterIp(String verb, String pod) {
    String near = Pod.NAMESPACE + "/" + pod + ":";
    for (int port :
        List.of(80, TrafficLoad.QPERF_PORT, TrafficLoad.QPERF_DATA_PORT, TrafficLoad.IPERF_PORT)) {
      for (String protocol : List.of("tcp", "udp")) {
        List<String> lb = new ArrayList<>(List.of("lb", verb, VIP + ":" + port, protocol));
        if (verb.equals("add")) {
          lb.add(near + port);
        }
        sandbox.run(lb.toArray(String[]::new));
      }
    }
  }

  /** As kube-proxy has it: what is sent to the port of any node is marked, sent on, and masked. */
  void nodePorts(String address) {
    String rules =
        """
        table ip %s {
          chain prerouting {
            type nat hook prerouting priority dstnat; policy accept;
            tcp dport %d meta mark set meta mark or 0x4000 dnat to %s:80
          }
          chain postrouting {
            type nat hook postrouting priority srcnat; policy accept;
            meta mark and 0x4000 == 0x4000 masquerade
          }
        }
        """
            .formatted(TABLE, NODE_PORT, address);
    for (String netns : nodes) {
      Program.start(
              rules.getBytes(StandardCharsets.UTF_8),
              "ip",
              "netns",
              "exec",
              netns,
              "nft",
              "-f",
              "-")
          .success(Wait.LONG);
      sh(netns, "sysctl -qw net.ipv4.ip_forward=1");
    }
  }

  /** Takes the NodePort away, if there is one. */
  void noNodePorts() {
    for (String netns : nodes) {
      sh(
          netns,
          "nft delete table ip " + TABLE + " 2>/dev/null && sysctl -qw net.ipv4.ip_forward=0; :");
    }
  }

  private static void sh(String netns, String script) {
    Program.run("ip", "netns", "exec", netns, "sh", "-c", script);
  }
}
