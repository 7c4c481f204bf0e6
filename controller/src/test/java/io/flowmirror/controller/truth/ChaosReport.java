// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import io.flowmirror.controller.reconcile.Repair;
import io.flowmirror.controller.truth.Ordeal.Cost;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What a chaos run did, and what the process that has the controller took meanwhile. */
final class ChaosReport {
  private record Sample(Duration time, long heapMib, int threads, long descriptors) {}

  /** Samples of memory, threads and file descriptors that are shown. */
  private static final int SHOWN = 12;

  private final long seed;
  private final BrInt brInt;
  private final long beginNanos = System.nanoTime();
  private final Map<String, List<Cost>> costs = new TreeMap<>();
  private final List<Sample> samples = new ArrayList<>();

  ChaosReport(long seed, Cluster cluster) {
    this.seed = seed;
    this.brInt = cluster.brInt(Cluster.NODE);
    sample();
  }

  void add(Fault fault, Cost cost, Duration took) {
    costs.computeIfAbsent(fault.name(), name -> new ArrayList<>()).add(cost);
    System.out.printf(
        "chaos: %s: %d ms in all, %d packets lost, %d copies missed%n",
        fault, took.toMillis(), cost.lost(), cost.missed());
    sample();
  }

  private void sample() {
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    long descriptors =
        ManagementFactory.getOperatingSystemMXBean()
                instanceof com.sun.management.UnixOperatingSystemMXBean unix
            ? unix.getOpenFileDescriptorCount()
            : -1;
    samples.add(
        new Sample(
            Duration.ofNanos(System.nanoTime() - beginNanos),
            (runtime.totalMemory() - runtime.freeMemory()) >> 20,
            ManagementFactory.getThreadMXBean().getThreadCount(),
            descriptors));
  }

  String summary() {
    return String.format(
        "chaos: %d faults of %d kinds in %d s, seed %d",
        costs.values().stream().mapToInt(List::size).sum(),
        costs.size(),
        Duration.ofNanos(System.nanoTime() - beginNanos).toSeconds(),
        seed);
  }

  /** As Markdown. */
  String text() {
    StringBuilder text = new StringBuilder();
    text.append("<!-- SPDX-License-Identifier: Apache-2.0 -->\n# Soak\n\n");
    text.append("Written by `make soak MINUTES=N` on ")
        .append(LocalDate.now(java.time.ZoneOffset.UTC))
        .append("; ")
        .append(Program.run("ovs-vswitchd", "--version").lines().findFirst().orElse(""))
        .append(", ")
        .append(Program.run("ovn-controller", "--version").lines().findFirst().orElse(""))
        .append(", ")
        .append(Runtime.getRuntime().availableProcessors())
        .append(" processors.\n\n");
    text.append(summary().replaceFirst("chaos: ", ""))
        .append(
            ". After each fault the node was as it was wanted, no frame on the mirror port was"
                + " anybody else's or there twice, and no entry of somebody else's had changed but"
                + " by the fault itself; the run ends at the first fault of which that is not"
                + " true.\n\n");
    text.append(
        """
        | fault | times | repairs | median ms to confirm | worst | packets lost, median \
        | copies missed, median | worst |
        |---|---|---|---|---|---|---|---|
        """);
    costs.forEach((name, all) -> text.append(row(name, all)));
    text.append("\nOur entries now: ").append(brInt.ourEntries().size()).append(".\n");
    text.append(
        """

        The process that runs the controller, and the test itself, after a collection:

        | after | heap MiB | threads | file descriptors |
        |---|---|---|---|
        """);
    int step = Math.max(1, samples.size() / SHOWN);
    for (int i = 0; i < samples.size(); i += step) {
      Sample sample = samples.get(i);
      text.append(
          String.format(
              "| %d s | %d | %d | %d |%n",
              sample.time().toSeconds(), sample.heapMib(), sample.threads(), sample.descriptors()));
    }
    return text.toString();
  }

  private static String row(String name, List<Cost> all) {
    List<Double> repairs =
        all.stream()
            .flatMap(cost -> cost.repairs().stream())
            .map(Repair::took)
            .map(took -> took.toNanos() / 1e6)
            .sorted()
            .toList();
    List<Double> lost = all.stream().map(cost -> (double) cost.lost()).sorted().toList();
    List<Double> missed = all.stream().map(cost -> (double) cost.missed()).sorted().toList();
    return String.format(
        "| %s | %d | %d | %s | %s | %s | %s | %s |%n",
        name,
        all.size(),
        repairs.size(),
        median(repairs),
        worst(repairs),
        median(lost),
        median(missed),
        worst(missed));
  }

  private static String median(List<Double> sorted) {
    return sorted.isEmpty() ? "" : number(sorted.get(sorted.size() / 2));
  }

  private static String worst(List<Double> sorted) {
    return sorted.isEmpty() ? "" : number(sorted.get(sorted.size() - 1));
  }

  private static String number(double value) {
    return value == Math.rint(value) ? Long.toString((long) value) : String.format("%.1f", value);
  }
}
