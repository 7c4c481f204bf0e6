// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import static io.flowmirror.controller.openflow.Entries.add;
import static io.flowmirror.controller.openflow.Entries.delete;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.flowmirror.controller.transport.Endpoint;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@link DatapathContract} cannot say: what a session does on the wire, and to the bridge. */
class OpenFlowSessionIT extends RealSwitchTests {

  @ParameterizedTest
  @ValueSource(strings = {"normal", "drop", "nx-match"})
  void leavesTheBridgeAsItWas(String fragments) {
    ovs.addPort("p1");
    ovs.ofctl("set-frags", ovs.bridge(), fragments);
    ovs.addFlow("cookie=0x12,table=0,priority=100,in_port=1,actions=controller");
    String before = state();
    OpenFlowSession session = open();
    connected();
    apply(session, add(Entries.e1(1, 2)));
    apply(session, delete(Entries.e1(1, 2)));
    assertThat(state()).isEqualTo(before);
    session.close();
    await().atMost(PATIENCE).untilAsserted(() -> assertThat(state()).isEqualTo(before));
    ovs.ofctl("set-frags", ovs.bridge(), "normal");
  }

  private static String state() {
    return String.join(
        "\n",
        ovs.ofctl("get-frags", ovs.bridge()),
        ovs.vsctl("get-controller", "br-int"),
        ovs.vsctl("get-manager"),
        ovs.appctl("bridge/dump-flows", "br-int").replaceAll("duration=\\S+ ", ""),
        String.join("\n", ovs.flows()));
  }

  @Test
  void sendsAndGetsNothingThatItShouldNot() {
    ovs.addPort("p1");
    int port = ovs.ofport("p1");
    ovs.addFlow("table=0,priority=100,in_port=" + port + ",actions=controller");
    try (Wiretap wire = new Wiretap(ovs.socket())) {
      OpenFlowSession session = open(OpenFlowOptions.of("node", Endpoint.unix(wire.socket())));
      connected();
      apply(session, add(Entries.e1(port, 2)), add(Entries.e3(65, port, 3, 7)));
      apply(session, delete(Entries.e1(port, 2)));
      ovs.ofctl(
          "packet-out",
          ovs.bridge(),
          "in_port=" + port + ",packet=ffffffffffff0200000000020806,actions=resubmit(,0)");
      ovs.addPort("p2");
      report(r -> r.datapath().orElseThrow().port("p2").isPresent());
      assertThat(ovs.ofctl("dump-flows", ovs.bridge(), "in_port=" + port).lines())
          .anyMatch(line -> line.contains("n_packets=1,") && line.endsWith("CONTROLLER:65535"));
      // FEATURES, GET_CONFIG, SET_CONFIG, SET_ASYNC, HELLO, multipart, barrier, bundles, echoes.
      assertThat(types(wire.toSwitch())).isSubsetOf(0, 2, 3, 4, 5, 7, 9, 18, 20, 28);
      // No packet-in, and no error.
      assertThat(types(wire.fromSwitch())).doesNotContain(1, 10).contains(12);
      assertThat(wire.toSwitch().stream().filter(m -> Frames.type(m) == 4))
          .allMatch(m -> Frames.int32(m, 8) == Ofp.ONF_EXPERIMENTER_ID);
    }
  }

  private static List<Integer> types(List<byte[]> messages) {
    return messages.stream().map(Frames::type).distinct().toList();
  }
}
