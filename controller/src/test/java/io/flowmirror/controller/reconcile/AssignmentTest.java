// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.reconcile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.Iterables;
import io.flowmirror.config.Overrides;
import io.flowmirror.config.Settings;
import io.flowmirror.config.SettingsReader;
import io.flowmirror.controller.openflow.DatapathSession;
import io.flowmirror.controller.ovsdb.Lock;
import io.flowmirror.controller.reconcile.Reconciler.Mode;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** One of several controllers. */
final class AssignmentTest {
  private static final ImmutableList<String> THREE = ImmutableList.of("a", "b", "c");
  private static final int ONE_POD = 4;

  private static Assignment of(String self, List<String> members, long generation) {
    return new Assignment(self, ImmutableList.copyOf(members), OptionalLong.of(generation), true);
  }

  private static Map<String, String> writers(List<String> members) {
    Map<String, String> writers = new HashMap<>();
    for (int i = 0; i < 1000; i++) {
      String node = "node-" + i;
      for (String self : members) {
        if (of(self, members, 1).duty(node) == Duty.WRITE) {
          assertThat(writers.put(node, self)).as("the only writer").isNull();
        }
      }
    }
    return writers;
  }

  @Test
  void eachNodeHasOneWriterAndOneStandBy() {
    Map<String, String> writers = writers(THREE);
    assertThat(writers).hasSize(1000);
    for (String self : THREE) {
      assertThat(writers.values().stream().filter(self::equals).count()).isBetween(250L, 420L);
    }
    for (int i = 0; i < 1000; i++) {
      String node = "node-" + i;
      assertThat(THREE)
          .filteredOn(self -> of(self, THREE, 1).duty(node) == Duty.STAND_BY)
          .hasSize(1);
      assertThat(THREE).filteredOn(self -> of(self, THREE, 1).duty(node) == Duty.READ).hasSize(1);
    }
  }

  /** Whoever was the stand-by writes, and nothing else moves. */
  @Test
  void whoIsGoneLeavesHisNodesToTheirStandBys() {
    Map<String, String> before = writers(THREE);
    Map<String, String> after = writers(List.of("a", "c"));
    before.forEach(
        (node, writer) -> {
          if (writer.equals("b")) {
            String heir = after.get(node);
            assertThat(of(heir, THREE, 1).duty(node)).isEqualTo(Duty.STAND_BY);
          } else {
            assertThat(after.get(node)).isEqualTo(writer);
          }
        });
  }

  @Test
  void aloneOneWritesEverywhereAndBeforeItIsKnownNowhere() {
    assertThat(Assignment.ALONE.duty("n1")).isEqualTo(Duty.WRITE);
    assertThat(Assignment.unknown("a").duty("n1")).isEqualTo(Duty.NONE);
    assertThat(of("d", THREE, 1).duty("n1")).isEqualTo(Duty.NONE);
  }

  private static Settings settings() {
    return settings("mirrors: [{pod: default/web}]");
  }

  private static Settings settings(String mirrors) {
    return SettingsReader.parse(
        "f.yaml",
        mirrors
            + """

            nodes: [{name: n1, ovsdb: 'unix:/db', openflow: 'unix:/of'}]
            """,
        Overrides.none());
  }

