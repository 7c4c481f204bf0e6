// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.common.primitives.Longs;
import io.helidon.http.HeaderNames;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** {@code /v1/events} and {@code /v1/history}. */
final class EventRoutes {
  private static final String EVENTS = "text/event-stream";

  /** So that who follows notices a connection that is gone, and so do we. */
  private static final long HEARTBEAT_MILLIS = 10_000;

  private static final int MAX_FOLLOWERS = 100;

  private final History history;
  private final Semaphore places = new Semaphore(MAX_FOLLOWERS);
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
    var events =
        history.after(after).stream().filter(event -> event.isFor(exchange.caller())).toList();
    ObjectNode json = Json.object();
    ArrayNode items = json.putArray("items");
    events
        .subList(Math.max(0, events.size() - limit), events.size())
        .forEach(event -> items.add(event.json()));
    json.put("newest", history.newestId());
    exchange.json(200, json);
  }

  /** Server-sent events (HTML Standard, section 9.2). */
  private void follow(Exchange exchange) throws IOException {
    exchange.allowQuery();
    if (exchange.isHead(EVENTS)) {
      return;
    }
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

  /** After what the client has had, if it was of this process; else from now on. */
  private long from(Exchange exchange) {
    @Nullable Long last =
        exchange
            .request()
            .headers()
            .first(HeaderNames.create("Last-Event-ID"))
            .map(Longs::tryParse)
            .orElse(null);
    long newest = history.newestId();
    return last == null ? newest : last > newest ? 0 : last;
  }

  private static String text(Event event) {
    return "id: "
        + event.id()
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
