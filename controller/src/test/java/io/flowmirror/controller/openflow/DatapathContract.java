// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import static io.flowmirror.controller.openflow.Entries.add;
import static io.flowmirror.controller.openflow.Entries.delete;
import static org.assertj.core.api.Assertions.as;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.STRING;
import static org.awaitility.Awaitility.await;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.Lists;
import com.google.common.util.concurrent.Uninterruptibles;
import io.flowmirror.controller.transport.UnansweredException;
import io.flowmirror.flows.Action;
import io.flowmirror.flows.Cookie;
import io.flowmirror.flows.EntryFilter;
import io.flowmirror.flows.Field;
import io.flowmirror.flows.FlowChange;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.InstalledEntry;
import io.flowmirror.flows.Match;
import io.flowmirror.topology.Datapath;
import io.flowmirror.topology.LogicalPort;
import io.flowmirror.topology.Port;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What everybody who uses a {@link DatapathSession} may rely on. Written against the port and the
 * {@link OtherSide} alone, it is the same for the datapath in memory and for a real one: where the
 * two differ, the one in memory is wrong.
 */
abstract class DatapathContract {
  private final List<Conversation> conversations = new ArrayList<>();
  private OtherSide other;

  /** A switch without ports and entries. */
  abstract OtherSide otherSide();

  @BeforeEach
  final void begin() {
    other = otherSide();
  }

  @AfterEach
  final void end() {
    conversations.forEach(Conversation::close);
  }

  private Conversation open() {
    Conversation conversation = new Conversation(other::open);
    conversations.add(conversation);
    return conversation;
  }

  // Dump.

  @Test
  void tellsOfTheDatapathAndItsPorts() {
    other.addPort("p1", 3);
    other.addPort("a-name-of-15-ch", 7);
    Conversation session = open();
    Datapath datapath = session.connected();
    assertThat(datapath.connection()).isPositive();
    assertThat(datapath.dpidText()).isEqualTo("0000020000000001");
    assertThat(datapath.switchVersion()).matches("\\d+\\.\\d+\\.\\d+.*");
    assertThat(datapath.ports())
        .isEqualTo(
            ImmutableMap.of(
                3, new Port(3, "p1", true, true), 7, new Port(7, "a-name-of-15-ch", true, true)));
    assertThat(datapath.deliveryTable()).isEmpty();
    assertThat(datapath.logicalPorts()).isEmpty();
    assertThat(datapath.natInLabel()).isFalse();
    assertThat(session.reports().getFirst())
        .isEqualTo(
            new DatapathReport(
                session.reports().getFirst().datapath(),
                ImmutableList.of(),
                0,
                ImmutableMap.of(),
                "",
                session.reports().getFirst().noticedNanos(),
                false));
  }

  @Test
  void findsOvnsPipeline() {
    int p1 = other.addPort("p1");
    int p2 = other.addPort("p2");
    LogicalPort plain = new LogicalPort(p1, 3, 7, true);
    Conversation session = open();
    session.connected();
    other.plant(
        OvnEntries.phyToLog(plain),
        OvnEntries.phyToLog(new LogicalPort(p1, 3, 8, true))
            .replace("priority=100,", "priority=150,dl_vlan=5,"),
        OvnEntries.phyToLog(new LogicalPort(p2, 3, 9, true)),
        "table=40,priority=100,reg15=7,metadata=3 actions=resubmit(,89)",
        "table=89,priority=100,reg15=7,metadata=3 actions=output:" + p1,
        "table=89,priority=100,reg15=8,metadata=3"
            + " actions=push_vlan:0x8100,set_field:4101->vlan_vid,output:"
            + p1
            + ",pop_vlan");
    Datapath datapath = withLogicalPorts(session, 2);
    assertThat(datapath.deliveryTable()).isEqualTo(OptionalInt.of(89));
    assertThat(datapath.logicalPorts())
        .containsExactly(plain, new LogicalPort(p1, 3, 8, false, true));
    assertThat(datapath.natInLabel()).isFalse();

    // OVN is upgraded: all is wiped, another delivery table, and the NAT mark elsewhere.
    other.wipe();
    withLogicalPorts(session, 0);
    other.plant("table=10,ct_label=2/2 actions=drop");
    other.plant("table=65,priority=100,reg15=7,metadata=3 actions=output:" + p1);
    other.plant(OvnEntries.phyToLog(plain));
    datapath = withLogicalPorts(session, 1);
    assertThat(datapath.deliveryTable()).isEqualTo(OptionalInt.of(65));
    assertThat(datapath.natInLabel()).isTrue();
  }

  /** Only what table 0 and T both say of a port holds, and only of OVN's entries. */
  @Test
  void aLogicalPortIsOneOnWhichOvnsTablesAgree() {
    LogicalPort good = new LogicalPort(4, 3, 7, true);
    other.plant(
        OvnEntries.phyToLog(good),
        OvnEntries.phyToLog(new LogicalPort(5, 3, 8, true)),
        OvnEntries.phyToLog(new LogicalPort(6, 3, 9, true))
            .replace("priority=100", "priority=9999"),
        "table=65,priority=100,reg15=7,metadata=3 actions=output:4",
        "table=65,priority=100,reg15=8,metadata=3 actions=output:6",
        "table=65,priority=100,reg15=9,metadata=3 actions=output:6");
    assertThat(open().connected().logicalPorts()).containsExactly(good);
  }

  private static Datapath withLogicalPorts(Conversation session, int count) {
    return session
        .report(
            report ->
                report.datapath().filter(found -> found.logicalPorts().size() == count).isPresent())
        .datapath()
        .orElseThrow();
  }

