// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.common.base.Ascii;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Iterables;
import io.flowmirror.config.Direction;
import io.flowmirror.config.Mirror;
import io.flowmirror.topology.PodName;
import io.helidon.http.HeaderNames;
import io.helidon.http.Method;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.function.Supplier;

/** One request, and its answer. */
final class Exchange {
  /** No request of ours says more. */
  static final int MAX_BODY = 64 << 10;

  /** So many things a page has at most, and when nobody says. */
  static final int MAX_LIMIT = 5_000;

  static final int DEFAULT_LIMIT = 500;

  static final String JSON = "application/json";
  static final String PLAIN = "text/plain";
  static final String TEXT = "text/plain; charset=utf-8";

  private final ServerRequest request;
  private final ServerResponse response;
  private final ImmutableMap<String, String> parameters;
  private final Caller caller;
  private final Supplier<Caller> again;
  private final String media;

  /**
   * Takes a request that has found its route.
   *
   * @param again finds out anew who asks
   * @param media which media type is to be answered with
   */
  Exchange(
      ServerRequest request,
      ServerResponse response,
      ImmutableMap<String, String> parameters,
      Caller caller,
      Supplier<Caller> again,
      String media) {
    this.request = request;
    this.response = response;
    this.parameters = parameters;
    this.caller = caller;
    this.again = again;
    this.media = media;
  }

  Caller caller() {
    return caller;
  }

  /**
   * Who shows this token now, for an answer that goes on for long.
   *
   * @throws Problem if nobody does any more
   */
  Caller callerNow() {
    return again.get();
  }

  ServerRequest request() {
    return request;
  }

  ServerResponse response() {
    return response;
  }

  /** A part of the path. */
  String parameter(String name) {
    String value = parameters.get(name);
    if (value == null) {
      throw new IllegalStateException("no {" + name + "} in the route");
    }
    return value;
  }

  /** The pod that the path names. */
  PodName pod() {
    String text = parameter("namespace") + "/" + parameter("pod");
    try {
      Mirror named = Mirror.of(text, Direction.BOTH);
      return new PodName(named.namespace(), named.pod());
    } catch (IllegalArgumentException e) {
      throw Problem.badRequest("the path: " + e.getMessage());
    }
  }

  /** Refuses a query with a key that nobody reads, or one twice. */
  void allowQuery(String... keys) {
    ImmutableSet<String> allowed = ImmutableSet.copyOf(keys);
    for (String name : request.query().names()) {
      if (!allowed.contains(name)) {
        throw Problem.badRequest(
            "unknown query parameter "
                + Json.shown(name)
                + (allowed.isEmpty()
                    ? "; expected none"
                    : "; expected " + String.join(", ", keys)));
      }
      if (request.query().all(name).size() > 1) {
        throw Problem.badRequest("query parameter " + name + " is there twice");
      }
    }
  }

  Optional<String> query(String name) {
    return request.query().first(name).asOptional();
  }

  /** A query parameter's meaning. */
  <T> Optional<T> query(String name, Function<String, T> parse) {
    Optional<String> text = query(name);
    try {
      return text.map(parse);
    } catch (IllegalArgumentException e) {
      throw Problem.badRequest("query parameter " + name + ": " + e.getMessage());
    }
  }

  /** One of some words. */
  static Function<String, String> oneOf(String... words) {
    return text -> {
      if (!ImmutableList.copyOf(words).contains(text)) {
        throw new IllegalArgumentException(
            "found " + Json.shown(text) + "; expected " + String.join(", ", words));
      }
      return text;
    };
  }

  static boolean bool(String text) {
    return oneOf("true", "false").apply(text).equals("true");
  }

  /** A moment. */
  static Instant instant(String text) {
    try {
      return Instant.parse(text);
    } catch (DateTimeParseException e) {
      throw new IllegalArgumentException(
          "found " + Json.shown(text) + "; expected a time such as 2026-01-31T10:00:00Z", e);
    }
  }

  /** A number within bounds. */
  static Function<String, Integer> number(int least, int most) {
    return text -> {
      if (text.matches("[0-9]{1,9}")) {
        int value = Integer.parseInt(text);
        if (value >= least && value <= most) {
          return value;
        }
      }
      throw new IllegalArgumentException(
          "found " + Json.shown(text) + "; expected a number from " + least + " to " + most);
    };
  }