  @Test
  void theWriterTakesTheLockAndClaimsAndTheOthersDoNot() {
    String writer = writerOf("n1");
    String standBy =
        THREE.stream()
            .filter(self -> of(self, THREE, 1).duty("n1") == Duty.STAND_BY)
            .findFirst()
            .orElseThrow();
    FakeNode node = new FakeNode().pod("default", "web", 5, 2, 3);
    node.lock(Lock.ANOTHERS);
    try (Reconciler reconciler =
        Reconciler.start(
            settings(), Mode.MIRROR, false, Assignment.unknown(standBy), node, statuses -> {})) {
      reconciler.assign(of(standBy, THREE, 7));
      await().until(() -> reconciler.statuses().containsKey("n1"));
      await().until(() -> reconciler.statuses().get("n1").node().datapath().isPresent());
      assertThat(node.wishes()).containsExactly(Lock.Wish.WAIT);
      assertThat(node.flowMods()).isEmpty();
      assertThat(node.claims()).isEmpty();

      // The writer is gone; the stand-by is next.
      reconciler.assign(of(standBy, without(writer), 8));
      await().until(() -> node.entries().size() == ONE_POD);
      assertThat(node.wishes()).containsExactly(Lock.Wish.WAIT, Lock.Wish.STEAL);
      assertThat(node.claims()).containsExactly(8L);

      // It comes back: the node is left to it as it is, and not cleaned.
      int mods = node.flowMods().size();
      List<String> others = List.of(writer, third(writer, standBy), "e", "f", "g", "h");
      reconciler.assign(of(standBy, others, 9));
      await().until(() -> !reconciler.statuses().containsKey("n1"));
      assertThat(node.flowMods()).hasSize(mods);
      assertThat(node.entries()).hasSize(ONE_POD);
    }
  }

  /** Whoever neither writes nor stands by can tell of the node, and does nothing there. */
  @Test
  void theThirdReads() {
    String reader =
        THREE.stream()
            .filter(self -> of(self, THREE, 1).duty("n1") == Duty.READ)
            .findFirst()
            .orElseThrow();
    FakeNode node = new FakeNode().pod("default", "web", 5, 2, 3);
    node.lock(Lock.ANOTHERS);
    try (Reconciler reconciler =
        Reconciler.start(
            settings(), Mode.MIRROR, false, of(reader, THREE, 7), node, statuses -> {})) {
      await().until(() -> reconciler.statuses().containsKey("n1"));
      await().until(() -> reconciler.statuses().get("n1").node().datapath().isPresent());
      assertThat(reconciler.statuses().get("n1").writer()).isEqualTo(NodeStatus.Writer.ANOTHER);
      assertThat(node.wishes()).containsExactly(Lock.Wish.NONE);

      // Whatever is said of the lock.
      node.lock(Lock.OURS);
      reconciler.turn().join();
      assertThat(reconciler.statuses().get("n1").writer()).isEqualTo(NodeStatus.Writer.ANOTHER);
      assertThat(node.flowMods()).isEmpty();
      assertThat(node.claims()).isEmpty();

      // The next in turn has the lock to wait for, and to take, on a connection of its own.
      node.lock(Lock.ANOTHERS);
      reconciler.assign(of(reader, without(writerOf("n1")), 8));
      await().until(() -> Iterables.getLast(node.wishes()) == Lock.Wish.WAIT);
      assertThat(node.flowMods()).isEmpty();
      reconciler.assign(of(reader, List.of(reader), 9));
      await().until(() -> node.entries().size() == ONE_POD);
      assertThat(node.claims()).containsExactly(9L);

      // And back.
      int mods = node.flowMods().size();
      reconciler.assign(of(reader, THREE, 10));
      await().until(() -> Iterables.getLast(node.wishes()) == Lock.Wish.NONE);
      await().until(() -> reconciler.statuses().get("n1").installed().size() == ONE_POD);
      assertThat(reconciler.statuses().get("n1").writer()).isEqualTo(NodeStatus.Writer.ANOTHER);
      assertThat(node.flowMods()).hasSize(mods);
    }
  }

  /** Each can tell of all nodes, as long as those are not so many that they must be divided. */
  @Test
  void ofVeryManyNodesEachHasItsShare() {
    ImmutableList<String> members =
        IntStream.range(0, 50).mapToObj(i -> "m" + i).collect(ImmutableList.toImmutableList());
    StringBuilder nodes = new StringBuilder("nodes:\n");
    for (int i = 0; i <= Reconciler.READ_BY_ALL; i++) {
      nodes.append(
          String.format("  - {name: n%d, ovsdb: 'unix:/d%d', openflow: 'unix:/o%d'}%n", i, i, i));
    }
    Settings all = SettingsReader.parse("f.yaml", nodes.toString(), Overrides.none());
    Assignment mine = of("m0", members, 3);
    try (Reconciler reconciler =
        Reconciler.start(all, Mode.MIRROR, false, mine, new FakeNode(), statuses -> {})) {
      long share = all.nodes().stream().filter(node -> mine.duty(node.name()) != Duty.READ).count();
      assertThat(share).isBetween(20L, 200L);
      await().until(() -> reconciler.statuses().size() == share);
    }
  }

