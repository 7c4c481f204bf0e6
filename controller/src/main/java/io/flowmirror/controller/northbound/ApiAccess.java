// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.google.common.base.Suppliers;
import com.google.common.base.Ticker;
import com.google.common.cache.Cache;
import com.google.common.cache.CacheBuilder;
import com.google.common.hash.Hashing;
import io.flowmirror.controller.kubernetes.AskedMirrors;
import io.flowmirror.controller.kubernetes.Reviews;
import io.flowmirror.controller.kubernetes.Reviews.AwayException;
import io.flowmirror.controller.kubernetes.Reviews.User;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Who asks, and may what, as the Kubernetes API says: a token's user by TokenReview, and that
 * user's rights on {@code mirrors.flowmirror.io} by SubjectAccessReview. What it has said counts
 * for {@value #SECONDS} seconds; tokens are kept as their SHA-256 alone. Tokens that are unknown
 * cannot be made to flood the API, nor one caller's questions to shut out another: each address has
 * a share of what is asked about unknown tokens, each caller one of what is asked about rights, and
 * tokens that were somebody's lately are not counted with the unknown ones.
 *
 * <p>From whatever thread.
 */
final class ApiAccess implements Access {
  private static final int SECONDS = 10;
  private static final int MAX_KEPT = 10_000;

  /** About tokens that nobody has shown yet: of one address, and of all. */
  private static final double UNKNOWN_OF_ADDRESS = 5;

  private static final double UNKNOWN = 20;

  /** About tokens that were somebody's lately, each once in 10 s: of one caller, and of all. */
  private static final double KNOWN_OF_CALLER = 10;

  private static final double KNOWN = 50;

  /** Only who has shown a token can make these: of one caller, and of all. */
  private static final double RIGHTS_OF_CALLER = 50;

  private static final double RIGHTS = 200;

  /** So long is a token known to have been somebody's. */
  private static final Duration LATELY = Duration.ofMinutes(10);

  /** What the API has said of a token. */
  private record Known(Optional<User> user) {}

  /** With all that the API has said of the user: tokens of one may differ in groups and scopes. */
  private record Right(User user, Caller.Verb verb, String namespace) {}

  private final Supplier<Reviews> reviews;
  private final Supplier<Optional<AskedMirrors>> mirrors;
  private final Questions unknown = new Questions(UNKNOWN_OF_ADDRESS, UNKNOWN);
  private final Questions known = new Questions(KNOWN_OF_CALLER, KNOWN);
  private final Questions rightsAsked = new Questions(RIGHTS_OF_CALLER, RIGHTS);
  private final Cache<String, Known> users;
  private final Cache<Right, Boolean> rights;

  /** Whose a token was lately, by its SHA-256. */
  private final Cache<String, String> lately;

  /** By its SHA-256, a token that is being asked about: many requests at once ask once. */
  private final ConcurrentMap<String, CompletableFuture<Known>> asked = new ConcurrentHashMap<>();

  /**
   * Asks the API.
   *
   * @param reviews how; not called before somebody asks
   * @param mirrors where callers' mirrors are written, while the controller follows resources
   */
  ApiAccess(Supplier<Reviews> reviews, Supplier<Optional<AskedMirrors>> mirrors) {
    this(reviews, mirrors, Ticker.systemTicker());
  }

  /** By this clock. */
  ApiAccess(Supplier<Reviews> reviews, Supplier<Optional<AskedMirrors>> mirrors, Ticker ticker) {
    this.reviews = Suppliers.memoize(reviews::get);
    this.mirrors = mirrors;
    this.users = cache(ticker, Duration.ofSeconds(SECONDS));
    this.rights = cache(ticker, Duration.ofSeconds(SECONDS));
    this.lately = cache(ticker, LATELY);
  }

  private static <K, V> Cache<K, V> cache(Ticker ticker, Duration kept) {
    return CacheBuilder.newBuilder()
        .ticker(ticker)
        .expireAfterWrite(kept)
        .maximumSize(MAX_KEPT)
        .build();
  }

  @Override
  public Caller caller(Optional<String> bearerToken, String address) {
    String token = bearerToken.orElseThrow(() -> Problem.unauthorized("a bearer token is needed"));
    String key = Hashing.sha256().hashString(token, StandardCharsets.UTF_8).toString();
    @Nullable Known said = users.getIfPresent(key);
    if (said == null) {
      CompletableFuture<Known> ours = new CompletableFuture<>();
      @Nullable CompletableFuture<Known> others = asked.putIfAbsent(key, ours);
      said = others == null ? review(token, key, address, ours) : answered(others);
    }
    return new ApiCaller(
        token, said.user().orElseThrow(() -> Problem.unauthorized("the bearer token is nobody's")));
  }

  private Known review(String token, String key, String address, CompletableFuture<Known> answer) {
    try {
      @Nullable String whose = lately.getIfPresent(key);
      if (whose == null) {
        unknown.admit(address);
      } else {
        known.admit(whose);
      }
      Known said = new Known(ask(() -> reviews.get().user(token)));
      users.put(key, said);
      said.user()
          .ifPresentOrElse(user -> lately.put(key, user.name()), () -> lately.invalidate(key));
      answer.complete(said);
      return said;
    } catch (RuntimeException | Error e) {
      answer.completeExceptionally(e);
      throw e;
    } finally {
      asked.remove(key, answer);
    }
  }

  private static Known answered(CompletableFuture<Known> answer) {
    try {
      return answer.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof Problem problem) {
        throw problem;
      }
      throw e;
    }
  }

  private interface Question<T> {
    T ask() throws AwayException;
  }

  private static <T> T ask(Question<T> question) {
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
      return mirrors.get().map(written -> new Asking.InApi(written, token, user.name()));
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
        known = mayEverywhere(verb, namespace) || askWhetherMay(verb, namespace);
        rights.put(right, known);
      }
      return known;
    }

    private boolean askWhetherMay(Verb verb, String namespace) {
      rightsAsked.admit(user.name());
      return ask(() -> reviews.get().may(user, verb.text(), namespace));
    }

    /** Who may everywhere is not asked about each namespace. */
    private boolean mayEverywhere(Verb verb, String namespace) {
      return !namespace.isEmpty() && may(verb, "");
    }
  }
}
