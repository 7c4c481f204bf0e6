// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import java.time.Duration;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;

/** Waiting for conditions. The bounds are generous: machines that run tests have other work too. */
final class Wait {
  static final Duration LONG = Duration.ofSeconds(60);

  private static final Duration POLL = Duration.ofMillis(5);
  private static final Duration SAMPLE = Duration.ofMillis(200);

  private Wait() {}

  /** Waits until the condition holds; says whether it came to that in time. */
  static boolean within(Duration bound, BooleanSupplier condition) {
    try {
      Awaitility.await()
          .atMost(bound)
          .pollDelay(Duration.ZERO)
          .pollInterval(POLL)
          .until(condition::getAsBoolean);
      return true;
    } catch (ConditionTimeoutException e) {
      return false;
    }
  }

  /** Waits until the condition holds; fails with the text when it does not. */
  static void until(String what, BooleanSupplier condition, Supplier<String> state) {
    if (!within(LONG, condition)) {
      throw new AssertionError("waited " + LONG + " in vain for " + what + ":\n" + state.get());
    }
  }

  /** Looks again and again for this long. */
  static void sample(Duration window, Runnable look) {
    long begin = System.nanoTime();
    Awaitility.await()
        .atMost(window.plus(LONG))
        .pollDelay(Duration.ZERO)
        .pollInterval(SAMPLE)
        .until(
            () -> {
              look.run();
              return System.nanoTime() - begin >= window.toNanos();
            });
  }
}
