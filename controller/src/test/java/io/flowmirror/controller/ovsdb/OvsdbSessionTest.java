// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.ovsdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.controller.transport.BarrenLoop;
import io.flowmirror.controller.transport.Endpoint;
import io.flowmirror.controller.transport.UnansweredException;
import io.flowmirror.controller.transport.UnansweredException.Why;
import io.flowmirror.flows.RowChange.AddInternalPort;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a session does when the server misbehaves. */
class OvsdbSessionTest {
  private static final OvsdbTimings QUICK =
      new OvsdbTimings(
          Duration.ofMillis(300),
          Duration.ofMillis(300),
          Duration.ofMillis(600),
          Duration.ofMillis(20),
          Duration.ofMillis(200));

  private static final String BRIDGE =
      """
      {"Bridge":{"00000000-0000-0000-0000-000000000001":{"new":
        {"name":"br-int","datapath_id":["set",[]],"ports":["set",[]],"mirrors":["set",[]]}}}}\
      """;

  private static final String DONE = "[{},{},{},{\"count\":1},{}]";

  /** As quick to try again, and never at the end of its patience on a busy machine. */
  private static final OvsdbTimings PATIENT =
      new OvsdbTimings(
          Duration.ofSeconds(20),
          Duration.ofSeconds(20),
          Duration.ofSeconds(20),
          QUICK.firstBackoff(),
          QUICK.lastBackoff());

  /** As quick to ask for an echo, and as patient with what it is told. */
  private static final OvsdbTimings ECHOING =
      new OvsdbTimings(
          QUICK.silence(),
          PATIENT.answer(),
          PATIENT.message(),
          QUICK.firstBackoff(),
          QUICK.lastBackoff());

  private final OvsdbConnector connector = new OvsdbConnector(QUICK);
  private final OvsdbConnector echoing = new OvsdbConnector(ECHOING);
  private final OvsdbConnector patient = new OvsdbConnector(PATIENT);
  private final Reports reports = new Reports();
  private Path folder = Path.of("");

  private static ConditionFactory await() {
    return Awaitility.await().atMost(Duration.ofSeconds(60));
  }

  @BeforeEach
  void makeFolder() throws Exception {
    folder = Files.createTempDirectory("fm");
  }

  @AfterEach
  void close() throws Exception {
    connector.close();
    patient.close();
    echoing.close();
    Files.deleteIfExists(socket());
    Files.delete(folder);
  }

  @Test
  void aDatabaseWithoutLocksIsToldFromOneThatMakesNoSense() throws Exception {
    String[] answer = {"{\"id\":%d,\"result\":null,\"error\":{\"error\":\"unknown method\"}}"};
    ScriptedServer server =
        serve(
            request ->
                request.path("method").asText().equals("lock")
                    ? answer[0].formatted(request.path("id").asLong())
                    : answer(request, BRIDGE));
    BridgeSession session = openWaiting();
    reports.until("a refusal", report -> report.lock() == Lock.REFUSED);
    session.close();
    answer[0] = "{\"id\":%d,\"result\":{\"locked\":1},\"error\":null}";
    session = openWaiting();
    reports.untilReason("the answer to lock says neither that it is ours nor not");
    session.close();
    answer[0] =
        "{\"id\":%d,\"result\":{\"locked\":false},\"error\":null}"
            + "{\"id\":null,\"method\":\"locked\",\"params\":[\"somebody's\"]}"
            + "{\"id\":null,\"method\":\"locked\",\"params\":[]}"
            + "{\"id\":null,\"method\":\"stolen\",\"params\":[\"flowmirror\"]}";
    session = openWaiting();
    reports.until(
        "another's", report -> report.lock() == Lock.ANOTHERS && report.bridge().isPresent());
    assertThat(reports.all()).noneMatch(report -> report.lock() == Lock.OURS);
    session.close();
    server.close();
  }

  private BridgeSession openWaiting() {
    return connector.open("n1", Endpoint.unix(socket()), "br-int", Lock.Wish.WAIT, reports);
  }

  @Test
  void aMissingSocketIsReportedOnceAndTheDatabaseIsFoundWhenItComes() throws Exception {
    openPatiently();
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
    connector.open(
        "n1", Endpoint.unix(folder.resolve("x".repeat(120))), "br-int", Lock.Wish.NONE, reports);
    reports.untilReason("too long");
  }

