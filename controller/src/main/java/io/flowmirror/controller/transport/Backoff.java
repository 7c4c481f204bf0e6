// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.transport;

import static com.google.common.base.Preconditions.checkArgument;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/**
 * How long to wait before the next attempt to connect: twice as long after each failure, up to a
 * bound, and anything between half of that and all of it, so that hundreds of sessions that lost
 * their nodes together do not come back together. Confined to one thread.
 */
public final class Backoff {
  private final long firstNanos;
  private final long lastNanos;
  private int failures;

  /**
   * Begins without failures.
   *
   * @param first the longest wait after one failure; positive
   * @param last the longest wait of all
   */
  public Backoff(Duration first, Duration last) {
    checkArgument(first.isPositive(), "first backoff must be positive, not %s", first);
    checkArgument(last.compareTo(first) >= 0, "last backoff %s is shorter than %s", last, first);
    firstNanos = first.toNanos();
    lastNanos = last.toNanos();
  }

  /** The wait after one more failure. */
  public Duration next() {
    // Beyond 2^20 times the first, or where doubling would overflow, it is the last anyway.
    boolean far = failures > 20 || firstNanos > lastNanos >> failures;
    long whole = far ? lastNanos : firstNanos << failures;
    failures++;
    return Duration.ofNanos(whole / 2 + ThreadLocalRandom.current().nextLong(whole / 2 + 1));
  }

  /** Forgets the failures. */
  public void reset() {
    failures = 0;
  }
}