  @Test
  void findsEntriesOfOursInAnyTable() {
    other.plant("cookie=0x464d100200000001,table=33,priority=1,metadata=5 actions=drop");
    Conversation session = open();
    session.connected();
    FlowEntry found = Entries.in(session.reports().getLast()).get(0);
    assertThat(found.key().table()).isEqualTo(33);
    assertThat(session.apply(delete(found)).entries()).isEmpty();
    assertThat(other.entries()).isEmpty();
  }

  /** What could keep packets from ours, and no more: the rest is no business of ours. */
  @Test
  void tellsOfForeignEntriesThatMayHideOurs() {
    other.plant(OvnEntries.of(65, List.of(new LogicalPort(4, 3, 7, true))).toArray(String[]::new));
    String[] standing = {
      "cookie=0x12,table=0,priority=40000,in_port=9,dl_dst=0a:00:00:00:00:01 actions=drop",
      "cookie=0x12,table=65,priority=40001,in_port=9,reg13=5 actions=set_field:9->reg12",
      "cookie=0x12,table=0,priority=65535,in_port=9 actions=drop"
    };
    other.plant(standing);
    other.plant(
        "cookie=0x12,table=0,priority=39989,in_port=9 actions=drop",
        "cookie=0x12,table=64,priority=40000,in_port=9 actions=drop");
    Conversation session = open();
    session.connected();
    assertThat(Entries.in(session.reports().getLast()))
        .containsExactlyInAnyOrderElementsOf(Lists.transform(List.of(standing), OvnText::parse));
  }

  // Apply.

  @Test
  void whatIsAppliedIsReadBackBitByBit() {
    FlowEntry e1 = Entries.e1(4, 9);
    FlowEntry e2 = Entries.e2(65, 0xffffff, 32767, 9);
    FlowEntry e3 = Entries.e3(65, 4, 3, 7);
    FlowEntry wide =
        Entries.entry(
            253,
            65535,
            Match.ANY
                .with(Field.METADATA, 0x8000_0000_0000_0005L)
                .with(Field.TUN_ID, 0, 0x8000_0000_0000_0000L)
                .with(Field.REG15, 0xffff_fffeL),
            Cookie.OWNER | 0xffff_ffff_ffffL & ~(1L << 39),
            new Action.SetField(Field.TUN_ID, -1),
            new Action.Load(Field.METADATA, 60, 4, 15),
            new Action.Load(Field.REG14, 0, 32, 0xffff_ffffL),
            new Action.Output(0xfeff));
    FlowEntry nothing = Entries.endingAfter(0, Entries.entry(0, 0, Match.ANY, e1.cookie()));
    Conversation session = open();
    DatapathReport report =
        session.apply(add(e1), add(e2), add(e3), add(wide), add(nothing), add(Entries.e0(9)));
    assertThat(report.refused()).isEmpty();
    assertThat(Entries.in(report))
        .containsExactlyInAnyOrder(e1, e2, e3, wide, nothing, Entries.e0(9));
    assertThat(other.entries()).containsExactlyInAnyOrderElementsOf(Entries.in(report));

    report =
        session.apply(
            delete(e1),
            delete(e2),
            delete(e3),
            delete(wide),
            delete(nothing),
            delete(Entries.e0(9)));
    assertThat(report.refused()).isEmpty();
    assertThat(report.entries()).isEmpty();
    assertThat(other.entries()).isEmpty();
  }

  /** An entry's identity is its table, priority and match, and nothing else. */
  @Test
  void anAdditionReplacesAndBeginsANewLifeWithTheOldCounts() {
    int p1 = other.addPort("p1");
    FlowEntry entry = Entries.e1(p1, 9);
    Conversation session = open();
    session.apply(add(entry));
    other.send(Packet.from(p1));
    other.elapse(Duration.ofSeconds(2));
    InstalledEntry old = only(session.reading(report -> only(report).age() >= 2));
    assertThat(old.packets()).isEqualTo(1);
    assertThat(old.bytes()).isEqualTo(Packet.BYTES);

    FlowEntry replacement = Entries.endingAfter(1000, Entries.ofAnother(Entries.e1(p1, 8)));
    InstalledEntry young = only(session.apply(add(replacement)));
    assertThat(young.entry()).isEqualTo(replacement);
    assertThat(young.age()).isLessThan(2);
    assertThat(young.packets()).isEqualTo(1);
    assertThat(young.bytes()).isEqualTo(Packet.BYTES);
    assertThat(other.entries()).containsExactly(replacement);
  }

  private static InstalledEntry only(DatapathReport report) {
    assertThat(report.entries()).hasSize(1);
    return report.entries().get(0);
  }

  /** The port does not protect what is not ours; who computes the changes does. */
  @Test
  void anAdditionReplacesWhoeverStandsThere() {
    FlowEntry entry = Entries.e1(4, 9);
    other.plant("cookie=0x12,table=0,priority=40000,in_port=4,metadata=0 actions=drop");
    assertThat(Entries.in(open().apply(add(entry)))).containsExactly(entry);
    assertThat(other.entries()).containsExactly(entry);
  }

  @Test
  void deletesOnlyWhatBearsTheCookie() {
    other.plant(
        "cookie=0x12,table=0,priority=40000,in_port=1,metadata=0 actions=drop",
        "cookie=0x464d100100000099,table=0,priority=40000,in_port=2,metadata=0 actions=drop");
    ImmutableList<FlowEntry> before = other.entries();
    DatapathReport report =
        open().apply(delete(Entries.e1(1, 9)), delete(Entries.e1(2, 9)), delete(Entries.e1(3, 9)));
    assertThat(report.refused()).isEmpty();
    assertThat(other.entries()).isEqualTo(before);
    // The foreign one stands where ours would, and is told of.
    assertThat(Entries.in(report)).containsExactlyInAnyOrderElementsOf(before);
  }

