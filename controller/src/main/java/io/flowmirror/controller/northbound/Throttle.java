// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.google.common.cache.Cache;
import com.google.common.cache.CacheBuilder;
import com.google.common.util.concurrent.RateLimiter;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * How often one address may ask: more than any person or dashboard does, less than it takes to keep
 * the controller from its work. Bounded, and from whatever thread.
 */
final class Throttle {
  static final double REQUESTS_PER_SECOND = 500;

  /** A token that is somebody's is never counted: neighbours may have the same address. */
  static final int REFUSALS_PER_SECOND = 10;

  private static final int MAX_ADDRESSES = 10_000;

  private final Cache<String, RateLimiter> requests =
      CacheBuilder.newBuilder()
          .expireAfterAccess(Duration.ofMinutes(1))
          .maximumSize(MAX_ADDRESSES)
          .build();

  private final boolean counting;

  /** Counts. */
  Throttle() {
    this(true);
  }

  private Throttle(boolean counting) {
    this.counting = counting;
  }

  /** Lets everybody ask: for what must be answered whatever a neighbour does. */
  static Throttle none() {
    return new Throttle(false);
  }

  /** By address, how many tokens that are nobody's it has shown lately. */
  private final Cache<String, AtomicInteger> refusals =
      CacheBuilder.newBuilder()
          .expireAfterWrite(Duration.ofSeconds(1))
          .maximumSize(MAX_ADDRESSES)
          .build();

  /**
   * Counts a request.
   *
   * @throws Problem if it is one too many
   */
  void request(String address) {
    if (counting && !limiter(address).tryAcquire(Duration.ofMillis(200))) {
      throw Problem.tooMany("more than " + (int) REQUESTS_PER_SECOND + " requests a second");
    }
  }

  /**
   * Counts a token that was nobody's.
   *
   * @throws Problem if it is one too many
   */
  void refused(String address) {
    int refused =
        refusals.asMap().computeIfAbsent(address, it -> new AtomicInteger()).incrementAndGet();
    if (refused > REFUSALS_PER_SECOND) {
      throw Problem.tooMany("too many tokens that are nobody's");
    }
  }

  private RateLimiter limiter(String address) {
    try {
      return requests.get(address, () -> RateLimiter.create(REQUESTS_PER_SECOND));
    } catch (ExecutionException e) {
      throw new IllegalStateException(e);
    }
  }
}
