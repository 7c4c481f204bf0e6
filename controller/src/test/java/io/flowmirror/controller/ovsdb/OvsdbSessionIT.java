// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.ovsdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.controller.transport.Endpoint;
import io.flowmirror.flows.RowChange;
import io.flowmirror.flows.RowChange.AddInternalPort;
import io.flowmirror.flows.RowChange.RemovePort;
import io.flowmirror.topology.Bridge;
import io.flowmirror.topology.BridgeMirror;
import io.flowmirror.topology.Interface;
import io.flowmirror.topology.InterfaceCounters;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A session with a real ovsdb-server and ovs-vswitchd. */
class OvsdbSessionIT {
  private static RealDatabase database;
  private static OvsdbConnector connector;

  private final Reports reports = new Reports();
  private BridgeSession session;
  private long round;

  @BeforeAll
  static void start() throws Exception {
    database = RealDatabase.start();
    connector = new OvsdbConnector(OvsdbTimings.DEFAULT);
  }

  @AfterAll
  static void stop() {
    if (database != null) {
      connector.close();
      database.close();
    }
  }

  @BeforeEach
  void open() {
    session =
        connector.open("n1", Endpoint.unix(database.socket()), "br-int", Lock.Wish.NONE, reports);
    reports.untilBridge("br-int", bridge -> bridge.interfaces().containsKey("br-int"));
  }

  @AfterEach
  void removeAllPorts() throws Exception {
    session.close();
    List<String> command = new ArrayList<>(List.of("clear", "Bridge", "br-int", "mirrors"));
    for (String port : database.ports()) {
      command.addAll(List.of("--", "--if-exists", "del-port", "br-int", port));
    }
    database.vsctl(command.toArray(String[]::new));
  }

  @Test
  void theFirstReportIsTheWholeBridge() {
    Bridge bridge =
        reports.untilBridge("numbered", live -> is(live, "br-int").ofport().isPresent());
    assertThat(bridge.name()).isEqualTo("br-int");
    assertThat(bridge.datapathId()).matches("[0-9a-f]{16}");
    assertThat(bridge.flowRestoreWait()).isFalse();
    assertThat(is(bridge, "br-int").type()).isEqualTo("internal");
    assertThat(is(bridge, "br-int").ofport()).hasValue(65534);
  }

  @Test
  void interfacesComeAndGo() throws Exception {
    database.vsctl(
        "add-port",
        "br-int",
        "a0",
        "--",
        "set",
        "Interface",
        "a0",
        "type=internal",
        "external_ids:iface-id=web.shop",
        "--",
        "set",
        "Port",
        "a0",
        "external_ids:owner=me");
    Bridge bridge =
        reports.untilBridge("a0 has a number", live -> has(live, "a0") && number(live, "a0") > 0);
    assertThat(is(bridge, "a0").ifaceId()).hasValue("web.shop");
    assertThat(is(bridge, "a0").portExternalIds()).containsExactly(Map.entry("owner", "me"));

    database.vsctl("set", "Interface", "a0", "external_ids:iface-id=other.shop");
    reports.untilBridge(
        "iface-id", live -> is(live, "a0").ifaceId().filter("other.shop"::equals).isPresent());

    database.vsctl("del-port", "br-int", "a0");
    reports.untilBridge("a0 is gone", live -> !has(live, "a0"));
  }

