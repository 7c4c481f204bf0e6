// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Iterables;
import io.flowmirror.controller.reconcile.Requests;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Global mirroring where several controllers share the nodes: it is told, and then heard. */
final class SharedGlobalTest {
  private static final String GLOBAL = "/v1/global";

  private final List<String> shared = new CopyOnWriteArrayList<>();
  private FakeApi api;
  private Server server;

  @BeforeEach
  void amongSeveral() throws IOException {
    api = new FakeApi();
    server = new Server(Optional.empty(), Optional.empty(), api);
    server.world.configured("kubernetes: {leases: flowmirror}");
    server.world.shares = shared::add;
  }

  @AfterEach
  void close() {
    server.close();
    api.close();
  }

  private HttpResponse<String> get() {
    return send("GET", GLOBAL, Optional.empty());
  }

  private HttpResponse<String> put(String path, String body) {
    return send("PUT", path, Optional.of(body));
  }

  private HttpResponse<String> send(String method, String path, Optional<String> body) {
    return server.send(
        method,
        path,
        body,
        ImmutableMap.of(
            "Content-Type", "application/json", "Authorization", "Bearer token-of-admin"));
  }

  @Test
  void isToldToAllAndInForceWhenItIsHeard() {
    // n9 is a node of another controller's, for all that is known here.
    assertThat(put(GLOBAL, "{\"mode\": \"nodes\", \"nodes\": [\"n1\", \"n9\"]}").statusCode())
        .isEqualTo(200);
    assertThat(shared).hasSize(1);
    assertThat(server.told).isEmpty();
    server.book.shared(shared.get(0));
    assertThat(Iterables.getLast(server.told).global())
        .contains(new Requests.Global(false, ImmutableSet.of("n1", "n9")));
    JsonNode now = Server.json(get());
    assertThat(now.path("mode").asText()).isEqualTo("nodes");
    assertThat(now.path("by").asText()).isEqualTo("admin");
    // The same again is nothing new.
    put(GLOBAL, "{\"mode\": \"nodes\", \"nodes\": [\"n1\", \"n9\"]}");
    assertThat(shared).hasSize(1);
    put(GLOBAL, "{\"mode\": \"configured\"}");
    assertThat(Iterables.getLast(shared)).isEmpty();
    server.book.shared("");
    assertThat(Iterables.getLast(server.told).global()).isEqualTo(Optional.empty());
  }

  @Test
  void whatCannotBeToldHasNotHappened() {
    server.world.shares =
        text -> {
          throw new IllegalStateException("the API cannot be reached");
        };
    HttpResponse<String> answer = put(GLOBAL, "{\"mode\": \"all\"}");
    assertThat(answer.statusCode()).isEqualTo(503);
    assertThat(answer.body()).contains("the other controllers cannot be told: the API cannot");
    assertThat(put(GLOBAL, "{\"mode\": \"nodes\", \"nodes\": [\"No Node\"]}").statusCode())
        .isEqualTo(400);
    assertThat(Server.json(get()).path("mode").asText()).isEqualTo("configured");
    // A pod's mirror is one of the API's.
    assertThat(put("/v1/mirrors/demo/db", "{}").statusCode()).isEqualTo(409);
  }

  @Test
  void whatIsNotUnderstoodChangesNothing() {
    put(GLOBAL, "{\"mode\": \"all\"}");
    server.book.shared(shared.get(0));
    for (String wrong : List.of("{", "[]", "{\"all\": true}", "{\"other\": 1}")) {
      server.book.shared(wrong);
      assertThat(Server.json(get()).path("mode").asText()).isEqualTo("all");
    }
  }
}
