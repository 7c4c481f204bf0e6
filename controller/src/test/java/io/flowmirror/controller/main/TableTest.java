// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.TextNode;
import io.flowmirror.topology.PodName;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import picocli.CommandLine.TypeConversionException;

final class TableTest {
  @Test
  void columnsAreAsWideAsTheirWidestCell() {
    Table table = new Table("NAME", "STATE", "WHY");
    table.row("n1", "in-sync", "");
    table.row("a-long-name", "", "no OpenFlow: refused");
    assertThat(printed(table))
        .isEqualTo(
            """
            NAME         STATE    WHY
            n1           in-sync  -
            a-long-name  -        no OpenFlow: refused
            """);
    assertThatThrownBy(() -> table.row("n1")).hasMessageContaining("expected 3");
  }

  @Test
  void nothingMovesTheCursor() {
    Table table = new Table("NAME");
    table.row("a\u001b[2Jb\nc\u202ed\u2028e");
    assertThat(printed(table)).isEqualTo("NAME\na?[2Jb?c?d?e\n");
    assertThat(Table.shown("Größe ✓ 😀")).isEqualTo("Größe ✓ 😀");
  }

  @Test
  void wordsAreReadAsTheyAreWritten() {
    assertThat(new Words.Pod().convert("shop/cart-0.a")).isEqualTo(new PodName("shop", "cart-0.a"));
    for (String wrong : new String[] {"", "cart", "shop/", "/cart", "Shop/cart", "a/b/c", "../x"}) {
      assertThatThrownBy(() -> new Words.Pod().convert(wrong))
          .isInstanceOf(TypeConversionException.class);
    }
    assertThat(new Words.Span().convert("1h30m")).isEqualTo(Duration.ofMinutes(90));
    assertThat(new Words.Span().convert("45s")).isEqualTo(Duration.ofSeconds(45));
    for (String wrong : new String[] {"", "0s", "30", "m", "-5m", "5m1h", "1d", "99999999999s"}) {
      assertThatThrownBy(() -> new Words.Span().convert(wrong))
          .isInstanceOf(TypeConversionException.class);
    }
    assertThat(new Words.Time().convert("2026-12-24T18:00:00+01:00"))
        .isEqualTo(Instant.parse("2026-12-24T17:00:00Z"));
    assertThatThrownBy(() -> new Words.Time().convert("tomorrow"))
        .isInstanceOf(TypeConversionException.class);
    assertThat(Duration.between(new Words.Past().convert("10m"), Instant.now()))
        .isBetween(Duration.ofMinutes(10), Duration.ofMinutes(11));
    assertThat(Words.milli(TextNode.valueOf("2026-12-01T08:38:42Z")))
        .isEqualTo("2026-12-01T08:38:42.000Z");
    assertThat(Words.milli(TextNode.valueOf("2026-12-01T08:38:42.706402641Z")))
        .isEqualTo("2026-12-01T08:38:42.706Z");
  }

  private static String printed(Table table) {
    StringWriter text = new StringWriter();
    PrintWriter out = new PrintWriter(text);
    table.print(out);
    out.flush();
    return text.toString();
  }
}
