// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.reconcile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Lists;
import io.flowmirror.config.Direction;
import io.flowmirror.config.Mirror;
import io.flowmirror.config.Overrides;
import io.flowmirror.config.Settings;
import io.flowmirror.config.SettingsReader;
import io.flowmirror.controller.ovsdb.Lock;
import io.flowmirror.controller.reconcile.Reconciler.Mode;
import io.flowmirror.controller.reconcile.Repair.Cause;
import io.flowmirror.flows.Cookie;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.FlowKey;
import io.flowmirror.flows.FlowParser;
import io.flowmirror.flows.FlowText;
import io.flowmirror.flows.RowChange;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

final class ReconcilerTest {
  private static final String WEB = "mirrors: [{pod: default/web}]";

  private final FakeNode node =
      new FakeNode().pod("default", "web", 5, 2, 3).pod("default", "db", 6, 2, 4);
  private @Nullable Reconciler reconciler;
  private int ports;

  @AfterEach
  void close() {
    if (reconciler != null) {
      reconciler.close();
    }
  }

  @Test
  void makesTheMirrorPortBringsItUpAndInstalls() {
    run(WEB);
    awaitSettled();
    assertThat(node.rowChanges()).containsExactly(new RowChange.AddInternalPort("mirror0"));
    assertThat(node.isUp("mirror0")).isTrue();
    // Before there was a mirror port nothing was wanted, and so nothing was found wrong.
    assertThat(last(status().repairs()).cause()).isEqualTo(Cause.MIRROR_PORT);
    assertThat(matches())
        .containsExactlyInAnyOrder(
            "table=0, priority=40010,metadata=0,in_port=100",
            "table=0, priority=40000,metadata=0,in_port=5",
            "table=65, priority=40000,reg14=0/0x1000000,reg15=0x3,metadata=0x2",
            "table=65, priority=40001,ct_mark=0/0x2,reg14=0x3,metadata=0x2,in_port=5");
  }

  @Test
  void aRestartOnANodeWhoseEntriesAreRightSendsNoFlowMod() {
    run(WEB);
    awaitSettled();
    int before = node.flowMods().size();
    restart(WEB);
    awaitSettled();
    assertThat(node.flowMods()).hasSize(before);
    assertThat(node.rowChanges()).hasSize(1);
  }

  /** One entry is wrong: one bundle, with that entry alone. */
  @Test
  void aRestartRepairsWhatIsWrongAndNothingElse() {
    node.foreignPort("mirror0", 3);
    run(WEB);
    awaitSettled();
    FlowKey e1 =
        FlowParser.parse("table=0, priority=40000,metadata=0,in_port=5 actions=drop").key();
    Objects.requireNonNull(reconciler).close();
    node.uninstall(e1);
    int mods = node.flowMods().size();
    int bundles = node.bundles();
    restart(WEB);
    awaitSettled();
    assertThat(node.bundles()).isEqualTo(bundles + 1);
    assertThat(node.flowMods()).hasSize(mods + 1);
    assertThat(node.flowMods().get(mods).key()).isEqualTo(e1);
  }

  /** Another version's entries go, and ours come, in one step: there is no gap between the two. */
  @Test
  void anUpgradeToAnotherLayoutIsOneBundle() {
    node.foreignPort("mirror0", 3);
    for (String old :
        ImmutableList.of(
            "cookie=0x464d210000000001, table=0, priority=30000,metadata=0,in_port=5"
                + " actions=output:3,set_field:1->metadata,resubmit(,0)",
            "cookie=0x464d220000000001, table=65, priority=30000,reg15=0x3,metadata=0x2"
                + " actions=output:3",
            "cookie=0x464d230000000001, table=7, priority=5,in_port=5 actions=output:3")) {
      node.install(FlowParser.parse(old));
    }
    run(WEB);
    awaitSettled();
    assertThat(node.bundles()).isEqualTo(1);
    assertThat(node.flowMods()).hasSize(3 + 4);
    assertThat(node.entries()).hasSize(4);
  }

  @Test
  void aWipeAndALostConnectionAreRepaired() {
    run(WEB);
    awaitSettled();
    node.wipe();
    await().until(() -> node.entries().size() == 4);
    node.connectionLost();
    awaitStatus(status -> status.node().datapath().isEmpty());
    assertThat(node.entries()).hasSize(4);
    node.connected();
    awaitSettled();
    assertThat(node.entries()).hasSize(4);
  }

