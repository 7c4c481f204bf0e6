// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.flowmirror.controller.kubernetes.AskedMirrors;
import io.flowmirror.controller.kubernetes.Reviews;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * As much of a Kubernetes API as the northbound asks: reviews of tokens and rights, and Mirrors.
 * The token {@code token-of-NAME} is NAME's; {@code admin} may everything, everybody else nothing.
 */
final class FakeApi implements AutoCloseable {
  private static final String MIRRORS = "/mirrors/";

  /** By path, the Mirrors that there are. */
  final Map<String, ObjectNode> mirrors = new ConcurrentHashMap<>();

  final AtomicInteger tokensAsked = new AtomicInteger();
  final AtomicInteger rightsAsked = new AtomicInteger();

  /** Who has asked for Mirrors: the connections' other ends. */
  final Set<SocketAddress> connections = ConcurrentHashMap.newKeySet();

  private final HttpServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final KubernetesClient client;
  private final AskedMirrors asked;

  FakeApi() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(threads);
    server.createContext("/", this::answer);
    server.start();
    client = new KubernetesClientBuilder().withConfig(config()).build();
    asked = new AskedMirrors(this::config);
  }

  private Config config() {
    return new ConfigBuilder(Config.empty())
        .withMasterUrl("http://127.0.0.1:" + server.getAddress().getPort())
        .withRequestRetryBackoffLimit(0)
        .build();
  }

  Reviews reviews() {
    return new Reviews(client);
  }

  AskedMirrors asked() {
    return asked;
  }

  private void answer(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getPath();
    byte[] body = exchange.getRequestBody().readAllBytes();
    int status = 200;
    JsonNode answer;
    if (path.endsWith("/tokenreviews")) {
      tokensAsked.incrementAndGet();
      answer = tokenReview((ObjectNode) Json.MAPPER.readTree(body));
    } else if (path.endsWith("/subjectaccessreviews")) {
      rightsAsked.incrementAndGet();
      answer = rightsReview((ObjectNode) Json.MAPPER.readTree(body));
    } else if (path.contains(MIRRORS)) {
      connections.add(exchange.getRemoteAddress());
      answer = mirror(exchange.getRequestMethod(), path, body);
      status = answer.path("code").asInt(200);
    } else {
      answer = failure(404);
      status = 404;
    }
    byte[] bytes = Json.bytes(answer);
    exchange.getResponseHeaders().add("Content-Type", "application/json");
    exchange.sendResponseHeaders(status, bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }

  private static ObjectNode tokenReview(ObjectNode review) {
    String token = review.path("spec").path("token").asText();
    ObjectNode status = review.putObject("status");
    boolean known = token.startsWith("token-of-");
    status.put("authenticated", known);
    if (known) {
      status.putObject("user").put("username", token.substring("token-of-".length()));
    }
    return review;
  }

  private static ObjectNode rightsReview(ObjectNode review) {
    boolean allowed = review.path("spec").path("user").asText().equals("admin");
    review.putObject("status").put("allowed", allowed);
    return review;
  }

  private JsonNode mirror(String method, String path, byte[] body) throws IOException {
    JsonNode there =
        switch (method) {
          case "GET" -> mirrors.get(path);
          case "DELETE" -> mirrors.remove(path);
          default -> {
            ObjectNode wanted = (ObjectNode) Json.MAPPER.readTree(body);
            wanted.withObject("/metadata").put("creationTimestamp", "2026-01-31T10:00:00Z");
            mirrors.put(path, wanted);
            yield wanted;
          }
        };
    return there == null ? failure(404) : there;
  }

  private static ObjectNode failure(int code) {
    return Json.object()
        .put("kind", "Status")
        .put("apiVersion", "v1")
        .put("status", "Failure")
        .put("reason", "NotFound")
        .put("code", code);
  }

  @Override
  public void close() {
    asked.close();
    client.close();
    server.stop(0);
    threads.close();
  }
}
