// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.common.collect.ImmutableMap;
import io.flowmirror.controller.transport.Endpoint;
import io.flowmirror.flows.Action;
import io.flowmirror.flows.Field;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.Match;
import io.flowmirror.topology.Datapath;
import io.flowmirror.topology.LogicalPort;
import io.flowmirror.topology.Port;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A session against a real ovs-vswitchd. */
class OpenFlowSessionIT extends RealSwitchTests {

  @Test
  void tellsOfTheDatapathAndItsPorts() {
    ovs.addPort("p1");
    ovs.addPort("a-name-of-15-ch");
    open();
    Datapath datapath = connected();
    assertThat(datapath.dpidText()).isEqualTo("0000020000000001");
    assertThat(datapath.switchVersion()).matches("\\d+\\.\\d+\\.\\d+.*");
    assertThat(datapath.ports().values())
        .extracting(Port::name)
        .containsExactlyInAnyOrder("p1", "a-name-of-15-ch");
    assertThat(datapath.port("p1").orElseThrow().ofport()).isEqualTo(ovs.ofport("p1"));
    assertThat(datapath.port("p1").orElseThrow().adminDown()).isTrue();
    assertThat(datapath.deliveryTable()).isEmpty();
    assertThat(datapath.natInLabel()).isFalse();
    assertThat(reports.getFirst().entries()).isEmpty();
  }

  @Test
  void appliesReplacesAndDeletes() {
    ovs.addPort("p1");
    ovs.addPort("mirror0");
    int port = ovs.ofport("p1");
    int mirror = ovs.ofport("mirror0");
    OpenFlowSession session = open();
    DatapathReport report =
        apply(
            session,
            add(Entries.e0(mirror)),
            add(Entries.e1(port, mirror)),
            add(Entries.e2(65, 3, 7, mirror)),
            add(Entries.e3(65, port, 3, 7)));
    assertThat(report.refused()).isEmpty();
    assertThat(ovs.flows())
        .containsExactlyInAnyOrder(
            "cookie=0x464d100000000000, hard_timeout=600, send_flow_rem"
                + " priority=40010,metadata=0,in_port="
                + mirror
                + " actions=set_field:0x1->metadata,resubmit(,0)",
            cookie(Entries.e1(port, mirror))
                + ", hard_timeout=600, send_flow_rem"
                + " priority=40000,metadata=0,in_port="
                + port
                + " actions=output:"
                + mirror
                + ",set_field:0x1->metadata,resubmit(,0)",
            cookie(Entries.e2(65, 3, 7, mirror))
                + ", table=65, hard_timeout=600, send_flow_rem"
                + " priority=40000,reg14=0/0x1000000,reg15=0x7,metadata=0x3"
                + " actions=output:"
                + mirror
                + ",load:0x1->NXM_NX_REG14[24],resubmit(,65)"
                + ",load:0->NXM_NX_REG14[24]",
            cookie(Entries.e3(65, port, 3, 7))
                + ", table=65, hard_timeout=600, send_flow_rem"
                + " priority=40001,ct_mark=0/0x2,reg14=0x7,metadata=0x3,in_port="
                + port
                + " actions=load:0x1->NXM_NX_REG14[24],resubmit(,65),load:0->NXM_NX_REG14[24]");
    // What is read back is what was asked for, bit by bit.
    assertThat(entries(report))
        .containsExactlyInAnyOrder(
            Entries.e0(mirror),
            Entries.e1(port, mirror),
            Entries.e2(65, 3, 7, mirror),
            Entries.e3(65, port, 3, 7));

    FlowEntry replacement = Entries.e1(port, mirror + 1);
    report = apply(session, add(replacement), delete(Entries.e0(mirror)));
    assertThat(entries(report))
        .containsExactlyInAnyOrder(
            replacement, Entries.e2(65, 3, 7, mirror), Entries.e3(65, port, 3, 7));

    report =
        apply(
            session,
            delete(replacement),
            delete(Entries.e2(65, 3, 7, mirror)),
            delete(Entries.e3(65, port, 3, 7)));
    assertThat(entries(report)).isEmpty();
    assertThat(ovs.flows()).isEmpty();
  }

  private static String cookie(FlowEntry entry) {
    return "cookie=0x" + Long.toHexString(entry.cookie());
  }

  @Test
  void deletesOnlyWhatBearsTheCookie() {
    ovs.addFlow("cookie=0x12,table=0,priority=40000,in_port=1,metadata=0,actions=drop");
    ovs.addFlow(
        "cookie=0x464d100100000099,table=0,priority=40000,in_port=2,metadata=0,actions=drop");
    List<String> before = ovs.flows();
    OpenFlowSession session = open();
    assertThat(connected()).isNotNull();
    DatapathReport report = apply(session, delete(Entries.e1(1, 9)), delete(Entries.e1(2, 9)));
    assertThat(report.refused()).isEmpty();
    assertThat(ovs.flows()).isEqualTo(before);
    // Foreign entries that stand where ours would are told of.
    assertThat(entries(report)).hasSize(2);
  }

  @Test
  void refusesWhatIsNotOurs() {
    ovs.addFlow("cookie=0x12,table=0,priority=5,in_port=1,actions=drop");
    OpenFlowSession session = open();
    FlowEntry foreign =
        Entries.entry(0, 5, Match.ANY.with(Field.IN_PORT, 1), 0x12, new Action.Output(1));
    DatapathReport report = apply(session, delete(foreign));
    assertThat(report.refused()).containsExactly(Map.entry(foreign.key(), "cookie is not ours"));
    assertThat(apply(session, add(foreign)).refused()).hasSize(1);
    assertThat(ovs.flows()).hasSize(1);
  }

