// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.common.collect.ImmutableMap;
import io.flowmirror.config.Direction;
import io.flowmirror.config.Mirror;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class EventsTest {
  @TempDir Path folder;

  private static Thread follow(
      Server server, HttpClient client, List<String> lines, String... headers) {
    HttpRequest.Builder request = HttpRequest.newBuilder(server.uri("/v1/events"));
    for (int i = 0; i < headers.length; i += 2) {
      request.header(headers[i], headers[i + 1]);
    }
    return Thread.ofVirtual()
        .start(
            () -> {
              try {
                client.send(request.build(), BodyHandlers.ofLines()).body().forEach(lines::add);
              } catch (IOException | UncheckedIOException e) {
                lines.add("broken off");
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            });
  }

  @Test
  void whoFollowsIsToldAndGoesOnWhereItWas() {
    List<String> lines = new CopyOnWriteArrayList<>();
    List<String> again = new CopyOnWriteArrayList<>();
    try (Server server = new Server();
        HttpClient client = HttpClient.newHttpClient()) {
      Thread first = follow(server, client, lines);
      await().until(() -> server.history.followers() == 1);
      server.put("/v1/mirrors/demo/db", "{}");
      await().until(() -> lines.stream().anyMatch(line -> line.contains("demo/db")));
      assertThat(lines).contains("event: request");

      server.world.becomes(ImmutableMap.of("n1", FakeWorld.there(), "n2", FakeWorld.there()));
      server.history.stand(server.world.statuses());
      await().until(() -> lines.stream().anyMatch(line -> line.contains("\"node\":\"n2\"")));

      Thread second = follow(server, client, again, "Last-Event-ID", server.history.followedId(1));
      await().until(() -> again.stream().anyMatch(line -> line.contains("demo/db")));
      assertThat(again).doesNotContain("id: " + server.history.followedId(1));
      client.shutdownNow();
      // Who has gone is noticed with the next event.
      await()
          .atMost(Duration.ofSeconds(60))
          .until(
              () -> {
                server.book.put(
                    new Mirror("demo", "p" + server.history.newestId(), Direction.BOTH),
                    Optional.empty(),
                    "test");
                server.history.requested(Optional.empty(), Optional.empty(), "something");
                return server.history.followers() == 0;
              });
      first.interrupt();
      second.interrupt();
    }
  }

  /** A controller that was started anew counts from 1: what it numbers alike is another event. */
  @Test
  void whoFollowedAnotherProcessIsToldOfAllOfThisOne() {
    List<String> lines = new CopyOnWriteArrayList<>();
    try (Server server = new Server();
        HttpClient client = HttpClient.newHttpClient()) {
      for (int i = 0; i < 60; i++) {
        server.history.requested(Optional.empty(), Optional.empty(), "event " + i);
      }
      String before = server.history.followedId(50).replaceFirst("^.*-", "another-");
      for (String last : List.of(before, "50", "?", before + "-50")) {
        lines.clear();
        Thread follower = follow(server, client, lines, "Last-Event-ID", last);
        await().until(() -> lines.stream().anyMatch(line -> line.contains("event 59")));
        assertThat(lines).as(last).anyMatch(line -> line.contains("event 0\""));
        assertThat(lines).contains("id: " + server.history.followedId(1));
        follower.interrupt();
      }
      lines.clear();
      String newest = Server.json(server.get("/v1/history")).path("lastEventId").asText();
      follow(server, client, lines, "Last-Event-ID", newest);
      await().until(() -> server.history.followers() > 0);
      server.history.requested(Optional.empty(), Optional.empty(), "one more");
      await().until(() -> lines.stream().anyMatch(line -> line.contains("one more")));
      assertThat(lines.stream().filter(line -> line.startsWith("id: "))).hasSize(1);
      client.shutdownNow();
    }
  }

  /** One caller leaves places to the others. */
  @Test
  void oneCallerDoesNotHaveAllPlaces() throws IOException {
    Path tokens =
        Files.writeString(
            folder.resolve("tokens"),
            "one token-of-the-first-one get demo\nother token-of-the-other-one get demo\n");
    List<String> lines = new CopyOnWriteArrayList<>();
    List<String> others = new CopyOnWriteArrayList<>();
    try (Server server = new Server(Optional.empty(), Optional.of(tokens));
        HttpClient client = HttpClient.newHttpClient()) {
      for (int i = 0; i < 20; i++) {
        follow(server, client, lines, "Authorization", "Bearer token-of-the-first-one");
      }
      await().until(() -> server.history.followers() == 20);
      assertThat(
              server
                  .send(
                      "GET",
                      "/v1/events",
                      Optional.empty(),
                      ImmutableMap.of("Authorization", "Bearer token-of-the-first-one"))
                  .statusCode())
          .isEqualTo(429);
      follow(server, client, others, "Authorization", "Bearer token-of-the-other-one");
      await().until(() -> server.history.followers() == 21);
      client.shutdownNow();
    }
  }

  /** One who does not read costs a bounded queue, and is let go; the others are told in time. */
  @Test
  void whoReadsNothingHarmsNobody() throws IOException {
    List<String> lines = new CopyOnWriteArrayList<>();
    try (Server server = new Server();
        HttpClient client = HttpClient.newHttpClient();
        Socket deaf = new Socket()) {
      deaf.setReceiveBufferSize(4_096);
      deaf.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), server.port()));
      deaf.getOutputStream()
          .write(
              "GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n"
                  .getBytes(StandardCharsets.US_ASCII));
      follow(server, client, lines);
      await().until(() -> server.history.followers() == 2);
      int events = 0;
      String padding = "x".repeat(10_000);
      while (events < 20_000 && server.history.followers() == 2) {
        server.history.requested(Optional.empty(), Optional.empty(), padding + events++);
        if (events % 100 == 0) {
          int sent = events;
          await()
              .atMost(Duration.ofSeconds(30))
              .until(
                  () ->
                      lines.stream().filter(line -> line.startsWith("id: ")).count() >= sent
                          || lines.contains("event: lost"));
        }
      }
      assertThat(lines).doesNotContain("event: lost");
      assertThat(events).isBetween(100, 19_999);
      client.shutdownNow();
    }
  }

  @Test
  void historyIsBounded() {
    try (Server server = new Server()) {
      for (int i = 0; i < 2 * History.KEPT; i++) {
        server.history.requested(Optional.empty(), Optional.empty(), "event " + i);
      }
      assertThat(Server.json(server.get("/v1/history?limit=1000")).path("items")).hasSize(1_000);
      assertThat(Server.json(server.get("/v1/history")).path("items")).hasSize(500);
      assertThat(server.get("/v1/history?limit=10").body())
          .contains("event " + (2 * History.KEPT - 1));
    }
  }
}
