// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.google.common.collect.ImmutableMap;
import com.google.common.hash.Hashing;
import com.google.common.io.Resources;
import io.helidon.http.HeaderNames;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Files that are part of the program: the API's description, and the page. They are read at the
 * start, and are the same for everybody. A browser keeps them, and asks each time whether it still
 * may (RFC 9110, section 13.1.2): after an upgrade no page of the old version is left.
 */
final class DocumentRoutes {
  private static final int TAG_LENGTH = 32;

  private static final String HTML = "text/html; charset=utf-8";
  private static final String CSS = "text/css; charset=utf-8";
  private static final String SCRIPT = "text/javascript; charset=utf-8";
  private static final String SVG = "image/svg+xml";

  /** The page's files; nothing else of that folder is served. */
  private static final ImmutableMap<String, String> FILES =
      ImmutableMap.<String, String>builder()
          .put("style.css", CSS)
          .put("icon.svg", SVG)
          .put("api.js", SCRIPT)
          .put("chart.js", SCRIPT)
          .put("describe.js", SCRIPT)
          .put("dom.js", SCRIPT)
          .put("events.js", SCRIPT)
          .put("explain.js", SCRIPT)
          .put("flows.js", SCRIPT)
          .put("frame.js", SCRIPT)
          .put("global.js", SCRIPT)
          .put("main.js", SCRIPT)
          .put("mirror.js", SCRIPT)
          .put("node.js", SCRIPT)
          .put("overview.js", SCRIPT)
          .put("pod.js", SCRIPT)
          .put("rates.js", SCRIPT)
          .put("theme.js", SCRIPT)
          .put("words.js", SCRIPT)
          .put("world.js", SCRIPT)
          .buildOrThrow();

  /**
   * A file as it is sent.
   *
   * @param tag its strong entity tag, quotes included
   */
  private record Document(String text, String mediaType, String tag) {
    static Document of(String text, String mediaType) {
      String hash = Hashing.sha256().hashString(text, UTF_8).toString().substring(0, TAG_LENGTH);
      return new Document(text, mediaType, '"' + hash + '"');
    }

    static Document page(String file, String mediaType) {
      return of(read("page/" + file), mediaType);
    }
  }

  private final ImmutableMap<String, Document> files;

  DocumentRoutes() {
    ImmutableMap.Builder<String, Document> read = ImmutableMap.builder();
    FILES.forEach((file, mediaType) -> read.put(file, Document.page(file, mediaType)));
    files = read.buildOrThrow();
  }

  void register(Routes routes) {
    String description = read("openapi.yaml");
    add(routes, "/v1/openapi.yaml", Document.of(description, "application/yaml"));
    add(routes, "/v1/openapi.json", Document.of(json(description), Exchange.JSON));
    add(routes, "/", Document.page("index.html", HTML));
    add(routes, "/api", Document.page("api.html", HTML));
    routes.addOpen("GET", "/page/{file}", this::file);
  }

  private static void add(Routes routes, String path, Document document) {
    routes.addOpen("GET", path, exchange -> send(exchange, document));
  }

  private void file(Exchange exchange) {
    @Nullable Document document = files.get(exchange.parameter("file"));
    if (document == null) {
      throw Problem.notFound("the page has no such file");
    }
    send(exchange, document);
  }

  private static void send(Exchange exchange, Document document) {
    exchange.allowQuery();
    var response = exchange.response();
    response.header(HeaderNames.CACHE_CONTROL, "no-cache");
    response.header(HeaderNames.ETAG, document.tag());
    if (isKnown(exchange, document.tag())) {
      response.status(304).send();
      return;
    }
    response.status(200).header(HeaderNames.CONTENT_TYPE, document.mediaType());
    exchange.send(document.text().getBytes(UTF_8));
  }

  private static boolean isKnown(Exchange exchange, String tag) {
    List<String> known = exchange.request().headers().values(HeaderNames.IF_NONE_MATCH);
    for (String line : known) {
      for (String each : line.split(",", -1)) {
        String bare = each.strip();
        if (bare.equals("*") || (bare.startsWith("W/") ? bare.substring(2) : bare).equals(tag)) {
          return true;
        }
      }
    }
    return false;
  }

  /** The same document, for who has no parser of YAML, such as a browser. */
  private static String json(String yaml) {
    try {
      JsonNode document = new YAMLMapper().readTree(yaml);
      return document.toString();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String read(String name) {
    try {
      return Resources.toString(Resources.getResource(DocumentRoutes.class, name), UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