  /** As ovs-vsctl says it, and no report of them. */
  @Test
  void countersAreWhatTheDatabaseHas() throws Exception {
    database.vsctl("add-port", "br-int", "a0", "--", "set", "Interface", "a0", "type=internal");
    database.vsctl("add-port", "br-int", "nosuch0");
    // The first statistics are there some seconds later.
    database.vsctl("--timeout=60", "wait-until", "Interface", "a0", "statistics:rx_packets>=0");
    reports.untilBridge(
        "both", live -> has(live, "a0") && has(live, "nosuch0") && number(live, "nosuch0") < 0);
    InterfaceCounters[] found = new InterfaceCounters[2];
    await()
        .atMost(Duration.ofSeconds(30))
        .untilAsserted(
            () -> {
              ImmutableMap<String, InterfaceCounters> counters =
                  session
                      .counters(ImmutableSet.of("a0", "nosuch0", "gone"))
                      .orTimeout(30, TimeUnit.SECONDS)
                      .join();
              assertThat(counters).containsOnlyKeys("a0", "nosuch0");
              found[0] = counters.get("a0");
              found[1] = counters.get("nosuch0");
              assertThat("" + found[0].rxPackets().orElse(-1))
                  .isEqualTo(column("a0", "statistics:rx_packets"));
              assertThat("" + found[0].txDropped().orElse(-1))
                  .isEqualTo(column("a0", "statistics:tx_dropped"));
              assertThat("" + found[0].mtu().orElse(-1)).isEqualTo(column("a0", "mtu"));
              assertThat(found[0].adminUp()).hasValue(column("a0", "admin_state").equals("up"));
            });
    assertThat(found[0].error()).isEmpty();
    assertThat(found[1].error()).contains("nosuch0");
    assertThat(found[1].rxPackets()).isEmpty();
  }

  private static String column(String name, String column) throws Exception {
    return database.vsctl("get", "Interface", name, column).strip();
  }

  @Test
  void anInterfaceThatCannotBeMadeShowsItsError() throws Exception {
    database.vsctl("add-port", "br-int", "nosuch0");
    Bridge bridge =
        reports.untilBridge("error", live -> has(live, "nosuch0") && number(live, "nosuch0") < 0);
    assertThat(is(bridge, "nosuch0").error()).contains("nosuch0");
  }

  @Test
  void whatSomebodySpoilsCostsNobodyElse() throws Exception {
    database.vsctl("add-port", "br-int", "a0", "--", "set", "Interface", "a0", "type=internal");
    reports.untilBridge("a0 has a number", live -> has(live, "a0") && number(live, "a0") > 0);
    database.vsctl("add-port", "br-int", "x\n\u001b[31my");
    Bridge bridge =
        reports.untilBridge(
            "the odd name", live -> has(live, "x\\u000a\\u001b[31my") && has(live, "a0"));
    assertThat(is(bridge, "x\\u000a\\u001b[31my").error()).doesNotContain("\n");

    // The database takes any integer, and ovs-vswitchd leaves it.
    database.vsctl("--no-wait", "set", "Interface", "a0", "ofport=4294967296");
    reports.untilBridge("the odd number", live -> number(live, "a0") == Integer.MAX_VALUE);
    assertThat(reports.all()).extracting(BridgeReport::reason).containsOnly("");
    database.vsctl("del-port", "br-int", "x\n\u001b[31my");
  }

  @Test
  void externalIdsAreReadAsTheyAre() throws Exception {
    String odd = "a \"quoted\", b=c; {d} \\ 漢字 𝄞 ü";
    database.vsctl(
        "add-port",
        "br-int",
        "odd0",
        "--",
        "set",
        "Interface",
        "odd0",
        "type=internal",
        "external_ids:pod_name=\"" + odd.replace("\\", "\\\\").replace("\"", "\\\"") + "\"");
    Bridge bridge = reports.untilBridge("odd0", live -> has(live, "odd0"));
    assertThat(is(bridge, "odd0").externalIds()).containsEntry("pod_name", odd);
  }

  @Test
  void flowRestoreWaitIsSeen() throws Exception {
    database.vsctl("--no-wait", "set", "Open_vSwitch", ".", "other_config:flow-restore-wait=true");
    reports.untilBridge("set", Bridge::flowRestoreWait);
    database.vsctl("--no-wait", "remove", "Open_vSwitch", ".", "other_config", "flow-restore-wait");
    reports.untilBridge("cleared", live -> !live.flowRestoreWait());
  }

