// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableSet;
import io.flowmirror.flows.FlowDiff.Drift;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

final class FlowDiffTest {
  private static final List<String> WORLD =
      List.of(
          "table 65",
          "port 3 mirror0 type=internal",
          "port 5 web_h pod=default/web key=2/3",
          "mirror default/web both");

  private final FlowTable table = new FlowTable();
  private Plan plan = plan(WORLD);

  @BeforeEach
  void install() {
    plan.entries().values().forEach(planned -> table.add(planned.entry(), 0));
  }

  @Test
  void nothingToDoWhenInSync() {
    assertThat(diff().inSync()).isTrue();
    assertThat(diff().drift()).isEmpty();
  }

  @Test
  void allAreRenewedTogetherWhenOneIsAtAThirdOfItsLife() {
    table.add(wanted("in_port=5"), 599);
    assertThat(diff().inSync()).isTrue();
    table.add(wanted("in_port=5"), 600);
    assertThat(diff().changes()).hasSize(4).allMatch(FlowChange.Add.class::isInstance);
    assertThat(diff().drift().values()).containsOnly(Drift.DUE);
  }

  /**
   * Web sends for 9 minutes when db, its neighbour, is asked for: one entry copies what web sends,
   * another keeps it from being copied on delivery to db. When nobody renews them any more, both
   * must end at once, or frames from web to db are copied nowhere, or twice.
   */
  @Test
  void whatIsAddedEndsWithTheOthers() {
    plan =
        plan(
            WORLD,
            "- mirror default/web both",
            "mirror default/web from-pod",
            "port 6 db_h pod=default/db key=2/4");
    table.wipe();
    table.apply(diff().changes());
    assertThat(table.installed()).hasSize(2);
    plan.entries().values().forEach(planned -> table.add(planned.entry(), 540));

    plan =
        plan(
            WORLD,
            "- mirror default/web both",
            "mirror default/web from-pod",
            "mirror default/db to-pod",
            "port 6 db_h pod=default/db key=2/4");
    assertThat(diff().changes()).hasSize(2).allMatch(FlowChange.Add.class::isInstance);
    table.apply(diff().changes());
    assertThat(table.installed())
        .hasSize(4)
        .allMatch(there -> there.entry().hardTimeout() - there.age() == 1260);
    assertThat(diff().inSync()).isTrue();
    assertThat(diff().drift()).isEmpty();

    // All are due when the oldest is, and have a whole life again.
    table.installed().forEach(there -> table.add(there.entry(), there.age() + 60));
    assertThat(diff().drift().values()).containsOnly(Drift.DUE).hasSize(4);
    table.apply(diff().changes());
    assertThat(table.entries()).allMatch(entry -> entry.hardTimeout() == 1800);
  }

  /** A pod is gone, and its entries, which were the oldest: the others are due when they were. */
  @Test
  void whatIsAddedIsDueWithTheOthersWhenTheyAreGone() {
    FlowEntry e1 = wanted("in_port=5");
    table.add(e1, 540);
    table.remove(wanted("priority=40001").key());
    assertThat(diff().changes()).hasSize(1);
    table.apply(diff().changes());
    table.add(e1, 0);
    assertThat(diff().inSync()).isTrue();
    table.installed().forEach(there -> table.add(there.entry(), 60));
    assertThat(diff().drift().values()).containsOnly(Drift.DUE).hasSize(4);
  }

  /** A repair is one entry, whatever the others' age; what is not much older is not looked at. */
  @Test
  void aRepairIsOfThatEntryAlone() {
    FlowEntry missing = wanted("table=65, priority=40000");
    for (int age : new int[] {0, 30, 31, 599}) {
      plan.entries().values().forEach(planned -> table.add(planned.entry(), age));
      table.remove(missing.key());
      assertThat(diff().changes())
          .containsExactly(
              new FlowChange.Add(missing.withHardTimeout(age <= 30 ? 1800 : 1800 - age)));
    }
  }

  /** Another hold in the settings is for all entries, and at once. */
  @Test
  void aLongerHoldReplacesAll() {
    plan.entries().values().forEach(planned -> table.add(planned.entry().withHardTimeout(1500), 0));
    assertThat(diff().changes()).hasSize(4);
    assertThat(diff().drift().values()).containsOnly(Drift.DIFFERENT);
  }

  /** A renewal that the switch refuses must not renew the others with every look at them. */
  @Test
  void aRefusedRenewalDoesNotRenewTheOthers() {
    FlowEntry old = wanted("in_port=5");
    table.add(old, 1700);
    assertThat(
            FlowDiff.between(plan, table.installed(), ImmutableSet.of(old.key()), ImmutableSet.of())
                .changes())
        .isEmpty();
  }

