// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.ovsdb;

import static io.flowmirror.controller.ovsdb.BridgeTablesTest.uuids;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.management.UnixOperatingSystemMXBean;
import io.flowmirror.controller.ovsdb.HostileServer.Script;
import io.flowmirror.controller.transport.Authority;
import io.flowmirror.controller.transport.Endpoint;
import io.flowmirror.controller.transport.TlsPeer;
import io.flowmirror.topology.Bridge;
import io.flowmirror.topology.Interface;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufAllocatorMetricProvider;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What a session makes of a database that is none, or a broken or hostile one: each behaviour, and
 * the reason that is reported for it. The peer behaves so on each connection until it becomes good.
 *
 * <p>In the messages below, {@code #n} stands for a UUID and single quotes for double ones.
 */
class HostileDatabaseTest {
  private static final Duration MOMENT = Duration.ofMillis(300);
  private static final Duration LONG = Duration.ofSeconds(20);
  private static final Duration PATIENCE = Duration.ofMinutes(1);
  private static final Duration SOON = Duration.ofMillis(5);

  /** For behaviours that are an answer of some kind, however long it takes on a busy machine. */
  private static final OvsdbConnector PATIENT =
      new OvsdbConnector(new OvsdbTimings(LONG, LONG, LONG, SOON, SOON.multipliedBy(10)));

  /** For behaviours that are the want of an answer. */
  private static final OvsdbConnector QUICK =
      new OvsdbConnector(
          new OvsdbTimings(MOMENT, MOMENT, MOMENT.multipliedBy(4), SOON, SOON.multipliedBy(10)));

  /** br-int with its local port, a pod's port and a mirror. */
  private static final String ROWS =
      uuids(
          """
          {'Open_vSwitch': {'#1': {'new': {'other_config': ['map', []]}}},
           'Bridge': {'#2': {'new': {'name': 'br-int', 'datapath_id': '0000020000000101',
             'ports': ['set', [['uuid', '#3'], ['uuid', '#4']]], 'mirrors': ['uuid', '#7']}}},
           'Port': {
             '#3': {'new': {'name': 'br-int', 'interfaces': ['uuid', '#5'],
               'external_ids': ['map', []]}},
             '#4': {'new': {'name': 'veth1', 'interfaces': ['uuid', '#6'],
               'external_ids': ['map', []]}}},
           'Interface': {
             '#5': {'new': {'name': 'br-int', 'type': 'internal', 'ofport': 65534,
               'error': ['set', []], 'external_ids': ['map', []]}},
             '#6': {'new': {'name': 'veth1', 'type': '', 'ofport': 3, 'error': ['set', []],
               'external_ids': ['map', [['pod_name', 'web'], ['pod_namespace', 'demo']]]}}},
           'Mirror': {'#7': {'new': {'name': 'm0', 'output_port': ['uuid', '#4'], 'select_all': false,
             'select_src_port': ['set', []], 'select_dst_port': ['uuid', '#3']}}}}
          """);

  private static final Script GOOD =
      peer -> {
        peer.answer(ROWS.replace("'web'", "'good'"));
        peer.stayAlive();
      };

  private static final Script ASKED = peer -> peer.request();
  private static final Script ANSWER = peer -> peer.answer(ROWS);
  private static final Script HALF = peer -> peer.send("{'id':1,'resu");
  private static final Script ALIVE = peer -> peer.stayAlive();
  private static final Script QUIET = peer -> peer.stayQuiet();
  private static final Script DEAF = peer -> peer.stall();
  private static final Script END = peer -> peer.endOutput();
  private static final Script RESET = peer -> peer.reset();
  private static final Script TRICKLE =
      peer -> {
        while (true) {
          peer.send(" ");
          Thread.sleep(MOMENT.dividedBy(6));
        }
      };

  private record Case(String behaviour, Script script, String reason, OvsdbConnector connector) {
    @Override
    public String toString() {
      return Printable.cut(behaviour, 80) + " → " + Printable.cut(reason, 80);
    }
  }

  // ---------------------------------------------------------------- JSON that is none, or no end

  static Stream<Case> badJson() {
    return Stream.of(
        sends(
            "a web server",
            "HTTP/1.1 400 Bad Request\r\n",
            "must begin with '{', not with byte 0x48"),
        sendsBytes("a switch's OpenFlow", "04 00 00 08 00 00 00 01", "not with byte 0x04"),
        sendsBytes("a TLS alert", "15 03 01 00 02 02 0a", "not with byte 0x15"),
        sends("a list", "[1, 2]", "not with byte 0x5b"),
        sends("a comma too many", "{'id':1,}", "malformed JSON: Unexpected character"),
        sends("brackets crossed", "{'id':[1}]}", "malformed JSON: Unexpected close marker"),
        sends("a key twice", "{'id':1,'id':1}", "malformed JSON: Duplicate field 'id'"),
        sends("a name without quotes", "{id:1}", "malformed JSON: Unexpected character ('i'"),
        sends(
            "a number of 2,000 digits",
            "{'id':" + "9".repeat(2000) + "}",
            "Number value length (2000) exceeds the maximum allowed (1000)"),
        sends("depth without end", "{'id':" + "[".repeat(100_000), "nests deeper than 64 levels"),
        sendsBytes("bytes that are not UTF-8", "7b 22 c3 28 22 3a 31 7d", "it is not UTF-8"),
        sendsBytes(
            "half a surrogate pair, as bytes", "7b 22 ed a0 80 22 3a 31 7d", "it is not UTF-8"),
        sends(
            "half a surrogate pair, escaped",
            "{'id':'\\ud800'}",
            "an unpaired surrogate in a string"),
        sends("NUL in a string", "{'id':'\\u0000'}", "NUL in a string"),
        sends("NUL between strings", "{'id':\0 1}", "CTRL-CHAR, code 0"));
  }

  // ------------------------------------------------------------------------- JSON that is no RPC

  static Stream<Case> badRpc() {
    String neither = "a message is neither a request nor an answer nor a notification: ";
    return Stream.of(
        sends("nothing at all", "{}", neither + "{}"),
        sends("an id alone", "{'id':1}", neither + "{\"id\":1}"),
        sends("an answer of nulls", "{'id':1,'result':null,'error':null}", neither),
        sends("result and error", "{'id':1,'result':{},'error':'x'}", neither),
        sends("a method and a result", "{'id':1,'method':'echo','params':[],'result':[]}", neither),
        sends("a method that is a number", "{'id':1,'method':7,'params':[]}", neither),
        sends("parameters that are no list", "{'method':'update','params':{},'id':null}", neither),
        sends(
            "an answer that nobody waits for",
            "{'id':99,'result':{},'error':null}",
            "an answer came to a request that was not made, id 99"),
        sends(
            "an id that is a string", "{'id':'1','result':{},'error':null}", "not made, id \"1\""),
        sends("an id that is nearly 1", "{'id':1.0,'result':{},'error':null}", "not made, id 1.0"),
        sends(
            "an id that is 1 in 64 bits",
            "{'id':18446744073709551617,'result':{},'error':null}",
            "not made, id 18446744073709551617"),
        sends(
            "an answer to no echo",
            "{'id':'echo','result':[],'error':null}",
            "not made, id \"echo\""),
        does(
            "an answer twice",
            ANSWER.then(says("{'id':1,'result':{},'error':null}")).then(ALIVE),
            "not made, id 1"),
        sends(
            "an update before the answer",
            update(ROWS),
            "an update came before the answer to monitor"));
  }

  // ----------------------------------------------------------------- answers that make no sense

  static Stream<Case> badRows() {
    return Stream.of(
        sends(
            "another database",
            "{'id':1,'result':null,'error':{'error':'unknown database'}}",
            "the database refused the monitor: {\"error\":\"unknown database\"}"),
        sends(
            "an error with escape sequences",
            "{'id':1,'result':null,'error':'\\u001b[31m\\u009b\\u202e\\n'}",
            "refused the monitor: \"\\u001B[31m\\u009b\\u202e\\n\""),
        answers("[]", "the table updates are not an object"),
        answers("{'Port': []}", "table Port: its update is not an object"),
        answers("{'QoS': {}}", "table QoS was not asked for"),
        answers("{'\\u001b[2J\\u2028': {}}", "table \\u001b[2J\\u2028 was not asked for"),
        answers("{'Port': {'x': {}}}", "table Port: the row's UUID is 'x'"),
        answers(
            "{'Port': {'" + "x".repeat(40_000) + "': {}}}", "table Port: the row's UUID is 'xxx"),
        answers("{'Port': {'#3': {}}}", "its update has neither old nor new columns"),
        answers("{'Port': {'#3': 7}}", "its update has neither old nor new columns"),
        answers("{'Port': {'#3': {'new': 7}}}", "column name is missing"),
        rows(
            "'name': 'br-int'",
            "'name': 17",
            "table Bridge, row #2: column name is not a string: 17"),
        rows(
            "'name': 'veth1'",
            "'name': '" + "x".repeat(256) + "'",
            "table Port, row #4: column name is not at most 255 characters"),
        rows(
            "'ports': ['set', [",
            "'ports': ['set', [['uuid', '#4'], ",
            "table Bridge, row #2: column ports is not a set whose elements differ"),
        rows(
            "'ofport': 3",
            "'ofport': '3'",
            "table Interface, row #6: column ofport is not an integer of 64 bits: \"3\""),
        rows(
            "'ofport': 3",
            "'ofport': 9223372036854775808",
            "column ofport is not an integer of 64 bits"),
        rows("'ofport': 3", "'ofport': 3.5", "column ofport is not an integer of 64 bits: 3.5"),
        rows(
            "'ofport': 3", "'ofport': ['set', [3, 4]]", "column ofport is not at most one integer"),
        rows(
            "['pod_name', 'web']",
            "['pod_name', 'web'], ['pod_name', 'db']",
            "column external_ids is not a map whose keys differ"),
        rows(
            "'select_all': false",
            "'select_all': 'false'",
            "table Mirror, row #7: column select_all is not a boolean"),
        rows(
            "'output_port': ['uuid', '#4']",
            "'output_port': ['uuid', '4']",
            "column output_port is not a uuid"),
        rows(
            "{'#2': {",
            "{'#8': {'new': {'name': 'br-int', 'datapath_id': '', 'ports': ['set', []], 'mirrors':"
                + " ['set', []]}}, '#2': {",
            "column name is br-int, as is another bridge's"),
        rows(
            "'name': 'veth1', 'interfaces'",
            "'name': 'br-int', 'interfaces'",
            "table Port, row #4: column name is br-int, as is another port's"),
        rows(
            "'name': 'veth1', 'type'",
            "'name': 'br-int', 'type'",
            "table Port, row #4: column interfaces has br-int, which port br-int has too"),
        rows(
            "'interfaces': ['uuid', '#6']",
            "'interfaces': ['uuid', '#5']",
            "table Port, row #4: column interfaces has br-int, which port br-int has too"),
        rows(
            "'interfaces': ['uuid', '#6']",
            "'interfaces': ['uuid', '#9']",
            "table Interface: row #9 is referred to but missing"),
        rows(
            "['uuid', '#3'], ['uuid', '#4']",
            "['uuid', '#3'], ['uuid', '#9']",
            "table Port: row #9 is referred to but missing"),
        rows(
            "'output_port': ['uuid', '#4']",
            "'output_port': ['uuid', '#9']",
            "table Port: row #9 is referred to but missing"),
        rows(
            "{'#1': {",
            "{'#8': {'new': {'other_config': ['map', []]}}, '#1': {",
            "table Open_vSwitch: it has 2 rows, not one"));
  }

  // ------------------------------------------------------------------------------ what follows

  static Stream<Case> badUpdates() {
    return Stream.of(
        later(
            "an update without rows",
            "{'method':'update','params':['bridge'],'id':null}",
            "the table updates are not an object"),
        later(
            "an update that takes away a port's interface",
            update("{'Interface': {'#6': {'old': {}}}}"),
            "table Interface: row #6 is referred to but missing"),
        later(
            "an update of a wrong type",
            update("{'Interface': {'#6': {'new': {'name': 6}}}}"),
            "table Interface, row #6: column name is not a string: 6"));
  }

  // -------------------------------------------------------------------------------- too much

  static Stream<Case> tooMuch() {
    return Stream.of(
        sends(
            "a string of 2 MiB",
            "{'id':'" + "x".repeat(2 << 20) + "'}",
            " exceeds the maximum allowed (1048576)"),
        sends(
            "five million small things",
            "{'id':[" + "1,".repeat(5_000_000) + "1]}",
            "Token count (2000001) exceeds the maximum allowed (2000000)"),
        does(
            "a message without end",
            says("{'id':[").then(endlessly("'" + "x".repeat(1000) + "',")),
            "longer than 16777216 bytes"),
        sends(
            "a huge id",
            "{'id':'" + "x".repeat(1 << 20) + "','result':{},'error':null}",
            "not made, id \"xxxx"),
        does(
            "rows without end",
            ANSWER.then(peer -> sendPortsWithoutEnd(peer, 1000, "")),
            "table Port: it has more than 100000 rows"),
        does(
            "rows of a megabyte without end",
            ANSWER.then(peer -> sendPortsWithoutEnd(peer, 1, "x".repeat(1 << 20))),
            "with it the rows would occupy more than 67108864 bytes"),
        does("white space without end", endlessly(" \n".repeat(1000)), "nothing but white space"));
  }

  // ------------------------------------------------------------------- what does not come at all

  static Stream<Case> badManners() {
    String gone = "the server closed the connection";
    return Stream.of(
        waits("no answer", QUIET, "no answer to monitor within 0.3 s"),
        waits("half an answer", ASKED.then(HALF).then(QUIET), "no answer to monitor within 0.3 s"),
        waits("an answer byte by byte", HALF.then(TRICKLE), "no answer to monitor within 0.3 s"),
        waits(
            "half a message byte by byte",
            ANSWER.then(HALF).then(TRICKLE),
            "a JSON message has not ended 1.2 s after it began"),
        waits("an answer, and then nothing", ANSWER.then(QUIET), "no answer to echo within 0.3 s"),
        waits("no reading", ANSWER.then(DEAF), "no answer to echo within 0.3 s"),
        waits(
            "questions without reading",
            ANSWER.then(
                endlessly("{'id':7,'method':'echo','params':['" + "x".repeat(1000) + "']}")),
            "it does not read what it is sent"),
        does("a hang-up at once", END, gone),
        does("a hang-up when asked", ASKED, gone),
        does("a hang-up half way", ASKED.then(HALF), gone),
        does("a hang-up after the answer", ANSWER, gone),
        does("half a hang-up when asked", ASKED.then(END).then(QUIET), gone),
        does("half a hang-up after the answer", ANSWER.then(END).then(QUIET), gone),
        does("a reset at once", RESET, "reset"),
        does("a reset when asked", ASKED.then(RESET), "reset"),
        does("a reset half way", ASKED.then(HALF).then(RESET), "reset"),
        does("a reset after the answer", ANSWER.then(RESET), "reset"));
  }

  @TempDir private Path folder;
  private final Reports reports = new Reports();
  private HostileServer server;
  private @Nullable BridgeSession session;

  @BeforeEach
  void listen() throws Exception {
    server = new HostileServer(GOOD);
  }

  @AfterEach
  void hangUp() throws Exception {
    if (session != null) {
      session.close();
    }
    server.close();
  }

  @AfterAll
  static void closeAll() {
    PATIENT.close();
    QUICK.close();
  }

  @ParameterizedTest
  @MethodSource({"badJson", "badRpc", "badRows", "badUpdates", "tooMuch", "badManners"})
  void aPeerThatMisbehavesIsLeftForThisReasonAndIsFollowedWhenItIsGood(Case peer) {
    server.become(peer.script());
    session = peer.connector().open("n1", server.endpoint(), "br-int", Lock.Wish.NONE, reports);

    BridgeReport report = reports.untilReason(peer.reason());
    assertThat(report.bridge()).isEmpty();
    assertThat(report.reason()).startsWith("ovsdb-server at tcp:127.0.0.1:").hasSizeLessThan(600);
    assertThat(report.reason().chars()).noneMatch(Character::isISOControl);

    server.become(GOOD);
    reports.untilBridge("it is good", HostileDatabaseTest::isGood);
  }

  /** One with a good certificate may do no more than one without. */
  @ParameterizedTest
  @MethodSource("someOfEach")
  void theSameByTls(Case peer) {
    Authority authority = new Authority(folder, "ca");
    server.become(peer.script());
    try (TlsPeer front =
        TlsPeer.of(
            authority.sign("node", "n1"),
            authority.certificate(),
            "TLSv1.3",
            TlsPeer.inFrontOf(server.address()))) {
      session =
          peer.connector()
              .open(
                  "n1",
                  Endpoint.tls(
                      "127.0.0.1", front.port(), "n1", authority.trust(authority.sign("c", "c"))),
                  "br-int",
                  Lock.Wish.NONE,
                  reports);
      assertThat(reports.untilReason(peer.reason()).bridge()).isEmpty();
      server.become(GOOD);
      reports.untilBridge("it is good", HostileDatabaseTest::isGood);
      session.close();
    }
  }

  /** One of each kind: too much, too slow, too deaf. */
  static Stream<Case> someOfEach() {
    Set<String> some = Set.of("a message without end", "half a message byte by byte", "no reading");
    return Stream.concat(tooMuch(), badManners()).filter(peer -> some.contains(peer.behaviour()));
  }

  @Test
  void whatIsOddAndYetSoInARealDatabaseIsTaken() {
    // Any number of 64 bits, by ovs-vsctl set interface; names with a line end or an escape.
    String odd =
        ROWS.replace("'ofport': 3", "'ofport': 1000000000000")
            .replace("'name': 'veth1'", "'name': 've\\nth\\u001b[31m1'")
            .replace("'error': ['set', []]", "'error': 'no\\nsuch device'");
    server.become(answer(odd).then(ALIVE));
    session = PATIENT.open("n1", server.endpoint(), "br-int", Lock.Wish.NONE, reports);

    Bridge bridge = reports.untilBridge("it is taken", live -> true);
    Interface is = bridge.interfaces().get("ve\\u000ath\\u001b[31m1");
    assertThat(is.ofport()).hasValue(Integer.MAX_VALUE);
    assertThat(is.error()).isEqualTo("no\\u000asuch device");
  }

  /** Each connection meets the next of these faults, and all of them many times. */
  @Test
  void heapThreadsAndFileDescriptorsStayFlat() {
    List<Case> faults = Stream.of(badJson(), badRpc(), badRows()).flatMap(cases -> cases).toList();
    assertThat(faults).hasSizeGreaterThan(50);
    AtomicInteger next = new AtomicInteger();
    server.become(peer -> faults.get(next.getAndIncrement() % faults.size()).script().follow(peer));
    Duration atOnce = Duration.ofNanos(1000);
    OvsdbTimings timings = new OvsdbTimings(LONG, LONG, LONG, atOnce, atOnce);
    try (OvsdbConnector connector = new OvsdbConnector(timings);
        SessionLog log = new SessionLog()) {
      session = connector.open("n1", server.endpoint(), "br-int", Lock.Wish.NONE, report -> {});
      await().atMost(PATIENCE).until(() -> server.connections() > 2 * faults.size());
      Usage before = Usage.now();
      int seen = server.connections();
      await().atMost(PATIENCE).until(() -> server.connections() > seen + 4 * faults.size());
      Usage after = Usage.now();
      assertThat(after.heap()).isLessThan(before.heap() + (8 << 20));
      assertThat(after.buffers()).isLessThan(before.buffers() + (8 << 20));
      assertThat(after.threads()).isLessThan(before.threads() + 5);
      assertThat(after.fileDescriptors()).isLessThan(before.fileDescriptors() + 20);
      assertThat(log.lines()).isNotEmpty();
    }
  }

  private record Usage(long heap, long buffers, int threads, long fileDescriptors) {
    static Usage now() {
      System.gc();
      return new Usage(
          ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed(),
          ((ByteBufAllocatorMetricProvider) ByteBufAllocator.DEFAULT).metric().usedDirectMemory(),
          ManagementFactory.getThreadMXBean().getThreadCount(),
          ((UnixOperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
              .getOpenFileDescriptorCount());
    }
  }

  /**
   * Two good databases, one on each event loop, beside all of these: what they tell comes in time.
   */
  @Test
  void othersNoticeNothingOfFloods() throws Exception {
    List<Script> floods =
        List.of(
            ANSWER.then(endlessly("{'method':'x','params':[]}")),
            ANSWER.then(endlessly("{'id':7,'method':'echo','params':[]}")),
            ANSWER.then(endlessly(update(interfaceRow(7)))),
            ANSWER.then(endlessly("{'method':'x','params':[" + "{'a':0},".repeat(300_000) + "0]}")),
            ANSWER.then(peer -> sendPortsWithoutEnd(peer, 1000, "")),
            peer -> peer.send("HTTP/1.1 400 Bad Request"));
    List<HostileServer> servers = new ArrayList<>();
    try (OvsdbConnector connector =
        new OvsdbConnector(new OvsdbTimings(LONG, LONG, LONG, SOON, SOON.multipliedBy(20)))) {
      for (Script flood : floods) {
        servers.add(new HostileServer(flood));
        connector.open("bad", servers.getLast().endpoint(), "br-int", Lock.Wish.NONE, report -> {});
      }
      List<Clockwork> good = List.of(new Clockwork(), new Clockwork());
      for (Clockwork clock : good) {
        servers.add(new HostileServer(clock::tick));
        connector.open(
            "good", servers.getLast().endpoint(), "br-int", Lock.Wish.NONE, clock::heard);
      }
      for (Clockwork clock : good) {
        await().atMost(PATIENCE).until(() -> clock.heard.get() > 20);
        assertThat(clock.longest).isLessThan(Duration.ofSeconds(5).toNanos());
        assertThat(clock.lost).hasValue(0);
      }
    } finally {
      for (HostileServer each : servers) {
        each.close();
      }
    }
  }

  /** A good database that changes every 20 ms, and how long it takes until that is heard. */
  private static final class Clockwork {
    private final AtomicInteger heard = new AtomicInteger();
    private final AtomicInteger lost = new AtomicInteger();
    private volatile long longest;
    private long last = System.nanoTime();

    void tick(HostileServer.Peer peer) throws Exception {
      peer.answer(ROWS);
      for (int i = 0; ; i++) {
        peer.send(update(interfaceRow(i)));
        Thread.sleep(20);
      }
    }

    void heard(BridgeReport report) {
      if (report.bridge().isEmpty()) {
        lost.incrementAndGet();
        return;
      }
      long now = System.nanoTime();
      longest = Math.max(longest, now - last);
      last = now;
      heard.incrementAndGet();
    }
  }

  private static String interfaceRow(int id) {
    return "{'Interface': {'#6': {'old': {}, 'new': {'name': 'veth1', 'type': '', 'ofport': 3,"
        + " 'error': ['set', []], 'external_ids': ['map', [['id', '"
        + id
        + "']]]}}}}";
  }

  private static Case does(String behaviour, Script script, String reason) {
    return new Case(behaviour, script, uuids(reason), PATIENT);
  }

  private static Case waits(String behaviour, Script script, String reason) {
    return new Case(behaviour, script, reason, QUICK);
  }

  /** Says this when it is asked for the rows. */
  private static Case sends(String behaviour, String text, String reason) {
    return does(behaviour, ASKED.then(says(text)).then(ALIVE), reason);
  }

  private static Case sendsBytes(String behaviour, String hex, String reason) {
    byte[] bytes = HexFormat.ofDelimiter(" ").parseHex(hex);
    return does(behaviour, ASKED.then(peer -> peer.send(bytes)).then(ALIVE), reason);
  }

  private static Case answers(String result, String reason) {
    return does("the answer " + result, answer(uuids(result)).then(ALIVE), reason);
  }

  /** Answers with rows that have this in place of that. */
  private static Case rows(String good, String bad, String reason) {
    assertThat(ROWS).contains(uuids(good));
    String spoilt = ROWS.replace(uuids(good), uuids(bad));
    return does("rows with " + bad, answer(spoilt).then(ALIVE), reason);
  }

  /** Says this after a good answer. */
  private static Case later(String behaviour, String text, String reason) {
    return does(behaviour, ANSWER.then(says(text)).then(ALIVE), reason);
  }

  private static Script answer(String result) {
    return peer -> peer.answer(result);
  }

  private static Script says(String text) {
    byte[] bytes = uuids(text).replace('\'', '"').getBytes(UTF_8);
    return peer -> peer.send(bytes);
  }

  private static Script endlessly(String text) {
    byte[] bytes = text.replace('\'', '"').getBytes(UTF_8);
    return peer -> {
      while (true) {
        peer.sendLater(bytes);
      }
    };
  }

  private static boolean isGood(Bridge bridge) {
    Interface veth = bridge.interfaces().get("veth1");
    return veth != null && veth.externalIds().containsValue("good");
  }

  private static String update(String rows) {
    return uuids("{'method':'update','params':['bridge'," + rows + "],'id':null}");
  }

  /** New ports of no bridge, so many at a time, each with an external id like this. */
  private static void sendPortsWithoutEnd(HostileServer.Peer peer, int atATime, String id)
      throws IOException {
    byte[] rest =
        uuids(
                "': {'new': {'name': 'p', 'interfaces': ['uuid', '#6'],"
                    + " 'external_ids': ['map', [['id', '%s']]]}}".formatted(id))
            .replace('\'', '"')
            .getBytes(UTF_8);
    for (long next = 0; ; ) {
      peer.send("{'method':'update','id':null,'params':['bridge',{'Port':{");
      for (int i = 0; i < atATime; i++) {
        peer.sendLater((i == 0 ? "'" : ",'") + new UUID(7, next++));
        peer.sendLater(rest);
      }
      peer.send("}}]}");
    }
  }
}
