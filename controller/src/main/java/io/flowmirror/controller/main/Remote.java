// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.common.base.Throwables;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;

/**
 * A controller that is asked over its REST API ({@code /v1/openapi.yaml} describes it). What is not
 * done ends in a {@link RemoteException}, whose one line says why. Any thread.
 */
final class Remote {
  static final JsonMapper JSON = JsonMapper.builder().build();

  private static final Duration CONNECT = Duration.ofSeconds(5);

  /** Longer than the controller itself waits for a node (65 s for a dump). */
  private static final Duration ANSWER = Duration.ofSeconds(75);

  /** An item of a list takes some hundred bytes: a page is below a megabyte. */
  private static final String PAGE = "1000";

  private static final int MAX_PROBLEM = 64 * 1024;

  private final URI base;
  private final Optional<String> token;
  private final HttpClient client;

  /**
   * Connects to nothing yet.
   *
   * @param base where the controller is, {@code http} or {@code https}, without a path
   * @param token shown to it as a bearer token
   * @param tls whom to believe, if not the authorities of this Java
   */
  Remote(URI base, Optional<String> token, Optional<SSLContext> tls) {
    this.base = base;
    this.token = token;
    HttpClient.Builder builder =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .proxy(HttpClient.Builder.NO_PROXY)
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(CONNECT);
    tls.ifPresent(builder::sslContext);
    this.client = builder.build();
  }

  /** A path of these parts, below {@code /v1}. */
  static String path(String... parts) {
    StringBuilder path = new StringBuilder("/v1");
    for (String part : parts) {
      path.append('/').append(encoded(part));
    }
    return path.toString();
  }

  private static String encoded(String part) {
    return URLEncoder.encode(part, StandardCharsets.UTF_8).replace("+", "%20");
  }

  /** One document. */
  JsonNode get(String path) {
    return get(path, ImmutableMap.of());
  }

  /** One document. */
  JsonNode get(String path, Map<String, String> query) {
    return document(request(path, query, "application/json").GET().build());
  }

  /** One document, if it is there. */
  Optional<JsonNode> find(String path) {
    try {
      return Optional.of(get(path));
    } catch (RemoteException e) {
      if (e.status() == 404) {
        return Optional.empty();
      }
      throw e;
    }
  }

  /** All of a list, whose pages are read one after the other: {@code items} and {@code total}. */
  ObjectNode list(String path, Map<String, String> query) {
    Map<String, String> page = new LinkedHashMap<>(query);
    page.put("limit", PAGE);
    ArrayNode items = JSON.createArrayNode();
    while (true) {
      JsonNode answer = get(path, page);
      answer.path("items").forEach(items::add);
      String next = answer.path("continue").asText("");
      // A server whose pages lead in a circle would keep us for ever.
      if (next.isEmpty() || next.equals(page.get("continue"))) {
        ObjectNode whole = JSON.createObjectNode();
        whole.set("items", items);
        whole.put("total", items.size());
        return whole;
      }
      page.put("continue", next);
    }
  }

  /** Text, which the caller reads and closes; it may be long, and is not kept. */
  InputStream text(String path, Map<String, String> query) {
    return open(request(path, query, "text/plain").GET().timeout(ANSWER).build());
  }

  /** A document as the controller writes it, which the caller reads and closes. */
  InputStream json(String path, Map<String, String> query) {
    return open(request(path, query, "application/json").GET().timeout(ANSWER).build());
  }

  /** Events as they happen, after this one, as it is named there; the caller reads and closes. */
  InputStream events(String after) {
    return open(
        request(path("events"), ImmutableMap.of(), "text/event-stream")
            .header("Last-Event-ID", after)
            .timeout(ANSWER)
            .GET()
            .build());
  }

  /** Asks for something. */
  JsonNode put(String path, JsonNode body) {
    return document(
        request(path, ImmutableMap.of(), "application/json")
            .header("Content-Type", "application/json")
            .PUT(BodyPublishers.ofString(body.toString()))
            .build());
  }

  /** Has something done. */
  JsonNode post(String path) {
    return document(
        request(path, ImmutableMap.of(), "application/json").POST(BodyPublishers.noBody()).build());
  }

  /** Takes something back. */
  void delete(String path) {
    document(request(path, ImmutableMap.of(), "application/json").DELETE().build());
  }

  private HttpRequest.Builder request(String path, Map<String, String> query, String accepted) {
    ImmutableList.Builder<String> parts = ImmutableList.builder();
    query.forEach((key, value) -> parts.add(key + "=" + encoded(value)));
    String tail = query.isEmpty() ? "" : "?" + String.join("&", parts.build());
    HttpRequest.Builder request =
        HttpRequest.newBuilder(base.resolve(path + tail)).header("Accept", accepted);
    token.ifPresent(secret -> request.header("Authorization", "Bearer " + secret));
    return request.timeout(ANSWER);
  }

  private JsonNode document(HttpRequest request) {
    try (InputStream in = open(request)) {
      byte[] body = in.readAllBytes();
      return body.length == 0 ? JSON.createObjectNode() : JSON.readTree(body);
    } catch (JsonProcessingException e) {
      throw new RemoteException(
          RemoteException.UNREACHED, "what answers at " + base + " is no Flowmirror: no JSON");
    } catch (IOException e) {
      throw broken(e);
    }
  }

  /** An answer that broke off. */
  RemoteException broken(IOException e) {
    return new RemoteException(
        RemoteException.UNREACHED, "the answer of " + base + " broke off: " + reason(e));
  }

  private InputStream open(HttpRequest request) {
    try {
      HttpResponse<InputStream> response = client.send(request, BodyHandlers.ofInputStream());
      if (response.statusCode() / 100 == 2) {
        return response.body();
      }
      try (InputStream body = response.body()) {
        throw new RemoteException(response.statusCode(), detail(response.statusCode(), body));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new RemoteException(RemoteException.UNREACHED, "interrupted");
    } catch (IOException e) {
      throw unreached(e);
    }
  }

  /** The problem's detail (RFC 9457), or the status where there is none. */
  private String detail(int status, InputStream body) throws IOException {
    byte[] bytes = body.readNBytes(MAX_PROBLEM);
    try {
      String detail = JSON.readTree(bytes).path("detail").asText("");
      if (!detail.isEmpty()) {
        return Table.shown(detail);
      }
    } catch (JsonProcessingException e) {
      // Not of Flowmirror.
    }
    return base + " answers with status " + status;
  }

  private RemoteException unreached(IOException e) {
    String line = "cannot reach " + base + ": ";
    if (e instanceof HttpConnectTimeoutException) {
      line += "no connection within " + CONNECT.toSeconds() + " s";
    } else if (e instanceof HttpTimeoutException) {
      line += "no answer within " + ANSWER.toSeconds() + " s";
    } else if (e instanceof SSLException) {
      line += reason(e) + "; whom to believe is said by --ca";
    } else if (e instanceof ConnectException
        && Throwables.getRootCause(e) instanceof UnresolvedAddressException) {
      line += "its name is not known";
    } else if (e instanceof ConnectException) {
      line += "is flowmirror run up with northbound in its configuration?";
    } else {
      line += reason(e);
    }
    return new RemoteException(RemoteException.UNREACHED, line);
  }

  private static String reason(Throwable e) {
    String message = e.getMessage();
    return Table.shown(
        message == null || message.isBlank() ? e.getClass().getSimpleName() : message);
  }
}