  /** Another wrote in between, with the same generation: the switch takes nothing but from it. */
  @Test
  void whoGetsTheLockBackClaimsOnceMore() {
    String writer = writerOf("n1");
    FakeNode node = new FakeNode().pod("default", "web", 5, 2, 3);
    try (Reconciler reconciler =
        Reconciler.start(
            settings(), Mode.MIRROR, false, of(writer, THREE, 7), node, statuses -> {})) {
      await().until(() -> node.entries().size() == ONE_POD);
      assertThat(node.claims()).containsExactly(7L);
      node.lock(Lock.ANOTHERS);
      await().until(() -> reconciler.statuses().get("n1").writer() == NodeStatus.Writer.ANOTHER);
      node.lock(Lock.OURS);
      await().until(() -> node.claims().size() == 2);
      assertThat(node.claims()).containsExactly(7L, 7L);
    }
  }

  /** It has not heard of the newest generation, and cannot, without the API: others may have. */
  @Test
  void whoHasTheLockAndIsOverruledLetsOthersHaveIt() {
    String writer = writerOf("n1");
    FakeNode node = new FakeNode().pod("default", "web", 5, 2, 3);
    claimByAnother(node, 9);
    try (Reconciler reconciler =
        Reconciler.start(
            settings(), Mode.MIRROR, false, of(writer, THREE, 7).last(), node, statuses -> {})) {
      await().until(() -> node.wishes().contains(Lock.Wish.YIELD));
      await().until(() -> reconciler.statuses().get("n1").writer() == NodeStatus.Writer.ANOTHER);
      assertThat(node.entries()).isEmpty();
      // It comes back: nobody else can do anything with it either.
      node.lock(Lock.OURS);
      await().until(() -> node.claims().size() == 3);
      reconciler.assign(of(writer, THREE, 10).last());
      await().until(() -> node.entries().size() == ONE_POD);
      assertThat(node.claims()).containsExactly(9L, 7L, 7L, 10L);
      assertThat(node.wishes()).containsExactly(Lock.Wish.WAIT, Lock.Wish.YIELD);
    }
  }

  /** Somebody else may have the lock by then, and have claimed. */
  @Test
  void nobodyClaimsWhileNobodyKnowsWhoHasTheLock() {
    String writer = writerOf("n1");
    FakeNode node = new FakeNode().pod("default", "web", 5, 2, 3);
    try (Reconciler reconciler =
        Reconciler.start(
            settings(), Mode.MIRROR, false, of(writer, THREE, 7), node, statuses -> {})) {
      await().until(() -> node.entries().size() == ONE_POD);
      node.ovsdb(false);
      reconciler.assign(of(writer, THREE, 8));
      reconciler.update(settings("mirrors: [{pod: default/web}, {pod: default/db}]"));
      await().until(() -> reconciler.statuses().get("n1").intent().pods().size() == 2);
      assertThat(node.claims()).containsExactly(7L);
      node.ovsdb(true);
      await().until(() -> node.claims().size() == 2);
      assertThat(node.claims()).containsExactly(7L, 8L);
    }
  }

  /** Another has claimed the role since, with this very generation, and has not got the lock. */
  @Test
  void whoIsASlaveWithTheLockInHandClaimsAgain() {
    FakeNode node = new FakeNode().pod("default", "web", 5, 2, 3);
    try (Reconciler reconciler =
        Reconciler.start(
            settings(), Mode.MIRROR, false, of(writerOf("n1"), THREE, 7), node, statuses -> {})) {
      await().until(() -> node.entries().size() == ONE_POD);
      claimByAnother(node, 7);
      node.uninstall(node.entries().get(0).key());
      await().until(() -> node.entries().size() == ONE_POD);
      assertThat(node.claims()).containsExactly(7L, 7L, 7L);
      await().until(() -> reconciler.statuses().get("n1").settled());
    }
  }

