// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.common.net.HostAndPort;
import com.google.common.net.InetAddresses;
import io.helidon.http.HeaderNames;
import io.helidon.http.HttpException;
import io.helidon.webserver.http.RoutingResponse;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What happens to every request: it is counted, its route found, who asks found out, and whatever
 * goes wrong told in the one shape of all errors.
 */
final class Dispatch {
  private static final Logger log = LoggerFactory.getLogger(Dispatch.class);
  private static final String BEARER = "bearer ";
  private static final ImmutableSet<String> SAFE = ImmutableSet.of("GET", "HEAD");

  /** Longer than a switch is given for all of its entries. */
  private static final Duration LONGEST = Duration.ofMinutes(2);

  private static final ScheduledExecutorService LIMITS =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().name("northbound-limits").daemon().factory());

  private final Routes routes;
  private final Access access;
  private final Throttle throttle;
  private final boolean localNamesOnly;

  /**
   * Serves these routes.
   *
   * @param localNamesOnly whether nobody but who calls this machine by an address, or localhost, is
   *     served: where no token is asked for, a page of the web must not reach it by a name that its
   *     owner has made an address of this machine
   */
  Dispatch(Routes routes, Access access, Throttle throttle, boolean localNamesOnly) {
    this.routes = routes;
    this.access = access;
    this.throttle = throttle;
    this.localNamesOnly = localNamesOnly;
  }

  void serve(ServerRequest request, ServerResponse response) {
    try {
      secure(response);
      String method = request.prologue().method().text();
      String address = request.remotePeer().host();
      throttle.request(address);
      Routes.Found found = routes.find(method, request.path().rawPath());
      refuseOtherNames(request);
      refuseOtherSites(request, method);
      Caller caller = found.route().open() ? Caller.local() : caller(request, address);
      ImmutableMap<String, String> parameters = found.parameters();
      Exchange exchange =
          new Exchange(
              request,
              response,
              parameters,
              caller,
              () -> found.route().open() ? caller : access.caller(bearer(request), address),
              media(request, found.route()));
      if (found.route().endless()) {
        found.route().endpoint().serve(exchange);
      } else {
        serveInTime(found.route().endpoint(), exchange);
      }
    } catch (Problem e) {
      if (response.bytesWritten() > 0) {
        throw brokenOff(e);
      }
      send(request, response, e);
    } catch (HttpException e) {
      // The server's own word on a header that it could not read.
      send(request, response, Problem.badRequest("the request is not as HTTP wants it"));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      send(request, response, Problem.unavailable("the server is being stopped"));
    } catch (Exception e) {
      if (response.isSent() || response.bytesWritten() > 0) {
        throw brokenOff(e);
      }
      log.error("a fault of ours: {}", request.prologue(), e);
      send(request, response, Problem.internal());
    }
  }

  /** Before anything is done: what cannot be answered must not have happened. */
  private static String media(ServerRequest request, Routes.Route route) {
    if (route.media().isEmpty()) {
      return "";
    }
    return Accept.best(request.headers().values(HeaderNames.ACCEPT), route.media())
        .orElseThrow(
            () -> Problem.notAcceptable("expected Accept: " + String.join(" or ", route.media())));
  }

  /** Who reads his answer too slowly has his connection cut: an interrupt closes its socket. */
  private static void serveInTime(Routes.Endpoint endpoint, Exchange exchange) throws Exception {
    Thread self = Thread.currentThread();
    ScheduledFuture<?> end =
        LIMITS.schedule(self::interrupt, LONGEST.toMillis(), TimeUnit.MILLISECONDS);
    try {
      endpoint.serve(exchange);
    } finally {
      end.cancel(false);
    }
  }

  /** The client has gone in the middle of the answer, or is to notice that it is not whole. */
  private static IllegalStateException brokenOff(Exception cause) {
    log.debug("an answer was broken off", cause);
    return new IllegalStateException("an answer was broken off", cause);
  }

  private Caller caller(ServerRequest request, String address) {
    Optional<String> token = bearer(request);
    try {
      return access.caller(token, address);
    } catch (Problem e) {
      if (e.status() == 401 && token.isPresent()) {
        throttle.refused(address);
      }
      throw e;
    }
  }

  private static void send(ServerRequest request, ServerResponse response, Problem problem) {
    if (response.isSent()) {
      return;
    }
    // An answer may have begun of which nothing has gone out yet.
    if (response instanceof RoutingResponse begun && !begun.reset()) {
      throw brokenOff(problem);
    }
    secure(response);
    response.status(problem.status()).header(HeaderNames.CONTENT_TYPE, Problem.MEDIA_TYPE);
    if (problem.status() == 401) {
      response.header(HeaderNames.WWW_AUTHENTICATE, "Bearer");
    }
    if (!problem.allow().isEmpty()) {
      response.header(HeaderNames.ALLOW, problem.allow());
    }
    Exchange.send(request, response, Json.bytes(problem.json()));
  }

  /** For browsers: nothing from elsewhere, nothing framed, nothing guessed, nothing kept. */
  private static void secure(ServerResponse response) {
    response.header(HeaderNames.create("X-Content-Type-Options"), "nosniff");
    response.header(HeaderNames.create("X-Frame-Options"), "DENY");
    response.header(HeaderNames.create("Referrer-Policy"), "no-referrer");
    response.header(HeaderNames.create("Cross-Origin-Resource-Policy"), "same-origin");
    response.header(
        HeaderNames.create("Content-Security-Policy"),
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src"
            + " 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    response.header(HeaderNames.CACHE_CONTROL, "no-store");
  }

  /** A browser says which site a request comes from; only our own page may change anything. */
  private static void refuseOtherSites(ServerRequest request, String method) {
    if (SAFE.contains(method)) {
      return;
    }
    String site = request.headers().first(HeaderNames.create("Sec-Fetch-Site")).orElse("none");
    Optional<String> origin = request.headers().first(HeaderNames.ORIGIN);
    String host = request.headers().first(HeaderNames.HOST).orElse("");
    boolean foreign =
        origin
            .filter(from -> !from.equals("http://" + host) && !from.equals("https://" + host))
            .isPresent();
    if (foreign || !(site.equals("none") || site.equals("same-origin"))) {
      throw Problem.forbidden("a request from another site's page");
    }
  }

  private void refuseOtherNames(ServerRequest request) {
    String host = request.headers().first(HeaderNames.HOST).orElse("");
    if (localNamesOnly && !isLocalName(host)) {
      throw Problem.forbidden("the Host header is " + Json.shown(host) + "; expected localhost");
    }
  }

  private static boolean isLocalName(String host) {
    try {
      String name = HostAndPort.fromString(host).getHost();
      return name.equals("localhost") || InetAddresses.isInetAddress(name);
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  private static Optional<String> bearer(ServerRequest request) {
    return request
        .headers()
        .first(HeaderNames.AUTHORIZATION)
        .filter(value -> value.regionMatches(true, 0, BEARER, 0, BEARER.length()))
        .map(value -> Splitter.on(' ').omitEmptyStrings().splitToList(value))
        .filter(parts -> parts.size() == 2)
        .map(parts -> parts.get(1));
  }
}
