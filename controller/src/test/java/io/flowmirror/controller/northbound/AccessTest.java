// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.hash.Hashing;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who may what, by static tokens. */
final class AccessTest {
  private static final String ALL = "token-of-the-operator";
  private static final String READER = "token-of-the-reader-of-all";
  private static final String DEMO = "token-of-the-demo-team";

  @TempDir Path folder;

  private Path tokens() throws IOException {
    String hash = Hashing.sha256().hashString(DEMO, StandardCharsets.UTF_8).toString();
    return Files.writeString(
        folder.resolve("tokens"),
        String.join(
            "\n",
            "# NAME TOKEN VERBS NAMESPACES",
            "",
            "operator " + ALL + " get,update *",
            "reader  " + READER + "  get *",
            "demo sha256:" + hash + " get,update demo,test"));
  }

  private static HttpResponse<String> ask(
      Server server, String method, String path, Optional<String> body, String token) {
    ImmutableMap.Builder<String, String> headers = ImmutableMap.builder();
    if (!token.isEmpty()) {
      headers.put("Authorization", "Bearer " + token);
    }
    body.ifPresent(json -> headers.put("Content-Type", "application/json"));
    return server.send(method, path, body, headers.buildOrThrow());
  }

  private record Cell(
      String method, String path, Optional<String> body, String token, int status) {}

  private static Cell get(String path, String token, int status) {
    return new Cell("GET", path, Optional.empty(), token, status);
  }

  private static Cell put(String path, String body, String token, int status) {
    return new Cell("PUT", path, Optional.of(body), token, status);
  }

  /** Who × what × where, each cell tried. */
  @Test
  void theMatrix() throws IOException {
    String all = "{\"mode\": \"all\"}";
    ImmutableList<Cell> matrix =
        ImmutableList.of(
            get("/v1/nodes", "", 401),
            get("/v1/nodes", "nobody's-token-at-all", 401),
            get("/v1/nodes", ALL, 200),
            get("/v1/nodes", READER, 200),
            get("/v1/nodes", DEMO, 200),
            get("/v1/pods/demo/web", "", 401),
            get("/v1/pods/demo/web", ALL, 200),
            get("/v1/pods/demo/web", READER, 200),
            get("/v1/pods/demo/web", DEMO, 200),
            get("/v1/pods/other/api", ALL, 200),
            get("/v1/pods/other/api", READER, 200),
            get("/v1/pods/other/api", DEMO, 403),
            get("/v1/pods/other/api/explain", DEMO, 403),
            get("/v1/mirrors/other/api", DEMO, 403),
            get("/v1/nodes/n1/flows", ALL, 200),
            get("/v1/nodes/n1/flows", READER, 200),
            get("/v1/nodes/n1/flows", DEMO, 403),
            get("/v1/nodes/n1/flows?pod=demo/web", DEMO, 200),
            get("/v1/nodes/n1/flows?pod=other/api", DEMO, 403),
            get("/v1/nodes/n1/flows?owner=ovn", DEMO, 403),
            get("/v1/nodes/n1/flows?owner=ovn&pod=demo/web", DEMO, 200),
            new Cell("POST", "/v1/nodes/n1/audit", Optional.empty(), DEMO, 403),
            new Cell("POST", "/v1/nodes/n1/audit", Optional.empty(), READER, 200),
            get("/v1/global", DEMO, 403),
            get("/v1/global", READER, 200),
            put("/v1/global", all, "", 401),
            put("/v1/global", all, DEMO, 403),
            put("/v1/global", all, READER, 403),
            put("/v1/global", all, ALL, 200),
            put("/v1/mirrors/demo/db", "{}", "", 401),
            put("/v1/mirrors/demo/db", "{}", READER, 403),
            put("/v1/mirrors/demo/db", "{}", DEMO, 201),
            put("/v1/mirrors/other/api", "{}", DEMO, 403),
            put("/v1/mirrors/other/api", "{}", READER, 403),
            put("/v1/mirrors/other/api", "{}", ALL, 201),
            new Cell("DELETE", "/v1/mirrors/other/api", Optional.empty(), DEMO, 403),
            new Cell("DELETE", "/v1/mirrors/other/api", Optional.empty(), READER, 403),
            get("/metrics", "", 401),
            get("/metrics", DEMO, 403),
            get("/metrics", READER, 200),
            get("/livez", "", 200),
            get("/v1/openapi.yaml", "", 200));
    try (Server server = new Server(Optional.empty(), Optional.of(tokens()))) {
      for (Cell cell : matrix) {
        HttpResponse<String> response =
            ask(server, cell.method(), cell.path(), cell.body(), cell.token());
        assertThat(response.statusCode())
            .as("%s: %s", cell, response.body())
            .isEqualTo(cell.status());
      }
      assertThat(server.book.entry("other/api")).isPresent();
      assertThat(server.book.entry("demo/db").orElseThrow().by()).isEqualTo("demo");
    }
  }

  /** Lists, dumps, events and complaints show nobody what he may not see. */
  @Test
  void whatIsNotForACallerIsNotShown() throws IOException {
    try (Server server = new Server(Optional.empty(), Optional.of(tokens()))) {
      ask(server, "PUT", "/v1/mirrors/other/api", Optional.of("{}"), ALL);
      await().until(() -> server.history.newestId() > 1);
      for (String path :
          List.of(
              "/v1/pods",
              "/v1/pods?limit=1",
              "/v1/mirrors",
              "/v1/history",
              "/v1/nodes",
              "/v1/nodes/n1/flows/diff",
              "/v1/nodes/n1/flows?pod=demo/web")) {
        String body = ask(server, "GET", path, Optional.empty(), DEMO).body();
        assertThat(body).as(path).doesNotContain("other/api", "\"other\"", "\"api\"");
      }
      assertThat(ask(server, "GET", "/v1/pods", Optional.empty(), READER).body())
          .contains("\"other\"");
      assertThat(ask(server, "GET", "/v1/history", Optional.empty(), READER).body())
          .contains("other/api");
    }
  }

  /** A file that is mended is in force; one that is broken is not, and takes nothing away. */
  @Test
  void aFileThatChanges() throws IOException {
    Path file = tokens();
    try (Server server = new Server(Optional.empty(), Optional.of(file))) {
      assertThat(ask(server, "GET", "/v1/nodes", Optional.empty(), READER).statusCode())
          .isEqualTo(200);
      Files.writeString(file, "reader another-token-of-the-reader get *\n");
      await()
          .until(
              () -> ask(server, "GET", "/v1/nodes", Optional.empty(), READER).statusCode() == 401);
      Files.writeString(file, "broken\n");
      await()
          .during(Duration.ofMillis(1500))
          .atMost(Duration.ofSeconds(20))
          .until(
              () ->
                  ask(server, "GET", "/v1/nodes", Optional.empty(), "another-token-of-the-reader")
                          .statusCode()
                      == 200);
    }
  }

  @Test
  void aBadFileIsNamedAndItsTokensAreNot() throws IOException {
    for (String line :
        List.of(
            "name secret-secret-secret get",
            "name short get *",
            "name secret-secret-secret update *",
            "name secret-secret-secret get,all *",
            "name sha256:secret get *")) {
      Path file = Files.writeString(folder.resolve("bad"), "# one\n" + line + "\n");
      assertThatThrownBy(() -> new TokenFile(file))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("bad:2: ")
          .hasMessageNotContaining("secret");
    }
    assertThatThrownBy(() -> new TokenFile(folder.resolve("none")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("none cannot be read");
  }
}
