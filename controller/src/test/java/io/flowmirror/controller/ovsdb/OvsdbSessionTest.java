// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.ovsdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.flowmirror.controller.transport.Endpoint;
import io.flowmirror.flows.RowChange.AddInternalPort;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a session does when the server misbehaves. */
class OvsdbSessionTest {
  private static final OvsdbTimings QUICK =
      new OvsdbTimings(
          Duration.ofMillis(300),
          Duration.ofMillis(300),
          Duration.ofMillis(20),
          Duration.ofMillis(200));

  private static final String BRIDGE =
      """
      {"Bridge":{"00000000-0000-0000-0000-000000000001":{"new":
        {"name":"br-int","datapath_id":["set",[]],"ports":["set",[]],"mirrors":["set",[]]}}}}\
      """;

  private final OvsdbConnector connector = new OvsdbConnector(QUICK);
  private final Reports reports = new Reports();
  private Path folder = Path.of("");

  @BeforeEach
  void makeFolder() throws Exception {
    folder = Files.createTempDirectory("fm");
  }

  @AfterEach
  void close() throws Exception {
    connector.close();
    Files.deleteIfExists(socket());
    Files.delete(folder);
  }

  @Test
  void aMissingSocketIsReportedOnceAndTheDatabaseIsFoundWhenItComes() throws Exception {
    open();
    reports.untilReason("cannot connect: ");
    try (ScriptedServer server = serve(request -> answer(request, BRIDGE))) {
      reports.untilBridge("br-int", bridge -> bridge.name().equals("br-int"));
      // Once: a socket may be seen between its bind and its listen, which is another reason.
      assertThat(reports.all()).extracting(BridgeReport::reason).doesNotHaveDuplicates();
      assertThat(server.connections()).isEqualTo(1);
    }
    reports.untilReason("the server closed the connection");
  }

  @Test
  void aPathThatIsTooLongForASocketIsReported() {
    connector.open("n1", Endpoint.unix(folder.resolve("x".repeat(120))), "br-int", reports);
    reports.untilReason("too long");
  }

  @Test
  void aDatabaseThatDoesNotAnswerIsLeft() throws Exception {
    try (ScriptedServer server = serve(request -> "")) {
      open();
      reports.untilReason("no answer to monitor within 0.3 s");
      await().until(() -> server.connections() > 1);
    }
  }

  @Test
  void aServerThatGoesSilentIsLeft() throws Exception {
    try (ScriptedServer server = serve(request -> isEcho(request) ? "" : answer(request, BRIDGE))) {
      open();
      reports.untilReason("no answer to echo within 0.3 s");
      reports.untilBridge("back", bridge -> true);
      assertThat(server.connections()).isGreaterThan(1);
    }
  }

  @Test
  void aQuietServerThatAnswersEchoIsNotLeft() throws Exception {
    AtomicInteger echoes = new AtomicInteger();
    try (ScriptedServer server =
        serve(
            request -> {
              if (isEcho(request)) {
                echoes.incrementAndGet();
                return answer(request, "[]");
              }
              return answer(request, BRIDGE);
            })) {
      open();
      await().until(() -> echoes.get() >= 4);
      assertThat(server.connections()).isEqualTo(1);
      assertThat(reports.all()).hasSize(1);
    }
  }

  @Test
  void aBadRowIsTheReasonAndIsAskedForAgainEverMoreSlowly() throws Exception {
    String bad = BRIDGE.replace("\"br-int\"", "17");
    try (ScriptedServer server = serve(request -> answer(request, bad))) {
      open();
      reports.untilReason(
          "table Bridge, row 00000000-0000-0000-0000-000000000001: "
              + "column name is not a string: 17");
      await().until(() -> server.connections() >= 5);
      // Nothing has changed, so nothing more is said.
      assertThat(reports.all()).hasSize(1);
    }
  }

  @Test
  void aBadUpdateTakesBackTheBridge() throws Exception {
    String bad =
        "{\"method\":\"update\",\"id\":null,\"params\":[\"bridge\",%s]}"
            .formatted(BRIDGE.replace("\"ports\":[\"set\",[]]", "\"ports\":[\"set\",[7]]"));
    try (ScriptedServer server = serve(request -> answer(request, BRIDGE) + bad)) {
      open();
      reports.untilReason("column ports is not a uuid: 7");
      assertThat(reports.all().getFirst().bridge()).isPresent();
      assertThat(server.connections()).isPositive();
    }
  }