  @Test
  void mirrorsAreSeen() throws Exception {
    database.vsctl(
        "add-port",
        "br-int",
        "out0",
        "--",
        "set",
        "Interface",
        "out0",
        "type=internal",
        "--",
        "add-port",
        "br-int",
        "pod0",
        "--",
        "set",
        "Interface",
        "pod0",
        "type=internal",
        "--",
        "--id=@out",
        "get",
        "Port",
        "out0",
        "--",
        "--id=@m",
        "create",
        "Mirror",
        "name=m0",
        "output_port=@out",
        "--",
        "add",
        "Bridge",
        "br-int",
        "mirrors",
        "@m");
    reports.untilBridge(
        "m0", live -> mirrors(live).contains(new BridgeMirror("m0", "out0", false, set())));

    database.vsctl(
        "--id=@pod", "get", "Port", "pod0", "--", "add", "Mirror", "m0", "select_dst_port", "@pod");
    reports.untilBridge(
        "select",
        live -> mirrors(live).contains(new BridgeMirror("m0", "out0", false, set("pod0"))));

    database.vsctl("set", "Mirror", "m0", "select_all=true", "--", "del-port", "br-int", "out0");
    reports.untilBridge(
        "no output", live -> mirrors(live).contains(new BridgeMirror("m0", "", true, set("pod0"))));
  }

  @Test
  void aMirrorPortIsAddedOnceAndRemoved() throws Exception {
    assertThat(apply(new AddInternalPort("mirror0"))).isEmpty();
    assertThat(reports.all().getLast().bridge().orElseThrow().interfaces())
        .as("the report of the round has the port already")
        .containsKey("mirror0");
    Bridge bridge =
        reports.untilBridge("mirror0 has a number", live -> number(live, "mirror0") > 0);
    Interface mirror = is(bridge, "mirror0");
    assertThat(mirror.type()).isEqualTo("internal");
    assertThat(mirror.portExternalIds())
        .containsExactly(Map.entry(RowChange.OWNER_KEY, RowChange.OWNER_VALUE));

    assertThat(apply(new AddInternalPort("mirror0"))).isEmpty();
    assertThat(database.ports()).containsExactly("mirror0");

    assertThat(apply(new RemovePort("mirror0"))).isEmpty();
    assertThat(database.ports()).isEmpty();
    assertThat(database.vsctl("--columns=name", "find", "Interface", "name=mirror0")).isEmpty();
    assertThat(apply(new RemovePort("mirror0"))).isEmpty();
  }

  @Test
  void aPortCanBeMadeAnewInOneRound() throws Exception {
    apply(new AddInternalPort("mirror0"));
    String before = database.vsctl("get", "Port", "mirror0", "_uuid");
    assertThat(apply(new RemovePort("mirror0"), new AddInternalPort("mirror0"))).isEmpty();
    assertThat(database.vsctl("get", "Port", "mirror0", "_uuid")).isNotEqualTo(before);
    reports.untilBridge("mirror0", live -> has(live, "mirror0") && number(live, "mirror0") > 0);
  }

  @Test
  void aForeignPortOfTheSameNameIsLeftAlone() throws Exception {
    database.vsctl(
        "add-port", "br-int", "mirror0", "--", "set", "Interface", "mirror0", "type=internal");
    reports.untilBridge("mirror0", live -> has(live, "mirror0"));

    assertThat(apply(new AddInternalPort("mirror0"))).isEmpty();
    assertThat(apply(new RemovePort("mirror0"))).isEmpty();
    assertThat(database.ports()).containsExactly("mirror0");
    assertThat(database.vsctl("get", "Port", "mirror0", "external_ids")).isEqualTo("{}");
  }

  @Test
  void aPortOnAnotherBridgeIsNamed() throws Exception {
    database.vsctl(
        "add-br",
        "br-ext",
        "--",
        "set",
        "Bridge",
        "br-ext",
        "datapath_type=netdev",
        "--",
        "add-port",
        "br-ext",
        "mirror0",
        "--",
        "set",
        "Interface",
        "mirror0",
        "type=internal");
    try {
      assertThat(apply(new AddInternalPort("mirror0"), new AddInternalPort("mirror1")))
          .startsWith("operation 1 (wait until no port is called mirror0) failed: timed out");
      assertThat(database.ports()).as("nothing of the round is made").isEmpty();
    } finally {
      database.vsctl("del-br", "br-ext");
    }
  }

