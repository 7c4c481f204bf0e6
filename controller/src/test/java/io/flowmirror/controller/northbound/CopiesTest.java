// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.common.collect.ImmutableMap;
import java.net.http.HttpResponse;
import java.time.Instant;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Counters of now, which two readings make rates of. */
final class CopiesTest {
  private final Server server = new Server();

  @AfterEach
  void close() {
    server.close();
  }

  @Test
  void areThoseOfTheMirroredPodsAlone() {
    Instant begin = Instant.now();
    JsonNode found = Server.json(server.get("/v1/nodes/n1/copies"));
    assertThat(found.path("node").asText()).isEqualTo("n1");
    assertThat(Instant.parse(found.path("time").asText())).isBetween(begin, Instant.now());
    assertThat(found.path("items")).hasSize(1);
    JsonNode web = found.path("items").get(0);
    assertThat(web.path("name").asText()).isEqualTo("web");
    assertThat(web.path("port").asText()).isEqualTo("web_h");
    assertThat(web.path("fromPod").path("packets").asLong()).isEqualTo(9);
    assertThat(web.path("toPod").path("bytes").asLong()).isEqualTo(900);
  }

  /** One entry copies what all of them send, so that nobody's share of it is known. */
  @Test
  void areNotToldWhereTheyAreCountedForAllAtOnce() {
    server.world.becomes(ImmutableMap.of("n1", FakeWorld.everything()));
    JsonNode items = Server.json(server.get("/v1/nodes/n1/copies")).path("items");
    assertThat(items).hasSize(3).noneMatch(item -> item.has("fromPod"));
    JsonNode web =
        Server.json(server.get("/v1/pods/demo/web")).path("interfaces").get(0).path("copies");
    assertThat(web.has("fromPod")).isFalse();
    assertThat(web.path("toPod").path("packets").asLong()).isEqualTo(9);
    assertThat(server.get("/metrics").body())
        .contains("direction=\"to-pod\"")
        .doesNotContain("direction=\"from-pod\"");
  }

  @Test
  void theSwitchIsNotAskedForEachWhoAsks() {
    // Two tables are read for the first, and for nobody else within that second.
    int requests = 50;
    for (int i = 0; i < requests; i++) {
      assertThat(server.get("/v1/nodes/n1/copies").statusCode()).isEqualTo(200);
    }
    assertThat(server.world.dumps.get()).isPositive().isLessThan(requests);
  }

  @Test
  void aNodeThatIsAwayIsSaidToBe() {
    assertThat(server.get("/v1/nodes/n2/copies").statusCode()).isEqualTo(503);
    server.world.becomes(ImmutableMap.of());
    HttpResponse<String> gone = server.get("/v1/nodes/n1/copies");
    assertThat(gone.statusCode()).isEqualTo(404);
    assertThat(Server.json(gone).path("detail").asText()).contains("\"n1\"");
  }
}
