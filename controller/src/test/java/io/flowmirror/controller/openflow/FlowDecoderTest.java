// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.flowmirror.flows.Action;
import io.flowmirror.flows.Field;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.FlowText;
import io.flowmirror.flows.InstalledEntry;
import io.flowmirror.flows.Match;
import io.flowmirror.flows.Opaque;
import io.flowmirror.flows.OvnPipeline;
import io.flowmirror.topology.LogicalPort;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Replies captured from a br-int of OVN 23.03 over Open vSwitch 3.1: two pods (ofports 3 and 4),
 * the first with a nested container (VLAN 5), the node's own port (1) and a tunnel (2).
 */
class FlowDecoderTest {

  private static List<FlowEntry> decode(ByteBuf in) {
    List<FlowEntry> entries = new ArrayList<>();
    FlowDecoder.decode(in, installed -> entries.add(installed.entry()));
    return entries;
  }

  private static List<FlowEntry> captured(String name) {
    return decode(Entries.captured(name));
  }

  @Test
  void readsOvnsIngressTable() {
    List<FlowEntry> entries = captured("ovn-23.03-table0.bin");
    assertThat(entries).hasSize(6);
    FlowEntry pod =
        entries.stream()
            .filter(entry -> entry.key().match().exact(Field.IN_PORT).orElse(0) == 4)
            .findFirst()
            .orElseThrow();
    assertThat(pod.key().priority()).isEqualTo(100);
    assertThat(pod.cookie()).isEqualTo(0x934f4ce2L);
    assertThat(pod.sendFlowRemoved()).isFalse();
    assertThat(pod.actions())
        .contains(
            new Action.SetField(Field.METADATA, 3),
            new Action.SetField(Field.REG14, 2),
            new Action.Resubmit(8));
    assertThat(FlowText.dump(pod))
        .isEqualTo(
            "cookie=0x934f4ce2, priority=100,in_port=4 actions=set_field:0xa->reg13,"
                + "set_field:0x9->reg11,set_field:0x4->reg12,set_field:0x3->metadata,"
                + "set_field:0x2->reg14,resubmit(,8)");
  }

  @Test
  void readsOvnsPipeline() {
    List<LogicalPort> candidates = OvnPipeline.candidates(captured("ovn-23.03-table0.bin"));
    assertThat(candidates)
        .containsExactly(
            new LogicalPort(1, 1, 2, true),
            new LogicalPort(3, 3, 3, true),
            new LogicalPort(3, 3, 5, false, true),
            new LogicalPort(4, 3, 2, true));
    assertThat(OvnPipeline.logicalPorts(candidates, captured("ovn-23.03-table65.bin")))
        .isEqualTo(candidates);
    assertThat(OvnPipeline.deliveryTable(candidates.get(3), captured("ovn-23.03-output4.bin")))
        .isEqualTo(OptionalInt.of(65));
    // What goes out by the tunnel is not delivered to a port here.
    assertThat(OvnPipeline.deliveryTable(candidates.get(3), captured("ovn-23.03-output2.bin")))
        .isEmpty();
  }

  @Test
  void losesNoEntryOfACapturedTable() {
    List<FlowEntry> entries = captured("ovn-23.03-table65.bin");
    assertThat(entries).hasSize(11);
    assertThat(entries).allMatch(entry -> entry.key().table() == 65);
  }

  @Test
  void readsBackWhatIsWritten() {
    List<FlowEntry> entries =
        List.of(Entries.e0(9), Entries.e1(3, 9), Entries.e2(65, 3, 7, 9), Entries.e3(65, 3, 3, 7));
    ByteBuf reply = Unpooled.buffer();
    entries.forEach(entry -> FlowStats.write(entry, reply));
    List<InstalledEntry> read = new ArrayList<>();
    FlowDecoder.decode(reply, read::add);
    assertThat(read.stream().map(InstalledEntry::entry)).isEqualTo(entries);
    assertThat(read.get(0)).isEqualTo(new InstalledEntry(Entries.e0(9), 11, 22, 33));
  }