  /** RFC 7047, sections 4.1.8 to 4.1.10, as ovsdb-server has it. */
  @Test
  void oneSessionHasTheLock() {
    Reports firsts = new Reports();
    Reports seconds = new Reports();
    Reports thieves = new Reports();
    BridgeSession first = open(Lock.Wish.WAIT, firsts);
    firsts.until("its lock", report -> report.lock() == Lock.OURS && report.bridge().isPresent());
    // The lock is known no later than the bridge: nobody writes before.
    assertThat(firsts.all()).noneMatch(this::isUndecidedWithABridge);
    BridgeSession second = open(Lock.Wish.WAIT, seconds);
    seconds.until("none", report -> report.lock() == Lock.ANOTHERS);
    first.close();
    seconds.until("its lock", report -> report.lock() == Lock.OURS);
    BridgeSession thief = open(Lock.Wish.STEAL, thieves);
    thieves.until("its lock", report -> report.lock() == Lock.OURS);
    seconds.until("none", report -> report.lock() == Lock.ANOTHERS);
    thief.close();
    seconds.until("its lock", report -> report.lock() == Lock.OURS);
    // It lets others have it first; if there are none, it has it again.
    Reports thirds = new Reports();
    BridgeSession third = open(Lock.Wish.WAIT, thirds);
    thirds.until("none", report -> report.lock() == Lock.ANOTHERS);
    second.lock(Lock.Wish.YIELD);
    thirds.until("its lock", report -> report.lock() == Lock.OURS);
    seconds.until("none", report -> report.lock() == Lock.ANOTHERS);
    third.close();
    seconds.until("its lock", report -> report.lock() == Lock.OURS);
    int before = seconds.all().size();
    second.lock(Lock.Wish.YIELD);
    Awaitility.await()
        .atMost(Duration.ofSeconds(60))
        .until(() -> seconds.all().size() >= before + 2);
    seconds.until("its lock", report -> report.lock() == Lock.OURS);
    second.close();
    assertThat(reports.all()).allMatch(report -> report.lock() == Lock.UNKNOWN);
  }

  private boolean isUndecidedWithABridge(BridgeReport report) {
    return report.bridge().isPresent() && report.lock() == Lock.UNKNOWN;
  }

  private BridgeSession open(Lock.Wish wish, Reports to) {
    return connector.open("n1", Endpoint.unix(database.socket()), "br-int", wish, to);
  }

  @Test
  void aBridgeThatIsNotThereIsReportedAndFoundWhenItComes() throws Exception {
    Reports others = new Reports();
    try (BridgeSession other =
        connector.open("n1", Endpoint.unix(database.socket()), "br-late", Lock.Wish.NONE, others)) {
      others.untilReason("there is no bridge br-late");
      other.apply(1, List.of(new AddInternalPort("mirror0")));
      assertThat(others.untilRound(1).refused()).isEqualTo("there is no bridge br-late");
      assertThat(database.vsctl("--columns=name", "find", "Port", "name=mirror0")).isEmpty();

      database.vsctl("add-br", "br-late", "--", "set", "Bridge", "br-late", "datapath_type=netdev");
      others.untilBridge("br-late", live -> has(live, "br-late"));
      assertThat(others.all().getLast().reason()).isEmpty();
      database.vsctl("del-br", "br-late");
      others.untilReason("there is no bridge br-late");
    }
  }

  @Test
  void nobodysPortsAreLostWhileOursComeAndGo() throws Exception {
    List<Process> foreign = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      foreign.add(
          database.startVsctl(
              "--no-wait",
              "add-port",
              "br-int",
              "f" + i,
              "--",
              "set",
              "Interface",
              "f" + i,
              "type=internal"));
      session.apply(++round, List.of(new AddInternalPort("mirror" + i % 3)));
      session.apply(++round, List.of(new RemovePort("mirror" + (i + 1) % 3)));
    }
    for (Process vsctl : foreign) {
      assertThat(vsctl.waitFor()).isZero();
    }
    assertThat(reports.untilRound(round).refused()).isEmpty();
    assertThat(reports.all()).extracting(BridgeReport::refused).containsOnly("");