  @Test
  void aPodThatGoesTakesItsEntriesWithIt() {
    run("mirrors: [{pod: default/web}, {pod: default/db, direction: to-pod}]");
    awaitSettled();
    assertThat(node.entries()).hasSize(5);
    node.podGone("web");
    await().until(() -> node.entries().size() == 2);
    assertThat(matches()).noneMatch(match -> match.contains("in_port=5"));
  }

  /** Promise 5. */
  @Test
  void entriesStayWhileOvsdbIsAwayOrEmpty() {
    run(WEB);
    awaitSettled();
    ImmutableList<FlowEntry> before = node.entries();
    int mods = node.flowMods().size();
    node.ovsdb(false);
    awaitStatus(status -> !status.node().bridgeConfirmed());
    node.rowsGone();
    node.ovsdb(true);
    awaitStatus(status -> status.node().bridgeConfirmed() && !status.diff().held().isEmpty());
    assertThat(node.entries()).isEqualTo(before);
    assertThat(node.flowMods()).hasSize(mods);
  }

  @Test
  void nothingIsWrittenWhileTheSwitchRestoresFlows() {
    node.restoring(true);
    run(WEB);
    awaitStatus(status -> status.waiting().toString().contains("flow-restore-wait"));
    assertThat(node.rowChanges()).isEmpty();
    assertThat(node.flowMods()).isEmpty();
    node.restoring(false);
    awaitSettled();
    assertThat(node.entries()).hasSize(4);
  }

  /** Whether flows are being restored, and whose ports these are, only OVSDB can say. */
  @Test
  void nothingIsWrittenBeforeOvsdbHasSpoken() {
    node.foreignPort("mirror0", 3);
    FlowEntry stale =
        FlowParser.parse(
            "cookie=0x464d11000000beef, table=0, priority=40000,metadata=0,in_port=9 actions=drop");
    node.install(stale);
    node.ovsdb(false);
    run("enable-mirror: true");
    awaitStatus(status -> status.node().datapath().isPresent() && !status.waiting().isEmpty());
    assertThat(node.flowMods()).isEmpty();
    node.ovsdb(true);
    awaitSettled();
    assertThat(node.entries()).doesNotContain(stale).hasSize(6);
    int mods = node.flowMods().size();

    restart("enable-mirror: true");
    awaitSettled();
    assertThat(node.flowMods()).hasSize(mods);
  }

  /**
   * A new connection may be a switch in the middle of ovs-ctl's restart: until OVSDB is back too,
   * nothing is added, and nothing goes but for what belongs to ports that are gone.
   */
  @Test
  void onANewConnectionOnlyWhatHasDepartedGoesUntilOvsdbIsBackToo() {
    node.pod("default", "other", 7, 2, 5);
    run("mirrors: [{pod: default/web}, {pod: default/db}]");
    awaitSettled();
    node.ovsdb(false);
    awaitStatus(status -> !status.node().bridgeConfirmed());
    node.connectionLost();
    FlowKey missing =
        FlowParser.parse("table=0, priority=40000,metadata=0,in_port=6 actions=drop").key();
    node.uninstall(missing);
    node.connected();
    awaitStatus(
        status -> status.node().datapath().isPresent() && status.diff().drift().size() == 1);
    assertThat(node.entries()).hasSize(6);
    node.podGone("web");
    await().until(() -> node.entries().size() == 3);
    // northd gives its keys to the next one on that switch.
    node.pod("default", "next", 9, 2, 3);
    assertThat(node.reach("other", "next")).containsExactly("next_h");
    assertThat(node.reach("other", "db")).containsExactly("mirror0", "db_h");
    assertThat(node.entries()).extracting(FlowEntry::key).doesNotContain(missing);
    node.ovsdb(true);
    awaitSettled();
    assertThat(node.entries()).extracting(FlowEntry::key).contains(missing).hasSize(4);
  }

  /** Two that undo each other's work must not do it at the speed of the socket. */
  @Test
  void aStruggleIsSlowedDownAndSaid() {
    node.foreignPort("mirror0", 3);
    node.undoEverything();
    run(WEB);
    awaitStatus(status -> status.complaints().toString().contains("Contested: somebody deletes"));
    assertThat(node.flowMods().size()).isLessThan(4 * 16);
  }

  @Test
  void aPortRowWithoutEffectIsNotWrittenAgainAtOnce() {
    node.ignoreRowChanges();
    run(WEB);
    await().until(() -> node.rowChanges().size() == 1);
    node.wipe();
    node.wipe();
    awaitStatus(status -> status.complaints().toString().contains("it is not so"));
    assertThat(status().settled()).isFalse();
    assertThat(node.rowChanges()).hasSize(1);
  }