  /** Promise 5: while a channel is away, entries are held, but for no longer than {@code hold}. */
  @Test
  void nothingIsRenewedWhileOvsdbIsAway() {
    table.add(wanted("in_port=5"), 1700);
    plan = plan(WORLD, "no ovsdb");
    assertThat(plan.confirmed()).isFalse();
    assertThat(diff().inSync()).isTrue();

    // They have ended: nobody confirms that they would still be right.
    table.wipe();
    assertThat(diff().inSync()).isTrue();
    assertThat(diff().drift().values()).containsOnly(Drift.MISSING).hasSize(4);

    plan = plan(WORLD);
    assertThat(diff().changes()).hasSize(4);
  }

  @Test
  void anotherCookieActionOrTimeoutIsReplaced() {
    FlowEntry right = wanted("table=65, priority=40000");
    for (String wrong :
        List.of(
            FlowText.format(right).replace("0x464d12006b0b3f4f", "0x464d120000000001"),
            FlowText.format(right).replace("output:3", "output:4"),
            FlowText.format(right).replace("hard_timeout=1800", "hard_timeout=60"),
            FlowText.format(right).replace(", send_flow_rem", ""))) {
      FlowEntry entry = FlowParser.parse(wrong);
      assertThat(entry).isNotEqualTo(right);
      table.add(entry, 0);
      assertThat(diff().changes()).containsExactly(new FlowChange.Add(right));
      assertThat(diff().drift()).containsExactly(java.util.Map.entry(right.key(), Drift.DIFFERENT));
    }
  }

  /** What copies wrongly goes at once; what should stand there instead waits for OVSDB. */
  @Test
  void whatIsDifferentIsDeletedWhileOvsdbIsAway() {
    FlowEntry right = wanted("table=65, priority=40000");
    FlowEntry wrong = FlowParser.parse(FlowText.format(right).replace("output:3", "output:4"));
    table.add(wrong, 0);
    plan = plan(WORLD, "no ovsdb");
    assertThat(diff().changes())
        .containsExactly(new FlowChange.Delete(wrong.key(), wrong.cookie()));
  }

  /** Promise 5: another hold in the settings is no reason to copy nothing while OVSDB is away. */
  @Test
  void anotherTimeoutWaitsForOvsdb() {
    FlowEntry right = wanted("table=65, priority=40000");
    FlowEntry old =
        FlowParser.parse(FlowText.format(right).replace("hard_timeout=1800", "hard_timeout=60"));
    table.add(old, 50);
    plan = plan(WORLD, "no ovsdb");
    assertThat(diff().changes()).isEmpty();
    assertThat(diff().drift()).isEmpty();

    plan = plan(WORLD);
    assertThat(diff().changes()).containsExactly(new FlowChange.Add(right));
  }

  @Test
  void surplusOfOursIsDeletedByItsOwnCookieWhateverItsLayout() {
    for (String stray :
        List.of(
            "cookie=0x464d11000000beef, table=7, priority=40000,"
                + "reg14=0/0x1000000,reg15=3,metadata=2 actions=output:3",
            "cookie=0x464dffffffffffff, table=7, priority=1,in_port=5 actions=output:3",
            "cookie=0x464d000000000000, table=7, priority=1,in_port=5 actions=output:3")) {
      FlowEntry stale = FlowParser.parse(stray);
      table.add(stale, 0);
      assertThat(diff().changes())
          .containsExactly(new FlowChange.Delete(stale.key(), stale.cookie()));
      table.apply(diff().changes());
      assertThat(diff().inSync()).isTrue();
    }
  }

  /** Somebody may write any cookie; what no version with this layout would make is not ours. */
  @Test
  void whatBearsOurCookieAndCouldNotBeOursIsLeftAlone() {
    for (String identity :
        List.of(
            "table=7, priority=1,in_port=5",
            "table=0, priority=40000,in_port=5",
            "table=0, priority=40000,metadata=0,in_port=5,tun_id=5",
            "table=0, priority=40001,metadata=0,in_port=5",
            "table=0, priority=40000,metadata=1,in_port=5",
            "table=0, priority=40000,reg14=0/0x1000000,reg15=3,metadata=2",
            "table=65, priority=40000,metadata=0,in_port=5",
            "table=65, priority=39990,metadata=0",
            "table=65, priority=40001,reg14=3,metadata=2,in_port=5")) {
      FlowEntry strange =
          FlowParser.parse("cookie=0x464d11000000beef, " + identity + " actions=drop");
      table.add(strange, 0);
      assertThat(diff().strange()).contains(strange);
    }
    assertThat(diff().strange()).hasSize(9);
    assertThat(diff().inSync()).isTrue();
  }

