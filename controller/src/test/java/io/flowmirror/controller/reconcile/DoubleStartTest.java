// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.base.Ticker;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.flowmirror.controller.openflow.DatapathReport;
import io.flowmirror.controller.reconcile.DoubleStart.Step;
import io.flowmirror.controller.reconcile.NodeStatus.Writer;
import io.flowmirror.flows.Challenge;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.FlowParser;
import io.flowmirror.flows.InstalledEntry;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

final class DoubleStartTest {
  private static final FlowEntry E1 =
      FlowParser.parse(
          "cookie=0x464d110000000001, table=0, priority=40000,metadata=0,in_port=5"
              + " actions=output:9,set_field:0x1->metadata,resubmit(,0)");

  private final AtomicLong now = new AtomicLong();
  private final DoubleStart start = of(5, false);

  private DoubleStart of(int instance, boolean force) {
    Ticker ticker =
        new Ticker() {
          @Override
          public long read() {
            return now.get();
          }
        };
    return new DoubleStart(instance, force, ticker);
  }

  private Step report(FlowEntry... entries) {
    return report(ImmutableMap.of(), entries);
  }

  private Step report(ImmutableMap<io.flowmirror.flows.FlowKey, String> refused, FlowEntry... all) {
    start.heard();
    return start.step(
        new DatapathReport(
            Optional.empty(),
            Arrays.stream(all)
                .map(entry -> new InstalledEntry(entry, 0, 0, 0))
                .collect(ImmutableList.toImmutableList()),
            1,
            refused,
            ""));
  }

  private void pass(Duration time) {
    now.addAndGet(time.toNanos());
  }

  @Test
  void whereNothingOfOursIsNobodyIsAsked() {
    assertThat(report()).isEqualTo(Step.DONE);
    assertThat(start.writer()).isEqualTo(Writer.US);
  }

  @Test
  void entriesOfOneThatIsGoneAreTakenOverAfterAMoment() {
    assertThat(report(E1)).isEqualTo(Step.ASK);
    assertThat(report(E1, start.challenge())).isEqualTo(Step.WAIT);
    assertThat(start.wakeAfter()).contains(DoubleStart.PATIENCE);
    pass(DoubleStart.PATIENCE);
    assertThat(start.wakeAfter()).contains(Duration.ZERO);
    assertThat(report(E1, start.challenge())).isEqualTo(Step.READ);
    assertThat(start.writer()).isEqualTo(Writer.UNDECIDED);
    assertThat(report(E1, start.challenge())).isEqualTo(Step.DONE);
    assertThat(start.writer()).isEqualTo(Writer.US);
  }

  /** What was read before time was up says nothing of the last moment. */
  @Test
  void theLastLookIsANewOne() {
    report(E1);
    report(E1, start.challenge());
    pass(DoubleStart.PATIENCE);
    assertThat(report(E1, start.challenge())).isEqualTo(Step.READ);
    DatapathReport old =
        new DatapathReport(
            Optional.empty(),
            ImmutableList.of(new InstalledEntry(start.challenge(), 0, 0, 0)),
            1,
            ImmutableMap.of(),
            "");
    assertThat(start.step(old)).isEqualTo(Step.WAIT);
    assertThat(report(E1)).isEqualTo(Step.ASK);
  }

  @Test
  void whoRemovesItTwiceIsAtWork() {
    report(E1);
    report(E1, start.challenge());
    assertThat(report(E1)).isEqualTo(Step.ASK);
    assertThat(report(E1)).isEqualTo(Step.DONE);
    assertThat(start.writer()).isEqualTo(Writer.ANOTHER);
    start.again();
    assertThat(start.writer()).isEqualTo(Writer.ANOTHER);
    assertThat(report(E1)).isEqualTo(Step.ASK);
    assertThat(start.writer()).isEqualTo(Writer.ANOTHER);
    report(E1, start.challenge());
    pass(DoubleStart.PATIENCE);
    report(E1, start.challenge());
    report(E1, start.challenge());
    assertThat(start.writer()).isEqualTo(Writer.US);
  }

  @Test
  void ovnsWipeIsNoController() {
    report(E1);
    report(E1, start.challenge());
    assertThat(report()).isEqualTo(Step.ASK);
    assertThat(report(start.challenge())).isEqualTo(Step.WAIT);
    pass(DoubleStart.PATIENCE);
    report(start.challenge());
    report(start.challenge());
    assertThat(start.writer()).isEqualTo(Writer.US);
  }

  @Test
  void ofTwoThatStartTogetherOneGivesWay() {
    report(E1);
    assertThat(report(E1, start.challenge(), new Challenge(6).entry())).isEqualTo(Step.WAIT);
    assertThat(report(E1, start.challenge(), new Challenge(-6).entry())).isEqualTo(Step.DONE);
    assertThat(start.writer()).isEqualTo(Writer.ANOTHER);
  }

  @Test
  void aSwitchThatRefusesToBeAskedIsWrittenTo() {
    report(E1);
    assertThat(report(ImmutableMap.of(start.challenge().key(), "OFPET_FLOW_MOD_FAILED"), E1))
        .isEqualTo(Step.DONE);
    assertThat(start.writer()).isEqualTo(Writer.US);
  }

  @Test
  void forceAsksNobody() {
    assertThat(of(5, true).writer()).isEqualTo(Writer.US);
  }
}
