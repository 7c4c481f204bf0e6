// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.base.Ticker;
import io.flowmirror.controller.openflow.Unasked.Kind;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class UnaskedTest {
  private static final long WINDOW = Unasked.WINDOW.toNanos();

  // Any moment is as good as another to begin, also the one before System.nanoTime() wraps.
  private long now = Long.MAX_VALUE - WINDOW / 2;

  private final Unasked unasked =
      new Unasked(
          new Ticker() {
            @Override
            public long read() {
              return now;
            }
          });

  private int count(Kind kind, int times) {
    int count = 0;
    for (int i = 0; i < times; i++) {
      count = unasked.count(kind);
    }
    return count;
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void takesAsMuchAsTheLimitAndNoMore(Kind kind) {
    assertThat(count(kind, kind.limit())).isEqualTo(kind.limit());
    assertThatThrownBy(() -> unasked.count(kind))
        .isInstanceOf(MisbehaviourException.class)
        .hasMessageStartingWith("the switch floods: more than " + kind.limit() + " ")
        .hasMessageEndingWith(" within 10 s");
  }

  @Test
  void countsEachKindByItself() {
    count(Kind.ERROR, Kind.ERROR.limit());
    assertThat(unasked.count(Kind.PACKET_IN)).isEqualTo(1);
  }

  @Test
  void beginsAnewAfterTheWindow() {
    count(Kind.REPLY, Kind.REPLY.limit());
    now += WINDOW - 1;
    assertThatThrownBy(() -> unasked.count(Kind.REPLY)).isInstanceOf(MisbehaviourException.class);
    now += 1;
    assertThat(count(Kind.REPLY, Kind.REPLY.limit())).isEqualTo(Kind.REPLY.limit());
  }

  @Test
  void takesWhatAWipeOfAHundredThousandEntriesSends() {
    assertThat(count(Kind.FLOW_REMOVED, 100_000)).isEqualTo(100_000);
    assertThat(count(Kind.FLOW_UPDATE, 100_000)).isEqualTo(100_000);
  }
}
