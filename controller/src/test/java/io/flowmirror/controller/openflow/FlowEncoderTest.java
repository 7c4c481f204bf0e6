// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSortedMap;
import io.flowmirror.flows.Action;
import io.flowmirror.flows.Field;
import io.flowmirror.flows.FlowChange;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.FlowKey;
import io.flowmirror.flows.Match;
import io.flowmirror.flows.Opaque;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import org.junit.jupiter.api.Test;

class FlowEncoderTest {

  private static String encode(FlowChange change) {
    ByteBuf out = Unpooled.buffer();
    FlowEncoder.flowMod(change, 0x11223344, out);
    return ByteBufUtil.hexDump(out);
  }

  @Test
  void writesE2() {
    FlowEntry entry = Entries.e2(65, 3, 7, 9);
    assertThat(encode(new FlowChange.Add(entry)))
        .isEqualTo(
            // header: version, OFPT_FLOW_MOD, length, xid
            "040e00b011223344"
                // cookie, cookie_mask
                + String.format("%016x", entry.cookie())
                + "0000000000000000"
                // table 65, ADD, idle 0, hard 600, priority 40000
                + "4100000002589c40"
                // no buffer, any port, any group, SEND_FLOW_REM
                + "ffffffffffffffffffffffff00010000"
                // OXM, 36 bytes and 4 of padding: reg14=0/0x1000000, reg15=7, metadata=3
                + "00010024"
                + "00011d08"
                + "0000000001000000"
                + "00011e04"
                + "00000007"
                + "80000408"
                + "0000000000000003"
                + "00000000"
                // apply actions
                + "0004005800000000"
                // output:9
                + "00000010000000090000000000000000"
                // load:1->NXM_NX_REG14[24]
                + "ffff001800002320000706000001"
                + "1c04"
                + "0000000000000001"
                // resubmit(,65)
                + "ffff001000002320000efff841000000"
                // load:0->NXM_NX_REG14[24]
                + "ffff001800002320000706000001"
                + "1c04"
                + "0000000000000000");
  }

  @Test
  void writesE0() {
    assertThat(encode(new FlowChange.Add(Entries.e0(9))))
        .endsWith(
            // metadata=0, in_port=9
            "00010018800004080000000000000000"
                + "8000000400000009"
                // set_field:1->metadata, resubmit(,0)
                + "0004002800000000"
                + "0019001080000408"
                + "0000000000000001"
                + "ffff001000002320000efff800000000");
  }

  @Test
  void deletesStrictlyAndByTheWholeCookie() {
    FlowEntry entry = Entries.e1(3, 9);
    assertThat(encode(new FlowChange.Delete(entry.key(), entry.cookie())))
        .startsWith(
            "040e004811223344"
                + String.format("%016x", entry.cookie())
                + "ffffff7fffffffff"
                + "0004"
                + "00000000"
                + "9c40"
                + "ffffffffffffffffffffffff00000000");
  }

  @Test
  void refusesWhatItMustNotOrCannotSend() {
    long ours = Entries.e0(1).cookie();
    Match any = Match.ANY;
    assertThat(FlowEncoder.refusal(add(Entries.entry(256, 1, any, ours)))).isPresent();
    assertThat(FlowEncoder.refusal(add(Entries.entry(0, 65536, any, ours)))).isPresent();
    assertThat(FlowEncoder.refusal(add(Entries.entry(0, 1, any, 5))))
        .contains("cookie is not ours");
    assertThat(FlowEncoder.refusal(new FlowChange.Delete(new FlowKey(0, 1, any), 5)))
        .contains("cookie is not ours");
    assertThat(
            FlowEncoder.refusal(
                add(Entries.entry(0, 1, any, ours, new Action.Other(Opaque.ofHex("00"))))))
        .contains("action that is not ours: 00");
    assertThat(
            FlowEncoder.refusal(
                add(Entries.entry(0, 1, any, ours, new Action.Load(Field.REG14, 30, 4, 1)))))
        .contains("load of bits that NXM_NX_REG14 does not have");
    Match other =
        new Match(ImmutableSortedMap.of(), ImmutableList.of(Opaque.ofHex("80000a020800")));
    assertThat(FlowEncoder.refusal(add(Entries.entry(0, 1, other, ours)))).isPresent();
    assertThat(FlowEncoder.refusal(add(Entries.e3(65, 1, 1, 1)))).isEmpty();
    assertThat(FlowEncoder.refusal(add(Entries.entry(255, 65535, any, ours)))).isEmpty();
  }

  private static FlowChange add(FlowEntry entry) {
    return new FlowChange.Add(entry);
  }
}
