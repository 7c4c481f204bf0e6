// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.flowmirror.topology.LogicalPort;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class OvnPipelineTest {
  private static final long OVN = 0x934f4ce2L;
  private static final Match PORT_3 = Match.ANY.with(Field.IN_PORT, 3);
  private static final Match KEY_7 = keys(3, 7);
  private static final LogicalPort PORT = new LogicalPort(3, 3, 7, true);
  private static final Action DATAPATH = new Action.SetField(Field.METADATA, 3);
  private static final Action INPUT = new Action.SetField(Field.REG14, 7);
  private static final Action NEXT = new Action.Resubmit(8);
  private static final Action OTHER = new Action.Other(Opaque.ofHex("00"));

  private static Match keys(long datapathKey, long portKey) {
    return Match.ANY.with(Field.REG15, portKey).with(Field.METADATA, datapathKey);
  }

  private static FlowEntry entry(int table, int priority, Match match, Action... actions) {
    return new FlowEntry(
        new FlowKey(table, priority, match), ImmutableList.copyOf(actions), OVN, 0, false);
  }

  private static List<LogicalPort> candidates(FlowEntry... entries) {
    return OvnPipeline.candidates(List.of(entries));
  }

  @Test
  void takesAPodsIngressEntry() {
    assertThat(candidates(entry(0, 100, PORT_3, OTHER, DATAPATH, INPUT, NEXT)))
        .containsExactly(PORT);
  }

  @Test
  void takesLoadsAsWellAsSetField() {
    assertThat(
            candidates(
                entry(
                    0,
                    100,
                    PORT_3,
                    new Action.Load(Field.METADATA, 0, 64, 3),
                    new Action.Load(Field.REG14, 0, 32, 7),
                    NEXT)))
        .containsExactly(PORT);
    // The low bits are enough if they hold any key, and one bit is not.
    assertThat(
            candidates(
                entry(
                    0,
                    100,
                    PORT_3,
                    new Action.Load(Field.METADATA, 0, 24, 3),
                    new Action.Load(Field.REG14, 0, 15, 7),
                    NEXT)))
        .containsExactly(PORT);
    assertThat(
            candidates(
                entry(0, 100, PORT_3, DATAPATH, new Action.Load(Field.REG14, 24, 1, 1), NEXT)))
        .isEmpty();
  }

  @Test
  void tellsAPlainPortFromOneWithAVlan() {
    Match vlan = new Match(PORT_3.fields(), ImmutableList.of(Opaque.ofHex("80000c021005")));
    assertThat(candidates(entry(0, 150, vlan, DATAPATH, INPUT, NEXT)))
        .containsExactly(new LogicalPort(3, 3, 7, false, true));
  }

  /** As OVN 23.03 has them: the second is of what another chassis has routed (conj_id=100). */
  @Test
  void takesALocalnetPortWithATagForOneThatTakesItOff() {
    Opaque vlan10 = Opaque.ofHex("80000c02100a");
    Opaque routed = Opaque.ofHex("00014a0400000064");
    Match tagged = new Match(PORT_3.fields(), ImmutableList.of(vlan10));
    Match both = new Match(PORT_3.fields(), ImmutableList.of(vlan10, routed));
    Action popVlan = new Action.Other(Opaque.ofHex("0012000800000000"));
    assertThat(
            candidates(
                entry(0, 150, tagged, popVlan, DATAPATH, INPUT, NEXT),
                entry(0, 180, both, popVlan, DATAPATH, INPUT, OTHER, NEXT)))
        .containsExactly(new LogicalPort(3, 3, 7, false, true));
  }

  /** As OVN 23.03 has them: of what has no tag, and of what has one with VLAN 0. */
  @Test
  void takesAnUntaggedLocalnetPortForOneThatTakesNoTagOff() {
    Match noTag = new Match(PORT_3.fields(), ImmutableList.of(Opaque.ofHex("80000d0400001000")));
    Match priorityTag = new Match(PORT_3.fields(), ImmutableList.of(Opaque.ofHex("80000c021000")));
    assertThat(
            candidates(
                entry(0, 100, noTag, DATAPATH, INPUT, NEXT),
                entry(0, 100, priorityTag, OTHER, DATAPATH, INPUT, NEXT)))
        .containsExactly(new LogicalPort(3, 3, 7, false, false));
  }

  @Test
  void leavesOutATunnel() {
    assertThat(candidates(entry(0, 100, PORT_3, OTHER, OTHER, new Action.Resubmit(40)))).isEmpty();
    assertThat(candidates(entry(0, 100, PORT_3, OTHER, INPUT, NEXT))).isEmpty();
  }

  @Test
  void leavesOutWhatIsNotOvns() {
    FlowKey key = new FlowKey(0, 100, PORT_3);
    ImmutableList<Action> actions = ImmutableList.of(DATAPATH, INPUT, NEXT);
    assertThat(candidates(new FlowEntry(key, actions, Cookie.OWNER | 1, 0, true))).isEmpty();
    assertThat(candidates(entry(0, 1051, PORT_3, DATAPATH, INPUT, NEXT))).isEmpty();
    assertThat(candidates(entry(8, 100, PORT_3, DATAPATH, INPUT, NEXT))).isEmpty();
    assertThat(candidates(entry(0, 100, PORT_3, DATAPATH, INPUT))).isEmpty();
    assertThat(candidates(entry(0, 100, Match.ANY, DATAPATH, INPUT, NEXT))).isEmpty();
  }

  @Test
  void leavesOutKeysAndPortsThatCannotBe() {
    assertThat(
            candidates(
                entry(0, 100, PORT_3, DATAPATH, new Action.SetField(Field.REG14, 32768), NEXT),
                entry(0, 101, PORT_3, new Action.SetField(Field.METADATA, 0), INPUT, NEXT),
                entry(0, 102, PORT_3, new Action.SetField(Field.METADATA, 1 << 24), INPUT, NEXT),
                entry(0, 103, Match.ANY.with(Field.IN_PORT, 0xfffffffeL), DATAPATH, INPUT, NEXT)))
        .isEmpty();
  }

  @Test
  void listsInTheOrderOfPortsAndEachOnce() {
    assertThat(
            candidates(
                entry(0, 100, Match.ANY.with(Field.IN_PORT, 9), DATAPATH, INPUT, NEXT),
                entry(0, 100, PORT_3, DATAPATH, INPUT, NEXT),
                entry(0, 101, PORT_3, DATAPATH, INPUT, NEXT)))
        .containsExactly(PORT, new LogicalPort(9, 3, 7, true));
  }

  @Test
  void findsTheDeliveryTable() {
    assertThat(
            OvnPipeline.deliveryTable(
                PORT,
                List.of(
                    entry(0, 5, Match.ANY, new Action.Output(3)),
                    entry(70, 100, KEY_7, new Action.Output(4)),
                    entry(65, 100, KEY_7, new Action.Output(3)),
                    entry(40, 100, KEY_7, new Action.Output(3)),
                    entry(80, 100, keys(4, 7), new Action.Output(3)))))
        .isEqualTo(OptionalInt.of(65));
    assertThat(OvnPipeline.deliveryTable(PORT, List.of())).isEmpty();
  }

  @Test
  void confirmsByDelivery() {
    LogicalPort nested = new LogicalPort(3, 3, 8, false);
    LogicalPort elsewhere = new LogicalPort(4, 3, 9, true);
    assertThat(
            OvnPipeline.logicalPorts(
                List.of(PORT, nested, elsewhere),
                List.of(
                    entry(65, 100, KEY_7, new Action.Output(3)),
                    entry(65, 100, keys(3, 8), OTHER, new Action.Output(3), OTHER),
                    entry(65, 100, keys(3, 9), new Action.Output(5)))))
        .containsExactly(PORT, nested);
  }

  @Test
  void isNotConfirmedByAnEntryOfOurs() {
    FlowKey key = new FlowKey(65, 40000, KEY_7);
    FlowEntry ours =
        new FlowEntry(key, ImmutableList.of(new Action.Output(3)), Cookie.OWNER | 1, 0, true);
    assertThat(OvnPipeline.logicalPorts(List.of(PORT), List.of(ours))).isEmpty();
    assertThat(OvnPipeline.deliveryTable(PORT, List.of(ours))).isEmpty();
  }

  @Test
  void saysWhatAnEntryIsFor() {
    assertThat(
            purpose(
                "priority=100,in_port=5 actions=set_field:0x4->reg13,set_field:0x3->reg11,"
                    + "set_field:0x2->metadata,set_field:0x3->reg14,resubmit(,8)"))
        .hasValue("maps port 5 to logical datapath 2, logical port 3, conntrack zone 4");
    assertThat(
            purpose(
                "priority=100,in_port=5 actions=load:0x4->NXM_NX_REG13[0..15],"
                    + "load:0x2->OXM_OF_METADATA[],load:0x3->NXM_NX_REG14[],resubmit(,8)"))
        .hasValue("maps port 5 to logical datapath 2, logical port 3, conntrack zone 4");
    assertThat(
            purpose(
                "priority=150,in_port=5,oxm:80000c021005 actions=set_field:2->metadata,"
                    + "set_field:3->reg14,resubmit(,8)"))
        .hasValue("maps some packets of port 5 to logical datapath 2, logical port 3");
    assertThat(purpose("table=65,priority=100,reg15=3,metadata=2 actions=output:5"))
        .hasValue("delivers logical port 3 of datapath 2 to port 5");
    // Ours, and what says nothing of a port.
    for (String other :
        List.of(
            "cookie=0x464d11003fdf2e8c,priority=40000,in_port=5 actions=set_field:1->metadata,"
                + "set_field:3->reg14,resubmit(,0)",
            "priority=100,in_port=5 actions=drop",
            "priority=0 actions=drop",
            "table=65,priority=100,reg15=3,metadata=2 actions=action:ffff0010",
            "table=65,priority=0 actions=drop")) {
      assertThat(purpose(other)).as(other).isEmpty();
    }
  }

  private static Optional<String> purpose(String line) {
    return OvnPipeline.purpose(FlowParser.parse(line));
  }
}