  @Test
  void refusesWhatIsNotOurs() {
    other.plant("cookie=0x12,table=0,priority=5,in_port=1 actions=drop");
    Conversation session = open();
    FlowEntry foreign =
        Entries.entry(0, 5, Match.ANY.with(Field.IN_PORT, 1), 0x12, new Action.Output(1));
    FlowEntry good = Entries.e1(1, 2);
    for (DatapathReport report :
        List.of(
            session.apply(add(good), delete(foreign)), session.apply(add(foreign), add(good)))) {
      assertThat(report.refused()).containsExactly(Map.entry(foreign.key(), "cookie is not ours"));
      assertThat(report.entries()).isEmpty();
    }
    assertThat(other.entries()).hasSize(1);
  }

  @Test
  void oneRefusedEntryIsNamedAndNothingOfItsRoundApplied() {
    Conversation session = open();
    FlowEntry standing = Entries.e1(3, 2);
    session.apply(add(standing));
    FlowEntry good = Entries.e1(1, 2);
    FlowEntry noSuchTable =
        Entries.entry(255, 40000, Match.ANY, good.cookie(), new Action.Output(2));
    FlowEntry noSuchPort =
        Entries.entry(0, 40000, Match.ANY, good.cookie(), new Action.Output(0xff00));
    DatapathReport report =
        session.apply(
            delete(standing), add(good), add(noSuchTable), add(Entries.e0(2)), add(noSuchPort));
    assertThat(report.refused())
        .isEqualTo(
            ImmutableMap.of(
                noSuchTable.key(), "OFPET_FLOW_MOD_FAILED/OFPFMFC_BAD_TABLE_ID",
                noSuchPort.key(), "OFPET_BAD_ACTION/OFPBAC_BAD_OUT_PORT"));
    assertThat(Entries.in(report)).containsExactly(standing);
    assertThat(other.entries()).containsExactly(standing);

    // Every report tells the outcome of the newest round, whatever it follows.
    int p1 = other.addPort("p1");
    DatapathReport later = session.report(r -> r.datapath().orElseThrow().ports().containsKey(p1));
    assertThat(later.round()).isEqualTo(report.round());
    assertThat(later.refused()).isEqualTo(report.refused());

    report = session.apply(add(good));
    assertThat(report.refused()).isEmpty();
    assertThat(Entries.in(report)).containsExactlyInAnyOrder(standing, good);
  }

  /** A writer that slept does not know that there is another: the switch does. */
  @Test
  void whoClaimsAnOlderGenerationOrIsDemotedChangesNothing() {
    FlowEntry one = Entries.e1(1, 2);
    FlowEntry two = Entries.e1(3, 2);
    Conversation old = open();
    Conversation young = open();
    old.claim(5);
    assertThat(old.apply(add(one)).refused()).isEmpty();
    young.claim(6);
    assertThat(young.apply(add(two)).refused()).isEmpty();

    assertThat(old.apply(delete(one), delete(two)).refused())
        .containsOnlyKeys(one.key(), two.key())
        .containsEntry(one.key(), "OFPBCT_OPEN_REQUEST refused: OFPET_BAD_REQUEST/OFPBRC_IS_SLAVE");
    old.claim(5);
    assertThat(old.apply(delete(one)).refused().values())
        .singleElement(as(STRING))
        .contains("another controller is the master")
        .contains("OFPRRFC_STALE");
    assertThat(other.entries()).containsExactlyInAnyOrder(one, two);

    // The same generation may claim once more, as the stand-by does before the next is agreed on.
    old.claim(6);
    assertThat(old.apply(delete(two)).refused()).isEmpty();
    assertThat(other.entries()).containsExactly(one);
  }

  /** Some refusals come only when the bundle is committed. */
  @Test
  void anEntryThatIsRefusedOnCommitIsNamedAndNothingOfItsRoundApplied() {
    FlowEntry good = Entries.e1(1, 2);
    FlowEntry hidden = Entries.entry(254, 40000, Match.ANY, good.cookie(), new Action.Output(2));
    DatapathReport report = open().apply(add(good), add(hidden), add(Entries.e0(2)));
    assertThat(report.refused())
        .containsExactly(Map.entry(hidden.key(), "OFPET_BAD_REQUEST/OFPBRC_EPERM"));
    assertThat(report.entries()).isEmpty();
    assertThat(other.entries()).isEmpty();
  }

  @Test
  void changesAreMadeInTheirOrder() {
    FlowEntry first = Entries.e1(1, 2);
    FlowEntry second = Entries.e1(1, 3);
    FlowEntry gone = Entries.e1(4, 2);
    FlowEntry back = Entries.e1(5, 2);
    Conversation session = open();
    session.apply(add(back));
    DatapathReport report =
        session.apply(add(first), add(second), add(gone), delete(gone), delete(back), add(back));
    assertThat(Entries.in(report)).containsExactlyInAnyOrder(second, back);
  }

  @Test
  void aRoundOfNothingIsAppliedToo() {
    FlowEntry entry = Entries.e1(1, 2);
    Conversation session = open();
    session.apply(add(entry));
    DatapathReport report = session.apply();
    assertThat(report.refused()).isEmpty();
    assertThat(Entries.in(report)).containsExactly(entry);
  }

