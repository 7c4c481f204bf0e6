// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

/**
 * Rounds of traffic: each row and size in every mode, one mode after another in an order that the
 * seed decides. A cell in which ovs-vswitchd ends itself is run once more.
 */
final class TrafficBench {
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final Duration CALM = Duration.ofSeconds(2);

  /**
   * What is run.
   *
   * @param seconds of one run of a tool
   * @param seed of the order of modes
   */
  record Plan(
      ImmutableList<TrafficRow> rows,
      ImmutableList<Integer> sizes,
      ImmutableList<Integer> connections,
      ImmutableSet<TrafficMode> modes,
      ImmutableSet<TrafficLoad> loads,
      int seconds,
      long seed) {}

  private final TrafficStage stage;
  private final Plan plan;
  private final Consumer<TrafficRun> runs;
  private final List<String> incidents = new ArrayList<>();

  TrafficBench(TrafficStage stage, Plan plan, Consumer<TrafficRun> runs) {
    this.stage = stage;
    this.plan = plan;
    this.runs = runs;
  }

  /** What happened that should not have: switches that ended themselves. */
  ImmutableList<String> incidents() {
    return ImmutableList.copyOf(incidents);
  }

  void round(int round) {
    for (TrafficRow row : plan.rows()) {
      stage.populate(row);
      ImmutableSet<TrafficLoad> loads = row.loads(plan.loads());
      ImmutableSet<TrafficLoad> requests =
          loads.contains(TrafficLoad.HTTP) ? TrafficLoad.REQUESTS : ImmutableSet.of();
      ImmutableSet<TrafficLoad> messages =
          loads.stream().filter(load -> !load.isRequests()).collect(ImmutableSet.toImmutableSet());
      for (int size : messages.isEmpty() ? ImmutableList.<Integer>of() : plan.sizes()) {
        cells(round, row, size, messages);
      }
      for (int size : requests.isEmpty() ? ImmutableList.<Integer>of() : plan.connections()) {
        cells(round, row, size, requests);
      }
    }
  }

  private void cells(int round, TrafficRow row, int size, ImmutableSet<TrafficLoad> loads) {
    List<TrafficMode> order = new ArrayList<>(plan.modes());
    Collections.shuffle(
        order, new Random(plan.seed() + 31L * round + 1009L * row.number + 100_003L * size));
    for (TrafficMode mode : order) {
      restarted(String.format("round %d, before row %d, %d", round, row.number, size));
      stage.use(mode);
      for (TrafficLoad load : loads) {
        runs.accept(run(round, row, size, mode, load));
      }
    }
  }

  private TrafficRun run(int round, TrafficRow row, int size, TrafficMode mode, TrafficLoad load) {
    TrafficRun run = attempt(round, row, size, mode, load, false);
    if (restarted(String.format("round %d, row %d, %d, %s", round, row.number, size, load.words))) {
      stage.use(mode);
    } else if (run.figures().isEmpty() && load != TrafficLoad.UDP_LATENCY) {
      stage.serve(); // a server's fault, maybe; a ping-pong without an answer has its reasons
    } else {
      return run;
    }
    return attempt(round, row, size, mode, load, true);
  }

  /** Starts the switches that have ended themselves, and notes it; says whether there were any. */
  private boolean restarted(String when) {
    ImmutableMap<String, String> ended = stage.ended();
    ended.forEach(
        (node, words) ->
            incidents.add(when + ": ovs-vswitchd of " + node + " ended itself. " + words));
    if (!ended.isEmpty()) {
      stage.restartSwitches();
    }
    return !ended.isEmpty();
  }

  /** A run, without figures and counts if a switch ended meanwhile. */
  private TrafficRun attempt(
      int round, TrafficRow row, int size, TrafficMode mode, TrafficLoad load, boolean repeated) {
    try {
      return measured(round, row, size, mode, load, repeated);
    } catch (AssertionError e) {
      if (stage.switchesRun()) {
        throw e;
      }
      return new TrafficRun(
          round,
          row.number,
          size,
          mode.name(),
          load.name(),
          ImmutableMap.of(),
          0,
          0,
          0,
          0,
          0,
          0,
          repeated);
    }
  }

  private TrafficRun measured(
      int round, TrafficRow row, int size, TrafficMode mode, TrafficLoad load, boolean repeated) {
    String command = load.command(stage.target(row, load), size, plan.seconds());
    long[] before = counters(row);
    long cpuBefore = stage.cpuNanos();
    String output = "";
    try (Program tool =
        Program.start("ip", "netns", "exec", stage.client(row), "sh", "-c", command)) {
      boolean over =
          Wait.within(
              PATIENCE.plusSeconds(plan.seconds()),
              () -> !tool.isRunning() || !stage.switchesRun());
      if (over && !tool.isRunning()) {
        output = tool.output();
      }
    }
    long cpu = stage.cpuNanos() - cpuBefore;
    if (!stage.switchesRun()) {
      throw new AssertionError("ovs-vswitchd ended itself");
    }
    long[] after = settled(row);
    long[] took = new long[after.length];
    Arrays.setAll(took, i -> after[i] - before[i]);
    return new TrafficRun(
        round,
        row.number,
        size,
        mode.name(),
        load.name(),
        load.figures(output, size, plan.seconds()),
        took[0],
        took[4] == 0 ? 0 : (double) took[5] / took[4],
        took[1],
        cpu,
        took[2],
        took[3],
        repeated);
  }

  /** Frames taken in, passes, copies taken, copies not taken, frames and bytes at the end. */
  private long[] counters(TrafficRow row) {
    // Copies last: what comes between has been taken in as well, and is a surplus, not a loss.
    long[] datapath = stage.counters().datapath();
    long[] end = stage.atTheEnd(row);
    long[] copies = stage.counters().copies();
    return new long[] {datapath[0], datapath[1], copies[0], copies[1], end[0], end[1]};
  }

  /** The counters when nothing is on its way any more. */
  private long[] settled(TrafficRow row) {
    AtomicReference<long[]> last = new AtomicReference<>(counters(row));
    boolean calm =
        Wait.within(
            CALM,
            () -> {
              long[] now = counters(row);
              return Arrays.equals(now, last.getAndSet(now));
            });
    return calm ? last.get() : counters(row);
  }
}
