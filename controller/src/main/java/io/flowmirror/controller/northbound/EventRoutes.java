// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.common.cache.CacheBuilder;
import com.google.common.cache.CacheLoader;
import com.google.common.cache.LoadingCache;
import io.helidon.http.HeaderNames;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** {@code /v1/events} and {@code /v1/history}. */
final class EventRoutes {
  private static final String EVENTS = "text/event-stream";

  /** So that who follows notices a connection that is gone, and so do we. */
  private static final long HEARTBEAT_MILLIS = 10_000;

  private static final int MAX_FOLLOWERS = 100;

  private static final int MAX_OF_CALLER = 20;

  private final History history;
  private final Semaphore places = new Semaphore(MAX_FOLLOWERS);

  /** By name, a caller's places; kept while somebody has one. */
  private final LoadingCache<String, Semaphore> callers =
      CacheBuilder.newBuilder()
          .weakValues()
          .build(CacheLoader.from(() -> new Semaphore(MAX_OF_CALLER)));

  private volatile boolean closed;

  EventRoutes(History history) {
    this.history = history;
  }

  void register(Routes routes) {
    routes.addEndless("GET", "/v1/events", this::follow);
    routes.add("GET", "/v1/history", this::list);
  }

  /** Ends all who follow. */
  void close() {
    closed = true;
  }

  private void list(Exchange exchange) {
    exchange.allowQuery("after", "limit");
    int limit =
        exchange.query("limit", Exchange.number(1, History.KEPT)).orElse(Exchange.DEFAULT_LIMIT);
    long after = exchange.query("after", Exchange.number(0, 999_999_999)).orElse(0);
    // First, so that who follows from there on misses nothing of what happens meanwhile.
    long newest = history.newestId();
    var events =
        history.after(after).stream()
            .filter(event -> event.id() <= newest && event.isFor(exchange.caller()))
            .toList();
    ObjectNode json = Json.object();
    ArrayNode items = json.putArray("items");
    events
        .subList(Math.max(0, events.size() - limit), events.size())
        .forEach(event -> items.add(event.json()));
    json.put("newest", newest);
    json.put("lastEventId", history.followedId(newest));
    exchange.json(200, json);
  }

  /** Server-sent events (HTML Standard, section 9.2). */
  private void follow(Exchange exchange) throws IOException {
    exchange.allowQuery();
    if (exchange.isHead(EVENTS)) {
      return;
    }
    Semaphore own = places(exchange.caller());
    if (!own.tryAcquire()) {
      throw Problem.tooMany(
          exchange.caller().name() + " follows " + MAX_OF_CALLER + " times already");
    }
    try {
      tell(exchange);
    } finally {
      own.release();
    }
  }

  /** So that one caller leaves places to others; where nobody says who he is, all are one. */
  private Semaphore places(Caller caller) {
    return caller.isAnybody() ? new Semaphore(1) : callers.getUnchecked(caller.name());
  }

  private void tell(Exchange exchange) throws IOException {
    if (!places.tryAcquire()) {
      throw Problem.tooMany("there are " + MAX_FOLLOWERS + " followers already");
    }
    try (History.Follower follower = history.follow(from(exchange))) {
      exchange.response().header(HeaderNames.CACHE_CONTROL, "no-store");
      try (OutputStream out = exchange.stream(EVENTS)) {
        write(out, ": flowmirror\n\n");
        try {
          Caller caller = exchange.caller();
          long asked = System.nanoTime();
          while (!closed) {
            Optional<Event> event = follower.next(HEARTBEAT_MILLIS);
            if (System.nanoTime() - asked > TimeUnit.MILLISECONDS.toNanos(HEARTBEAT_MILLIS)) {
              // A token may be nobody's any more, or somebody's who may see less.
              caller = exchange.callerNow();
              asked = System.nanoTime();
            }
            if (event.isEmpty()) {
              write(out, ": \n\n");
            } else if (event.get().isFor(caller)) {
              write(out, text(event.get()));
            }
          }
        } catch (InterruptedException e) {
          // Too slow. One that does not read at all has lost its connection by the interrupt.
          write(out, "event: lost\ndata: {}\n\n");
        }
      }
    } finally {
      places.release();
    }
  }

  /** After what the client has had; from the beginning, if that was of another process. */
  private long from(Exchange exchange) {
    return exchange
        .request()
        .headers()
        .first(HeaderNames.create("Last-Event-ID"))
        .filter(last -> !last.isBlank())
        .map(history::after)
        .orElseGet(history::newestId);
  }

  private String text(Event event) {
    return "id: "
        + history.followedId(event.id())
        + "\nevent: "
        + event.kind().text()
        + "\ndata: "
        + event.json()
        + "\n\n";
  }

  private static void write(OutputStream out, String text) throws IOException {
    out.write(text.getBytes(StandardCharsets.UTF_8));
    out.flush();
  }
}
