// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Runs a property with many seeds: by default always the same ones, so many that it takes about a
 * second; with {@code -Dfuzz.seconds=N} others, for that long; with {@code -Dfuzz.seed=S} that one,
 * which a failure names.
 */
final class Fuzz {

  /** What must hold, whatever is drawn of the mutator. */
  interface Property {
    void check(Mutator mutator) throws Exception;
  }

  /** What there is to find takes seconds, if it is not endless. */
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  private Fuzz() {}

  static void run(int times, Property property) {
    long seconds = Long.getLong("fuzz.seconds", 0);
    AtomicLong seed = new AtomicLong();
    assertTimeoutPreemptively(
        PATIENCE.plusSeconds(seconds),
        () -> run(times, seconds, property, seed),
        () -> "no end with -Dfuzz.seed=" + (seed.get() - 1));
  }

  private static void run(int times, long seconds, Property property, AtomicLong seed) {
    Long only = Long.getLong("fuzz.seed");
    if (only != null) {
      check(only, property);
    } else if (seconds == 0) {
      while (seed.get() < times) {
        check(seed.getAndIncrement(), property);
      }
    } else {
      seed.set(ThreadLocalRandom.current().nextLong());
      System.out.println("Fuzzing for " + seconds + " s from seed " + seed);
      long end = System.nanoTime() + seconds * 1_000_000_000;
      while (System.nanoTime() < end) {
        check(seed.getAndIncrement(), property);
      }
    }
  }

  private static void check(long seed, Property property) {
    try {
      property.check(new Mutator(seed));
    } catch (Exception | AssertionError | StackOverflowError | OutOfMemoryError e) {
      throw new AssertionError("with -Dfuzz.seed=" + seed, e);
    }
  }
}