  @Test
  void aRoundForAnotherConnectionIsDropped() {
    Conversation session = open();
    long before = session.connected().connection();
    other.cut();
    session.lost();
    List<Long> dropped = new ArrayList<>();
    dropped.add(session.begin(before, List.of(add(Entries.e1(1, 2)))));
    other.mend();
    long after = session.connected().connection();
    dropped.add(session.begin(before, List.of(add(Entries.e1(1, 2)))));
    dropped.add(session.begin(after + 1, List.of(add(Entries.e1(1, 2)))));
    assertThat(session.apply().entries()).isEmpty();
    assertThat(other.entries()).isEmpty();
    assertThat(session.reports())
        .extracting(DatapathReport::round)
        .doesNotContainAnyElementsOf(dropped);
  }

  // Changes.

  @Test
  void aPortAppearsIsRenumberedAndDisappears() {
    other.addPort("p1", 3);
    Conversation session = open();
    Datapath datapath = session.connected();
    other.addPort("p2", 4);
    awaitPorts(session, Map.of(3, "p1", 4, "p2"));
    // Another port has the name now, and then the number.
    other.removePort("p1");
    other.addPort("p1", 5);
    awaitPorts(session, Map.of(4, "p2", 5, "p1"));
    other.addPort("p3", 3);
    awaitPorts(session, Map.of(3, "p3", 4, "p2", 5, "p1"));
    other.removePort("p2");
    awaitPorts(session, Map.of(3, "p3", 5, "p1"));
    assertThat(session.connected().connection()).isEqualTo(datapath.connection());
  }

  private static void awaitPorts(Conversation session, Map<Integer, String> names) {
    session.report(
        report -> {
          Map<Integer, Port> ports = report.datapath().orElseThrow().ports();
          return ports.keySet().equals(names.keySet())
              && ports.values().stream()
                  .allMatch(port -> port.name().equals(names.get(port.ofport())));
        });
  }

  @Test
  void aPortIsBroughtUpAndSomebodyTakesItDown() {
    other.addPort("p1", 3);
    other.addPort("p2", 4);
    Conversation session = open();
    Datapath datapath = session.connected();
    session.session().bringUp(datapath.connection(), 5);
    session.session().bringUp(datapath.connection() + 1, 4);
    session.session().bringUp(datapath.connection(), 3);
    awaitPort(session, new Port(3, "p1", false, false));
    other.setUp("p1", false);
    awaitPort(session, new Port(3, "p1", true, true));
    assertThat(session.connected().ports()).isEqualTo(datapath.ports());
  }

  private static void awaitPort(Conversation session, Port port) {
    session.report(
        report -> port.equals(report.datapath().orElseThrow().ports().get(port.ofport())));
  }

  @Test
  void changesByOthersAreToldUnasked() {
    FlowEntry e1 = Entries.e1(1, 2);
    FlowEntry e0 = Entries.e0(2);
    Conversation session = open();
    session.apply(add(e1), add(e0));
    other.uproot(e0.key());
    session.report(report -> Entries.in(report).equals(List.of(e1)));
    String foreign = "cookie=0x12,table=0,priority=40000,in_port=1,metadata=0 actions=drop";
    other.plant(foreign);
    session.report(report -> Entries.in(report).equals(List.of(OvnText.parse(foreign))));
    other.uproot(e1.key());
    session.report(report -> report.entries().isEmpty());
    session.apply(add(e1), add(Entries.entry(33, 1, Match.ANY, e1.cookie())));
    other.wipe();
    session.report(report -> report.entries().isEmpty());
  }

  /** In T as in table 0, once it is known. */
  @Test
  void changesOfTheDeliveryTableAreToldUnasked() {
    other.plant(OvnEntries.of(65, List.of(new LogicalPort(4, 3, 7, true))).toArray(String[]::new));
    FlowEntry e2 = Entries.e2(65, 3, 7, 9);
    Conversation session = open();
    session.apply(add(e2));
    other.uproot(e2.key());
    session.report(report -> report.entries().isEmpty());
    other.plant("table=65,priority=100,reg15=7,metadata=3 actions=output:5");
    withLogicalPorts(session, 0);
  }

  @Test
  void twoSessionsHearOfEachOther() {
    Conversation one = open();
    Conversation two = open();
    assertThat(one.connected().connection()).isNotEqualTo(two.connected().connection());
    FlowEntry entry = Entries.e1(1, 2);
    long round = one.apply(add(entry)).round();
    two.report(report -> Entries.in(report).contains(entry));
    two.apply(delete(entry));
    assertThat(one.report(report -> report.entries().isEmpty()).round()).isEqualTo(round);
  }

  @Test
  void anEntryEndsWithItsHardTimeout() {
    FlowEntry ends = Entries.endingAfter(1, Entries.e1(1, 2));
    FlowEntry stays = Entries.endingAfter(0, Entries.e1(3, 2));
    Conversation session = open();
    session.apply(add(ends), add(stays));
    other.elapse(Duration.ofSeconds(1));
    session.report(report -> Entries.in(report).equals(List.of(stays)));
    assertThat(other.entries()).containsExactly(stays);
  }

  /** An entry that is replaced in time does not end with the one that it replaces. */
  @Test
  void aRenewalOutlivesTheFirstHardTimeout() {
    FlowEntry ends = Entries.endingAfter(3, Entries.e1(1, 2));
    FlowEntry renewed = Entries.endingAfter(3, Entries.e1(3, 2));
    FlowEntry renewal = Entries.endingAfter(60, renewed);
    Conversation session = open();
    session.apply(add(ends), add(renewed));
    other.elapse(Duration.ofSeconds(1));
    session.apply(add(renewal));
    other.elapse(Duration.ofSeconds(2));
    session.report(report -> Entries.in(report).equals(List.of(renewal)));
  }

