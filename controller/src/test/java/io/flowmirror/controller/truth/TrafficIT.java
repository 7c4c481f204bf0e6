// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * One short round of {@code bench/traffic}: every cell has its figures, and copies are as many as
 * frames. Nothing is asked of times. Where ovs-vswitchd ended itself the cell was run again; that
 * is Open vSwitch's fault, and is printed.
 */
@ExtendWith(SharedCluster.class)
final class TrafficIT {
  /** Frames of others, such as neighbour discovery, and what comes between two counters. */
  private static final long NOISE = 100;

  @Test
  void everyCellHasItsFigures(Cluster cluster) {
    ImmutableList<TrafficRow> rows =
        ImmutableList.of(TrafficRow.SAME_NODE, TrafficRow.LOCAL_NODE_PORT);
    ImmutableSet<TrafficMode> modes =
        ImmutableSet.of(
            TrafficMode.NONE,
            TrafficMode.OVS_POD,
            TrafficMode.FLOWMIRROR_POD,
            TrafficMode.FLOWMIRROR_ALL);
    TrafficBench.Plan plan =
        new TrafficBench.Plan(
            rows,
            ImmutableList.of(64),
            ImmutableList.of(10),
            modes,
            ImmutableSet.of(TrafficLoad.TCP_LATENCY, TrafficLoad.UDP_FIXED, TrafficLoad.HTTP),
            1,
            1);
    List<TrafficRun> runs = new ArrayList<>();
    TrafficBench bench;
    try (TrafficStage stage =
        new TrafficStage(cluster.sandbox(), ImmutableSet.copyOf(rows), modes)) {
      bench = new TrafficBench(stage, plan, runs::add);
      bench.round(1);
    }
    bench.incidents().forEach(System.out::println);

    assertThat(runs).hasSize(3 * modes.size());
    for (TrafficRun run : runs) {
      assertThat(TrafficRun.parse(run.line())).isEqualTo(run);
      if (!bench.incidents().isEmpty() && run.frames() == 0) {
        continue;
      }
      assertThat(run.figures().keySet())
          .as(run.line())
          .isEqualTo(TrafficLoad.valueOf(run.load()).names());
      assertThat(run.frames()).as(run.line()).isGreaterThan(3 * NOISE);
      assertThat(run.cpuNanos()).as(run.line()).isPositive();
      assertThat(run.bytesPerFrame()).as(run.line()).isBetween(40.0, 1500.0);
      long missing = run.due() - run.copies();
      assertThat(missing).as(run.line()).isLessThanOrEqualTo(run.dropped() + NOISE);
      assertThat(-missing).as(run.line()).isLessThanOrEqualTo(NOISE);
    }
    String report =
        new TrafficReport(ImmutableList.copyOf(runs), "test", ImmutableMap.of()).markdown();
    for (TrafficRow row : rows) {
      assertThat(report).contains(row.number + ". " + row.words);
    }
    assertThat(report).doesNotContain("NaN").doesNotContain("Infinity");
  }

  @Test
  void aSwitchThatEndsItselfIsNoticedAndItsCellRunAgain(Cluster cluster) {
    ImmutableSet<TrafficMode> modes = ImmutableSet.of(TrafficMode.FLOWMIRROR_POD);
    TrafficBench.Plan plan =
        new TrafficBench.Plan(
            ImmutableList.of(TrafficRow.SAME_NODE),
            ImmutableList.of(64),
            ImmutableList.of(),
            modes,
            ImmutableSet.of(TrafficLoad.TCP_LATENCY, TrafficLoad.UDP_FIXED),
            1,
            1);
    List<TrafficRun> runs = new ArrayList<>();
    try (TrafficStage stage =
        new TrafficStage(cluster.sandbox(), ImmutableSet.copyOf(plan.rows()), modes)) {
      TrafficBench bench =
          new TrafficBench(
              stage,
              plan,
              run -> {
                if (runs.isEmpty()) {
                  stage.abortSwitch();
                }
                runs.add(run);
              });
      bench.round(1);
      assertThat(bench.incidents()).isNotEmpty();
      assertThat(bench.incidents().get(0)).contains("UDP").contains("ovs-vswitchd of n1 ended");
    }
    assertThat(runs).hasSize(2);
    TrafficRun again = runs.get(1);
    assertThat(again.repeated()).isTrue();
    assertThat(again.figures()).as(again.line()).isNotEmpty();
    assertThat(again.frames()).as(again.line()).isGreaterThan(3 * NOISE);
    assertThat(again.due() - again.copies()).as(again.line()).isBetween(-NOISE, NOISE);
  }
}