  /** The body, a JSON object with no keys but these. */
  ObjectNode body(String... keys) {
    // As it is written: what is none at all is refused here, and not by the server with its words.
    String type =
        Ascii.toLowerCase(request.headers().first(HeaderNames.CONTENT_TYPE).orElse("").strip());
    if (!type.equals(JSON) && !type.startsWith(JSON + ";")) {
      throw Problem.unsupportedMediaType("expected Content-Type: " + JSON);
    }
    return Json.parse(bytes(), ImmutableSet.copyOf(keys));
  }

  private byte[] bytes() {
    if (!request.content().hasEntity()) {
      throw Problem.badRequest("the body is missing");
    }
    try (InputStream in = request.content().inputStream()) {
      byte[] body = in.readNBytes(MAX_BODY + 1);
      if (body.length > MAX_BODY) {
        throw Problem.tooLarge("the body has more than " + MAX_BODY + " bytes");
      }
      return body;
    } catch (IOException | RuntimeException e) {
      if (e instanceof Problem problem) {
        throw problem;
      }
      // A chunk's length that is no number, or a connection that ends before the body does.
      throw Problem.badRequest("the body could not be read");
    }
  }

  /** Refuses a body where none is read. */
  void noBody() {
    if (request.content().hasEntity() && bytes().length > 0) {
      throw Problem.badRequest("a body is there; expected none");
    }
  }

  /** Whether the client would rather have text than JSON, of an endpoint that has both. */
  boolean wantsText() {
    return media.equals(PLAIN);
  }

  /** Waits for what a node answers. */
  static <T> T await(CompletableFuture<T> future, long seconds) {
    try {
      return future.get(seconds, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Problem problem) {
        throw problem;
      }
      Throwable cause = e.getCause() == null ? e : e.getCause();
      throw Problem.unavailable(String.valueOf(cause.getMessage()));
    } catch (TimeoutException e) {
      future.cancel(true);
      throw Problem.unavailable("no answer after " + seconds + " s");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw Problem.unavailable("the server is being stopped");
    }
  }

  // The answer.

  void json(int status, JsonNode body) {
    response.status(status).header(HeaderNames.CONTENT_TYPE, JSON);
    send(Json.bytes(body));
  }

  void noContent() {
    response.status(204).send();
  }

  void text(Iterable<String> lines) {
    response.status(200).header(HeaderNames.CONTENT_TYPE, TEXT);
    StringBuilder body = new StringBuilder();
    lines.forEach(line -> body.append(line).append('\n'));
    send(body.toString().getBytes(StandardCharsets.UTF_8));
  }

  /** Sends a body, of which HEAD has the length alone (RFC 9110, section 9.3.2). */
  void send(byte[] body) {
    send(request, response, body);
  }

  /** The same, for what never became an exchange. */
  static void send(ServerRequest request, ServerResponse response, byte[] body) {
    if (request.prologue().method().equals(Method.HEAD)) {
      response.header(HeaderNames.CONTENT_LENGTH, String.valueOf(body.length));
      response.send();
    } else {
      response.send(body);
    }
  }

  /**
   * Answers HEAD where the body would be written as it is read; nothing is read then.
   *
   * @return false if it is another method, and there is a body to be written
   */
  boolean isHead(String mediaType) {
    if (!request.prologue().method().equals(Method.HEAD)) {
      return false;
    }
    response.status(200).header(HeaderNames.CONTENT_TYPE, mediaType);
    response.send();
    return true;
  }

  /** Something that is written as it is read; the caller writes and closes. */
  OutputStream stream(String mediaType) {
    response.status(200).header(HeaderNames.CONTENT_TYPE, mediaType);
    return response.outputStream();
  }

  /**
   * A page of a list: {@code items}, how many there are in all, and where the next page begins, if
   * there is one. The query has {@code limit} and {@code continue}, the key of the last item of the
   * page before, so that an item that comes or goes meanwhile moves no other across the border.
   *
   * @param items in the order of their keys
   */
  <T> void page(List<T> items, Function<T, String> key, Function<T, ObjectNode> json) {
    int limit = query("limit", number(1, MAX_LIMIT)).orElse(DEFAULT_LIMIT);
    String after = query("continue").orElse("");
    List<T> left =
        after.isEmpty()
            ? items
            : items.stream().filter(item -> key.apply(item).compareTo(after) > 0).toList();
    List<T> page = left.subList(0, Math.min(limit, left.size()));
    ObjectNode body = Json.object();
    ArrayNode array = body.putArray("items");
    page.forEach(item -> array.add(json.apply(item)));
    body.put("total", items.size());
    if (page.size() < left.size()) {
      body.put("continue", key.apply(Iterables.getLast(page)));
    }
    json(200, body);
  }
}
