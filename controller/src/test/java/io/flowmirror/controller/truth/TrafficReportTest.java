// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import org.junit.jupiter.api.Test;

final class TrafficReportTest {
  private static TrafficRun run(
      int round, TrafficMode mode, double mbits, long nanos, long copies) {
    return new TrafficRun(
        round,
        1,
        64,
        mode.name(),
        TrafficLoad.TCP_BANDWIDTH.name(),
        ImmutableMap.of(TrafficLoad.TCP_BANDWIDTH.figure(), mbits),
        1000,
        500,
        3000,
        nanos,
        copies,
        0,
        false);
  }

  private static final ImmutableList<TrafficRun> RUNS =
      ImmutableList.of(
          run(1, TrafficMode.NONE, 100, 1_000_000, 0),
          run(1, TrafficMode.OVS_POD, 80, 2_000_000, 1000),
          run(1, TrafficMode.FLOWMIRROR_POD, 40, 3_000_000, 1000),
          run(2, TrafficMode.NONE, 200, 1_000_000, 0),
          run(2, TrafficMode.OVS_POD, 100, 2_000_000, 900),
          run(2, TrafficMode.FLOWMIRROR_POD, 80, 1_000_000, 1000));

  private static final String PAGE =
      new TrafficReport(RUNS, "A note.", ImmutableMap.of("a tool", "1.0")).markdown();

  @Test
  void ratiosAreThoseOfTheSameRound() {
    // 40 of 80 and 80 of 100: the median of 0.5 and 0.8, not of the medians.
    assertThat(PAGE).contains("60.0 (40.0–80.0) ×0.40 | ×0.65 (0.50–0.80)");
    // 3 and 1 us a frame, to 2 and 2.
    assertThat(PAGE).contains("2.00 (1.00–3.00) ×2.00 | ×1.00 (0.50–1.50)");
  }

  @Test
  void lessBandwidthIsDearer() {
    assertThat(PAGE).contains("| pod: TCP bandwidth | 1 | 1 | 0 | 1.625 |");
    assertThat(PAGE).contains("| pod: CPU of a frame, all loads | 1 | 0 | 0 | 1.000 |");
  }

  @Test
  void aCopyThatIsMissingIsInTheTable() {
    assertThat(PAGE).contains("| TCP bandwidth | 64 | 6,000 | 100 of 2,000 | 0 of 2,000 |  |  |");
  }

  @Test
  void whatWasNotMeasuredIsNoFigure() {
    assertThat(PAGE).contains("| 1. pod to pod, same node | 3.00 | 3.00 | 3.00 | | |");
    assertThat(PAGE).contains("A note.").contains("a tool: 1.0").contains("2 of row 1");
    assertThat(PAGE).doesNotContain("NaN").doesNotContain("Infinity");
  }

  @Test
  void whatWasTriedInVainIsSaid() {
    TrafficRun vain =
        new TrafficRun(
            1,
            6,
            4096,
            TrafficMode.OVS_POD.name(),
            TrafficLoad.UDP_LATENCY.name(),
            ImmutableMap.of(),
            4,
            1300,
            12,
            1000,
            4,
            0,
            false);
    assertThat(new TrafficReport(ImmutableList.of(vain), "", ImmutableMap.of()).markdown())
        .contains("| UDP latency us | 4096 | | no answer | | | | | |");
  }

  @Test
  void jsonHasEveryRound() {
    String json = new TrafficReport(RUNS, "", ImmutableMap.of()).json();
    assertThat(json).contains("\"OVS_POD\":[80.0,100.0]").contains("\"copies due\":1000");
  }

  @Test
  void aPlotHasOneBarForEachMode() {
    TrafficPlot plot =
        new TrafficPlot(
            "x.svg",
            "x",
            ImmutableMap.of(
                "1",
                ImmutableMap.of(
                    TrafficMode.NONE, new TrafficCells.Spread(5, 4, 6),
                    TrafficMode.OVS_ALL, new TrafficCells.Spread(9, 7, 10))));
    assertThat(plot.svg().split("stroke=\"black\"", -1)).hasSize(3);
    assertThat(plot.svg()).startsWith("<svg").endsWith("</svg>\n").doesNotContain("NaN");
  }

  @Test
  void copiesAreDueForEachFormOnlyWhereItIsMirrored() {
    assertThat(TrafficRow.SAME_NODE.copiesDue(TrafficMode.FLOWMIRROR_POD)).isEqualTo(1);
    assertThat(TrafficRow.CLUSTER_IP.copiesDue(TrafficMode.OVS_ALL)).isEqualTo(2);
    assertThat(TrafficRow.NODE_TO_NODE.copiesDue(TrafficMode.FLOWMIRROR_ALL)).isZero();
    assertThat(TrafficRow.ONE_OF_TEN.copiesDue(TrafficMode.OVS_POD)).isZero();
    assertThat(TrafficRow.SAME_NODE.copiesDue(TrafficMode.NONE)).isZero();
  }
}