  /** The sockets of two nodes are crossed: names of one say nothing of numbers of the other. */
  @Test
  void nothingIsWrittenToAnotherSwitchThanOvsdbDescribes() {
    FlowEntry stale =
        FlowParser.parse("cookie=0x464d01000000beef, table=0, priority=1,in_port=9 actions=drop");
    node.install(stale);
    node.dpidOfOvsdb("0000000000000002");
    run(WEB);
    awaitStatus(status -> status.complaints().toString().contains("name two switches"));
    assertThat(status().settled()).isFalse();
    assertThat(node.flowMods()).isEmpty();
    assertThat(node.rowChanges()).isEmpty();
    node.dpidOfOvsdb("0000000000000001");
    awaitSettled();
    assertThat(node.entries()).hasSize(4).doesNotContain(stale);
  }

  /**
   * Two controllers that want different ports of ours must not make them come and go in a storm.
   */
  @Test
  void aStruggleOverThePortIsSlowedDownAndSaid() {
    node.undoPorts();
    run(WEB);
    awaitStatus(
        status ->
            status.complaints().toString().contains("Contested: somebody removes our mirror port"));
    assertThat(node.rowChanges().size()).isLessThan(12);
  }

  @Test
  void oneRoundAtATime() {
    node.foreignPort("mirror0", 3);
    node.withholdAnswers();
    run(WEB);
    await().until(() -> node.flowMods().size() == 4);
    node.wipe();
    awaitStatus(status -> status.installed().isEmpty() && status.diff().changes().size() == 4);
    assertThat(node.flowMods()).hasSize(4);
    node.answer();
    awaitSettled();
    assertThat(node.flowMods()).hasSize(8);
  }

  @Test
  void aRefusedEntryIsSaidWithItsPodAndDoesNotHoldUpTheOthers() {
    node.foreignPort("mirror0", 3);
    FlowKey key =
        FlowParser.parse(
                "table=65, priority=40000,reg14=0/0x1000000,reg15=0x3,metadata=0x2 actions=drop")
            .key();
    node.refuse(key, "OFPFMFC_TABLE_FULL");
    run("mirrors: [{pod: default/web}, {pod: default/db}]");
    await().until(() -> node.entries().size() == 6);
    awaitStatus(status -> !status.refused().isEmpty());
    assertThat(status().complaints())
        .anyMatch(
            line ->
                line.contains("of default/web")
                    && line.contains("OFPFMFC_TABLE_FULL")
                    && line.contains("reg15=0x3"));
    assertThat(status().settled()).isFalse();

    node.acceptAll();
    restart("mirrors: [{pod: default/web}, {pod: default/db}]");
    awaitSettled();
    assertThat(node.entries()).hasSize(7);
  }

  /** The same would be refused again: only something else is a reason to try. */
  @Test
  void whatWasRefusedIsNotSentAgainUntilSomethingChanges() {
    node.foreignPort("mirror0", 3);
    FlowKey key =
        FlowParser.parse("table=0, priority=40000,metadata=0,in_port=5 actions=drop").key();
    node.refuse(key, "OFPFMFC_TABLE_FULL");
    run(WEB);
    // E0 and E2 by themselves: an E3 without its E1 would lose copies.
    await().until(() -> node.entries().size() == 2);
    awaitStatus(status -> !status.refused().isEmpty());
    int mods = node.flowMods().size();
    node.elapse(Duration.ofMinutes(2));
    awaitStatus(status -> status.installed().stream().allMatch(there -> there.age() == 120));
    assertThat(node.flowMods()).hasSize(mods);

    // Nor is what is asked for of a pod that is elsewhere a reason.
    Objects.requireNonNull(reconciler)
        .update(settings("mirrors: [{pod: default/web}, {pod: default/elsewhere}]"));
    awaitStatus(status -> status.intent().pods().size() == 2);
    Objects.requireNonNull(reconciler).turn().join();
    assertThat(node.flowMods()).hasSize(mods);

    node.acceptAll();
    node.pod("default", "another", 77, 2, 77);
    awaitSettled();
    assertThat(node.entries()).hasSize(4);
  }

