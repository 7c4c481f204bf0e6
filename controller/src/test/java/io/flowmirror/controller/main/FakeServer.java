// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A server that answers what a test tells it to, and remembers what it was asked. */
final class FakeServer implements AutoCloseable {
  /** An answer. */
  record Answer(int status, String type, String body) {
    static Answer json(String body) {
      return new Answer(200, "application/json", body);
    }

    static Answer text(String body) {
      return new Answer(200, "text/plain", body);
    }

    static Answer problem(int status, String detail) {
      return new Answer(
          status,
          "application/problem+json",
          "{\"status\":" + status + ",\"detail\":\"" + detail + "\"}");
    }
  }

  private final HttpServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final Map<String, ConcurrentLinkedQueue<Answer>> answers = new ConcurrentHashMap<>();

  /** {@code METHOD PATH?QUERY BODY} of each request. */
  final List<String> requests = new CopyOnWriteArrayList<>();

  /** {@code Authorization} of each request. */
  final List<String> tokens = new CopyOnWriteArrayList<>();

  /** {@code Last-Event-ID} of each request that had one. */
  final List<String> lastEvents = new CopyOnWriteArrayList<>();

  FakeServer() {
    try {
      server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    server.setExecutor(threads);
    server.createContext("/", this::serve);
    server.start();
  }

  String url() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  /** Answers requests of this kind with these, one after the other, and then with the last. */
  void answer(String methodAndPath, Answer... with) {
    answers.put(methodAndPath, new ConcurrentLinkedQueue<>(List.of(with)));
  }

  private void serve(HttpExchange exchange) throws IOException {
    String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
    String path = exchange.getRequestURI().getRawPath();
    String query = exchange.getRequestURI().getRawQuery();
    requests.add(
        (exchange.getRequestMethod() + " " + path + (query == null ? "" : "?" + query) + " " + body)
            .strip());
    tokens.add(String.valueOf(exchange.getRequestHeaders().getFirst("Authorization")));
    String last = exchange.getRequestHeaders().getFirst("Last-Event-ID");
    if (last != null) {
      lastEvents.add(last);
    }
    ConcurrentLinkedQueue<Answer> queue = answers.get(exchange.getRequestMethod() + " " + path);
    Answer answer = Answer.problem(404, "there is nothing at " + path);
    if (queue != null) {
      Answer next = queue.size() > 1 ? queue.poll() : queue.peek();
      answer = next == null ? answer : next;
    }
    byte[] bytes = answer.body().getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().add("Content-Type", answer.type());
    exchange.sendResponseHeaders(answer.status(), bytes.length == 0 ? -1 : bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }

  @Override
  public void close() {
    server.stop(0);
    threads.close();
  }
}
