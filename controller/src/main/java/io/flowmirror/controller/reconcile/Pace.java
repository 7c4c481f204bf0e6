// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.reconcile;

import com.google.common.base.Ticker;
import com.google.common.collect.ImmutableSet;
import java.time.Duration;
import java.util.Collections;
import java.util.Optional;
import java.util.Set;

/**
 * Slows down when the same entries, or rows, have to be repaired again and again: whoever undoes
 * our work would otherwise be answered at the speed of the socket, and the switch, OVN with it,
 * would pay. Confined to the loop's thread.
 */
final class Pace {
  /** Repairs of the same thing within this time of each other are one struggle. */
  private static final Duration STRUGGLE = Duration.ofSeconds(1);

  /** So many come at full speed: OVN's wipe and what follows it need two or three. */
  private static final int AT_ONCE = 5;

  private static final Duration FIRST_DELAY = Duration.ofMillis(50);
  private static final Duration LAST_DELAY = Duration.ofSeconds(1);

  private final Ticker ticker;
  private ImmutableSet<Object> lastKeys = ImmutableSet.of();
  private long lastNanos;
  private int repeats;
  private long delayNanos;
  private boolean waiting;

  Pace(Ticker ticker) {
    this.ticker = ticker;
    this.lastNanos = ticker.read() - 2 * STRUGGLE.toNanos();
  }

  /** Whether a round that changes these may begin now; if not, {@link #waiting} says when. */
  boolean allows(Set<?> keys) {
    long now = ticker.read();
    // What is new goes at once: a stale entry must not go on copying because others are fought
    // over.
    if (now - lastNanos < delayNanos && lastKeys.containsAll(keys)) {
      waiting = true;
      return false;
    }
    waiting = false;
    boolean again = !Collections.disjoint(keys, lastKeys);
    repeats = again && now - lastNanos < STRUGGLE.toNanos() + delayNanos ? repeats + 1 : 0;
    delayNanos =
        repeats < AT_ONCE
            ? 0
            : Math.min(
                LAST_DELAY.toNanos(), FIRST_DELAY.toNanos() << Math.min(repeats - AT_ONCE, 10));
    lastKeys = ImmutableSet.copyOf(keys);
    lastNanos = now;
    return true;
  }

  /** What comes next is asked for, and no answer to whoever undoes our work. */
  void begin() {
    lastKeys = ImmutableSet.of();
    repeats = 0;
    delayNanos = 0;
    waiting = false;
  }

  /** Nothing waits until {@link #allows} says so again: there may be nothing left to do. */
  void rest() {
    waiting = false;
  }

  /** How long a round has to wait, if one does. */
  Optional<Duration> waiting() {
    return waiting
        ? Optional.of(Duration.ofNanos(Math.max(0, lastNanos + delayNanos - ticker.read())))
        : Optional.empty();
  }

  /** Whether the same things are being repaired again and again. */
  boolean isStruggling() {
    return repeats >= AT_ONCE && ticker.read() - lastNanos < STRUGGLE.toNanos() + delayNanos;
  }
}
