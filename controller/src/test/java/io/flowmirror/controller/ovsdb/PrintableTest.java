// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.ovsdb;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PrintableTest {
  @ParameterizedTest
  @ValueSource(strings = {"", "veth1", "a \"b\", \\ c=d", "ü=漢字", "\ud834\udd1e", "~"})
  void whatIsSeenStaysAsItIs(String text) {
    assertThat(Printable.text(text)).isEqualTo(text);
    assertThat(Printable.cut(text, 100)).isEqualTo(text);
  }

  @ParameterizedTest
  @CsvSource({
    "000a, line end",
    "001b, escape",
    "0000, NUL",
    "007f, delete",
    "009b, control sequence introducer",
    "00ad, soft hyphen",
    "200b, zero width space",
    "202e, right-to-left override",
    "2028, line separator",
    "2029, paragraph separator",
    "2066, left-to-right isolate",
    "feff, byte order mark",
    "d800, half a surrogate pair",
    "dc00, the other half"
  })
  void whatDoesSomethingIsEscaped(String code, String what) {
    String character = Character.toString(Integer.parseInt(code, 16));
    assertThat(Printable.text("ü" + character + "b")).as(what).isEqualTo("ü\\u" + code + "b");
  }

  @Test
  void aCharacterOfTwoUnitsIsEscapedWhole() {
    // U+E0041, a tag.
    assertThat(Printable.text("\udb40\udc41")).isEqualTo("\\udb40\\udc41");
  }

  @Test
  void whatIsTooLongIsCut() {
    assertThat(Printable.cut("x".repeat(10), 10)).isEqualTo("x".repeat(10));
    assertThat(Printable.cut("x".repeat(11), 10)).isEqualTo("x".repeat(9) + "…");
    assertThat(Printable.cut("\n".repeat(5), 10)).isEqualTo("\\u000a\\u0…");
  }

  @Test
  void noCharacterIsCutInTwo() {
    String clefs = "\ud834\udd1e".repeat(5);
    assertThat(Printable.cut(clefs, 10)).isEqualTo(clefs);
    assertThat(Printable.cut(clefs + "x", 10)).isEqualTo("\ud834\udd1e".repeat(4) + "…");
    assertThat(Printable.cut("x" + clefs, 10)).isEqualTo("x" + "\ud834\udd1e".repeat(4) + "…");
  }
}