  @Test
  void updatesOfOtherMonitorsAndOtherNotificationsAreNotOurs() throws Exception {
    String others =
        "{\"method\":\"update\",\"id\":null,\"params\":[\"other\",{\"Bridge\":7}]}"
            + "{\"method\":\"stolen\",\"id\":null,\"params\":[\"lock\"]}";
    try (ScriptedServer server = serve(request -> answer(request, BRIDGE) + others)) {
      BridgeSession session = open();
      reports.untilBridge("br-int", bridge -> true);
      session.apply(1, List.of());
      reports.untilRound(1);
      assertThat(reports.all().getLast().reason()).isEmpty();
      assertThat(server.connections()).isEqualTo(1);
    }
  }

  @Test
  void aDatabaseWithoutTheSchemaIsNamed() throws Exception {
    try (ScriptedServer server =
        serve(
            request ->
                "{\"id\":%s,\"result\":null,\"error\":{\"error\":\"unknown database\"}}"
                    .formatted(request.get("id")))) {
      open();
      reports.untilReason("the database refused the monitor: {\"error\":\"unknown database\"}");
      assertThat(server.connections()).isPositive();
    }
  }

  @Test
  void aRoundWithoutAConnectionIsRefused() {
    BridgeSession session = open();
    reports.untilReason("cannot connect");
    session.apply(7, List.of(new AddInternalPort("mirror0")));
    assertThat(reports.untilRound(7).refused()).startsWith("not connected: ovsdb-server at ");
  }

  @Test
  void roundsWhoseAnswerIsLostAreRefused() throws Exception {
    try (ScriptedServer server =
        serve(request -> isMonitor(request) ? answer(request, BRIDGE) : "")) {
      BridgeSession session = open();
      reports.untilBridge("br-int", bridge -> true);
      session.apply(1, List.of(new AddInternalPort("mirror0")));
      session.apply(2, List.of(new AddInternalPort("mirror1")));
      assertThat(reports.untilRound(2).refused())
          .isEqualTo(
              "the connection was lost before the answer: no answer to transact within 0.3 s");
      assertThat(server.connections()).isPositive();
    }
  }

  @Test
  void roundsAreMadeOneAfterTheOther() throws Exception {
    String done = "[{},{},{},{\"count\":1},{}]";
    try (ScriptedServer server =
        serve(request -> answer(request, isMonitor(request) ? BRIDGE : done))) {
      BridgeSession session = open();
      reports.untilBridge("br-int", bridge -> true);
      for (int round = 1; round <= 20; round++) {
        session.apply(round, List.of(new AddInternalPort("mirror" + round)));
      }
      reports.untilRound(20);
      assertThat(reports.all()).extracting(BridgeReport::refused).containsOnly("");
      assertThat(reports.all()).extracting(BridgeReport::round).isSorted().doesNotHaveDuplicates();
      assertThat(server.connections()).isEqualTo(1);
    }
  }

  @Test
  void aConsumerThatFailsDoesNotEndTheSession() throws Exception {
    try (ScriptedServer server = serve(request -> answer(request, BRIDGE))) {
      BridgeSession session =
          connector.open(
              "n1",
              Endpoint.unix(socket()),
              "br-int",
              report -> {
                reports.accept(report);
                throw new IllegalStateException("the consumer's fault");
              });
      reports.untilBridge("br-int", bridge -> true);
      session.apply(1, List.of());
      reports.untilRound(1);
      assertThat(server.connections()).isEqualTo(1);
    }
  }

  @Test
  void nothingIsReportedAfterClose() throws Exception {
    ScriptedServer server = serve(request -> answer(request, BRIDGE));
    BridgeSession session = open();
    reports.untilBridge("br-int", bridge -> true);
    session.close();
    session.close();
    session.apply(1, List.of());
    int before = reports.all().size();
    server.close();
    // A second session shares the event loops, so what the first had to say would have come.
    Reports others = new Reports();
    connector.open("n2", Endpoint.unix(socket()), "br-int", others);
    connector.open("n3", Endpoint.unix(socket()), "br-int", others);
    others.untilReason("cannot connect");
    assertThat(reports.all()).hasSize(before);
  }

  private BridgeSession open() {
    return connector.open("n1", Endpoint.unix(socket()), "br-int", reports);
  }

  private Path socket() {
    return folder.resolve("db.sock");
  }

  private ScriptedServer serve(Function<JsonNode, String> script) throws Exception {
    return new ScriptedServer(socket(), script);
  }

  private static String answer(JsonNode request, String result) {
    return "{\"id\":%s,\"result\":%s,\"error\":null}".formatted(request.get("id"), result);
  }

  private static boolean isEcho(JsonNode request) {
    return request.get("method").asText().equals("echo");
  }

  private static boolean isMonitor(JsonNode request) {
    return request.get("method").asText().equals("monitor");
  }
}