  @Test
  void aReadingIsReported() {
    int p1 = other.addPort("p1");
    Conversation session = open();
    session.apply(add(Entries.e1(p1, 9)));
    other.send(Packet.from(p1));
    other.send(Packet.from(p1));
    assertThat(only(session.reading(report -> only(report).packets() == 2)).bytes())
        .isEqualTo(2 * Packet.BYTES);
  }

  @Test
  void aLostConnectionIsToldWithAReasonAndANewOneReadsAllAnew() {
    other.addPort("p1");
    FlowEntry entry = Entries.e1(1, 2);
    FlowEntry refused = Entries.entry(255, 1, Match.ANY, entry.cookie());
    Conversation session = open();
    session.apply(add(entry));
    long before = session.connected().connection();
    session.apply(add(refused));
    other.cut();
    DatapathReport lost = session.lost();
    assertThat(lost.reason()).isNotEmpty();
    assertThat(lost.entries()).isEmpty();
    assertThat(lost.round()).isZero();
    assertThat(lost.refused()).isEmpty();

    other.removePort("p1");
    int p2 = other.addPort("p2");
    other.mend();
    Datapath after = session.connected();
    DatapathReport first =
        session.reports().stream()
            .filter(report -> report.datapath().filter(d -> d.connection() != before).isPresent())
            .findFirst()
            .orElseThrow();
    assertThat(after.connection()).isGreaterThan(before);
    assertThat(after.ports()).containsKey(p2);
    assertThat(after.port("p1")).isEmpty();
    assertThat(first.reason()).isEmpty();
    assertThat(first.round()).isZero();
    assertThat(first.refused()).isEmpty();
    assertThat(Entries.in(first)).containsExactly(entry);
  }

  @Test
  void aSwitchThatCrashesComesBackWithoutEntries() {
    other.addPort("p1");
    Conversation session = open();
    session.apply(add(Entries.e1(1, 2)));
    Datapath before = session.connected();
    other.crash();
    assertThat(session.lost().reason()).isNotEmpty();
    other.restart();
    DatapathReport report =
        session.report(
            r -> r.datapath().filter(found -> found.ports().equals(before.ports())).isPresent());
    assertThat(report.datapath().orElseThrow().connection()).isGreaterThan(before.connection());
    assertThat(report.entries()).isEmpty();
    assertThat(report.round()).isZero();
    assertThat(other.entries()).isEmpty();
  }

  /** A session that is opened while there is no switch says so, and goes on trying. */
  @Test
  void aSessionMayBeOpenedBeforeItsSwitchIsThere() {
    other.cut();
    Conversation session = open();
    assertThat(session.lost().reason()).isNotEmpty();
    other.mend();
    session.connected();
  }

  // On demand.

  @Test
  void anAuditIsToldWhenItsReportHasBeen() {
    Conversation session = open();
    session.connected();
    other.plant("cookie=0x464d100200000001,table=0,priority=7 actions=drop");
    answer(session.session().audit());
    assertThat(Entries.in(session.reports().getLast())).isEqualTo(other.entries());
  }

  @Test
  void aDumpHasWhatIsAskedForAndNoReportOfIt() {
    List<String> ovn = OvnEntries.of(65, List.of(new LogicalPort(4, 3, 7, true)));
    other.plant(ovn.toArray(String[]::new));
    other.plant(
        "cookie=0x464d100200000001,table=0,priority=7,in_port=4,metadata=5 actions=output:6",
        "cookie=0x12,table=33,priority=8,reg14=0x10/0xf0 actions=output:4,output:6",
        "cookie=0x12,table=33,priority=9,reg14=5 actions=drop");
    Conversation session = open();
    session.connected();
    int reports = session.reports().size();
    ImmutableList<FlowEntry> all = other.entries();
    List<EntryFilter> filters =
        List.of(
            EntryFilter.ALL,
            EntryFilter.ALL.inTable(33),
            EntryFilter.ALL.inTable(200),
            EntryFilter.ALL.inTable(0).withInPort(4),
            EntryFilter.ALL.withOutPort(4),
            EntryFilter.ALL.inTable(33).withOutPort(6),
            EntryFilter.ALL.withCookie(Cookie.OWNER, Cookie.OWNER_MASK),
            EntryFilter.ALL.withCookie(0x12, -1),
            EntryFilter.ALL.with(Match.ANY.with(Field.REG15, 7).with(Field.METADATA, 3)),
            EntryFilter.ALL.with(Match.ANY.with(Field.REG14, 0x10, 0x30)),
            EntryFilter.ALL.with(Match.ANY.with(Field.REG14, 0x10)));
    List<Integer> sizes = new ArrayList<>();
    for (EntryFilter filter : filters) {
      List<FlowEntry> dumped = dump(session, filter);
      assertThat(dumped)
          .as("%s", filter)
          .containsExactlyInAnyOrderElementsOf(all.stream().filter(filter::includes).toList());
      sizes.add(dumped.size());
    }
    assertThat(sizes).containsExactly(all.size(), 2, 0, 2, 2, 1, 1, 2, 3, 1, 0);
    // Its own reading goes on as before.
    FlowEntry entry = Entries.e1(1, 2);
    assertThat(Entries.in(session.apply(add(entry)))).contains(entry);
    assertThat(session.reports().subList(0, reports + 1))
        .extracting(DatapathReport::reason)
        .containsOnly("");
  }

