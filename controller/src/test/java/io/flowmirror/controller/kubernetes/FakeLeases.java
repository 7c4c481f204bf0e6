// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.TreeMap;

/**
 * An API that has Leases alone, of one namespace: it compares resource versions, and may have
 * somebody else be faster.
 */
final class FakeLeases implements AutoCloseable {
  private static final ObjectMapper JSON = JsonMapper.builder().build();
  private static final String PATH = "/apis/coordination.k8s.io/v1/namespaces/ns/leases";

  private final HttpServer server;
  private final Map<String, ObjectNode> leases = new TreeMap<>();
  private long version;

  /** How many of the next changes of an annotation find that somebody else was faster. */
  private int overtaken;

  FakeLeases() {
    try {
      server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    server.createContext("/", this::serve);
    server.start();
  }

  KubernetesClient client() {
    return new KubernetesClientBuilder()
        .withConfig(
            new ConfigBuilder()
                .withAutoConfigure(false)
                .withMasterUrl("http://127.0.0.1:" + server.getAddress().getPort())
                .withRequestRetryBackoffLimit(0)
                .build())
        .build();
  }

  synchronized void overtake(int times) {
    overtaken = times;
  }

  /** Somebody deletes it. */
  synchronized void delete(String name) {
    leases.remove(name);
  }

  synchronized String annotation(String name, String key) {
    ObjectNode lease = leases.get(name);
    return lease == null ? "" : lease.path("metadata").path("annotations").path(key).asText("");
  }

  private synchronized void serve(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getPath();
    String name = path.startsWith(PATH + "/") ? path.substring(PATH.length() + 1) : "";
    byte[] body = exchange.getRequestBody().readAllBytes();
    ObjectNode answer;
    int code = 200;
    switch (exchange.getRequestMethod()) {
      case "GET" -> {
        answer = name.isEmpty() ? list() : leases.get(name);
        code = answer == null ? 404 : 200;
      }
      case "DELETE" -> answer = leases.remove(name);
      default -> {
        ObjectNode lease = (ObjectNode) JSON.readTree(body);
        ObjectNode metadata = (ObjectNode) lease.get("metadata");
        ObjectNode there = leases.get(metadata.path("name").asText());
        boolean isNew = exchange.getRequestMethod().equals("POST");
        String read = metadata.path("resourceVersion").asText("");
        answer = lease;
        if (isNew == (there != null)) {
          code = isNew ? 409 : 404;
        } else if (!read.isEmpty() && there != null && isOutdated(read, there)) {
          code = 409;
        } else {
          metadata.put("resourceVersion", Long.toString(++version));
          leases.put(metadata.path("name").asText(), lease);
        }
      }
    }
    if (code >= 400 || answer == null) {
      answer =
          JSON.createObjectNode()
              .put("kind", "Status")
              .put("apiVersion", "v1")
              .put("status", code >= 400 ? "Failure" : "Success")
              .put("code", code);
    }
    byte[] bytes = JSON.writeValueAsBytes(answer);
    exchange.getResponseHeaders().add("Content-Type", "application/json");
    exchange.sendResponseHeaders(code, bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }

  private boolean isOutdated(String read, ObjectNode there) {
    if (overtaken > 0) {
      overtaken--;
      return true;
    }
    return !there.path("metadata").path("resourceVersion").asText().equals(read);
  }

  private ObjectNode list() {
    ObjectNode list =
        JSON.createObjectNode()
            .put("kind", "LeaseList")
            .put("apiVersion", "coordination.k8s.io/v1");
    list.putObject("metadata").put("resourceVersion", Long.toString(version));
    list.putArray("items").addAll(leases.values());
    return list;
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
