// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.fabric8.kubernetes.client.Config;
import io.flowmirror.config.NorthboundSettings;
import io.flowmirror.controller.kubernetes.AskedMirrors;
import io.flowmirror.controller.kubernetes.Reviews;
import io.flowmirror.controller.reconcile.Requests;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;

/** A northbound at a free port, over a {@link FakeWorld}, and a client of it. */
final class Server implements AutoCloseable {
  final FakeWorld world = new FakeWorld();
  final History history = new History(InstantSource.system());
  final Metrics metrics = new Metrics();
  final RequestBook book;
  final CopyOnWriteArrayList<Requests> told = new CopyOnWriteArrayList<>();
  private final Northbound northbound;
  private final HttpClient client =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(30)).build();

  Server() {
    this(Optional.empty(), Optional.empty());
  }

  Server(Optional<Path> file, Optional<Path> tokens) {
    this(
        file,
        tokens,
        () -> {
          throw new AssertionError("the API is asked, and nobody follows it");
        },
        new AskedMirrors(Config::empty));
  }

  /** With an API, which is asked if {@link FakeWorld#settings} say so. */
  Server(Optional<Path> file, Optional<Path> tokens, FakeApi api) {
    this(file, tokens, api::reviews, api.asked());
  }

  private Server(
      Optional<Path> file, Optional<Path> tokens, Supplier<Reviews> reviews, AskedMirrors mirrors) {
    book = new RequestBook(file, InstantSource.system());
    book.listen(told::add);
    told.clear();
    northbound =
        Northbound.start(
            new NorthboundSettings(
                NorthboundSettings.Listen.parse("127.0.0.1:0"),
                file,
                true,
                Optional.empty(),
                tokens),
            world,
            book,
            history,
            metrics,
            reviews,
            mirrors);
    history.stand(world.statuses());
    metrics.stand(world.statuses());
  }

  URI uri(String path) {
    return URI.create("http://127.0.0.1:" + northbound.port() + path);
  }

  ImmutableList<Routes.Route> routes() {
    return northbound.routes();
  }

  int port() {
    return northbound.port();
  }

  HttpResponse<String> get(String path) {
    return send("GET", path, Optional.empty(), ImmutableMap.of());
  }

  HttpResponse<String> getText(String path) {
    return send("GET", path, Optional.empty(), ImmutableMap.of("Accept", "text/plain"));
  }

  HttpResponse<String> put(String path, String json) {
    return send(
        "PUT", path, Optional.of(json), ImmutableMap.of("Content-Type", "application/json"));
  }

  HttpResponse<String> send(
      String method, String path, Optional<String> body, Map<String, String> headers) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(uri(path))
            .timeout(Duration.ofSeconds(30))
            .method(method, body.map(BodyPublishers::ofString).orElseGet(BodyPublishers::noBody));
    headers.forEach(request::header);
    try {
      return client.send(request.build(), BodyHandlers.ofString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  static JsonNode json(HttpResponse<String> response) {
    try {
      return Json.MAPPER.readTree(response.body());
    } catch (IOException e) {
      throw new UncheckedIOException(response.body(), e);
    }
  }

  @Override
  public void close() {
    northbound.close();
    history.close();
    metrics.close();
    client.close();
  }
}