    List<String> expected = new ArrayList<>(IntStream.range(0, 50).mapToObj(i -> "f" + i).toList());
    // The last rounds: i=48 added 0 and removed 1, i=49 added 1 and removed 2.
    expected.addAll(List.of("mirror0", "mirror1"));
    assertThat(database.ports()).containsExactlyInAnyOrderElementsOf(expected);
  }

  @Test
  void twoSessionsThatAddTheSamePortMakeOne() throws Exception {
    Reports others = new Reports();
    try (BridgeSession other =
        connector.open("n1", Endpoint.unix(database.socket()), "br-int", Lock.Wish.NONE, others)) {
      others.untilBridge("br-int", bridge -> true);
      for (int i = 0; i < 100; i++) {
        // Both plan from tables of the same moment; the database decides who is first.
        session.apply(++round, List.of(new AddInternalPort("mirror0")));
        other.apply(round, List.of(new AddInternalPort("mirror0")));
        assertThat(reports.untilRound(round).refused()).isEmpty();
        assertThat(others.untilRound(round).refused()).isEmpty();

        session.apply(++round, List.of(new RemovePort("mirror0")));
        other.apply(round, List.of(new RemovePort("mirror0")));
        assertThat(reports.untilRound(round).refused()).isEmpty();
        assertThat(others.untilRound(round).refused()).isEmpty();
      }
      assertThat(database.ports()).isEmpty();
    }
  }

  @Test
  void aRestartedDatabaseIsFoundAgain() throws Exception {
    apply(new AddInternalPort("mirror0"));
    database.stopServer();
    BridgeReport lost = reports.untilReason("ovsdb-server at unix:" + database.socket() + ": ");
    assertThat(lost.bridge()).isEmpty();
    session.apply(++round, List.of(new RemovePort("mirror0")));
    assertThat(reports.untilRound(round).refused()).startsWith("not connected: ");

    database.restartServer();
    Bridge bridge = reports.untilBridge("fresh", live -> has(live, "mirror0"));
    assertThat(bridge.interfaces()).containsOnlyKeys("br-int", "mirror0");
    assertThat(reports.all().getLast().reason()).isEmpty();
    assertThat(apply(new RemovePort("mirror0"))).isEmpty();
    assertThat(database.ports()).isEmpty();
  }

  @Test
  void aRestartOfTheSwitchKeepsThePort() throws Exception {
    apply(new AddInternalPort("mirror0"));
    reports.untilBridge("number", live -> number(live, "mirror0") > 0);
    database.restartVswitchd();
    database.vsctl(
        "add-port", "br-int", "late0", "--", "set", "Interface", "late0", "type=internal");
    Bridge bridge =
        reports.untilBridge("late0", live -> has(live, "late0") && number(live, "late0") > 0);
    assertThat(number(bridge, "mirror0")).isPositive();
  }

  /** Applies a round and returns why it was refused. */
  private String apply(RowChange... changes) {
    session.apply(++round, List.of(changes));
    return reports.untilRound(round).refused();
  }

  private static Interface is(Bridge bridge, String name) {
    Interface row = bridge.interfaces().get(name);
    assertThat(row).as("interface %s", name).isNotNull();
    return row;
  }

  private static boolean has(Bridge bridge, String name) {
    return bridge.interfaces().containsKey(name);
  }

  private static int number(Bridge bridge, String name) {
    return is(bridge, name).ofport().orElse(0);
  }

  private static List<BridgeMirror> mirrors(Bridge bridge) {
    return bridge.mirrors();
  }

  private static ImmutableSet<String> set(String... names) {
    return ImmutableSet.copyOf(names);
  }
}
