// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.common.base.Ticker;
import com.google.common.collect.ImmutableMap;
import io.flowmirror.controller.kubernetes.AskedMirrors;
import io.flowmirror.controller.northbound.Caller.Verb;
import io.flowmirror.controller.reconcile.Requests;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is asked for by REST, and by whom, where an API is followed, or begins to be. */
final class KubernetesAccessTest {
  private static final String ADMIN = "token-of-admin";
  private static final String ANNOTATIONS = "kubernetes: {}\n";
  private static final String RESOURCES = "kubernetes: {mirror-resources: true}\n";
  private static final String LEASES = "kubernetes: {mirror-resources: true, leases: flowmirror}\n";
  private static final String ONLY_LEASES = "kubernetes: {leases: flowmirror}\n";
  private static final String DB = "/v1/mirrors/demo/db";

  @TempDir Path folder;
  private FakeApi api;

  @BeforeEach
  void open() throws IOException {
    api = new FakeApi();
  }

  @AfterEach
  void close() {
    api.close();
  }

  private Server server(String lines) {
    Server server = new Server(Optional.of(folder.resolve("book")), Optional.empty(), api);
    server.world.configured(lines);
    return server;
  }

  private static HttpResponse<String> ask(
      Server server, String method, String path, Optional<String> body, String token) {
    return server.send(
        method,
        path,
        body,
        token.isEmpty()
            ? ImmutableMap.of("Content-Type", "application/json")
            : ImmutableMap.of(
                "Content-Type", "application/json", "Authorization", "Bearer " + token));
  }

  private static HttpResponse<String> get(Server server, String path) {
    return ask(server, "GET", path, Optional.empty(), ADMIN);
  }

  private static HttpResponse<String> put(Server server, String path, String body) {
    return ask(server, "PUT", path, Optional.of(body), ADMIN);
  }

  private static HttpResponse<String> delete(Server server, String path) {
    return ask(server, "DELETE", path, Optional.empty(), ADMIN);
  }

  /** What was asked for before Mirrors were followed is in force, is shown, and can be ended. */
  @Test
  void whatIsInTheBookCanBeTakenBack() {
    try (Server before = server(ANNOTATIONS)) {
      assertThat(put(before, DB, "{}").statusCode()).isEqualTo(201);
    }
    try (Server server = server(RESOURCES)) {
      assertThat(server.book.requests().mirrors()).hasSize(1);
      assertThat(Server.json(get(server, DB)).path("by").asText()).isEqualTo("admin");
      assertThat(put(server, DB, "{\"direction\": \"to-pod\"}").statusCode()).isEqualTo(200);
      assertThat(api.mirrors).isEmpty();
      assertThat(Server.json(get(server, DB)).path("direction").asText()).isEqualTo("to-pod");
      assertThat(delete(server, DB).statusCode()).isEqualTo(204);
      assertThat(server.book.requests()).isEqualTo(Requests.NONE);
      assertThat(get(server, DB).statusCode()).isEqualTo(404);
      assertThat(server.history.after(0))
          .anyMatch(event -> event.text().contains("admin does not ask for a mirror of demo/db"));

      assertThat(put(server, DB, "{}").statusCode()).isEqualTo(201);
      assertThat(api.mirrors).hasSize(1);
      assertThat(server.book.requests()).isEqualTo(Requests.NONE);
      assertThat(get(server, DB).statusCode()).isEqualTo(200);
      assertThat(delete(server, DB).statusCode()).isEqualTo(204);
      assertThat(api.mirrors).isEmpty();
    }
  }

  /** Where several share the nodes, what one knows alone moves to where all know it. */
  @Test
  void whatIsInTheBookOfOneOfSeveralMoves() {
    try (Server server = server(ANNOTATIONS)) {
      put(server, DB, "{}");
      server.world.configured(LEASES);
      assertThat(put(server, DB, "{\"direction\": \"from-pod\"}").statusCode()).isEqualTo(200);
      assertThat(api.mirrors).hasSize(1);
      assertThat(server.book.requests()).isEqualTo(Requests.NONE);
    }
  }