  @Test
  void aWipeIsRepairedInOneRoundBeforeOvnIsBack() {
    node.foreignPort("mirror0", 3);
    run(WEB);
    awaitSettled();
    int mods = node.flowMods().size();
    ImmutableList<FlowEntry> before = node.entries();
    node.wipeAndStay();
    await().until(() -> node.entries().size() == 4);
    assertThat(node.entries()).containsExactlyInAnyOrderElementsOf(before);
    assertThat(node.flowMods()).hasSize(mods + 4);
    awaitStatus(status -> status.complaints().toString().contains("is ovn-controller running?"));
    node.ovnIsBack();
    awaitSettled();
    assertThat(node.flowMods()).hasSize(mods + 4);
    assertThat(last(status().repairs()).cause()).isEqualTo(Cause.WIPED);
    assertThat(last(status().repairs()).entries()).isEqualTo(4);
    assertThat(last(status().repairs()).gap()).isNotEmpty();
  }

  private static Repair last(ImmutableList<Repair> repairs) {
    assertThat(repairs).isNotEmpty();
    return repairs.get(repairs.size() - 1);
  }

  /** Promise 3: a wipe is no reason to tap whoever has the keys afterwards. */
  @Test
  void keysThatChangedDuringAWipeAreCorrected() {
    node.foreignPort("mirror0", 3);
    run(WEB);
    awaitSettled();
    node.wipeAndStay();
    await().until(() -> node.entries().size() == 4);
    node.podsSwapKeys("web", "db");
    node.pod("default", "third", 9, 2, 9);
    awaitSettled();
    assertThat(node.reach("third", "web")).containsExactlyInAnyOrder("mirror0", "web_h");
    assertThat(node.reach("third", "db")).containsExactly("db_h");
  }

  @Test
  void whatSomebodyOverwritesIsPutBack() {
    node.foreignPort("mirror0", 3);
    run(WEB);
    awaitSettled();
    FlowEntry foreign =
        FlowParser.parse(
            "cookie=0x77, table=0, priority=40000,metadata=0,in_port=5 actions=resubmit(,8)");
    for (int i = 0; i < 5; i++) {
      int mods = node.flowMods().size();
      int done = status().repairs().size();
      node.install(foreign);
      await().until(() -> node.flowMods().size() > mods);
      await().until(() -> !node.entries().contains(foreign));
      awaitStatus(status -> status.repairs().size() > done);
      awaitOneDeedLater();
    }
    assertThat(last(status().repairs()).cause()).isEqualTo(Cause.CHANGED);
    awaitStatus(
        status ->
            status
                .complaints()
                .toString()
                .contains("Contested: somebody overwrites our entries with cookie 0x77"));
  }

  /** What follows within a quarter of a second is taken for the same deed. */
  private void awaitOneDeedLater() {
    Instant noticed = last(status().repairs()).noticed();
    await().until(() -> Instant.now().isAfter(noticed.plusMillis(300)));
  }

  @Test
  void whatHidesOursIsSaidAndLeftAlone() {
    node.foreignPort("mirror0", 3);
    run(WEB);
    awaitSettled();
    FlowEntry hiding =
        FlowParser.parse("cookie=0x77, table=0, priority=50000,in_port=5 actions=resubmit(,8)");
    node.install(hiding);
    awaitStatus(status -> status.complaints().toString().contains("hides ours"));
    assertThat(status().settled()).isFalse();
    assertThat(status().complaints()).anyMatch(line -> line.contains("cookie 0x77"));
    assertThat(node.entries()).contains(hiding);
    node.uninstall(hiding.key());
    awaitSettled();
  }

  @Test
  void repairsAreToldWithTheirCause() {
    node.foreignPort("mirror0", 3);
    run(WEB);
    awaitSettled();
    assertThat(status().repairs()).hasSize(1);
    assertThat(last(status().repairs()).cause()).isEqualTo(Cause.FOUND);
    assertThat(last(status().repairs()).gap()).isEmpty();

    node.uninstall(
        FlowParser.parse("table=0, priority=40000,metadata=0,in_port=5 actions=drop").key());
    awaitStatus(status -> last(status.repairs()).cause() == Cause.DELETED);
    assertThat(last(status().repairs()).entries()).isEqualTo(1);

    awaitSettled();
    node.connectionLost();
    node.uninstall(
        FlowParser.parse("table=0, priority=40000,metadata=0,in_port=5 actions=drop").key());
    node.connected();
    awaitStatus(status -> last(status.repairs()).cause() == Cause.RECONNECTED);
    assertThat(last(status().repairs()).gap()).isNotEmpty();

    awaitSettled();
    node.podGone("web");
    awaitStatus(status -> last(status.repairs()).cause() == Cause.MOVED);
    assertThat(last(status().repairs()).gap()).contains(Duration.ZERO);
  }

