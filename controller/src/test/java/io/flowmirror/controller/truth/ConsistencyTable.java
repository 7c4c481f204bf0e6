// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import io.flowmirror.controller.reconcile.Repair;
import io.flowmirror.controller.truth.Ordeal.Cost;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Makes {@code docs/consistency.md}: each fault with the controller and without it, in interleaved
 * rounds on one cluster. Run by {@code bench/consistency}.
 */
@EnabledIfSystemProperty(named = "bench.out", matches = ".+")
@ExtendWith(SharedCluster.class)
final class ConsistencyTable {
  private static final int ROUNDS = Integer.getInteger("bench.rounds", 3);

  private final Map<Fault, List<Cost>> with = new LinkedHashMap<>();
  private final Map<Fault, List<Cost>> without = new LinkedHashMap<>();
  private final Map<Fault, List<Duration>> ovn = new LinkedHashMap<>();
  private final List<Duration> ofctl = new ArrayList<>();

  @Test
  void make(Cluster cluster) throws IOException {
    Path out = Path.of(System.getProperty("bench.out"));
    try (Stage stage = new Stage(cluster, Intent.ONE_POD, new Random(1))) {
      for (int round = 0; round < ROUNDS; round++) {
        for (Fault fault : Faults.ALL) {
          System.out.printf("round %d of %d: %s%n", round + 1, ROUNDS, fault);
          note(without, fault, new Ordeal(stage).of(fault));
          stage.startController();
          Cost cost;
          try (FlowWatch watch = new FlowWatch(stage.brInt)) {
            cost = new Ordeal(stage).of(fault);
            watch
                .ovnWasAway()
                .ifPresent(away -> ovn.computeIfAbsent(fault, key -> new ArrayList<>()).add(away));
          }
          note(with, fault, cost);
          ofctl.add(stage.replaceOursByOfctl());
          stage.stopController();
          // Without a controller means without anything of ours.
          RunningController.clean(cluster);
          stage.plant();
        }
      }
    }
    Files.writeString(out, text());
  }

  private static void note(Map<Fault, List<Cost>> costs, Fault fault, Cost cost) {
    costs.computeIfAbsent(fault, key -> new ArrayList<>()).add(cost);
  }

  private String text() {
    StringBuilder rows = new StringBuilder();
    for (Fault fault : Faults.ALL) {
      List<Cost> costs = with.get(fault);
      rows.append(
          String.format(
              "| %s | %s | %s | %s | %s | %s | %s | %s |%n",
              fault,
              spread(without.get(fault), Cost::lost),
              spread(costs, Cost::lost),
              spread(costs, Cost::missed),
              spread(costs, Cost::missedAfter),
              spread(costs, cost -> millis(cost.missedAfterFor())),
              repair(costs),
              ovn.containsKey(fault)
                  ? range(ovn.get(fault).stream().map(Duration::toMillis).toList())
                  : ""));
    }
    int doubled =
        with.values().stream().flatMap(List::stream).mapToInt(c -> c.doubled().size()).sum();
    int strangers =
        with.values().stream().flatMap(List::stream).mapToInt(c -> c.strangers().size()).sum();
    return String.format(
        """
        <!-- SPDX-License-Identifier: Apache-2.0 -->
        # Consistency: what each fault costs

        Written by `bench/consistency` on %s; %s, %s, userspace datapath, %d processors, which the
        daemons, the traffic, the captures and the controller share. Each number is the median of %d
        rounds, with the least and the most where they differ; a round has the fault without a
        controller and then with it, under the same traffic.

        The traffic is an echo request each millisecond from the mirrored pod to one on its node, from
        one on another node to the mirrored pod, and between two pods that are not mirrored and are in
        two subnets. *Lost* are requests without an answer, of all three. Frames that crossed the
        mirrored pod's eth0, and that OVN forwarded, are held against the copies one by one: *missed* is
        how many were not copied, *missed after OVN* how many of those came after the pod had received
        something again, and *for* until when after that moment. *Repair* is from the first sign that
        the controller got until the switch had confirmed, *OVN* is from the first of OVN's entries
        that was deleted until the last of them was back (both in ms; a repair may take several
        rounds).

        | fault | lost without us | lost with us | copies missed | missed after OVN | for ms | repair ms | OVN ms |
        |---|---|---|---|---|---|---|---|
        %s
        Frames copied twice: %d. Copies of what the mirrored pod neither sent nor received: %d.

        `ovs-ofctl --bundle add-flows` with the same entries, as a process, took %s ms.
        """,
        LocalDate.now(ZoneOffset.UTC),
        Program.run("ovs-vswitchd", "--version").lines().findFirst().orElse(""),
        Program.run("ovn-controller", "--version").lines().findFirst().orElse(""),
        Runtime.getRuntime().availableProcessors(),
        ROUNDS,
        rows,
        doubled,
        strangers,
        range(ofctl.stream().map(Duration::toMillis).toList()));
  }

  private static long millis(Duration time) {
    return time.toMillis();
  }

  private static String spread(List<Cost> costs, Function<Cost, Number> value) {
    return range(costs.stream().map(cost -> value.apply(cost).longValue()).toList());
  }

  private static String repair(List<Cost> costs) {
    List<Long> took =
        costs.stream()
            .flatMap(cost -> cost.repairs().stream())
            .map(Repair::took)
            .map(Duration::toMillis)
            .toList();
    return took.isEmpty() ? "" : range(took);
  }

  /** The median, and the least and the most if they differ from it. */
  private static String range(List<Long> values) {
    List<Long> sorted = values.stream().sorted().toList();
    long median = sorted.get(sorted.size() / 2);
    long least = sorted.get(0);
    long most = sorted.get(sorted.size() - 1);
    return least == most ? "" + median : median + " (" + least + "–" + most + ")";
  }
}