  @Test
  void keepsWhatItDoesNotKnow() {
    ByteBuf match = Unpooled.buffer();
    // eth_type=0x800, and an experimenter's field, whose class and number are no field of ours.
    match.writeShort(1).writeShort(4 + 6 + 12);
    match.writeInt(0x80000a02).writeShort(0x0800);
    match.writeInt(0xffff0008).writeInt(0x4f4e4600).writeInt(1);
    match.writeZero(2);
    Match read = FlowDecoder.match(match);
    assertThat(read.fields()).isEmpty();
    assertThat(read.others())
        .containsExactly(Opaque.ofHex("80000a020800"), Opaque.ofHex("ffff00084f4e460000000001"));
  }

  /** Overwrites 16 bits of the entry of table 0 for in_port 1, which is one of the first. */
  @ParameterizedTest
  @CsvSource({
    "0, 0, ofp_flow_stats.length is 0",
    "0, 55, ofp_flow_stats.length is 55",
    "0, 65535, ofp_flow_stats.length is 65535",
    "48, 0, ofp_match.type is 0",
    "50, 0, ofp_match.length is 0",
    "50, 3, ofp_match.length is 3",
    "50, 65535, ofp_match.length is 65535",
    "54, 255, oxm_length is 255",
    "54, 0, oxm_length of in_port is 0",
    "66, 0, ofp_instruction.len is 0",
    "66, 65535, ofp_instruction.len is 65535",
    "74, 0, ofp_action_header.len is 0",
    "74, 65528, ofp_action_header.len is 65528",
  })
  void namesTheFieldWhoseLengthIsWrong(int offset, int value, String words) {
    ByteBuf entry = Unpooled.buffer();
    FlowStats.write(
        Entries.entry(
            0, 1, Match.ANY.with(Field.IN_PORT, 1), 0, new Action.Output(1), new Action.Output(2)),
        entry);
    if (offset == 54) {
      entry.setByte(55, value);
    } else {
      entry.setShort(offset, value);
    }
    assertThatThrownBy(() -> decode(entry))
        .isInstanceOf(MalformedException.class)
        .hasMessageStartingWith(words);
  }

  @Test
  void refusesAFieldTwice() {
    ByteBuf match = Unpooled.buffer();
    match.writeShort(1).writeShort(4 + 8 + 8);
    match.writeInt(0x80000004).writeInt(1).writeInt(0x80000004).writeInt(2);
    match.writeZero(4);
    assertThatThrownBy(() -> FlowDecoder.match(match))
        .isInstanceOf(MalformedException.class)
        .hasMessage("ofp_match has in_port twice");
  }

  /** Each begins as an action that we know. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        // output: without max_len; longer than it is; to OFPP_CONTROLLER, OFPP_LOCAL and 0
        "0000000800000001",
        "000000180000000100000000000000000000000000000000",
        "00000010fffffffdffff000000000000",
        "00000010fffffffe0000000000000000",
        "00000010000000000000000000000000",
        // set_field of metadata: under a mask; with 8 bytes more than it needs
        "00190018800005100000000000000001000000000000000f",
        "001900188000040800000000000000010000000000000000",
        // load of reg14: longer than it is; under a mask, which a load cannot have
        "ffff002000002320000706000001" + "1c04" + "00000000000000010000000000000000",
        "ffff001800002320000706000001" + "1d08" + "0000000000000001",
        // resubmit: to another port; with conntrack's fields (NXAST_RESUBMIT_TABLE_CT, 44)
        "ffff001000002320000e000141000000",
        "ffff001000002320002cfff841000000",
        // an experimenter's without a subtype
        "ffff000800002320"
      })
  void keepsAKnownActionInAnUnknownForm(String hex) {
    ByteBuf entry = Unpooled.buffer();
    FlowStats.write(Entries.entry(0, 1, Match.ANY, Entries.e0(1).cookie()), entry);
    byte[] action = ByteBufUtil.decodeHexDump(hex);
    entry.writeBytes(action);
    entry.setShort(0, entry.readableBytes()).setShort(56 + 2, 8 + action.length);
    assertThat(decode(entry).get(0).actions()).containsExactly(new Action.Other(Opaque.of(action)));
  }
}
