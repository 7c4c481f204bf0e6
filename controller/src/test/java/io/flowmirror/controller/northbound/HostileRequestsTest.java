// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.base.Strings;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.flowmirror.controller.reconcile.Requests;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever a client sends: it is told what is wrong with it, and nothing has changed. */
final class HostileRequestsTest {
  private static final ImmutableMap<String, String> JSON =
      ImmutableMap.of("Content-Type", "application/json");

  private final Server server = new Server();

  @AfterEach
  void nothingHasChangedAndItStillServes() {
    try {
      assertThat(server.told).isEmpty();
      assertThat(server.book.requests()).isEqualTo(Requests.NONE);
      assertThat(server.get("/v1/nodes/n1").statusCode()).isEqualTo(200);
    } finally {
      server.close();
    }
  }

  private static void isRefused(HttpResponse<String> response) {
    assertThat(response.statusCode()).as(response.body()).isBetween(400, 499);
    assertThat(response.headers().firstValue("Content-Type")).hasValue(Problem.MEDIA_TYPE);
    assertThat(Server.json(response).path("status").asInt()).isEqualTo(response.statusCode());
    assertThat(Server.json(response).path("detail").asText()).isNotEmpty();
    assertThat(response.body()).doesNotContain("Exception", "\tat ", "java.");
  }

  private static String deep(int levels) {
    return "{\"a\":".repeat(levels) + "1" + "}".repeat(levels);
  }

  static ImmutableList<String> badMirrors() {
    return ImmutableList.of(
        "",
        "{",
        "null",
        "[]",
        "1",
        "\"direction\"",
        "{\"direction\": \"sideways\"}",
        "{\"direction\": 1}",
        "{\"direction\": [\"both\"]}",
        "{\"direction\": \"both\", \"direction\": \"both\"}",
        "{\"Direction\": \"both\"}",
        "{\"direction\": \"both\"} {}",
        "{\"until\": \"tomorrow\"}",
        "{\"until\": \"2001-01-01T00:00:00Z\"}",
        "{\"until\": 4102444800}",
        "{\"until\": \"+999999999-12-31T23:59:59.999999999Z\", \"for\": \"1h\"}",
        "{\"for\": \"\"}",
        "{\"for\": \"0s\"}",
        "{\"for\": \"-1h\"}",
        "{\"for\": \"1\"}",
        "{\"for\": \"999999999999999999999h\"}",
        "{\"for\": \"1h\", \"until\": \"2999-01-01T00:00:00Z\"}",
        "{\"namespace\": \"kube-system\"}",
        "{\"for\": \"" + "9".repeat(9_000) + "h\"}",
        "{\"x\": " + "9".repeat(100) + "}",
        deep(10),
        deep(1_000),
        "[".repeat(20_000),
        "{\"direction\": \"both\u0000\"}",
        "{\"direction\": \"\\ud800\"}",
        "<mirror/>",
        "direction: both");
  }