  @Test
  void oneOfSeveralTakesBack() {
    List<String> shared = new ArrayList<>();
    try (Server server = server(ANNOTATIONS)) {
      server.world.shares = shared::add;
      put(server, DB, "{}");
      assertThat(put(server, "/v1/global", "{\"mode\": \"all\"}").statusCode()).isEqualTo(200);
      assertThat(server.book.requests().global()).isPresent();
      assertThat(shared).isEmpty();
      server.world.configured(ONLY_LEASES);
      // It is all of theirs from now on, and what all of them share comes back to each.
      assertThat(put(server, "/v1/global", "{\"mode\": \"configured\"}").statusCode())
          .isEqualTo(200);
      assertThat(shared).containsExactly("");
      server.book.shared(shared.get(0));
      assertThat(server.book.requests().global()).isEmpty();
      assertThat(put(server, DB, "{}").statusCode()).isEqualTo(409);
      assertThat(delete(server, DB).statusCode()).isEqualTo(204);
      assertThat(server.book.requests()).isEqualTo(Requests.NONE);
    }
  }

  /** Who may ask is as the configuration in force says, and not as it was at the start. */
  @Test
  void anApiThatIsFollowedLater() {
    try (Server server = server("")) {
      assertThat(ask(server, "PUT", DB, Optional.of("{}"), "").statusCode()).isEqualTo(201);
      assertThat(api.tokensAsked.get()).isZero();
      server.world.configured(ANNOTATIONS);
      assertThat(ask(server, "GET", "/v1/nodes", Optional.empty(), "").statusCode()).isEqualTo(401);
      assertThat(ask(server, "DELETE", DB, Optional.empty(), "").statusCode()).isEqualTo(401);
      assertThat(ask(server, "DELETE", DB, Optional.empty(), "token-of-nobody").statusCode())
          .isEqualTo(403);
      assertThat(get(server, "/v1/nodes").statusCode()).isEqualTo(200);
      server.world.configured("");
      assertThat(ask(server, "DELETE", DB, Optional.empty(), "").statusCode()).isEqualTo(204);
    }
  }

  /** Nobody is told that he has asked for what nobody follows. */
  @Test
  void mirrorsThatAreFollowedLaterOrNoMore() {
    try (Server server = server(ANNOTATIONS)) {
      server.world.configured(RESOURCES);
      assertThat(put(server, DB, "{}").statusCode()).isEqualTo(201);
      assertThat(api.mirrors).hasSize(1);
      assertThat(server.book.requests()).isEqualTo(Requests.NONE);
      server.world.configured(ANNOTATIONS);
      assertThat(get(server, DB).statusCode()).isEqualTo(404);
      assertThat(put(server, DB, "{}").statusCode()).isEqualTo(201);
      assertThat(server.book.requests().mirrors()).hasSize(1);
    }
  }

  /** Each new connection to the API costs a handshake. */
  @Test
  void connectionsAreKeptForEachCallerAlone() throws Exception {
    AskedMirrors mirrors = api.asked();
    for (int i = 0; i < 20; i++) {
      mirrors.find(ADMIN, "demo", "db");
    }
    assertThat(api.connections).hasSize(1);
    mirrors.find("token-of-else", "demo", "db");
    assertThat(api.connections).hasSize(2);
    for (int i = 0; i < 200; i++) {
      mirrors.find("token-of-" + i, "demo", "db");
    }
    mirrors.close();
    // Nobody is shut out by that.
    mirrors.find(ADMIN, "demo", "db");
  }

  /** A neighbour with the same address, as all on loopback have, shuts nobody out. */
  @Test
  void badTokensShutOutNobody() {
    try (Server server = server(ANNOTATIONS)) {
      assertThat(get(server, "/v1/nodes").statusCode()).isEqualTo(200);
      int tooMany = 0;
      for (int i = 0; i < 40; i++) {
        tooMany +=
            ask(server, "GET", "/v1/nodes", Optional.empty(), "guessed").statusCode() == 429
                ? 1
                : 0;
      }
      assertThat(tooMany).isPositive();
      assertThat(get(server, "/v1/nodes").statusCode()).isEqualTo(200);
      // Who shows none has guessed nothing.
      assertThat(ask(server, "GET", "/v1/nodes", Optional.empty(), "").statusCode()).isEqualTo(401);
    }
  }

