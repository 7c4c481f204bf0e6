// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class AcceptTest {
  private static final ImmutableList<String> OFFERED =
      ImmutableList.of(Exchange.JSON, Exchange.PLAIN);

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "*/* | application/json",
        "application/json | application/json",
        "Application/JSON; charset=utf-8 | application/json",
        "text/plain | text/plain",
        "text/* | text/plain",
        "application/* | application/json",
        "text/plain, */* | text/plain",
        "text/plain, */*;q=0.1 | text/plain",
        "text/plain, application/json | text/plain",
        "application/json, text/plain | application/json",
        "text/plain;q=0.5, application/json;q=0.9 | application/json",
        "application/json;q=0, */* | text/plain",
        "text/html, application/xhtml+xml, */*;q=0.8 | application/json",
        "text/plain;q=much | text/plain",
        "image/png | none",
        "application/json;q=0 | none",
        "text/html | none",
        "json | none",
      })
  void theBestIsTaken(String header, String best) {
    assertThat(Accept.best(ImmutableList.of(header), OFFERED).orElse("none")).isEqualTo(best);
  }

  @Test
  void whoSaysNothingHasTheUsual() {
    assertThat(Accept.best(ImmutableList.of(), OFFERED)).contains(Exchange.JSON);
    assertThat(Accept.best(ImmutableList.of(" ", ","), OFFERED)).contains(Exchange.JSON);
    // Several lines are one list.
    assertThat(Accept.best(ImmutableList.of("image/png", "text/plain"), OFFERED))
        .contains(Exchange.PLAIN);
  }
}