  @Test
  void aRepairNamesWhoeverAsksForSomethingElse() {
    node.foreignPort("mirror0", 3);
    run("mirrors: []");
    awaitSettled();
    assertThat(status().repairs()).isEmpty();
    Objects.requireNonNull(reconciler)
        .request(
            new Requests(
                ImmutableList.of(new Mirror("default", "db", Direction.BOTH)), Optional.empty()));
    awaitStatus(
        status -> status.settled() && lastCause(status).equals(Optional.of(Cause.REQUESTED)));
    Objects.requireNonNull(reconciler).update(settings(WEB));
    awaitStatus(
        status -> status.settled() && lastCause(status).equals(Optional.of(Cause.CONFIGURED)));
    // What has been asked for and done is no cause of what comes later.
    node.podGone("web");
    awaitStatus(status -> status.settled() && lastCause(status).equals(Optional.of(Cause.MOVED)));
  }

  private static Optional<Cause> lastCause(NodeStatus status) {
    return status.repairs().reversed().stream().map(Repair::cause).findFirst();
  }

  @Test
  void nothingIsWrittenWhileAnotherHasTheLock() {
    node.foreignPort("mirror0", 3);
    node.lock(Lock.ANOTHERS);
    run(WEB);
    awaitStatus(status -> status.complaints().toString().contains("another controller is at work"));
    assertThat(node.flowMods()).isEmpty();
    node.lock(Lock.OURS);
    awaitSettled();
    assertThat(node.entries()).hasSize(4);
    node.lock(Lock.ANOTHERS);
    awaitStatus(status -> status.writer() == NodeStatus.Writer.ANOTHER);
    node.wipe();
    awaitStatus(status -> status.installed().isEmpty());
    assertThat(node.entries()).isEmpty();
    node.lock(Lock.REFUSED);
    awaitStatus(status -> status.complaints().toString().contains("knows no locks"));
    assertThat(node.entries()).isEmpty();
  }

  /** Promise 3 does not wait for the database: who had the lock when it went away goes on. */
  @Test
  void aPodThatGoesWhileTheDatabaseIsAwayTakesItsEntriesWithIt() {
    run(WEB);
    awaitSettled();
    node.ovsdb(false);
    awaitStatus(status -> !status.node().bridgeConfirmed());
    node.podGone("web");
    await().until(() -> node.entries().isEmpty());
  }

  /** Whoever has taken the lock since may want them: they are not for this one to delete. */
  @Test
  void whileNobodyKnowsWhoHasTheLockAnothersEntriesStay() {
    node.foreignPort("mirror0", 3);
    run(WEB);
    awaitSettled();
    node.ovsdb(false);
    awaitStatus(status -> !status.node().bridgeConfirmed());
    FlowEntry anothers =
        FlowParser.parse(
            "cookie=0x%x, table=0, priority=40000,metadata=0,in_port=6"
                    .formatted(Cookie.of(Cookie.Role.FROM_PORT, "db.default"))
                + " actions=output:3,set_field:1->metadata,resubmit(,0)");
    node.install(anothers);
    awaitStatus(status -> status.diff().drift().containsKey(anothers.key()));
    Objects.requireNonNull(reconciler).turn().join();
    assertThat(node.entries()).contains(anothers).hasSize(5);
    // What this one has made it may take back.
    reconciler.update(settings("mirrors: []"));
    await().until(() -> node.entries().size() == 1);
    assertThat(node.entries()).containsExactly(anothers);
    node.podGone("db");
    await().until(() -> node.entries().isEmpty());
  }

  /** The report of the loss gives way to that of the next connection. */
  @Test
  void aPortRowIsWrittenAgainWhenTheConnectionWasLostBeforeTheAnswer() {
    node.loseNextRowChange();
    run(WEB);
    awaitSettled();
    assertThat(node.rowChanges()).hasSize(2);
    assertThat(node.entries()).hasSize(4);
  }

  /** It has been taken from us since: a reload is no reason to take it back. */
  @Test
  void forceTakesTheLockOnce() {
    run(WEB);
    awaitSettled();
    assertThat(node.wishes()).containsExactly(Lock.Wish.STEAL);
    // It is handed over from one session of ours to the next.
    Objects.requireNonNull(reconciler).update(settings("audit: 5s\n" + WEB));
    await().until(() -> node.wishes().size() == 2);
    assertThat(node.wishes()).containsExactly(Lock.Wish.STEAL, Lock.Wish.STEAL);
    node.lock(Lock.ANOTHERS);
    awaitStatus(status -> status.writer() == NodeStatus.Writer.ANOTHER);
    reconciler.update(settings("audit: 1s\n" + WEB));
    await().until(() -> node.wishes().size() == 3);
    assertThat(node.wishes().get(2)).isEqualTo(Lock.Wish.WAIT);
  }

