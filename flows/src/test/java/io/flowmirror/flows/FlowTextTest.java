// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class FlowTextTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "cookie=0x0, table=0, priority=0 actions=drop",
        "cookie=0x464d11003fdf2e8c, table=0, hard_timeout=1800, send_flow_rem,"
            + " priority=40000,metadata=0,in_port=5"
            + " actions=output:3,set_field:0x1->metadata,resubmit(,0)",
        "cookie=0x464d150000000000, table=65, priority=40001,ct_mark=0/0x2,reg14=0/0x1000000,"
            + "tun_id=0x5,metadata=0x5,in_port=2"
            + " actions=load:0x1->NXM_NX_REG14[24],resubmit(,65),load:0x0->NXM_NX_REG14[24]",
        "cookie=0xffffffffffffffff, table=254, priority=65535,oxm:0001420400000001,metadata=0x5"
            + " actions=load:0x5->OXM_OF_METADATA[],load:0x3->NXM_NX_REG14[0..15],action:ffff0010"
      })
  void readsBackWhatItWrites(String line) {
    // A field without a name has no place in ovs-ofctl's order; it is written last.
    String normal =
        line.replace("oxm:0001420400000001,metadata=0x5", "metadata=0x5,oxm:0001420400000001");
    assertThat(FlowText.format(FlowParser.parse(line))).isEqualTo(normal);
  }

  /** As dump-flows of Open vSwitch 3.1 printed it, with what it says of an entry's life. */
  @Test
  void readsWhatDumpFlowsPrints() {
    FlowEntry entry =
        FlowParser.parse(
            " cookie=0x464d12006b0b3f4f, duration=3.14s, table=65, n_packets=7, n_bytes=686,"
                + " hard_timeout=1800, send_flow_rem"
                + " priority=40000,reg14=0/0x1000000,reg15=0x3,metadata=0x2"
                + " actions=output:3,load:0x1->NXM_NX_REG14[24],resubmit(,65),"
                + "load:0->NXM_NX_REG14[24]");
    assertThat(FlowText.format(entry))
        .isEqualTo(
            "cookie=0x464d12006b0b3f4f, table=65, hard_timeout=1800, send_flow_rem,"
                + " priority=40000,reg14=0/0x1000000,reg15=0x3,metadata=0x2"
                + " actions=output:3,load:0x1->NXM_NX_REG14[24],resubmit(,65),"
                + "load:0x0->NXM_NX_REG14[24]");
  }

  /** As {@code ovs-ofctl -O OpenFlow13 --no-stats dump-flows} of Open vSwitch 3.1 printed them. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "cookie=0x3989d8f7, priority=100,in_port=1 actions=set_field:0x1->reg13,"
            + "set_field:0x4->reg11,set_field:0x9->reg12,set_field:0x3->metadata,"
            + "set_field:0x1->reg14,resubmit(,8)",
        "cookie=0x21098ed, table=65, priority=100,reg15=0x3,metadata=0x1 actions=output:3",
        "table=65, priority=0 actions=drop",
        "priority=4,in_port=LOCAL actions=output:1",
        "priority=4,in_port=CONTROLLER actions=output:1",
        "priority=0 actions=drop",
        "actions=drop",
        "cookie=0x464d12006b0b3f4f, table=65, hard_timeout=1800, send_flow_rem"
            + " priority=40000,reg14=0/0x1000000,reg15=0x3,metadata=0x2"
            + " actions=output:3,load:0x1->NXM_NX_REG14[24],resubmit(,65),"
            + "load:0->NXM_NX_REG14[24]",
        "table=4, ct_mark=0x2/0x2,reg0=0x1,tun_id=0x5,in_port=7 actions=set_field:0->reg9",
      })
  void dumpsAsOvsOfctlDoes(String line) {
    assertThat(FlowText.dump(FlowParser.parse(line))).isEqualTo(line);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "cookie=0x1, table=0, priority=1,in_port=1,oxm:0001420400000001 actions=output:1",
        "cookie=0x1, table=0, priority=1,in_port=1 actions=action:ffff0010,output:1"
      })
  void whatHasNoNameIsAComment(String line) {
    assertThat(FlowText.dump(FlowParser.parse(line))).isEqualTo("# " + line);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "priority=1|\"actions=\" is missing",
        "nw_src=10.0.0.1 actions=drop|\"nw_src=10.0.0.1\" is not a field that Flowmirror uses",
        "in_port=five actions=drop|\"in_port=five\": \"five\" is not a number",
        "in_port=1,in_port=2 actions=drop|\"in_port=2\" matches on the same field twice",
        "priority=1 actions=normal|\"normal\" is not an action that Flowmirror uses",
        "priority=1 actions=load:1->NXM_NX_PKT_MARK[]|names a field that Flowmirror does not use",
        "table=256 actions=drop|\"table=256\" has a number above 255",
        "reg14=0x100000000 actions=drop|has a number above 4294967295",
        "in_port=1/0x1ffffffff actions=drop|has a number above 4294967295",
        "actions=output:4294967297|\"output:4294967297\" has a number above 65280",
        "actions=load:2->NXM_NX_REG14[24]|has a number above 1",
        "actions=load:1->NXM_NX_REG14[32]|has a number above 31",
        "actions=load:1->NXM_NX_REG14[9..3]|ends before it begins",
        "actions=output:1,resubmit(,0|leaves a parenthesis open",
        "actions=output:1),output:2|closes a parenthesis that is not open",
        "oxm:80000a0 actions=drop|\"80000a0\" is not hexadecimal",
        "oxm:00=5 actions=drop|\"00=5\" is not hexadecimal",
      })
  void namesTheWordThatItCannotRead(String line, String error) {
    assertThatThrownBy(() -> FlowParser.parse(line))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(error)
        .hasMessageContaining(line);
  }
}
