// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class OpaqueTest {
  @Test
  void isWhatItsBytesAre() {
    Opaque opaque = Opaque.of((byte) 0x00, (byte) 0xff, (byte) 0x1a);
    assertThat(opaque).isEqualTo(Opaque.ofHex("00ff1a")).hasSameHashCodeAs(Opaque.ofHex("00ff1a"));
    assertThat(opaque).isNotEqualTo(Opaque.ofHex("00ff1b")).isNotEqualTo(Opaque.ofHex("00ff"));
    assertThat(opaque).hasToString("00ff1a");
    assertThat(opaque.length()).isEqualTo(3);
  }

  @Test
  void givesAwayACopyOnly() {
    Opaque opaque = Opaque.ofHex("0102");
    opaque.bytes()[0] = 9;
    assertThat(opaque.bytes()).containsExactly(1, 2);
  }

  @ParameterizedTest
  @ValueSource(strings = {"1", "0g", "0x01", "01 02"})
  void refusesWhatIsNotHexadecimal(String digits) {
    assertThatThrownBy(() -> Opaque.ofHex(digits)).isInstanceOf(IllegalArgumentException.class);
  }
}
