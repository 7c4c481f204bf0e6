// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.google.common.cache.Cache;
import com.google.common.cache.CacheBuilder;
import com.google.common.util.concurrent.RateLimiter;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * How often one address may ask: more than any person or dashboard does, less than it takes to keep
 * the controller from its work. Bounded, and from whatever thread.
 */
final class Throttle {
  static final double REQUESTS_PER_SECOND = 500;

  /** Guessing tokens is not for the quick. */
  static final int REFUSALS_PER_SECOND = 10;

  private static final int MAX_ADDRESSES = 10_000;

  private final Cache<String, RateLimiter> requests =
      CacheBuilder.newBuilder()
          .expireAfterAccess(Duration.ofMinutes(1))
          .maximumSize(MAX_ADDRESSES)
          .build();

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
    if (!limiter(address).tryAcquire(Duration.ofMillis(200))) {
      throw Problem.tooMany("more than " + (int) REQUESTS_PER_SECOND + " requests a second");
    }
  }

  /**
   * Whether this address may show a token: not while it has shown too many that are nobody's.
   *
   * @throws Problem if it may not
   */
  void token(String address) {
    @Nullable AtomicInteger refused = refusals.getIfPresent(address);
    if (refused != null && refused.get() >= REFUSALS_PER_SECOND) {
      throw Problem.tooMany("too many tokens that are nobody's");
    }
  }

  /** Counts a token that was nobody's. */
  void refused(String address) {
    var unused =
        refusals.asMap().computeIfAbsent(address, it -> new AtomicInteger()).incrementAndGet();
  }

  private RateLimiter limiter(String address) {
    try {
      return requests.get(address, () -> RateLimiter.create(REQUESTS_PER_SECOND));
    } catch (ExecutionException e) {
      throw new IllegalStateException(e);
    }
  }
}
