// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * A few rows of the truth table where the nodes are joined by something else than Geneve: by VXLAN,
 * whose key holds a port beside the datapath.
 */
final class UnderlayIT {
  private static final ImmutableList<Intent> INTENTS =
      ImmutableList.of(Intent.ONE_POD, Intent.EVERYTHING);

  private static final ImmutableSet<String> BETWEEN_NODES =
      ImmutableSet.of(
          "ARP announcements, both ways",
          "ICMP: pod, other node",
          "ICMPv6, ND: pod, other node",
          "TCP: pod, other node",
          "UDP: pod, routed, other node",
          "UDP: other node's ovn0",
          "TCP: VIP of far");

  @TestFactory
  Stream<DynamicNode> overVxlan() {
    Cluster cluster = Cluster.in(Sandbox.up("iv", "up", "--encap", "vxlan"));
    Controller controller = Controller.inThisJvm(cluster);
    Watch watch = new Watch(cluster);
    ImmutableList<TrafficCase> betweenNodes =
        ReachCases.of(cluster).stream()
            .filter(row -> BETWEEN_NODES.contains(row.name()))
            .collect(ImmutableList.toImmutableList());
    assertThat(betweenNodes).hasSameSizeAs(BETWEEN_NODES);
    assertThat(cluster.brInt(Cluster.NODE).vsctl("list", "Interface")).contains("vxlan");
    return columns(cluster, watch, controller, betweenNodes)
        .onClose(controller::close)
        .onClose(watch::close)
        .onClose(cluster::close);
  }

  private static Stream<DynamicNode> columns(
      Cluster cluster, Watch watch, Controller controller, ImmutableList<TrafficCase> cases) {
    TruthTable table = new TruthTable(cases, INTENTS);
    Stream<DynamicContainer> columns =
        INTENTS.stream()
            .map(intent -> new TruthColumn(cluster, watch, controller, intent, table).tests(cases));
    return Stream.concat(
        columns,
        Stream.of(DynamicTest.dynamicTest("(the table)", () -> System.out.println(table.text()))));
  }
}