  @ParameterizedTest
  @MethodSource("badMirrors")
  void badMirror(String body) {
    isRefused(server.put("/v1/mirrors/demo/db", body));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{\"mode\": \"some\"}",
        "{\"mode\": true}",
        "{\"mode\": \"nodes\"}",
        "{\"mode\": \"nodes\", \"nodes\": []}",
        "{\"mode\": \"nodes\", \"nodes\": \"n1\"}",
        "{\"mode\": \"nodes\", \"nodes\": [\"n9\"]}",
        "{\"mode\": \"nodes\", \"nodes\": [1]}",
        "{\"mode\": \"nodes\", \"nodes\": [null]}",
        "{\"mode\": \"all\", \"nodes\": [\"n1\"]}",
        "{\"mode\": \"all\", \"by\": \"me\"}"
      })
  void badGlobal(String body) {
    isRefused(server.put("/v1/global", body));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "//",
        "/v1",
        "/v1/",
        "/v1/nodes/",
        "/v1/nodes/n9",
        "/v1/nodes/n1/flows/",
        "/v1/nodes/n1%2Fflows",
        "/v1/nodes/%6e1%00",
        "/v1/nodes/%ff",
        "/v1/nodes/%",
        "/v1/nodes/%2",
        "/v1/nodes/%zz",
        "/v1/nodes/..%2f..%2fetc%2fpasswd",
        "/v1/nodes/%2e%2e/%2e%2e/etc/passwd",
        "/v1/openapi.yaml/../../../../etc/passwd",
        "/v1/pods/demo",
        "/v1/pods/Demo/web",
        "/v1/pods/demo/web_1",
        "/v1/pods/demo/%20",
        "/v1/pods/-/-",
        "/v1/pods?mirrored=yes",
        "/v1/pods?mirrored=true&mirrored=false",
        "/v1/pods?limit=-1",
        "/v1/pods?limit=99999999999999999999",
        "/v1/pods?limit=5001",
        "/v1/pods?limit=1e3",
        "/v1/pods?Limit=1",
        "/v1/pods?limit=",
        "/v1/nodes/n1/flows?view=everything",
        "/v1/nodes/n1/flows?table=256",
        "/v1/nodes/n1/flows?table=-1",
        "/v1/nodes/n1/flows?pod=web",
        "/v1/nodes/n1/flows?pod=demo/web/x",
        "/v1/nodes/n1/flows?owner=everybody",
        "/v1/nodes/n1/flows?owner=ovn&view=drift",
        "/v1/nodes/n1/flows/diff?since=yesterday",
        "/v1/history?after=-1",
        "/v1/history?limit=1001",
        "/v1/events?after=1",
        "/v2/nodes",
        "/V1/nodes",
        "/metrics?x=1",
        "/livez?verbose=1"
      })
  void badPathOrQuery(String path) throws IOException {
    // As it is: a client would tidy it up first.
    String answer =
        raw(request("GET " + path + " HTTP/1.1", "Host: localhost", "Connection: close"));
    assertThat(answer).as(path).startsWith("HTTP/1.1 4");
  }

  @ParameterizedTest
  @ValueSource(strings = {"POST", "PATCH", "DELETE", "PUT", "OPTIONS", "TRACE", "BREW"})
  void wrongMethod(String method) throws IOException {
    String answer =
        raw(request(method + " /v1/nodes/n1 HTTP/1.1", "Host: localhost", "Connection: close"));
    assertThat(answer).startsWith("HTTP/1.1 4");
    if (answer.startsWith("HTTP/1.1 405")) {
      assertThat(answer).contains("Allow: GET, HEAD");
    }
  }

  static ImmutableList<String> broken() {
    String get = "GET /v1/nodes HTTP/1.1";
    String put = "PUT /v1/mirrors/demo/db HTTP/1.1";
    String localhost = "Host: localhost";
    String json = "Content-Type: application/json";
    return ImmutableList.of(
        request(""),
        request("GET"),
        request("GET /v1/nodes"),
        request("GET /v1/nodes HTTP/9.9", "Host: x"),
        request(get),
        request(get, "Host: a", "Host: b"),
        request(get, "Host: evil.example"),
        request("GET http://evil.example/v1/nodes HTTP/1.1", "Host: evil.example"),
        request(get, localhost, "A: b\u0000"),
        request(get, localhost, "X: " + Strings.repeat("x", 100_000)),
        request("GET /" + Strings.repeat("x", 100_000) + " HTTP/1.1", localhost),
        request(put, localhost, json, "Content-Length: 99999999999") + "{}",
        request(put, localhost, json, "Content-Length: -1") + "{}",
        request(put, localhost, json, "Transfer-Encoding: chunked") + "zz\r\n",
        request(put, localhost, json, "Transfer-Encoding: chunked", "Content-Length: 2")
            + "0\r\n\r\n{}",
        "\u0016\u0003\u0001\u0002\u0000");
  }

  private static String request(String... lines) {
    return String.join("\r\n", lines) + "\r\n\r\n";
  }

  /** What is hardly HTTP: no answer but an error, or none at all. */
  @ParameterizedTest
  @MethodSource("broken")
  void brokenRequest(String request) throws IOException {
    String answer = raw(request);
    assertThat(answer.isEmpty() || answer.matches("(?s)HTTP/1.1 [45].*")).as("%s", answer).isTrue();
    assertThat(answer).doesNotContain("Exception", "\tat ");
  }

  /** Sends bytes, and nothing more, and reads until the other side has closed. */
  private String raw(String request) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
      socket.setSoTimeout(60_000);
      socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
      socket.shutdownOutput();
      InputStream in = socket.getInputStream();
      return new String(in.readAllBytes(), StandardCharsets.ISO_8859_1);
    } catch (SocketException e) {
      // Reset, which a server may do with what it has not read.
      return "";
    }
  }

  @Test
  void aBodyThatIsTooLarge() {
    String body = "{\"direction\": \"both\", \"x\": \"" + "x".repeat(70_000) + "\"}";
    try {
      assertThat(server.put("/v1/mirrors/demo/db", body).statusCode()).isEqualTo(413);
    } catch (UncheckedIOException e) {
      // What it has not read is reset, which may overtake the answer (RFC 9112, section 9.6).
      assertThat(e).hasRootCauseInstanceOf(IOException.class);
    }
  }

  @Test
  void anotherMediaType() {
    for (String type : List.of("text/plain", "application/x-www-form-urlencoded", "x", "")) {
      HttpResponse<String> response =
          server.send(
              "PUT",
              "/v1/mirrors/demo/db",
              Optional.of("{}"),
              type.isEmpty() ? ImmutableMap.of() : ImmutableMap.of("Content-Type", type));
      assertThat(response.statusCode()).as(type).isEqualTo(415);
    }
  }

  @Test
  void anotherAcceptedType() {
    ImmutableMap<String, String> picture = ImmutableMap.of("Accept", "image/png");
    for (String path : ImmutableList.of("/v1/nodes/n1/flows", "/v1/nodes", "/v1/mirrors")) {
      assertThat(server.send("GET", path, Optional.empty(), picture).statusCode()).isEqualTo(406);
    }
    assertThat(server.getText("/v1/pods").statusCode()).isEqualTo(406);
    // Nothing has happened of what could not be answered.
    HttpResponse<String> put =
        server.send(
            "PUT",
            "/v1/mirrors/demo/db",
            Optional.of("{}"),
            ImmutableMap.of("Accept", "image/png", "Content-Type", "application/json"));
    assertThat(put.statusCode()).isEqualTo(406);
    assertThat(server.told).isEmpty();
  }

  @Test
  void aBodyWhereNoneIsRead() {
    isRefused(server.send("POST", "/v1/nodes/n1/audit", Optional.of("{}"), JSON));
    isRefused(server.send("DELETE", "/v1/mirrors/demo/web", Optional.of("{}"), JSON));
  }

  /** A page of somebody else's in a browser of somebody who may. */
  @Test
  void aRequestFromAnotherSite() {
    isRefused(
        server.send(
            "PUT",
            "/v1/mirrors/demo/db",
            Optional.of("{}"),
            ImmutableMap.of("Content-Type", "application/json", "Origin", "https://evil.example")));
    isRefused(
        server.send(
            "DELETE",
            "/v1/mirrors/demo/db",
            Optional.empty(),
            ImmutableMap.of("Sec-Fetch-Site", "cross-site")));
    assertThat(server.get("/v1/nodes").headers().map())
        .doesNotContainKey("access-control-allow-origin");
  }

  /** Bytes by chance in a request that is otherwise right. */
  @Test
  void mutations() throws IOException {
    Random random = new Random(7);
    byte[] right =
        (request(
                    "PUT /v1/mirrors/demo/db HTTP/1.1",
                    "Host: localhost",
                    "Content-Type: application/json",
                    "Content-Length: 25",
                    "Connection: close")
                + "{\"direction\": \"sideways\"}")
            .getBytes(StandardCharsets.ISO_8859_1);
    for (int i = 0; i < 300; i++) {
      byte[] mutated = right.clone();
      for (int j = 0; j <= random.nextInt(4); j++) {
        mutated[random.nextInt(mutated.length)] = (byte) random.nextInt(256);
      }
      String answer = raw(new String(mutated, StandardCharsets.ISO_8859_1));
      // What the server cannot read at all it answers by itself, with 500 and no word.
      assertThat(answer.isEmpty() || answer.matches("(?s)HTTP/1.1 (4|500.*: 0\r\n\r\n).*"))
          .as("mutation %s: %s", i, answer)
          .isTrue();
    }
  }

  /** More at once than the throttle lets wait. */
  @Test
  void tooManyRequests() throws InterruptedException {
    Throttle throttle = new Throttle();
    AtomicInteger refused = new AtomicInteger();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 1_000; i++) {
      threads.add(
          Thread.ofVirtual()
              .start(
                  () -> {
                    try {
                      throttle.request("192.0.2.1");
                    } catch (Problem e) {
                      assertThat(e.status()).isEqualTo(429);
                      refused.incrementAndGet();
                    }
                  }));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(refused.get()).isPositive();
    // Nobody else's.
    throttle.request("192.0.2.2");
  }
}