  /** What kube-ovn-cni sets up for the same annotation. */
  @Test
  void kubeOvnsMirrorIsReported() {
    node.foreignPort("mirror0", 3);
    node.mirror("m0", "mirror0", "web_h", "db_h");
    node.mirror("m1", "elsewhere", "web_h");
    run(WEB);
    awaitSettled();
    assertThat(status().complaints()).hasSize(1);
    assertThat(status().complaints().get(0))
        .startsWith("Doubled by Mirror m0")
        .contains("default/web");
    assertThat(node.rowChanges()).isEmpty();
  }

  @Test
  void kubeOvnsMirrorIsTakenOverAgainAndAgain() {
    node.foreignPort("mirror0", 3);
    node.mirror("m0", "mirror0", "web_h", "db_h");
    node.mirror("m1", "elsewhere", "web_h");
    run("kube-ovn-mirror: take-over\n" + WEB);
    awaitSettled();
    for (int i = 1; i <= 3; i++) {
      assertThat(node.rowChanges()).hasSize(i);
      assertThat(node.selected("m0")).containsExactly("db_h");
      assertThat(node.selected("m1")).containsExactly("web_h");
      assertThat(status().complaints()).isEmpty();
      node.mirror("m0", "mirror0", "web_h", "db_h");
      await().until(() -> node.selected("m0").size() == 1);
      awaitSettled();
    }
  }

  @Test
  void aForeignEntryInTheWayIsSaidAndLeftAlone() {
    node.foreignPort("mirror0", 3);
    FlowEntry foreign =
        FlowParser.parse(
            "cookie=0x77, table=0, priority=40000,metadata=0,in_port=5 actions=resubmit(,8)");
    node.install(foreign);
    run(WEB);
    awaitStatus(status -> !status.diff().conflicts().isEmpty() && status.diff().inSync());
    // E0 and E2: an E3 without its E1 would lose copies.
    assertThat(node.entries()).contains(foreign).hasSize(3);
    assertThat(status().complaints()).anyMatch(line -> line.contains("cookie 0x77"));
  }

  @Test
  void aChangedMirrorIfaceMovesTheEntriesFirst() {
    run(WEB);
    awaitSettled();
    restart("mirror-iface: mirror1\n" + WEB);
    awaitStatus(status -> status.settled() && status.plan().removableRows().isEmpty());
    assertThat(node.rowChanges())
        .containsExactly(
            new RowChange.AddInternalPort("mirror0"),
            new RowChange.AddInternalPort("mirror1"),
            new RowChange.RemovePort("mirror0"));
    assertThat(node.portNames()).contains("mirror1").doesNotContain("mirror0");
    assertThat(node.entries())
        .allMatch(entry -> !FlowText.format(entry).contains("output:100"))
        .anyMatch(entry -> FlowText.format(entry).contains("output:101"));
  }

  @Test
  void cleanRemovesWhatIsOursAndNothingElse() {
    FlowEntry ovn = FlowParser.parse("cookie=0x12, table=0, priority=50,in_port=5 actions=drop");
    node.install(ovn);
    run("enable-mirror: true");
    awaitSettled();
    assertThat(node.entries().size()).isGreaterThan(5);
    restart(WEB, Mode.CLEAN);
    awaitStatus(status -> status.settled() && status.plan().removableRows().isEmpty());
    assertThat(node.entries()).containsExactly(ovn);
    assertThat(node.portNames()).doesNotContain("mirror0");
  }

  @Test
  void cleanLeavesAMirrorPortThatIsNotOurs() {
    node.foreignPort("mirror0", 3);
    run(WEB);
    awaitSettled();
    restart(WEB, Mode.CLEAN);
    awaitSettled();
    assertThat(node.entries()).isEmpty();
    assertThat(node.portNames()).contains("mirror0");
    assertThat(node.rowChanges()).isEmpty();
  }

  @Test
  void observingWritesNothing() {
    run(WEB, Mode.OBSERVE);
    awaitStatus(status -> status.node().datapath().isPresent() && status.node().bridgeConfirmed());
    assertThat(node.flowMods()).isEmpty();
    assertThat(node.rowChanges()).isEmpty();
  }