  /** Where ours has been, somebody else's has not always stood. */
  @Test
  void whatWasOverwrittenIsPutBack() {
    FlowEntry ours = wanted("table=0, priority=40000");
    table.add(new FlowEntry(ours.key(), ours.actions(), 0x1234, 0, true), 0);
    FlowDiff diff =
        FlowDiff.between(plan, table.installed(), ImmutableSet.of(), ImmutableSet.of(ours.key()));
    assertThat(diff.conflicts()).isEmpty();
    assertThat(diff.drift()).containsExactly(java.util.Map.entry(ours.key(), Drift.OVERWRITTEN));
    assertThat(diff.changes()).containsExactly(new FlowChange.Add(ours));
  }

  @Test
  void whatHidesOursIsTold() {
    FlowEntry e1 = wanted("table=0, priority=40000");
    for (String other :
        List.of(
            "table=0, priority=50000,in_port=5",
            "table=0, priority=40000,in_port=5,tun_id=5",
            "table=0, priority=65535,metadata=0/0xff",
            "table=0, priority=50000,tun_id=5")) {
      table.add(FlowParser.parse("cookie=0x1234, " + other + " actions=drop"), 0);
      FlowEntry hiding = diff().hidden().get(e1.key());
      assertThat(hiding).as(other).isNotNull();
      assertThat(diff().inSync()).as("it is not ours to remove").isTrue();
      table.remove(hiding.key());
    }
    for (String other :
        List.of(
            "table=0, priority=39999,in_port=5",
            "table=0, priority=50000,in_port=6",
            "table=0, priority=50000,metadata=1/0x1",
            "table=1, priority=50000,in_port=5")) {
      table.add(FlowParser.parse("cookie=0x1234, " + other + " actions=drop"), 0);
      assertThat(diff().hidden()).as(other).doesNotContainKey(e1.key());
    }
  }

  @Test
  void deletionsComeFirst() {
    FlowEntry stale =
        FlowParser.parse(
            "cookie=0x464d11000000beef, table=0, priority=40000,metadata=0,in_port=9 actions=drop");
    table.wipe();
    table.add(stale, 0);
    assertThat(diff().changes().get(0)).isInstanceOf(FlowChange.Delete.class);
    assertThat(diff().changes()).hasSize(5);
  }

  /** Promise 1: what is not ours is neither deleted nor replaced. */
  @Test
  void aForeignEntryWhereOursWouldStandIsLeftAlone() {
    FlowEntry ours = wanted("table=0, priority=40000");
    FlowEntry foreign = new FlowEntry(ours.key(), ours.actions(), 0x1234, ours.hardTimeout(), true);
    table.add(foreign, 0);
    assertThat(diff().conflicts()).containsEntry(ours.key(), foreign);
    // Without its E1, an E3 would keep frames to another mirrored pod from being copied at all.
    FlowEntry copiedAlready = wanted("priority=40001");
    assertThat(diff().changes())
        .containsExactly(new FlowChange.Delete(copiedAlready.key(), copiedAlready.cookie()));

    plan = plan(List.of());
    assertThat(diff().changes()).hasSize(3);
    table.apply(diff().changes());
    assertThat(table.entries()).containsExactly(foreign);
  }

  @Test
  void whatTheSwitchRefusedIsNotTriedAgainForNow() {
    FlowEntry refused = wanted("table=65, priority=40000");
    FlowEntry surplus =
        FlowParser.parse("cookie=0x464d01000000beef, table=0, priority=1 actions=drop");
    table.wipe();
    table.add(surplus, 0);
    FlowDiff diff =
        FlowDiff.between(
            plan,
            table.installed(),
            ImmutableSet.of(refused.key(), surplus.key()),
            ImmutableSet.of());
    assertThat(diff.changes()).hasSize(3).noneMatch(change -> change.key().equals(refused.key()));
    assertThat(diff.drift()).hasSize(5);
  }

  /** Promise 5: an empty answer from OVSDB moves nothing. */
  @Test
  void entriesOfPortsThatOvsdbDoesNotKnowAreHeldAndNotRenewed() {
    plan =
        plan(
            List.of(
                "table 65",
                "port 3 mirror0 type=internal only-openflow",
                "port 5 web_h pod=default/web key=2/3 only-openflow",
                "mirror default/web both"));
    assertThat(diff().changes()).isEmpty();
    assertThat(diff().held()).hasSize(4);
  }

