// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.google.common.collect.ImmutableMap;
import java.net.http.HttpResponse;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The files that are part of the program: the page, and the API's description. */
final class DocumentsTest {
  private static final Pattern REFERENCE =
      Pattern.compile("(?:src=|href=|from )\"(\\./|/page/)([a-z.]+)\"");

  private static Server server;

  @BeforeAll
  static void open() {
    server = new Server();
  }

  @AfterAll
  static void close() {
    server.close();
  }

  @Test
  void everyFileThatAFileNamesIsServedAsWhatItIs() {
    Deque<String> left = new ArrayDeque<>(List.of("/", "/api"));
    Set<String> seen = new LinkedHashSet<>();
    while (!left.isEmpty()) {
      String path = left.pop();
      if (!seen.add(path)) {
        continue;
      }
      HttpResponse<String> response = server.get(path);
      assertThat(response.statusCode()).as(path).isEqualTo(200);
      String type = response.headers().firstValue("Content-Type").orElse("");
      String expected =
          path.endsWith(".js")
              ? "text/javascript; charset=utf-8"
              : path.endsWith(".css")
                  ? "text/css; charset=utf-8"
                  : path.endsWith(".svg") ? "image/svg+xml" : "text/html; charset=utf-8";
      assertThat(type).as(path).isEqualTo(expected);
      Matcher reference = REFERENCE.matcher(response.body());
      while (reference.find()) {
        left.add("/page/" + reference.group(2));
      }
    }
    assertThat(seen).contains("/page/style.css", "/page/icon.svg", "/page/world.js");
    assertThat(seen).hasSizeGreaterThan(15);
  }

  /** The content security policy would refuse it, and the page would be without. */
  @Test
  void noMarkupHasScriptsOrStylesOfItsOwnOrAnythingFromElsewhere() {
    for (String path : List.of("/", "/api")) {
      HttpResponse<String> response = server.get(path);
      assertThat(response.body())
          .doesNotContainPattern("<style|style=|<script>|\\son[a-z]+=|https?://");
      assertThat(response.headers().firstValue("Content-Security-Policy").orElse(""))
          .contains("default-src 'none'", "script-src 'self'", "style-src 'self'")
          .doesNotContain("unsafe", "*", "data:");
    }
  }

  @Test
  void isSentAgainOnlyWhenItHasChanged() {
    for (String path : List.of("/", "/page/style.css", "/v1/openapi.yaml", "/v1/openapi.json")) {
      HttpResponse<String> first = server.get(path);
      String tag = first.headers().firstValue("ETag").orElse("");
      assertThat(tag).matches("\"[0-9a-f]{32}\"");
      assertThat(first.headers().firstValue("Cache-Control")).hasValue("no-cache");
      for (String known : List.of(tag, "W/" + tag, "\"other\", " + tag, "*")) {
        HttpResponse<String> again = ifNoneMatch(path, known);
        assertThat(again.statusCode()).as("%s %s", path, known).isEqualTo(304);
        assertThat(again.body()).isEmpty();
        assertThat(again.headers().firstValue("ETag")).hasValue(tag);
      }
      assertThat(ifNoneMatch(path, "\"other\"").body()).isEqualTo(first.body());
    }
  }

  private static HttpResponse<String> ifNoneMatch(String path, String tag) {
    return server.send("GET", path, Optional.empty(), ImmutableMap.of("If-None-Match", tag));
  }

  @Test
  void nothingElseOfThatFolderIsServed() {
    for (String path :
        List.of(
            "/page/index.html",
            "/page/",
            "/page",
            "/page/openapi.yaml",
            "/page/..%2fopenapi.yaml",
            "/page/DocumentRoutes.class",
            "/index.html")) {
      assertThat(server.get(path).statusCode()).as(path).isBetween(400, 404);
    }
    assertThat(server.get("/page/dom.js?v=1").statusCode()).isEqualTo(400);
    assertThat(server.put("/page/dom.js", "{}").statusCode()).isEqualTo(405);
  }

  @Test
  void theDescriptionIsTheSameInJson() throws Exception {
    assertThat(Json.MAPPER.readTree(server.get("/v1/openapi.json").body()))
        .isEqualTo(new YAMLMapper().readTree(server.get("/v1/openapi.yaml").body()));
  }
}
