// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.google.common.cache.Cache;
import com.google.common.cache.CacheBuilder;
import com.google.common.util.concurrent.RateLimiter;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * How often one address may ask: more than any person or dashboard does, less than it takes to keep
 * the controller from its work. Bounded, and from whatever thread.
 */
final class Throttle {
  static final double REQUESTS_PER_SECOND = 500;

  /** Guessing tokens is not for the quick. */
  static final double REFUSALS_PER_SECOND = 10;

  private static final int MAX_ADDRESSES = 10_000;

  private final Cache<String, RateLimiter> requests = cache();
  private final Cache<String, RateLimiter> refusals = cache();

  private static Cache<String, RateLimiter> cache() {
    return CacheBuilder.newBuilder()
        .expireAfterAccess(Duration.ofMinutes(1))
        .maximumSize(MAX_ADDRESSES)
        .build();
  }

  /**
   * Counts a request.
   *
   * @throws Problem if it is one too many
   */
  void request(String address) {
    if (!limiter(requests, address, REQUESTS_PER_SECOND).tryAcquire(Duration.ofMillis(200))) {
      throw Problem.tooMany("more than " + (int) REQUESTS_PER_SECOND + " requests a second");
    }
  }

  /**
   * Whether this address may show a token: not while it has shown too many that are nobody's.
   *
   * @throws Problem if it may not
   */
  void token(String address) {
    @Nullable RateLimiter known = refusals.getIfPresent(address);
    if (known != null && !known.tryAcquire()) {
      throw Problem.tooMany("too many tokens that are nobody's");
    }
  }

  /** Counts a token that was nobody's; the answer waits while there are too many. */
  void refused(String address) {
    if (!limiter(refusals, address, REFUSALS_PER_SECOND).tryAcquire(Duration.ofSeconds(1))) {
      throw Problem.tooMany("too many tokens that are nobody's");
    }
  }

  private static RateLimiter limiter(
      Cache<String, RateLimiter> cache, String address, double perSecond) {
    try {
      return cache.get(address, () -> RateLimiter.create(perSecond));
    } catch (ExecutionException e) {
      throw new IllegalStateException(e);
    }
  }
}