  /** Somebody who asks for something else again and again, on many threads, until it is closed. */
  private static final class Flood implements AutoCloseable {
    private static final int THREADS = 200;

    private static final long RETRY_NANOS = 20_000_000;

    private final AtomicInteger asked = new AtomicInteger();
    private final AtomicInteger refused = new AtomicInteger();
    private final List<Thread> threads = new ArrayList<>();
    private volatile boolean over;

    Flood(IntConsumer question) {
      for (int i = 0; i < THREADS; i++) {
        threads.add(Thread.ofVirtual().start(() -> run(question)));
      }
    }

    /** When whoever floods is refused, and goes on. */
    void awaitRefusals() {
      await().atMost(Duration.ofSeconds(60)).until(() -> refused.get() > THREADS);
    }

    private void run(IntConsumer question) {
      while (!over) {
        try {
          question.accept(asked.incrementAndGet());
        } catch (Problem e) {
          if (e.status() == 429) {
            refused.incrementAndGet();
          }
          LockSupport.parkNanos(RETRY_NANOS);
        }
      }
    }

    @Override
    public void close() {
      over = true;
      for (Thread thread : threads) {
        try {
          thread.join();
        } catch (InterruptedException e) {
          throw new AssertionError(e);
        }
      }
    }
  }

  /** A stream of unknown tokens keeps out neither known ones nor other addresses. */
  @Test
  void unknownTokensUseUpTheirOwnShare() {
    AtomicLong nanos = new AtomicLong();
    Ticker ticker =
        new Ticker() {
          @Override
          public long read() {
            return nanos.get();
          }
        };
    ApiAccess access = new ApiAccess(api::reviews, Optional::empty, ticker);
    assertThat(access.caller(Optional.of(ADMIN), "127.0.0.1").name()).isEqualTo("admin");
    // It has to be asked about again.
    nanos.addAndGet(Duration.ofSeconds(11).toNanos());
    try (Flood flood =
        new Flood(i -> access.caller(Optional.of("unknown-" + i), "127.0.0.1").name())) {
      flood.awaitRefusals();
      assertThat(access.caller(Optional.of(ADMIN), "127.0.0.1").name()).isEqualTo("admin");
      assertThat(access.caller(Optional.of("token-of-else"), "192.0.2.1").name()).isEqualTo("else");
      assertThat(flood.asked.get()).isGreaterThan(api.tokensAsked.get());
    }
  }

  /** Many requests with one token at once are one question. */
  @Test
  void oneTokenIsAskedAboutOnce() throws InterruptedException {
    ApiAccess access = new ApiAccess(api::reviews, Optional::empty);
    AtomicInteger answered = new AtomicInteger();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      threads.add(
          Thread.ofVirtual()
              .start(
                  () -> {
                    if (access.caller(Optional.of(ADMIN), "127.0.0.1").name().equals("admin")) {
                      answered.incrementAndGet();
                    }
                  }));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(answered.get()).isEqualTo(100);
    assertThat(api.tokensAsked.get()).isEqualTo(1);
  }

  /** Somebody without any right asks about one namespace after the other. */
  @Test
  void questionsAboutRightsUseUpTheirOwnShare() {
    ApiAccess access = new ApiAccess(api::reviews, Optional::empty);
    Caller stranger = access.caller(Optional.of("token-of-stranger"), "127.0.0.1");
    Caller admin = access.caller(Optional.of(ADMIN), "127.0.0.1");
    try (Flood flood = new Flood(i -> stranger.may(Verb.GET, "random-" + i))) {
      flood.awaitRefusals();
      assertThat(admin.may(Verb.UPDATE, "")).isTrue();
      assertThat(flood.asked.get()).isGreaterThan(api.rightsAsked.get());
    }
  }
}
