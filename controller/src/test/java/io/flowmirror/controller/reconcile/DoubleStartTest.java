// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.base.Ticker;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.controller.openflow.DatapathReport;
import io.flowmirror.controller.reconcile.DoubleStart.Step;
import io.flowmirror.controller.reconcile.NodeStatus.Writer;
import io.flowmirror.flows.Challenge;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.FlowKey;
import io.flowmirror.flows.FlowParser;
import io.flowmirror.flows.InstalledEntry;
import io.flowmirror.topology.Datapath;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

final class DoubleStartTest {
  private static final FlowEntry E1 =
      FlowParser.parse(
          "cookie=0x464d110000000001, table=0, priority=40000,metadata=0,in_port=5"
              + " actions=output:9,set_field:0x1->metadata,resubmit(,0)");

  private final AtomicLong now = new AtomicLong(1);
  private final DoubleStart start = of(false);
  private String version = "3.1.0";

  private DoubleStart of(boolean force) {
    Ticker ticker =
        new Ticker() {
          @Override
          public long read() {
            return now.get();
          }
        };
    return new DoubleStart(5, force, ticker);
  }

  private Step report(InstalledEntry... entries) {
    return report(ImmutableMap.of(), entries);
  }

  private Step report(ImmutableMap<FlowKey, String> refused, InstalledEntry... entries) {
    Datapath datapath =
        new Datapath(
            1,
            1,
            version,
            ImmutableMap.of(),
            OptionalInt.empty(),
            ImmutableList.of(),
            false,
            ImmutableSet.of());
    start.rest();
    return start.step(
        new DatapathReport(
            Optional.of(datapath), ImmutableList.copyOf(entries), 1, refused, "", 0, false));
  }

  private static InstalledEntry entry() {
    return new InstalledEntry(E1, 100, 0, 0);
  }

  private InstalledEntry challenge(long age) {
    return new InstalledEntry(start.challenge(), age, 0, 0);
  }

  private static InstalledEntry challengeOf(int instance) {
    return new InstalledEntry(new Challenge(instance).entry(), 0, 0, 0);
  }

  private void pass(Duration time) {
    now.addAndGet(time.toNanos());
  }

  @Test
  void whatOneThatIsGoneHasLeftIsTakenOverWhenTheChallengeHasAged() {
    assertThat(report(entry())).isEqualTo(Step.ASK);
    assertThat(report(entry(), challenge(0))).isEqualTo(Step.WAIT);
    assertThat(start.wakeAfter()).contains(Duration.ofMillis(1100));
    pass(Duration.ofMillis(1100));
    assertThat(start.wakeAfter()).contains(Duration.ZERO);
    // What was read before is of no use; and the switch may be a moment behind.
    assertThat(report(entry(), challenge(0))).isEqualTo(Step.READ);
    assertThat(report(entry(), challenge(0))).isEqualTo(Step.WAIT);
    assertThat(start.writer()).isEqualTo(Writer.UNDECIDED);
    assertThat(report(entry(), challenge(1))).isEqualTo(Step.DONE);
    assertThat(start.writer()).isEqualTo(Writer.US);
    assertThat(start.wakeAfter()).isEmpty();
  }

  /** There may be one that has nothing to install here, or whose entries OVN has just wiped. */
  @Test
  void anEmptyTableIsAskedToo() {
    assertThat(report()).isEqualTo(Step.ASK);
    assertThat(report(challenge(1))).isEqualTo(Step.DONE);
    assertThat(start.writer()).isEqualTo(Writer.US);
  }

  @Test
  void withoutAFlowMonitorItTakesLonger() {
    version = "2.17.9";
    report();
    assertThat(report(challenge(1))).isEqualTo(Step.WAIT);
    assertThat(report(challenge(2))).isEqualTo(Step.DONE);
  }

  @Test
  void whoRemovesItAgainAndAgainIsAtWork() {
    report(entry());
    report(entry(), challenge(0));
    assertThat(report(entry())).isEqualTo(Step.ASK);
    assertThat(report(entry())).isEqualTo(Step.ASK);
    assertThat(report(entry())).isEqualTo(Step.DONE);
    assertThat(start.writer()).isEqualTo(Writer.ANOTHER);
    assertThat(report(entry())).isEqualTo(Step.DONE);
    // Later: that it was there counts until it turns out to be gone.
    start.again();
    assertThat(report(entry())).isEqualTo(Step.ASK);
    assertThat(start.writer()).isEqualTo(Writer.ANOTHER);
    report(entry(), challenge(1));
    assertThat(start.writer()).isEqualTo(Writer.US);
  }

  @Test
  void ovnsWipesAreNoController() {
    report(entry());
    report(entry(), challenge(0));
    assertThat(report()).isEqualTo(Step.ASK);
    report(challenge(0));
    assertThat(report()).isEqualTo(Step.ASK);
    assertThat(report(challenge(1))).isEqualTo(Step.DONE);
    assertThat(start.writer()).isEqualTo(Writer.US);
  }

  /** The other one may still be on its way back, and its entries are gone with vswitchd. */
  @Test
  void whoHasFoundAnotherDoesNotAskAtOnceAfterALostConnection() {
    report();
    report();
    report();
    report();
    assertThat(start.writer()).isEqualTo(Writer.ANOTHER);
    start.reconnected();
    assertThat(report()).isEqualTo(Step.DONE);
    start.again();
    assertThat(report()).isEqualTo(Step.ASK);
    start.reconnected();
    assertThat(report()).isEqualTo(Step.DONE);
  }

  @Test
  void whoIsAskingAsksAnewAfterALostConnection() {
    report();
    start.reconnected();
    assertThat(report()).isEqualTo(Step.ASK);
  }

  @Test
  void ofTwoThatStartTogetherTheLowerNumberGoesFirst() {
    report();
    assertThat(report(challenge(1), challengeOf(-6))).isEqualTo(Step.WAIT);
    assertThat(start.isAskedBySomebody(ImmutableList.of(challenge(1)))).isFalse();
    assertThat(start.isAskedBySomebody(ImmutableList.of(challengeOf(-6)))).isTrue();
    // It was left by one that has crashed, and has ended.
    assertThat(report(challenge(3))).isEqualTo(Step.DONE);
    assertThat(start.writer()).isEqualTo(Writer.US);
  }

  @Test
  void aHigherNumberWaitsForUs() {
    report();
    report(challenge(1), challengeOf(6));
    assertThat(start.writer()).isEqualTo(Writer.US);
  }

  @Test
  void aSwitchThatRefusesToBeAskedIsNotWrittenTo() {
    report();
    assertThat(report(ImmutableMap.of(start.challenge().key(), "OFPBFC_TIMEOUT")))
        .isEqualTo(Step.DONE);
    assertThat(start.writer()).isEqualTo(Writer.UNDECIDED);
    assertThat(start.refusal()).isEqualTo("OFPBFC_TIMEOUT");
    start.again();
    assertThat(start.refusal()).isEmpty();
    assertThat(report()).isEqualTo(Step.ASK);
  }

  @Test
  void forceAsksNobody() {
    assertThat(of(true).writer()).isEqualTo(Writer.US);
  }
}