  @Test
  void tracesARefusalToItsEntryAndAppliesNothing() {
    OpenFlowSession session = open();
    FlowEntry good = Entries.e1(1, 2);
    FlowEntry noSuchTable =
        Entries.entry(255, 40000, Match.ANY, good.cookie(), new Action.Output(2));
    FlowEntry noSuchPort =
        Entries.entry(0, 40000, Match.ANY, good.cookie(), new Action.Output(0xff00));
    DatapathReport report =
        apply(session, add(good), add(noSuchTable), add(Entries.e0(2)), add(noSuchPort));
    assertThat(report.refused())
        .isEqualTo(
            ImmutableMap.of(
                noSuchTable.key(), "OFPET_FLOW_MOD_FAILED/OFPFMFC_BAD_TABLE_ID",
                noSuchPort.key(), "OFPET_BAD_ACTION/OFPBAC_BAD_OUT_PORT"));
    assertThat(report.entries()).isEmpty();
    assertThat(ovs.flows()).isEmpty();

    report = apply(session, add(good));
    assertThat(report.refused()).isEmpty();
    assertThat(entries(report)).containsExactly(good);
  }

  @Test
  void findsOvnsPipeline() {
    ovs.addPort("p1");
    ovs.addPort("p2");
    int p1 = ovs.ofport("p1");
    int p2 = ovs.ofport("p2");
    open();
    assertThat(connected().deliveryTable()).isEmpty();
    String load = "set_field:0x9->reg13,set_field:0x3->metadata,set_field:0x%d->reg14,resubmit(,8)";
    ovs.addFlow("table=0,priority=100,in_port=" + p1 + ",actions=" + load.formatted(7));
    ovs.addFlow("table=0,priority=150,in_port=" + p1 + ",dl_vlan=5,actions=" + load.formatted(8));
    ovs.addFlow("table=0,priority=100,in_port=" + p2 + ",actions=" + load.formatted(9));
    ovs.addFlow("table=40,priority=100,reg15=7,metadata=3,actions=resubmit(,89)");
    ovs.addFlow("table=89,priority=100,reg15=7,metadata=3,actions=output:" + p1);
    ovs.addFlow(
        "table=89,priority=100,reg15=8,metadata=3,"
            + "actions=push_vlan:0x8100,set_field:4101->vlan_vid,output:"
            + p1
            + ",pop_vlan");
    DatapathReport report =
        report(r -> r.datapath().isPresent() && r.datapath().get().logicalPorts().size() == 2);
    assertThat(report.datapath().orElseThrow().deliveryTable()).isEqualTo(OptionalInt.of(89));
    assertThat(report.datapath().orElseThrow().logicalPorts())
        .containsExactly(new LogicalPort(p1, 3, 7, true), new LogicalPort(p1, 3, 8, false));
    assertThat(report.datapath().orElseThrow().natInLabel()).isFalse();

    // OVN is upgraded: all is wiped, another delivery table, and the NAT mark elsewhere.
    ovs.ofctl("del-flows", ovs.bridge());
    report(r -> r.datapath().orElseThrow().logicalPorts().isEmpty());
    ovs.addFlow("table=10,ct_label=2/2,actions=drop");
    ovs.addFlow("table=65,priority=100,reg15=7,metadata=3,actions=output:" + p1);
    ovs.addFlow("table=0,priority=100,in_port=" + p1 + ",actions=" + load.formatted(7));
    report = report(r -> r.datapath().orElseThrow().logicalPorts().size() == 1);
    assertThat(report.datapath().orElseThrow().deliveryTable()).isEqualTo(OptionalInt.of(65));
    assertThat(report.datapath().orElseThrow().natInLabel()).isTrue();
  }

  @Test
  void findsEntriesOfOursInAnyTable() {
    ovs.addFlow("cookie=0x464d100200000001,table=33,priority=1,metadata=5,actions=drop");
    OpenFlowSession session = open();
    connected();
    DatapathReport report = reports.getLast();
    assertThat(report.entries()).hasSize(1);
    FlowEntry found = report.entries().get(0).entry();
    assertThat(found.key().table()).isEqualTo(33);
    assertThat(entries(apply(session, delete(found)))).isEmpty();
    assertThat(ovs.flows()).isEmpty();
  }

  @Test
  void reportsPortsAtOnce() {
    ovs.addPort("p1");
    OpenFlowSession session = open();
    Datapath datapath = connected();
    int first = datapath.port("p1").orElseThrow().ofport();
    ovs.addPort("p2");
    report(r -> r.datapath().orElseThrow().port("p2").isPresent());
    session.bringUp(datapath.connection(), first);
    report(r -> !r.datapath().orElseThrow().port("p1").orElseThrow().adminDown());
    ovs.vsctl("del-port", "br-int", "p1");
    report(r -> !r.datapath().orElseThrow().port("p1").isPresent());
    assertThat(connected().connection()).isEqualTo(datapath.connection());
  }

  @Test
  void noticesChangesByOthersLongBeforeTheAudit() {
    OpenFlowSession session =
        open(OpenFlowOptions.of("node", ovs.endpoint()).withAudit(Duration.ofMinutes(10)));
    FlowEntry entry = Entries.e1(1, 2);
    FlowEntry elsewhere = Entries.entry(33, 40000, Match.ANY, entry.cookie(), new Action.Output(2));
    assertThat(entries(apply(session, add(entry), add(elsewhere))))
        .containsExactlyInAnyOrder(entry, elsewhere);
    ovs.addFlow(
        "cookie=0x464d100100000007,table=0,priority=40000,in_port=1,metadata=0,actions=drop");
    report(r -> r.entries().stream().anyMatch(i -> i.entry().actions().isEmpty()));
    ovs.ofctl("del-flows", ovs.bridge());
    report(r -> r.entries().isEmpty());
  }

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