  @Test
  void entriesAreRenewedBeforeTheirTimeIsUp() {
    node.foreignPort("mirror0", 3);
    run(WEB);
    awaitSettled();
    ImmutableList<FlowEntry> entries = node.entries();
    node.elapse(Duration.ofSeconds(570));
    awaitCaughtUp();
    assertThat(node.flowMods()).hasSize(4);
    node.elapse(Duration.ofSeconds(30));
    await().until(() -> node.flowMods().size() == 8);
    node.elapse(Duration.ofSeconds(570));
    awaitCaughtUp();
    assertThat(node.entries()).containsExactlyInAnyOrderElementsOf(entries);
    assertThat(node.flowMods()).hasSize(8);
  }

  /** Promise 5: nobody is tapped for longer when nobody is there to correct it. */
  @Test
  void withoutAControllerEntriesEnd() {
    run(WEB);
    awaitSettled();
    Objects.requireNonNull(reconciler).close();
    node.elapse(Duration.ofSeconds(1799));
    assertThat(node.entries()).hasSize(4);
    node.elapse(Duration.ofSeconds(1));
    assertThat(node.entries()).isEmpty();
    assertThat(node.reach("db", "web")).containsExactly("web_h");
  }

  @Test
  void aSwitchThatClaimsSuccessIsNotBelieved() {
    node.foreignPort("mirror0", 3);
    node.claimSuccess();
    run(WEB);
    awaitStatus(status -> status.complaints().toString().contains("Contested: somebody deletes"));
    assertThat(status().settled()).isFalse();
    assertThat(node.entries()).isEmpty();
    assertThat(node.flowMods().size()).isLessThan(4 * 16);
  }

  /** Something that may befall a node. */
  private enum Mishap {
    WIPE,
    CONNECTION_LOST,
    SWITCH_CRASHES,
    OVSDB_AWAY,
    FLOWS_RESTORED,
    ENTRIES_DELETED,
    ENTRY_MADE_WRONG,
    STALE_ENTRY,
    POD_MADE_ANEW,
    PODS_SWAPPED,
    MIRROR_PORT_DOWN,
    MIRROR_PORT_REMOVED,
    TIME_PASSES;

    void befall(FakeNode node) {
      switch (this) {
        case WIPE -> node.wipe();
        case CONNECTION_LOST -> {
          node.connectionLost();
          node.connected();
        }
        case SWITCH_CRASHES -> node.switchCrashes();
        case OVSDB_AWAY -> {
          node.ovsdb(false);
          node.ovsdb(true);
        }
        case FLOWS_RESTORED -> {
          node.restoring(true);
          node.wipe();
          node.restoring(false);
        }
        case ENTRIES_DELETED -> node.entries().forEach(entry -> node.uninstall(entry.key()));
        case ENTRY_MADE_WRONG ->
            node.install(
                FlowParser.parse(
                    "cookie=0x464d11000000beef, table=65, priority=40000,reg14=0/0x1000000,"
                        + "reg15=0x3,metadata=0x2 actions=output:100,output:100"));
        case STALE_ENTRY ->
            node.install(
                FlowParser.parse(
                    "cookie=0x464d11000000beef, table=0, priority=40000,metadata=0,in_port=7"
                        + " actions=output:100,set_field:1->metadata,resubmit(,0)"));
        case POD_MADE_ANEW -> {
          node.podGone("web");
          node.pod("default", "web", 8, 2, 9);
        }
        case PODS_SWAPPED -> node.podsAreMadeAnew("web", "db");
        case MIRROR_PORT_DOWN -> node.down("mirror0");
        case MIRROR_PORT_REMOVED -> node.removeOurPorts();
        case TIME_PASSES -> node.elapse(Duration.ofSeconds(1000));
      }
    }
  }

  static List<List<Mishap>> anyTwoMishaps() {
    return Lists.cartesianProduct(
        ImmutableList.copyOf(Mishap.values()), ImmutableList.copyOf(Mishap.values()));
  }

