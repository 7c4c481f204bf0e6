// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.common.collect.ImmutableMap;
import io.flowmirror.config.Direction;
import io.flowmirror.controller.reconcile.NodeStatus;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** On a node with so many ports that not all can be copied: whose matter that is, and whose not. */
final class CrowdedNodeTest {
  /** So many that nothing that is delivered may be copied. */
  private static final int FAR_TOO_MANY = 400;

  /** So many that there may be no entry for each port. */
  private static final int TOO_MANY = 290;

  private final Server server = new Server();

  @AfterEach
  void close() {
    server.close();
  }

  private void isOneOf(int others, Direction web, Direction db) {
    NodeStatus status =
        FakeWorld.crowded(ImmutableMap.of(FakeWorld.WEB, web, FakeWorld.DB, db), others);
    assertThat(status.plan().refusals()).hasSize(1);
    server.world.becomes(ImmutableMap.of("n1", status));
  }

  private JsonNode entries(String pod) {
    JsonNode links = Server.json(server.get("/v1/pods/demo/" + pod + "/explain")).path("links");
    for (JsonNode link : links) {
      if (link.path("name").asText().equals("entries")) {
        return link;
      }
    }
    throw new AssertionError(links.toString());
  }

  @Test
  void whatIsNotCopiedIsTheMatterOfWhoAsksForIt() {
    isOneOf(FAR_TOO_MANY, Direction.FROM_POD, Direction.BOTH);
    assertThat(entries("web").path("verdict").asText()).isEqualTo("ok");
    assertThat(entries("db").path("verdict").asText()).isEqualTo("broken");
    assertThat(entries("db").path("says").asText()).contains("is not copied");
  }

  @Test
  void whatIsCopiedTwiceIsTheMatterOfWhoSendsIt() {
    isOneOf(TOO_MANY, Direction.FROM_POD, Direction.TO_POD);
    assertThat(entries("web").path("verdict").asText()).isEqualTo("broken");
    assertThat(entries("web").path("says").asText()).contains("left out");
    assertThat(entries("db").path("verdict").asText()).isEqualTo("ok");
  }
}