  /** Promise 3 wins over promise 5. */
  @Test
  void whatIsHeldGoesWhenItsPortOrItsKeysAreGone() {
    plan =
        plan(
            List.of(
                "table 65",
                "port 3 mirror0 type=internal only-openflow",
                "mirror default/web both"));
    assertThat(deletedMatches())
        .containsExactlyInAnyOrder(
            "metadata=0,in_port=5",
            "reg14=0/0x1000000,reg15=0x3,metadata=0x2",
            "ct_mark=0/0x2,reg14=0x3,metadata=0x2,in_port=5");

    plan =
        plan(
            List.of(
                "table 65",
                "port 3 mirror0 type=internal only-openflow",
                "port 5 web_h pod=default/web key=2/9 only-openflow",
                "mirror default/web both"));
    assertThat(deletedMatches())
        .containsExactlyInAnyOrder(
            "reg14=0/0x1000000,reg15=0x3,metadata=0x2",
            "ct_mark=0/0x2,reg14=0x3,metadata=0x2,in_port=5");
  }

  /** The pod is elsewhere: whoever is here now, and of whom OVSDB says nothing yet, is another. */
  @Test
  void nothingIsHeldForAPodThatOvsdbKnowsElsewhere() {
    for (String elsewhere :
        List.of(
            "port 7 new_h pod=default/web key=2/9",
            "port 7 new_h pod=default/web only-ovsdb no-ofport",
            "port 7 new_h pod=default/other iface-id=web.default key=2/9")) {
      plan =
          plan(
              List.of(
                  "table 65",
                  "port 3 mirror0 type=internal",
                  "port 5 web_h pod=default/web key=2/3 only-openflow",
                  elsewhere));
      assertThat(diff().held()).as(elsewhere).isEmpty();
      assertThat(deletedMatches()).as(elsewhere).hasSize(4);
    }
  }

  /** OVN has given its keys away, and OVSDB, which is away, knew the port that is gone. */
  @Test
  void nothingIsHeldWhoseKeysWereGivenAway() {
    plan =
        plan(
            WORLD,
            "no ovsdb",
            "- port 5 web_h pod=default/web key=2/3",
            "port 6 next_h pod=default/next key=2/3 only-openflow");
    assertThat(diff().held()).isEmpty();
    assertThat(deletedMatches()).hasSize(4);
  }

  /** The output is a pod's port now; only the mirror port may be one. */
  @Test
  void whatIsHeldMustOutputToTheMirrorPort() {
    table.wipe();
    FlowEntry stale =
        FlowParser.parse(
            "cookie=0x464d11006b0b3f4f, table=0, hard_timeout=1800, send_flow_rem,"
                + " priority=40000,metadata=0,in_port=6"
                + " actions=output:5,set_field:0x1->metadata,resubmit(,0)");
    table.add(stale, 0);
    plan =
        plan(
            List.of(
                "table 65",
                "port 3 mirror0 type=internal only-openflow",
                "port 5 web_h pod=default/web key=2/3 only-openflow",
                "port 6 db_h pod=default/db key=2/4 only-openflow",
                "mirror default/web both"));
    assertThat(diff().changes())
        .containsExactly(new FlowChange.Delete(stale.key(), stale.cookie()));
  }

  @Test
  void whatIsHeldGoesWhenItsMirrorPortIsGone() {
    plan =
        plan(
            List.of(
                "table 65",
                "port 5 web_h pod=default/web key=2/3 only-openflow",
                "mirror default/web both"));
    assertThat(deletedMatches()).contains("metadata=0,in_port=5");
  }

  private List<String> deletedMatches() {
    List<String> matches = new ArrayList<>();
    for (FlowChange change : diff().changes()) {
      assertThat(change).isInstanceOf(FlowChange.Delete.class);
      matches.add(FlowText.format(change.key().match()));
    }
    return matches;
  }

  private FlowDiff diff() {
    return FlowDiff.between(plan, table.installed(), ImmutableSet.of(), ImmutableSet.of());
  }

  private FlowEntry wanted(String text) {
    return plan.entries().values().stream()
        .map(PlannedEntry::entry)
        .filter(entry -> FlowText.format(entry.key()).contains(text))
        .findFirst()
        .orElseThrow();
  }

  private static Plan plan(List<String> statements, String... more) {
    List<String> all = new ArrayList<>(statements);
    for (String statement : more) {
      if (!statement.startsWith("- ")) {
        all.add(statement);
      } else if (!all.remove(statement.substring(2))) {
        throw new IllegalArgumentException(statement);
      }
    }
    io.flowmirror.topology.Topology topology = Scenario.topology(statements);
    for (io.flowmirror.topology.Fact fact : Scenario.facts(all, 1)) {
      topology = topology.with(fact);
    }
    return MirrorCompiler.compile(Scenario.intent(all), topology.node(Scenario.NODE));
  }
}
