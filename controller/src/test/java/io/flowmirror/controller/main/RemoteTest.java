// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.flowmirror.controller.main.FakeServer.Answer;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What the commands ask for over time, and look for in what they are told. */
final class RemoteTest {
  private final FakeServer server = new FakeServer();

  @AfterEach
  void close() {
    server.close();
  }

  @Test
  void eventsAreFollowedThroughLostConnections() throws InterruptedException {
    server.answer(
        "GET /v1/events",
        new Answer(
            200,
            "text/event-stream",
            """
            : flowmirror

            id: a-8
            event: node
            data: {"id":8,"text":"a"}

            :

            id: a-9
            event: node
            data: {"id":9,"text":"b"}

            event: lost
            data: {}

            """),
        Answer.problem(503, "the server is being stopped"),
        new Answer(
            200,
            "text/event-stream",
            "id: a-10\nevent: node\ndata: {\"id\":10,\"text\":\"c\"}\n\n"));
    List<String> texts = new ArrayList<>();
    List<String> said = new ArrayList<>();
    new EventStream(remote(), "a-7", Duration.ofMillis(1), said::add)
        .follow(
            event -> {
              texts.add(event.path("text").asText());
              return texts.size() < 3;
            });
    assertThat(texts).containsExactly("a", "b", "c");
    assertThat(server.lastEvents).containsExactly("a-7", "a-9", "a-9");
    assertThat(said)
        .containsExactly("the server is being stopped; trying again", "connected again");
  }

  @Test
  void aRefusalEndsFollowing() {
    server.answer("GET /v1/events", Answer.problem(403, "you may not"));
    assertThatThrownBy(
            () ->
                new EventStream(remote(), "a-0", Duration.ofMillis(1), line -> {})
                    .follow(event -> true))
        .hasMessage("you may not");
  }

  @Test
  void aPodsAddressIsFoundAmongOvnsEntries() throws IOException {
    server.answer(
        "GET /v1/nodes/n1/flows",
        Answer.json(
            """
            {"node":"n1","owner":"ovn","entries":[
             {"match":"metadata=0x1,oxm:8000090c010000000000010000000000","actions":"drop"},
             {"match":"metadata=0x1,oxm:80000606020000000401",
              "actions":"set_field:0x1->reg15,resubmit(,37)"},
             {"match":"metadata=0x2,oxm:800006060a58aabbccdd",
              "actions":"set_field:0x2->reg15,resubmit(,37)"},
             {"match":"metadata=0x1,oxm:800006060a580a100002",
              "actions":"set_field:0x2->reg15,resubmit(,37)"}]}"""));
    JsonNode port = Remote.JSON.readTree("{\"datapathKey\":1,\"portKey\":2}");
    assertThat(CaptureFilter.address(remote(), "n1", port)).contains("0a:58:0a:10:00:02");
    assertThat(
            CaptureFilter.address(
                remote(), "n1", Remote.JSON.readTree("{\"datapathKey\":1,\"portKey\":9}")))
        .isEmpty();
    Optional<String> mac = Optional.of("0a:58:0a:10:00:02");
    assertThat(CaptureFilter.of(mac, true, ""))
        .isEqualTo("ether host 0a:58:0a:10:00:02 or ether multicast");
    assertThat(CaptureFilter.of(mac, false, "tcp or udp"))
        .isEqualTo("(ether host 0a:58:0a:10:00:02) and (tcp or udp)");
    assertThat(CaptureFilter.of(Optional.empty(), true, "tcp")).isEqualTo("tcp");
    assertThat(CaptureFilter.of(Optional.empty(), true, "")).isEmpty();
  }

  private Remote remote() {
    return new Remote(URI.create(server.url()), Optional.empty(), Optional.empty());
  }
}
