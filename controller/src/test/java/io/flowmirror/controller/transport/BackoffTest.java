// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class BackoffTest {
  private static final Duration FIRST = Duration.ofMillis(100);
  private static final Duration LAST = Duration.ofSeconds(5);

  @Test
  void doublesUpToItsBoundAndStaysWithinTheUpperHalf() {
    Backoff backoff = new Backoff(FIRST, LAST);
    long whole = FIRST.toNanos();
    for (int failures = 1; failures < 200; failures++) {
      assertThat(backoff.next().toNanos()).isBetween(whole / 2, whole);
      whole = Math.min(2 * whole, LAST.toNanos());
    }
    backoff.reset();
    assertThat(backoff.next()).isBetween(FIRST.dividedBy(2), FIRST);
  }

  @Test
  void isNotTheSameForAll() {
    Set<Duration> waits = new HashSet<>();
    for (int i = 0; i < 100; i++) {
      waits.add(new Backoff(FIRST, LAST).next());
    }
    assertThat(waits).hasSizeGreaterThan(10);
  }

  @Test
  void refusesWhatWouldBeNoWait() {
    assertThatThrownBy(() -> new Backoff(Duration.ZERO, LAST))
        .hasMessageContaining("must be positive");
    assertThatThrownBy(() -> new Backoff(LAST, FIRST)).hasMessageContaining("shorter");
  }
}
