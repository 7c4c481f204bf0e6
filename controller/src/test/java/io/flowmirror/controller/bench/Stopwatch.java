// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.bench;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;

/** How long each of many took, from its own beginning or that of this watch. Any thread. */
final class Stopwatch {
  private static final long NOT_BEGUN = -1;

  private final long startNanos = System.nanoTime();
  private final int first;
  private final AtomicLongArray begun;
  private final AtomicLongArray done;
  private final AtomicInteger left;

  private Stopwatch(int first, int count, long beginning) {
    this.first = first;
    begun = new AtomicLongArray(count);
    for (int i = 0; i < count; i++) {
      begun.set(i, beginning);
    }
    done = new AtomicLongArray(count);
    left = new AtomicInteger(count);
  }

  /** One that runs for all of them from now on. */
  static Stopwatch ofAll(int count) {
    return new Stopwatch(0, count, 0);
  }

  /** The same, for so many from this one on; the others do not count. */
  static Stopwatch ofAllFrom(int first, int count) {
    return new Stopwatch(first, count, 0);
  }

  /** One that waits for each to begin. */
  static Stopwatch ofEach(int count) {
    return new Stopwatch(0, count, NOT_BEGUN);
  }

  void begin(int index) {
    begun.set(index - first, System.nanoTime() - startNanos);
  }

  /** Counts once for each, and only if it has begun. */
  void done(int index) {
    int at = index - first;
    if (at >= 0
        && at < count()
        && begun.get(at) != NOT_BEGUN
        && done.compareAndSet(at, 0, Math.max(1, System.nanoTime() - startNanos))) {
      left.decrementAndGet();
    }
  }

  int left() {
    return left.get();
  }

  int count() {
    return done.length();
  }

  /** Milliseconds that the quickest, or this share of them, took; at 1 the slowest. */
  double millis(double share) {
    long[] took = new long[count()];
    for (int i = 0; i < took.length; i++) {
      took[i] = done.get(i) - begun.get(i);
    }
    Arrays.sort(took);
    return took[(int) Math.ceil(share * (took.length - 1))] / 1e6;
  }

  /** When the last was done, in milliseconds from the beginning of the watch. */
  double lastMillis() {
    long last = 0;
    for (int i = 0; i < count(); i++) {
      last = Math.max(last, done.get(i));
    }
    return last / 1e6;
  }
}
