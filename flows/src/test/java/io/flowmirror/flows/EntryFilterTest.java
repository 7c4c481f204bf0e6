// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSortedMap;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EntryFilterTest {
  private static final FlowEntry ENTRY =
      FlowParser.parse(
          "cookie=0x12,table=65,priority=100,reg14=0x10/0xf0,reg15=3,in_port=5"
              + " actions=output:7,resubmit(,9)");

  @ParameterizedTest
  @CsvSource({
    "reg15=3, true",
    "reg15=2, false",
    "reg15=1/1, true",
    "reg14=0x10/0x30, true",
    "reg14=0x20/0x20, false",
    "reg14=0x10, false",
    "metadata=0, false",
    "metadata=0/0, true",
  })
  void aMatchIsTheLeastThatAnEntryMatches(String match, boolean included) {
    Match wanted = FlowParser.parse(match + " actions=drop").key().match();
    assertThat(EntryFilter.ALL.with(wanted).includes(ENTRY)).isEqualTo(included);
  }

  @Test
  void eachPartLeavesOutWhatItDoesNotSay() {
    assertThat(EntryFilter.ALL.includes(ENTRY)).isTrue();
    assertThat(EntryFilter.ALL.inTable(65).withInPort(5).withOutPort(7).includes(ENTRY)).isTrue();
    assertThat(EntryFilter.ALL.inTable(64).includes(ENTRY)).isFalse();
    assertThat(EntryFilter.ALL.withInPort(7).includes(ENTRY)).isFalse();
    assertThat(EntryFilter.ALL.withOutPort(5).includes(ENTRY)).isFalse();
    assertThat(EntryFilter.ALL.withCookie(0x13, 0xfe).includes(ENTRY)).isTrue();
    assertThat(EntryFilter.ALL.withCookie(0x13, -1).includes(ENTRY)).isFalse();
    assertThat(EntryFilter.ALL.withCookie(0x13, 0xf0).cookie()).isEqualTo(0x10);
  }

  @Test
  void whatNoRequestCanSayIsRefused() {
    assertThatThrownBy(() -> EntryFilter.ALL.inTable(255)).hasMessage("no table 255");
    Match unnamed = new Match(ImmutableSortedMap.of(), ImmutableList.of(Opaque.ofHex("00")));
    assertThatThrownBy(
            () -> new EntryFilter(OptionalInt.empty(), unnamed, OptionalInt.empty(), 0, 0))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