  /** Whoever had it meanwhile may have claimed, and have lost it again. */
  @Test
  void whoHasTheLockAgainWhenTheDatabaseIsBackClaims() {
    FakeNode node = new FakeNode().pod("default", "web", 5, 2, 3);
    try (Reconciler reconciler =
        Reconciler.start(
            settings(), Mode.MIRROR, false, of(writerOf("n1"), THREE, 7), node, statuses -> {})) {
      await().until(() -> node.entries().size() == ONE_POD);
      node.ovsdb(false);
      await().until(() -> !reconciler.statuses().get("n1").node().bridgeConfirmed());
      node.ovsdb(true);
      await().until(() -> node.claims().size() == 2);
      assertThat(node.claims()).containsExactly(7L, 7L);
    }
  }

  /** It is another's to write from that generation on, which may have taken the lock, unread. */
  @Test
  void whoIsNotToWriteAnyMoreDoesNotClaimWhatHasComeSince() {
    String writer = writerOf("n1");
    String standBy =
        THREE.stream()
            .filter(self -> of(self, THREE, 1).duty("n1") == Duty.STAND_BY)
            .findFirst()
            .orElseThrow();
    FakeNode node = new FakeNode().pod("default", "web", 5, 2, 3);
    try (Reconciler reconciler =
        Reconciler.start(
            settings(),
            Mode.MIRROR,
            false,
            of(standBy, without(writer), 7),
            node,
            statuses -> {})) {
      await().until(() -> node.entries().size() == ONE_POD);
      reconciler.assign(of(standBy, THREE, 8));
      reconciler.turn().join();
      // It goes on until the lock is another's.
      node.uninstall(node.entries().get(0).key());
      await().until(() -> node.entries().size() == ONE_POD);
      assertThat(node.claims()).containsExactly(7L);
      node.lock(Lock.ANOTHERS);
      await().until(() -> reconciler.statuses().get("n1").writer() == NodeStatus.Writer.ANOTHER);
      // The other is gone, and it was for the other to claim: now it is this one's.
      node.lock(Lock.OURS);
      await().until(() -> node.claims().size() == 2);
      assertThat(node.claims()).containsExactly(7L, 8L);
    }
  }

  private static void claimByAnother(FakeNode node, long generation) {
    AtomicLong connection = new AtomicLong();
    DatapathSession another =
        node.openDatapath(
            settings().nodes().get(0),
            Duration.ofSeconds(30),
            report -> report.datapath().ifPresent(live -> connection.set(live.connection())));
    await().until(() -> connection.get() > 0);
    another.claim(connection.get(), generation);
    another.close();
  }

  /** Two that both believe would take the lock from each other without end. */
  @Test
  void whoIsNotCertainTakesNothingFromAnybody() {
    FakeNode node = new FakeNode().pod("default", "web", 5, 2, 3);
    node.lock(Lock.ANOTHERS);
    String writer = writerOf("n1");
    try (Reconciler reconciler =
        Reconciler.start(
            settings(), Mode.MIRROR, false, of(writer, THREE, 7).last(), node, statuses -> {})) {
      await().until(() -> reconciler.statuses().containsKey("n1"));
      assertThat(node.wishes()).containsExactly(Lock.Wish.WAIT);
      assertThat(node.flowMods()).isEmpty();
    }
  }

  private static String writerOf(String node) {
    return THREE.stream()
        .filter(self -> of(self, THREE, 1).duty(node) == Duty.WRITE)
        .findFirst()
        .orElseThrow();
  }

  private static List<String> without(String gone) {
    return THREE.stream().filter(member -> !member.equals(gone)).toList();
  }

  private static String third(String writer, String standBy) {
    return THREE.stream()
        .filter(member -> !member.equals(writer) && !member.equals(standBy))
        .findFirst()
        .orElseThrow();
  }
}