  /** Netty tells of that on a thread that is nobody's. */
  @Test
  void aChannelThatCannotBeMadeIsDealtWithOnTheLoop() {
    try (EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory())) {
      EventLoop loop = group.next();
      Set<Boolean> onTheLoop = ConcurrentHashMap.newKeySet();
      OvsdbSession session =
          new OvsdbSession(
              "n1",
              Endpoint.unix(socket()),
              "br-int",
              Lock.Wish.NONE,
              report -> {
                onTheLoop.add(loop.inEventLoop());
                reports.accept(report);
              },
              QUICK,
              BarrenLoop.over(loop),
              closed -> {});
      session.start();
      reports.untilReason("cannot connect: Too many open files");
      assertThat(onTheLoop).containsExactly(true);
      session.close();
    }
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
      openEchoing();
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
    String bad = update(BRIDGE.replace("\"ports\":[\"set\",[]]", "\"ports\":[\"set\",[7]]"));
    try (ScriptedServer server =
        serve(request -> answer(request, BRIDGE) + (isEcho(request) ? bad : ""))) {
      openEchoing();
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
      BridgeSession session = openPatiently();
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
        serve(request -> isMonitor(request) || isEcho(request) ? answer(request, BRIDGE) : "")) {
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
    try (ScriptedServer server =
        serve(request -> answer(request, isMonitor(request) ? BRIDGE : DONE))) {
      BridgeSession session = openPatiently();
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
  void aRoundThatTheDatabaseRefusesIsRefused() throws Exception {
    try (ScriptedServer server =
        serve(
            request ->
                isMonitor(request)
                    ? answer(request, BRIDGE)
                    : "{\"id\":%s,\"result\":null,\"error\":\"not\\nnow\"}"
                        .formatted(request.get("id")))) {
      BridgeSession session = openPatiently();
      reports.untilBridge("br-int", bridge -> true);
      session.apply(1, List.of(new AddInternalPort("mirror0")));
      assertThat(reports.untilRound(1).refused())
          .isEqualTo("the transaction was refused: not\\u000anow");
      assertThat(server.connections()).isEqualTo(1);
    }
  }

  @Test
  void successThatIsClaimedAndNotDoneIsCountedAndTheTablesAreShownAsTheyAre() throws Exception {
    try (ScriptedServer server =
        serve(request -> answer(request, isMonitor(request) ? BRIDGE : DONE))) {
      BridgeSession session = openPatiently();
      reports.untilBridge("br-int", bridge -> true);
      session.apply(1, List.of(new AddInternalPort("mirror0")));
      BridgeReport report = reports.untilRound(1);
      assertThat(report.refused()).isEmpty();
      assertThat(report.bridge().orElseThrow().interfaces()).isEmpty();
      // It is asked again as often as somebody wants it.
      session.apply(2, List.of(new AddInternalPort("mirror0")));
      assertThat(reports.untilRound(2).refused()).isEmpty();
      assertThat(server.connections()).isEqualTo(1);
    }
  }

  @Test
  void theReportOfARoundShowsWhatTheRoundChangedThoughOthersAreHeldBack() throws Exception {
    AtomicInteger transactions = new AtomicInteger();
    try (ScriptedServer server =
        serve(
            request -> {
              if (isMonitor(request)) {
                return answer(request, BRIDGE);
              }
              // Hundreds of ports come, and with the last the one that was asked for.
              StringBuilder updates = new StringBuilder();
              int number = transactions.incrementAndGet();
              for (int i = 0; i < 300; i++) {
                updates.append(withMirrorPort("p" + number + "x" + i));
              }
              return updates + withMirrorPort("mirror" + number) + answer(request, DONE);
            })) {
      BridgeSession session = openPatiently();
      reports.untilBridge("br-int", bridge -> true);
      for (int round = 1; round <= 20; round++) {
        String port = "mirror" + round;
        session.apply(round, List.of(new AddInternalPort(port)));
        assertThat(reports.untilRound(round).bridge().orElseThrow().interfaces())
            .containsOnlyKeys(port);
      }
      assertThat(server.connections()).isEqualTo(1);
      assertThat(reports.all()).as("of 6,000 updates").hasSizeLessThan(1500);
    }
  }

  @Test
  void aBridgeThatComesAndGoesIsNotSaidAllTheTime() throws Exception {
    String gone =
        "{\"method\":\"update\",\"id\":null,\"params\":[\"bridge\","
            + "{\"Bridge\":{\"00000000-0000-0000-0000-000000000001\":{\"old\":{}}}}]}";
    String back = update(BRIDGE);
    try (ScriptedServer server =
        serve(request -> answer(request, BRIDGE) + (isEcho(request) ? gone : ""))) {
      openEchoing();
      reports.untilReason("there is no bridge br-int");
      assertThat(server.connections()).isEqualTo(1);
    }
    reports.untilReason("the server closed the connection");
    AtomicInteger flaps = new AtomicInteger();
    int before = reports.all().size();
    try (HostileServer server =
        new HostileServer(
            peer -> {
              peer.answer(BRIDGE);
              while (true) {
                peer.send(gone);
                peer.send(back);
                flaps.incrementAndGet();
              }
            })) {
      patient.open("n2", server.endpoint(), "br-int", Lock.Wish.NONE, reports);
      await().until(() -> flaps.get() > 2000);
      assertThat(reports.all().size() - before).isLessThan(200);
    }
  }

  @Test
  void aPeerThatIsGoodForAMomentOnlyIsAskedEverMoreSlowly() throws Exception {
    List<Long> times = new CopyOnWriteArrayList<>();
    try (ScriptedServer server =
        serve(
            request -> {
              times.add(System.nanoTime());
              return answer(request, BRIDGE) + "garbage";
            })) {
      openPatiently();
      await().until(() -> server.connections() >= 8 && times.size() >= 8);
      // After 20, 40, 80 and 160 ms it is 200, or, as it is jittered, half of that at least.
      assertThat(times.get(7) - times.get(6)).isGreaterThan(Duration.ofMillis(95).toNanos());
      assertThat(times.get(6) - times.get(5)).isGreaterThan(Duration.ofMillis(95).toNanos());
    }
  }

  @Test
  void aFaultThatComesBackIsLoggedOnceUntilThePeerHasProvedGood() throws Exception {
    AtomicBoolean good = new AtomicBoolean();
    OvsdbTimings timings =
        new OvsdbTimings(
            PATIENT.silence(),
            PATIENT.answer(),
            PATIENT.message(),
            Duration.ofMillis(5),
            Duration.ofSeconds(2)); // in which none of the first connections may prove good
    try (SessionLog log = new SessionLog();
        OvsdbConnector slow = new OvsdbConnector(timings)) {
      try (HostileServer server =
          new HostileServer(
              peer -> {
                peer.answer(BRIDGE);
                await()
                    .pollInterval(Duration.ofMillis(5))
                    .until(
                        () ->
                            !reports.all().isEmpty()
                                && reports.all().getLast().bridge().isPresent());
                if (!good.get()) {
                  peer.send("garbage");
                }
                peer.stayAlive();
              })) {
        slow.open("n1", server.endpoint(), "br-int", Lock.Wish.NONE, reports);
        await().until(() -> server.connections() >= 6);
        assertThat(log.lines()).hasSize(2);
        assertThat(log.lines().getFirst()).isEqualTo("n1: following br-int");
        assertThat(log.lines().getLast()).contains("not with byte 0x67");

        good.set(true);
        await().until(() -> log.lines().size() > 2);
        assertThat(log.lines().getLast()).isEqualTo("n1: following br-int");
      }
      await().until(() -> log.lines().size() > 3);
      assertThat(log.lines().get(3)).contains("the server closed the connection");
    }
  }

  @Test
  void aConsumerThatFailsDoesNotEndTheSession() throws Exception {
    try (ScriptedServer server = serve(request -> answer(request, BRIDGE))) {
      BridgeSession session =
          patient.open(
              "n1",
              Endpoint.unix(socket()),
              "br-int",
              Lock.Wish.NONE,
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
    connector.open("n2", Endpoint.unix(socket()), "br-int", Lock.Wish.NONE, others);
    connector.open("n3", Endpoint.unix(socket()), "br-int", Lock.Wish.NONE, others);
    others.untilReason("cannot connect");
    assertThat(reports.all()).hasSize(before);
  }

  // Counters.

  private static final String COUNTERS =
      """
      [{"rows":[{"_uuid":["uuid","00000000-0000-0000-0000-000000000003"],"name":"a0","mtu":1400,
        "admin_state":"up","link_state":"up","error":["set",[]],
        "statistics":["map",[["rx_packets",7]]]}]}]\
      """;

  @Test
  void countersAreReadWhenAskedFor() throws Exception {
    AtomicInteger asked = new AtomicInteger();
    try (ScriptedServer server =
        serve(
            request -> {
              boolean select = request.path("method").asText().equals("transact");
              if (!select) {
                return answer(request, BRIDGE);
              }
              return switch (asked.incrementAndGet()) {
                case 1 -> answer(request, COUNTERS);
                case 2 -> answer(request, COUNTERS.replace("1400", "\"x\""));
                default ->
                    "{\"id\":%s,\"result\":null,\"error\":\"no\"}".formatted(request.get("id"));
              };
            })) {
      BridgeSession session = openPatiently();
      reports.untilBridge("br-int", bridge -> true);
      assertThat(get(session.counters(ImmutableSet.of("a0"))).get("a0").rxPackets()).hasValue(7);
      assertUnanswered(
          session.counters(ImmutableSet.of("a0")), Why.REFUSED, "column mtu is not an integer");
      assertUnanswered(session.counters(ImmutableSet.of("a0")), Why.REFUSED, "\"no\"");
      assertThat(get(session.counters(ImmutableSet.of()))).isEmpty();
      ImmutableSet<String> tooMany =
          IntStream.rangeClosed(0, BridgeSession.MAX_INTERFACES)
              .mapToObj(i -> "a" + i)
              .collect(ImmutableSet.toImmutableSet());
      assertUnanswered(session.counters(tooMany), Why.TOO_LARGE, "more than 1000 interfaces");
      // What is followed is not concerned.
      assertThat(reports.all()).hasSize(1);
      assertThat(server.connections()).isEqualTo(1);
      session.close();
    }
  }

  @Test
  void whoWaitsForCountersOfALostConnectionIsTold() throws Exception {
    BridgeSession session = openPatiently();
    reports.untilReason("cannot connect");
    assertUnanswered(
        session.counters(ImmutableSet.of("a0")), Why.NOT_CONNECTED, "no OVSDB connection: ");
    List<CompletableFuture<?>> all = new ArrayList<>();
    try (ScriptedServer server =
        serve(
            request ->
                request.path("method").asText().equals("transact")
                    ? ""
                    : answer(request, BRIDGE))) {
      reports.untilBridge("br-int", bridge -> true);
      for (int i = 0; i < 40; i++) {
        all.add(session.counters(ImmutableSet.of("a0")));
      }
      assertUnanswered(all.getLast(), Why.BUSY, "32 questions to this database wait already");
      assertThat(server.connections()).isPositive();
    }
    assertUnanswered(all.getFirst(), Why.LOST, "the connection was lost");
  }

  private static <T> T get(CompletableFuture<T> answer) {
    return answer.orTimeout(30, TimeUnit.SECONDS).join();
  }

  private static void assertUnanswered(CompletableFuture<?> answer, Why why, String words) {
    assertThatThrownBy(() -> get(answer))
        .cause()
        .isInstanceOfSatisfying(
            UnansweredException.class, failure -> assertThat(failure.why()).isEqualTo(why))
        .hasMessageContaining(words);
  }

  private BridgeSession open() {
    return connector.open("n1", Endpoint.unix(socket()), "br-int", Lock.Wish.NONE, reports);
  }

  private BridgeSession openEchoing() {
    return echoing.open("n1", Endpoint.unix(socket()), "br-int", Lock.Wish.NONE, reports);
  }

  private BridgeSession openPatiently() {
    return patient.open("n1", Endpoint.unix(socket()), "br-int", Lock.Wish.NONE, reports);
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

  private static String update(String rows) {
    return "{\"method\":\"update\",\"id\":null,\"params\":[\"bridge\"," + rows + "]}";
  }

  /** An update after which br-int has this port and no other. */
  private static String withMirrorPort(String name) {
    return update(
        """
        {"Bridge":{"00000000-0000-0000-0000-000000000001":{"old":{},"new":
          {"name":"br-int","datapath_id":["set",[]],"mirrors":["set",[]],
           "ports":["uuid","00000000-0000-0000-0000-000000000002"]}}},
         "Port":{"00000000-0000-0000-0000-000000000002":{"new":{"name":"NAME",
           "interfaces":["uuid","00000000-0000-0000-0000-000000000003"],
           "external_ids":["map",[]]}}},
         "Interface":{"00000000-0000-0000-0000-000000000003":{"new":{"name":"NAME",
           "type":"internal","ofport":["set",[]],"error":["set",[]],"external_ids":["map",[]]}}}}
        """
            .replace("NAME", name));
  }

  private static boolean isEcho(JsonNode request) {
    return request.get("method").asText().equals("echo");
  }

  private static boolean isMonitor(JsonNode request) {
    return request.get("method").asText().equals("monitor");
  }
}