  private static List<FlowEntry> dump(Conversation session, EntryFilter filter) {
    List<FlowEntry> dumped = Collections.synchronizedList(new ArrayList<>());
    long count =
        answer(
            session
                .session()
                .dump(filter, batch -> batch.forEach(installed -> dumped.add(installed.entry()))));
    assertThat(dumped).hasSize((int) count);
    return dumped;
  }

  private static <T> T answer(CompletableFuture<T> answer) {
    return answer.orTimeout(Conversation.PATIENCE.toSeconds(), TimeUnit.SECONDS).join();
  }

  /** Many at once, each of many tables, while rounds are applied. */
  @Test
  void dumpsAndRoundsDoNotDisturbEachOther() {
    List<String> planted = new ArrayList<>();
    for (int i = 0; i < 900; i++) {
      planted.add(
          "cookie=0x12,table="
              + (10 + i % 30)
              + ",priority="
              + (1 + i)
              + ",metadata="
              + i
              + " actions=resubmit(,60)");
    }
    other.plant(planted.toArray(String[]::new));
    Conversation session = open();
    session.connected();
    List<CompletableFuture<Long>> dumps = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      dumps.add(session.session().dump(EntryFilter.ALL.withCookie(0x12, -1), batch -> {}));
      dumps.add(session.session().dump(EntryFilter.ALL, batch -> {}));
      FlowEntry entry = Entries.e1(1 + i, 2);
      assertThat(session.apply(add(entry)).refused()).isEmpty();
    }
    for (int i = 0; i < 10; i++) {
      assertThat(answer(dumps.get(2 * i))).isEqualTo(900);
      assertThat(answer(dumps.get(2 * i + 1))).isBetween(900L, 910L);
    }
  }

  @Test
  void aDumpEndsWithWhateverItsConsumerThrows() {
    other.plant("table=1 actions=drop");
    Conversation session = open();
    session.connected();
    CompletableFuture<Long> dump =
        session
            .session()
            .dump(
                EntryFilter.ALL,
                batch -> {
                  throw new IllegalStateException("enough");
                });
    assertThatThrownBy(() -> answer(dump)).hasRootCauseMessage("enough");
    assertThat(dump(session, EntryFilter.ALL)).hasSize(1);
  }

  @Test
  void withoutAConnectionThereIsNoAnswer() {
    Conversation session = open();
    session.connected();
    other.cut();
    session.lost();
    assertUnanswered(session.session().audit(), "no OpenFlow connection: ");
    assertUnanswered(
        session.session().dump(EntryFilter.ALL, batch -> {}), "no OpenFlow connection: ");
    other.mend();
    session.connected();
    assertThat(dump(session, EntryFilter.ALL)).isEmpty();
    session.close();
    assertUnanswered(session.session().audit(), "the session is closed");
    assertUnanswered(session.session().dump(EntryFilter.ALL, batch -> {}), "the session is closed");
  }

  private static void assertUnanswered(CompletableFuture<?> answer, String words) {
    assertThatThrownBy(() -> answer(answer))
        .cause()
        .isInstanceOf(UnansweredException.class)
        .hasMessageContaining(words);
  }

  // Close.

  @Test
  void closingLeavesTheEntriesAndEndsTheReports() {
    FlowEntry entry = Entries.e1(1, 2);
    Conversation witness = open();
    witness.connected();
    Conversation session = open();
    session.apply(add(entry));
    long connection = session.connected().connection();
    session.close();
    int reports = session.reports().size();
    session.session().read();
    session.begin(connection, List.of(delete(entry)));
    other.addPort("p1", 3);
    witness.report(report -> report.datapath().orElseThrow().ports().containsKey(3));
    witness.apply(add(Entries.e0(2)));
    assertThat(other.entries()).containsExactlyInAnyOrder(entry, Entries.e0(2));
    assertThat(session.reports()).hasSize(reports);
    session.close();
  }

  // Threads.

  @Test
  void noCallWaitsForTheConsumer() {
    CountDownLatch mayReturn = new CountDownLatch(1);
    List<DatapathReport> reports = Collections.synchronizedList(new ArrayList<>());
    Conversation slow =
        new Conversation(
            consumer ->
                other.open(
                    report -> {
                      reports.add(report);
                      Uninterruptibles.awaitUninterruptibly(mayReturn);
                      consumer.accept(report);
                    }));
    conversations.add(slow);
    await().atMost(Conversation.PATIENCE).until(() -> !reports.isEmpty());
    long connection = reports.get(0).datapath().orElseThrow().connection();
    FlowEntry entry = Entries.e1(1, 2);
    long round = slow.begin(connection, List.of(add(entry)));
    slow.session().read();
    await().atMost(Conversation.PATIENCE).until(() -> other.entries().contains(entry));
    other.addPort("p1");
    assertThat(reports).hasSize(1);
    mayReturn.countDown();
    DatapathReport newest =
        slow.report(
            report ->
                report.round() == round && report.datapath().orElseThrow().ports().size() == 1);
    assertThat(Entries.in(newest)).containsExactly(entry);
  }

  // Packets: the tables.

  @Test
  void theHighestPriorityWinsAndAMissDrops() {
    int in = other.addPort("in");
    int out = other.addPort("out");
    int away = other.addPort("away");
    assertThat(other.reach(Packet.from(in))).isEmpty();
    other.plant(
        "table=0,priority=10 actions=output:" + away,
        "table=0,priority=30,in_port=" + in + ",metadata=0x10/0xf0 actions=output:" + out,
        "table=0,priority=20,in_port=" + in + ",tun_id=7 actions=resubmit(,5),output:" + out,
        "table=0,priority=5,dl_dst=0a:00:00:00:00:01 actions=output:" + out);
    assertThat(other.reach(Packet.from(in).to("0a:00:00:00:00:01"))).containsExactly(away);
    assertThat(other.reach(Packet.from(in).with(Field.METADATA, 0x15))).containsExactly(out);
    assertThat(other.reach(Packet.from(in).with(Field.METADATA, 0x25))).containsExactly(away);
    assertThat(other.reach(Packet.from(out).with(Field.METADATA, 0x15))).containsExactly(away);
    // A miss in another table ends only what is done there.
    assertThat(other.reach(Packet.from(in).with(Field.TUN_ID, 7))).containsExactly(out);
  }

  @Test
  void anOutputToWhereItCameFromOrToNowhereIsLeftOut() {
    int in = other.addPort("in");
    int out = other.addPort("out");
    other.plant(
        String.format("table=0,in_port=%d actions=output:%d,output:999,output:%d", in, in, out),
        // OVN forgets where a packet came from, to send it back there.
        String.format("table=0,in_port=%d actions=load:0->OXM_OF_IN_PORT[],output:%d", out, out));
    assertThat(other.reach(Packet.from(in))).containsExactly(out);
    assertThat(other.reach(Packet.from(out))).containsExactly(out);
    other.removePort("out");
    assertThat(other.reach(Packet.from(in))).isEmpty();
  }

  @Test
  void actionsChangeWhatTheNextTableSees() {
    int in = other.addPort("in");
    int out = other.addPort("out");
    other.plant(
        "table=0,metadata=0 actions=load:0x5->NXM_NX_REG14[8..11],set_field:9->reg15,"
            + "set_field:6->reg13,set_field:0x100000000->metadata,resubmit(,1),"
            + "load:0->OXM_OF_METADATA[32],resubmit(,0)",
        "table=0,metadata=3 actions=output:" + out,
        "table=1,reg14=0x52f,reg15=9,reg13=6,metadata=0x100000000 actions=output:"
            + out
            + ",set_field:7->metadata,load:0x3->OXM_OF_METADATA[0..2]");
    assertThat(other.reach(Packet.from(in).with(Field.REG14, 0x22f))).containsExactly(out, out);
  }

  @Test
  void aPacketThatRecursTooDeepReachesNobody() {
    int in = other.addPort("in");
    int out = other.addPort("out");
    other.plant("table=0,in_port=" + in + " actions=output:" + out + ",resubmit(,0)");
    assertThat(other.reach(Packet.from(in))).isEmpty();
    // 64 resubmits within each other are allowed.
    other.plant(countdown(64, in, out));
    assertThat(other.reach(Packet.from(in).with(Field.METADATA, 64))).hasSize(65);
    other.plant(countdown(65, in, out));
    assertThat(other.reach(Packet.from(in).with(Field.METADATA, 65))).isEmpty();
  }

  private static String[] countdown(int from, int in, int out) {
    String[] entries = new String[from + 1];
    for (int i = 0; i <= from; i++) {
      entries[i] =
          String.format(
              "table=0,priority=40000,in_port=%d,metadata=%d actions=output:%d", in, i, out);
      if (i > 0) {
        entries[i] += ",set_field:" + (i - 1) + "->metadata,resubmit(,0)";
      }
    }
    return entries;
  }

  @Test
  void aPacketThatNeedsTooManyResubmitsReachesNobody() {
    int in = other.addPort("in");
    int out = other.addPort("out");
    // 1 + 64 + 64 * 62 + 63 = 4096 in all.
    other.plant(
        "table=0 actions=output:" + out + ",resubmit(,1)" + ",resubmit(,3)".repeat(63),
        "table=1 actions=" + "resubmit(,2),".repeat(63) + "resubmit(,2)",
        "table=2 actions=" + "resubmit(,3),".repeat(61) + "resubmit(,3)");
    assertThat(other.reach(Packet.from(in))).containsExactly(out);
    other.plant("table=0 actions=output:" + out + ",resubmit(,1)" + ",resubmit(,3)".repeat(64));
    assertThat(other.reach(Packet.from(in))).isEmpty();
  }

  // Packets: copies, on what OVN makes of two logical switches with a router between them.

  private static final int T = 65;
  private static final int M = 9;
  private static final LogicalPort A = new LogicalPort(1, 5, 1, true);
  private static final LogicalPort B = new LogicalPort(2, 5, 2, true);
  private static final LogicalPort C = new LogicalPort(3, 5, 3, true);

  /** On the other switch. */
  private static final LogicalPort D = new LogicalPort(4, 6, 1, true);

  @Test
  void withoutEntriesOfOursOvnDelivers() {
    ovn();
    assertThatOvnDelivers();
    assertThat(other.reach(Packet.from(M))).isEmpty();
  }

  @Test
  void whatAPodSendsIsCopiedOnceAndGoesOnItsWay() {
    ovn();
    open().apply(add(Entries.e0(M)), add(e1(A)));
    assertThat(reach(A, B)).containsExactly(M, 2);
    assertThat(reach(A, D)).containsExactly(M, 4);
    assertThat(flood(A)).containsExactly(M, 2, 3);
    assertThat(reach(B, A)).containsExactly(1);
    assertThat(flood(B)).containsExactly(1, 3);
    assertThat(other.reach(Packet.from(M))).isEmpty();
  }

  @Test
  void whatIsDeliveredToAPodIsCopiedOnceAndDelivered() {
    ovn();
    open().apply(add(Entries.e0(M)), add(e2(A)));
    assertThat(reach(B, A)).containsExactly(M, 1);
    assertThat(flood(B)).containsExactly(M, 1, 3);
    assertThat(reach(A, B)).containsExactly(2);
    // It is not delivered to where it came from.
    assertThat(flood(A)).containsExactly(2, 3);
    assertThat(other.reach(Packet.from(M))).isEmpty();
  }

  @Test
  void betweenTwoMirroredPodsThereIsOneCopyOfOneFrame() {
    ovn();
    Conversation session = open();
    session.apply(add(Entries.e0(M)), add(e1(A)), add(e2(A)), add(e1(B)), add(e2(B)));
    assertThat(reach(A, B)).as("without E3").containsExactly(M, M, 2);

    session.apply(adding(mirrored(A, B)));
    assertThat(reach(A, B)).containsExactly(M, 2);
    assertThat(reach(B, A)).containsExactly(M, 1);
    assertThat(flood(A)).containsExactly(M, 2, 3);
    assertThat(reach(C, A)).containsExactly(M, 1);
    assertThat(reach(A, C)).containsExactly(M, 3);
    // One for each pod that it is delivered to: a limit that is written down.
    assertThat(flood(C)).containsExactly(M, 1, M, 2);
    assertThat(other.reach(Packet.from(M))).isEmpty();
  }

  /** What was changed on its way is another frame. */
  @Test
  void whatWasTranslatedOrRoutedBetweenTwoMirroredPodsIsCopiedInBothForms() {
    ovn();
    open().apply(adding(mirrored(A, B, D)));
    Packet toB = Packet.from(A.ofport()).to(OvnEntries.address(B));
    assertThat(other.reach(toB.with(Field.CT_MARK, 2))).containsExactly(M, M, 2);
    assertThat(other.reach(toB.with(Field.CT_MARK, 0xd))).containsExactly(M, 2);
    assertThat(reach(A, D)).containsExactly(M, M, 4);
  }

  @Test
  void theGlobalFormCopiesEachFrameOnceAndNoneOfTheMirrorPort() {
    ovn();
    List<FlowEntry> entries = new ArrayList<>(mirrored(A, B, C, D));
    entries.removeAll(List.of(e1(A), e1(B), e1(C), e1(D)));
    entries.add(Entries.e1OfAnyPort(M));
    open().apply(adding(entries));
    assertThat(reach(A, B)).containsExactly(M, 2);
    assertThat(reach(A, D)).containsExactly(M, M, 4);
    assertThat(flood(C)).containsExactly(M, 1, 2);
    assertThat(other.reach(Packet.from(M))).isEmpty();
    assertThat(other.reach(Packet.from(M).to(OvnEntries.address(A)))).isEmpty();
  }

  @Test
  void afterRemovalThereIsNoCopy() {
    ovn();
    ImmutableList<FlowEntry> before = other.entries();
    Conversation session = open();
    session.apply(adding(mirrored(A, B)));
    session.apply(Lists.transform(mirrored(A, B), Entries::delete));
    assertThatOvnDelivers();
    assertThat(other.entries()).containsExactlyInAnyOrderElementsOf(before);
  }

  @Test
  void aStaleEntryCostsNoPacket() {
    ovn();
    Conversation session = open();
    session.apply(adding(mirrored(A, B, D)));
    // E0 of a number that is a pod's by now, and E2 of a key that nobody has.
    session.apply(add(Entries.e0(C.ofport())), add(Entries.e2(T, 5, 77, M)));
    other.removePort("m");
    assertThatOvnDelivers();
  }

  private void ovn() {
    List.of(A, B, C, D).forEach(port -> other.addPort("pod" + port.ofport(), port.ofport()));
    other.addPort("m", M);
    other.plant(OvnEntries.of(T, List.of(A, B, C, D)).toArray(String[]::new));
    // The router's port has one key on the pods' switch, and another one on the other switch.
    other.plant(
        String.format(
            "table=27,priority=50,metadata=%d,dl_dst=%s"
                + " actions=set_field:%d->metadata,set_field:9->reg14,set_field:%d->reg15,"
                + "resubmit(,37)",
            A.datapathKey(), OvnEntries.address(D), D.datapathKey(), D.portKey()));
  }

  private void assertThatOvnDelivers() {
    assertThat(reach(A, B)).containsExactly(2);
    assertThat(reach(A, D)).containsExactly(4);
    assertThat(flood(A)).containsExactly(2, 3);
    assertThat(flood(C)).containsExactly(1, 2);
  }

  private ImmutableList<Integer> reach(LogicalPort from, LogicalPort to) {
    return other.reach(Packet.from(from.ofport()).to(OvnEntries.address(to)));
  }

  private ImmutableList<Integer> flood(LogicalPort from) {
    return other.reach(Packet.from(from.ofport()));
  }

  /** The entries that copy what these pods send and get, and each frame once. */
  private static ImmutableList<FlowEntry> mirrored(LogicalPort... pods) {
    ImmutableList.Builder<FlowEntry> entries = ImmutableList.builder();
    entries.add(Entries.e0(M));
    for (LogicalPort pod : pods) {
      entries.add(e1(pod), e2(pod), e3(pod));
    }
    return entries.build();
  }

  private static List<FlowChange> adding(List<FlowEntry> entries) {
    return Lists.transform(entries, Entries::add);
  }

  private static FlowEntry e1(LogicalPort port) {
    return Entries.e1(port.ofport(), M);
  }

  private static FlowEntry e2(LogicalPort port) {
    return Entries.e2(T, port.datapathKey(), port.portKey(), M);
  }

  private static FlowEntry e3(LogicalPort port) {
    return Entries.e3(T, port.ofport(), port.datapathKey(), port.portKey());
  }
}
