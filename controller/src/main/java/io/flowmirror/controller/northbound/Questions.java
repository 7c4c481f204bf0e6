// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.google.common.cache.CacheBuilder;
import com.google.common.cache.CacheLoader;
import com.google.common.cache.LoadingCache;
import com.google.common.util.concurrent.RateLimiter;
import java.time.Duration;

/**
 * How many questions to the API somebody may cause: so many each, so that nobody uses up what
 * others need, and so many all together. Bounded, and from whatever thread.
 */
final class Questions {
  private static final int MAX_KEPT = 10_000;
  private static final Duration PATIENCE = Duration.ofSeconds(1);

  private final LoadingCache<String, RateLimiter> each;
  private final RateLimiter all;

  /** With these rates, a second. */
  Questions(double each, double all) {
    this.each =
        CacheBuilder.newBuilder()
            .expireAfterAccess(Duration.ofMinutes(1))
            .maximumSize(MAX_KEPT)
            .build(CacheLoader.from(() -> RateLimiter.create(each)));
    this.all = RateLimiter.create(all);
  }

  /**
   * Waits for a moment to ask, for a second at most.
   *
   * @param who whose share it is
   * @throws Problem if there is none
   */
  void admit(String who) {
    // His own share first: what is refused there takes nothing of the others'.
    if (!each.getUnchecked(who).tryAcquire(PATIENCE) || !all.tryAcquire(PATIENCE)) {
      throw Problem.tooMany("too many questions to the Kubernetes API; ask again in a second");
    }
  }
}