  /** Whatever happens, in the end a mirrored pod's frame is copied once, and nobody else's is. */
  @ParameterizedTest
  @MethodSource("anyTwoMishaps")
  void eachFrameIsCopiedOnceAfter(List<Mishap> mishaps) {
    node.pod("default", "plain", 7, 2, 5).pod("default", "other", 9, 2, 6);
    run("mirrors: [{pod: default/web}, {pod: default/db}]");
    awaitCaughtUp();
    mishaps.forEach(mishap -> mishap.befall(node));
    awaitCaughtUp();
    assertThat(node.reach("web", "plain")).containsExactly("mirror0", "plain_h");
    assertThat(node.reach("plain", "db")).containsExactly("mirror0", "db_h");
    assertThat(node.reach("web", "db")).containsExactly("mirror0", "db_h");
    assertThat(node.reach("db", "web")).containsExactly("mirror0", "web_h");
    assertThat(node.reach("plain", "other")).containsExactly("other_h");
    assertThat(node.flood("web"))
        .containsExactlyInAnyOrder("mirror0", "db_h", "plain_h", "other_h");
    // One for each of the two that it is delivered to.
    assertThat(node.flood("plain"))
        .containsExactlyInAnyOrder("mirror0", "web_h", "mirror0", "db_h", "other_h");
    assertThat(node.isUp("mirror0")).isTrue();
    assertThat(node.entries()).hasSize(7);
  }

  /** A change that can be taken back. */
  private enum Change {
    POD_GONE,
    POD_GONE_WHILE_OVSDB_IS_AWAY,
    PODS_SWAPPED,
    ANOTHER_POD_WANTED,
    EVERYTHING_WANTED,
    CLEANED;

    void make(ReconcilerTest test) {
      switch (this) {
        case POD_GONE -> test.node.podGone("web");
        case POD_GONE_WHILE_OVSDB_IS_AWAY -> {
          test.node.ovsdb(false);
          test.node.podGone("web");
          test.node.ovsdb(true);
        }
        case PODS_SWAPPED -> test.node.podsAreMadeAnew("web", "db");
        case ANOTHER_POD_WANTED ->
            test.restart("mirrors: [{pod: default/db, direction: from-pod}]");
        case EVERYTHING_WANTED -> test.restart("enable-mirror: true");
        case CLEANED -> test.restart(WEB, Mode.CLEAN);
      }
    }

    void revert(ReconcilerTest test) {
      switch (this) {
        case POD_GONE, POD_GONE_WHILE_OVSDB_IS_AWAY -> test.node.pod("default", "web", 5, 2, 3);
        case PODS_SWAPPED -> test.node.podsAreMadeAnew("web", "db");
        case ANOTHER_POD_WANTED, EVERYTHING_WANTED, CLEANED -> test.restart(WEB);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Change.class)
  void theTablesAreEqualAgainAfterAChangeWasReverted(Change change) {
    node.foreignPort("mirror0", 3);
    run(WEB);
    awaitCaughtUp();
    ImmutableSet<String> before = node.tables();
    change.make(this);
    awaitCaughtUp();
    assertThat(node.tables()).isNotEqualTo(before);
    change.revert(this);
    awaitCaughtUp();
    assertThat(node.tables()).isEqualTo(before);
  }

  private void restart(String yaml) {
    restart(yaml, Mode.MIRROR);
  }

  private void restart(String yaml, Mode mode) {
    Objects.requireNonNull(reconciler).close();
    run(yaml, mode);
  }

  private void run(String yaml) {
    run(yaml, Mode.MIRROR);
  }

  private void run(String yaml, Mode mode) {
    reconciler = Reconciler.start(settings(yaml), mode, true, node, statuses -> {});
  }

  private static Settings settings(String yaml) {
    return SettingsReader.parse(
        "test",
        yaml + "\nnodes: [{name: n1, ovsdb: 'unix:/db', openflow: 'unix:/of'}]",
        Overrides.none());
  }

  private NodeStatus status() {
    return Objects.requireNonNull(Objects.requireNonNull(reconciler).statuses().get("n1"));
  }

  private void awaitStatus(Predicate<NodeStatus> condition) {
    await()
        .until(
            () -> {
              NodeStatus status = Objects.requireNonNull(reconciler).statuses().get("n1");
              return status != null && condition.test(status);
            });
  }

  /**
   * Waits until everything that has happened so far has been heard of and dealt with: a port that
   * is added now comes after it, on both channels.
   */
  private void awaitCaughtUp() {
    String last = "last" + ++ports;
    node.foreignPort(last, 1000 + ports);
    await()
        .pollInterval(Duration.ofMillis(5))
        .until(
            () -> {
              NodeStatus status = Objects.requireNonNull(reconciler).statuses().get("n1");
              return status != null
                  && status.settled()
                  && status.node().port(last).isPresent()
                  && status.node().bridge().orElseThrow().interfaces().containsKey(last);
            });
  }

  private void awaitSettled() {
    awaitStatus(NodeStatus::settled);
  }

  private List<String> matches() {
    return node.entries().stream().map(entry -> FlowText.format(entry.key())).toList();
  }
}
