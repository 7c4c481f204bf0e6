// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.Streams;
import io.flowmirror.topology.PodInterface;
import java.time.Instant;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Who asks for what, whatever the way. */
final class MirrorListTest {
  private final Server server = new Server();

  @AfterEach
  void close() {
    server.close();
  }

  @Test
  void aMirrorsEndIsToldAsThatOfOneByRest() {
    Instant end = Instant.parse("2099-01-31T10:00:00Z");
    server.world.askedByApi =
        ImmutableMap.of(
            PodInterface.primary(FakeWorld.WEB),
            ImmutableList.of("annotation:kubectl", "mirror:demo/ten-minutes:kubectl"));
    server.world.endsByApi = ImmutableMap.of("mirror:demo/ten-minutes:kubectl", end);
    assertThat(server.put("/v1/mirrors/demo/db", "{\"for\": \"1h\"}").statusCode()).isEqualTo(201);

    JsonNode items = Server.json(server.get("/v1/mirrors")).path("items");
    assertThat(byWhom(items, "mirror:demo/ten-minutes:kubectl").path("until").asText())
        .isEqualTo(end.toString());
    assertThat(byWhom(items, "annotation:kubectl").has("until")).isFalse();
    assertThat(byWhom(items, "local").has("until")).isTrue();
  }

  private static JsonNode byWhom(JsonNode items, String by) {
    return Streams.stream(items)
        .filter(item -> item.path("by").asText().equals(by))
        .findFirst()
        .orElseThrow();
  }
}
