// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.base.Ticker;
import com.google.common.collect.ImmutableSet;
import org.junit.jupiter.api.Test;

final class PaceTest {
  private long now;

  private final Pace pace =
      new Pace(
          new Ticker() {
            @Override
            public long read() {
              return now;
            }
          });

  @Test
  void aStruggleIsSlowedDownAndWhatIsNewGoesAtOnce() {
    while (pace.allows(ImmutableSet.of("a", "b"))) {
      assertThat(pace.waiting()).isEmpty();
      now++;
    }
    assertThat(pace.isStruggling()).isTrue();
    assertThat(pace.waiting()).isPresent();
    assertThat(pace.allows(ImmutableSet.of("a"))).isFalse();
    assertThat(pace.allows(ImmutableSet.of("a", "new"))).isTrue();
  }

  /** Who asks for something else is no rival. */
  @Test
  void whatIsAskedForIsNoStruggle() {
    while (pace.allows(ImmutableSet.of("a"))) {
      now++;
    }
    pace.begin();
    assertThat(pace.allows(ImmutableSet.of("a"))).isTrue();
    assertThat(pace.isStruggling()).isFalse();
  }

  /** Whoever undid it may have put it right: then nothing waits, and the loop must not spin. */
  @Test
  void nothingWaitsWhenThereIsNothingToDo() {
    while (pace.allows(ImmutableSet.of("a"))) {
      now++;
    }
    pace.rest();
    assertThat(pace.waiting()).isEmpty();
  }

  @Test
  void aRepairNowAndThenIsNoStruggle() {
    for (int i = 0; i < 100; i++) {
      assertThat(pace.allows(ImmutableSet.of("a"))).isTrue();
      assertThat(pace.isStruggling()).isFalse();
      now += 2_000_000_000L;
    }
  }
}
