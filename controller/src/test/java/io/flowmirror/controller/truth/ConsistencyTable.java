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
  private final List<Duration> ofctl = new ArrayList<>();

  @Test
  void make(Cluster cluster) throws IOException {
    Path out = Path.of(System.getProperty("bench.out"));
    try (Stage stage = new Stage(cluster, Intent.ONE_POD, new Random(1))) {
      for (int round = 0; round < ROUNDS; round++) {
        for (Fault fault : Faults.wanted()) {
          System.out.printf("round %d of %d: %s%n", round + 1, ROUNDS, fault);
          note(without, fault, new Ordeal(stage).of(fault));
          stage.startController();
          note(with, fault, new Ordeal(stage).of(fault));
          ofctl.add(stage.replaceOursByOfctl());
          stage.stopController();
          // Without a controller means without anything of ours.
          RunningController.clean(cluster);
          stage.plant();
        }
      }
    }
    // Of some faults only the rows: the page is of all.
    boolean isPage = Faults.wanted().equals(Faults.ALL);
    Files.writeString(out, isPage ? text(tenPods(cluster)) : rows());
  }

  /** As the table, with ten mirrored pods: the other nine have no traffic. */
  private static String tenPods(Cluster cluster) {
    Intent ten = Intent.ONE_POD;
    for (int i = 1; i < 10; i++) {
      ten = ten.with("ten" + i);
    }
    cluster
        .sandbox()
        .run(
            "pods",
            "add",
            "--count",
            "9",
            "--prefix",
            "ten",
            "--namespace",
            Pod.NAMESPACE,
            "--node",
            Cluster.NODE,
            "--dummy");
    StringBuilder rows = new StringBuilder();
    try (Stage stage = new Stage(cluster, ten, new Random(1))) {
      stage.startController();
      for (Fault fault : List.of(Faults.OURS_DELETED, Faults.OVN_CONTROLLER_RESTARTED)) {
        List<Cost> costs = new ArrayList<>();
        List<Duration> ofctl = new ArrayList<>();
        for (int round = 0; round < 2 * ROUNDS; round++) {
          costs.add(new Ordeal(stage).of(fault));
          ofctl.add(stage.replaceOursByOfctl());
          stage.plant();
        }
        rows.append(
            String.format(
                "| %s | %s | %s | %s | %s |%n",
                fault,
                repair(costs),
                spread(costs, cost -> millis(cost.silence())),
                range(ofctl.stream().map(Duration::toMillis).toList()),
                spread(costs, Cost::missedAfter)));
      }
    } finally {
      cluster.sandbox().run("pod", "del", "--name-prefix", "ten", "--namespace", Pod.NAMESPACE);
    }
    return rows.toString();
  }

  private static void note(Map<Fault, List<Cost>> costs, Fault fault, Cost cost) {
    costs.computeIfAbsent(fault, key -> new ArrayList<>()).add(cost);
  }

  private String rows() {
    StringBuilder rows = new StringBuilder();
    for (Fault fault : Faults.wanted()) {
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
              fault.wipes() ? spread(costs, cost -> millis(cost.silence())) : ""));
    }
    return rows.toString();
  }

  private String text(String tenPods) {
    int doubled =
        with.values().stream().flatMap(List::stream).mapToInt(c -> c.doubled().size()).sum();
    int strangers =
        with.values().stream().flatMap(List::stream).mapToInt(c -> c.strangers().size()).sum();
    return String.format(
        """
        <!-- SPDX-License-Identifier: Apache-2.0 -->
        # Consistency: what each fault costs

        Written by `bench/consistency` on %s; %s, %s, userspace datapath, %d processors, which the
        daemons, the traffic, the captures and the controller share. Rounds: %d. Each number is their
        median, with the least and the most where they differ; a round has the fault without a
        controller and then with it, under the same traffic.

        The traffic is an echo request each millisecond from the mirrored pod to one on its node, from
        one on another node to the mirrored pod, and between two pods that are not mirrored and are in
        two subnets. *Lost* are requests without an answer, of all three. Frames that crossed the
        mirrored pod's eth0, and that OVN forwarded, are held against the copies one by one: *missed* is
        how many were not copied, *missed after OVN* how many of those came after the pod had received
        something again, and *for* until when after that moment. *Repair* is from the first sign that
        the controller got until the switch had confirmed; a fault may take several. *OVN* is the longest
        silence in what the pod received, by the kernel's own time stamps: at least what OVN needed
        for its own entries (a request each millisecond, so that 1 or 2 ms are no silence).

        | fault | lost without us | lost with us | copies missed | missed after OVN | for ms | repair ms | OVN ms |
        |---|---|---|---|---|---|---|---|
        %s
        Frames copied twice: %d. Copies of what the mirrored pod neither sent nor received: %d.

        `ovs-ofctl --bundle add-flows` with the same entries, as a process, took %s ms.

        ## Ten mirrored pods

        The same node with ten mirrored pods, all of whose entries have to be made again: how long the
        controller's repair took, in ms, beside the longest silence, as above, and beside the same
        entries by `ovs-ofctl --bundle add-flows`, in the same rounds.

        | fault | repair ms | OVN ms | ovs-ofctl ms | copies missed after OVN |
        |---|---|---|---|---|
        %s
        Thousands of entries in one bundle, beside `ovs-ofctl --bundle`: [performance/entries.md](performance/entries.md).
        """,
        LocalDate.now(ZoneOffset.UTC),
        Program.run("ovs-vswitchd", "--version").lines().findFirst().orElse(""),
        Program.run("ovn-controller", "--version").lines().findFirst().orElse(""),
        Runtime.getRuntime().availableProcessors(),
        ROUNDS,
        rows(),
        doubled,
        strangers,
        range(ofctl.stream().map(Duration::toMillis).toList()),
        tenPods);
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
