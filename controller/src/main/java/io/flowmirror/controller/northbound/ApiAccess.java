// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.google.common.cache.Cache;
import com.google.common.cache.CacheBuilder;
import com.google.common.hash.Hashing;
import com.google.common.util.concurrent.RateLimiter;
import io.flowmirror.controller.kubernetes.AskedMirrors;
import io.flowmirror.controller.kubernetes.Reviews;
import io.flowmirror.controller.kubernetes.Reviews.AwayException;
import io.flowmirror.controller.kubernetes.Reviews.User;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Who asks, and may what, as the Kubernetes API says: a token's user by TokenReview, and that
 * user's rights on {@code mirrors.flowmirror.io} by SubjectAccessReview. What it has said counts
 * for {@value #SECONDS} seconds; tokens are kept as their SHA-256 alone. Tokens that are unknown
 * cannot be made to flood the API.
 *
 * <p>From whatever thread.
 */
final class ApiAccess implements Access {
  private static final int SECONDS = 10;
  private static final int MAX_KEPT = 10_000;
  private static final double REVIEWS_PER_SECOND = 20;

  /** Only who has shown a token can make these. */
  private static final double RIGHTS_PER_SECOND = 100;

  /** What the API has said of a token. */
  private record Known(Optional<User> user) {}

  /** With all that the API has said of the user: tokens of one may differ in groups and scopes. */
  private record Right(User user, Caller.Verb verb, String namespace) {}

  private final Reviews reviews;
  private final Optional<AskedMirrors> mirrors;
  private final RateLimiter tokensAsked = RateLimiter.create(REVIEWS_PER_SECOND);
  private final RateLimiter rightsAsked = RateLimiter.create(RIGHTS_PER_SECOND);
  private final Cache<String, Known> users = cache();
  private final Cache<Right, Boolean> rights = cache();

  /**
   * Asks the API.
   *
   * @param mirrors where callers' mirrors are written, if the controller follows resources
   */
  ApiAccess(Reviews reviews, Optional<AskedMirrors> mirrors) {
    this.reviews = reviews;
    this.mirrors = mirrors;
  }

  private static <K, V> Cache<K, V> cache() {
    return CacheBuilder.newBuilder()
        .expireAfterWrite(Duration.ofSeconds(SECONDS))
        .maximumSize(MAX_KEPT)
        .build();
  }

  @Override
  public Caller caller(Optional<String> bearerToken) {
    String token = bearerToken.orElseThrow(() -> Problem.unauthorized("a bearer token is needed"));
    String key = Hashing.sha256().hashString(token, StandardCharsets.UTF_8).toString();
    @Nullable Known known = users.getIfPresent(key);
    if (known == null) {
      known = new Known(ask(tokensAsked, () -> reviews.user(token)));
      users.put(key, known);
    }
    return new ApiCaller(
        token,
        known.user().orElseThrow(() -> Problem.unauthorized("the bearer token is nobody's")));
  }

  private interface Question<T> {
    T ask() throws AwayException;
  }

  private static <T> T ask(RateLimiter limiter, Question<T> question) {
    if (!limiter.tryAcquire(Duration.ofSeconds(1))) {
      throw Problem.tooMany("too many questions to the Kubernetes API; ask again in a second");
    }
    try {
      return question.ask();
    } catch (AwayException e) {
      throw Problem.unavailable(String.valueOf(e.getMessage()));
    }
  }

  private final class ApiCaller implements Caller {
    private final String token;
    private final User user;

    ApiCaller(String token, User user) {
      this.token = token;
      this.user = user;
    }

    @Override
    public Optional<Asking> asking() {
      return mirrors.map(written -> new Asking.InApi(written, token, user.name()));
    }

    @Override
    public String name() {
      return user.name();
    }

    @Override
    public boolean may(Verb verb, String namespace) {
      Right right = new Right(user, verb, namespace);
      @Nullable Boolean known = rights.getIfPresent(right);
      if (known == null) {
        known =
            mayEverywhere(verb, namespace)
                || ask(rightsAsked, () -> reviews.may(user, verb.text(), namespace));
        rights.put(right, known);
      }
      return known;
    }

    /** Who may everywhere is not asked about each namespace. */
    private boolean mayEverywhere(Verb verb, String namespace) {
      return !namespace.isEmpty() && may(verb, "");
    }
  }
}
