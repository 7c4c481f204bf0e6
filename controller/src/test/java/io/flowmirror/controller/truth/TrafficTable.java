// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static java.nio.file.StandardOpenOption.APPEND;
import static java.nio.file.StandardOpenOption.CREATE;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Sets;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * Makes {@code docs/performance/traffic.*}: the published table of traffic, side by side. Run by
 * {@code bench/traffic}, which says what the properties mean. Runs are added to the raw file, so
 * that a long bench can be made in parts; the report is of all that the file has.
 */
@EnabledIfSystemProperty(named = "bench.raw", matches = ".+")
final class TrafficTable {
  private static final Path RAW = Path.of(System.getProperty("bench.raw", "traffic.raw"));
  private static final Path OUT = Path.of(System.getProperty("bench.out", "."));
  private static final int ROUNDS = Integer.getInteger("bench.rounds", 3);
  private static final int SECONDS = Integer.getInteger("bench.seconds", 1);
  private static final long SEED = Long.getLong("bench.seed", 1);

  @Test
  void make() throws IOException {
    ImmutableList<TrafficRow> rows =
        numbers("bench.rows", "1,2,3,4,5,6,7,8,9,10").stream()
            .map(TrafficRow::of)
            .collect(ImmutableList.toImmutableList());
    ImmutableSet<TrafficMode> modes = chosen("bench.modes", TrafficMode.class);
    TrafficBench.Plan plan =
        new TrafficBench.Plan(
            rows,
            numbers("bench.sizes", "64,128,512,1024,4096"),
            numbers("bench.connections", "10,100"),
            modes,
            chosen("bench.loads", TrafficLoad.class),
            SECONDS,
            SEED);
    int done =
        runs().stream()
            .filter(run -> rows.contains(run.kind()))
            .filter(
                run -> plan.sizes().contains(run.size()) || plan.connections().contains(run.size()))
            .mapToInt(TrafficRun::round)
            .max()
            .orElse(0);
    if (ROUNDS > 0) {
      try (Sandbox sandbox = Sandbox.up();
          TrafficStage stage = new TrafficStage(sandbox, ImmutableSet.copyOf(rows), modes)) {
        TrafficBench bench = new TrafficBench(stage, plan, this::note);
        for (int round = done + 1; round <= done + ROUNDS; round++) {
          System.out.printf("round %d of rows %s%n", round, rows);
          bench.round(round);
        }
        List<String> incidents = bench.incidents();
        incidents.forEach(System.out::println);
        Files.write(incidentsFile(), incidents, CREATE, APPEND);
      }
    }
    report();
  }

  private void note(TrafficRun run) {
    try {
      Files.write(RAW, List.of(run.line()), CREATE, APPEND);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Path incidentsFile() {
    return Path.of(RAW + ".incidents");
  }

  private static ImmutableList<TrafficRun> runs() throws IOException {
    return Files.exists(RAW)
        ? Files.readAllLines(RAW).stream()
            .map(TrafficRun::parse)
            .collect(ImmutableList.toImmutableList())
        : ImmutableList.of();
  }

  private static void report() throws IOException {
    List<String> incidents =
        Files.exists(incidentsFile()) ? Files.readAllLines(incidentsFile()) : new ArrayList<>();
    ImmutableMap<String, Object> about =
        ImmutableMap.<String, Object>builder()
            .put("date", LocalDate.now(ZoneOffset.UTC).toString())
            .put("kernel", Program.run("uname", "-sr").strip())
            .put("processors", Runtime.getRuntime().availableProcessors())
            .put("processor", processor())
            .put("Open vSwitch", version("ovs-vswitchd --version"))
            .put("OVN", version("ovn-controller --version"))
            .put("qperf", version("qperf --version"))
            .put("iperf3", version("iperf3 --version"))
            .put("wrk", version("wrk -v"))
            .put("nginx", version("nginx -v"))
            .put("seconds of a run", SECONDS)
            .put("seed of the order of modes", SEED)
            .put("ovs-vswitchd ended itself", incidents)
            .buildOrThrow();
    TrafficReport report = new TrafficReport(runs(), System.getProperty("bench.note", ""), about);
    Files.createDirectories(OUT);
    Files.writeString(OUT.resolve("traffic.md"), report.markdown());
    Files.writeString(OUT.resolve("traffic.json"), report.json());
    for (TrafficPlot plot : report.plots()) {
      Files.writeString(OUT.resolve(plot.file()), plot.svg());
    }
  }

  private static String version(String command) {
    String said = Program.run("sh", "-c", command + " 2>&1; :");
    return said.lines().findFirst().orElse("").replaceFirst(" Copyright.*", "").strip();
  }

  private static String processor() throws IOException {
    return Files.readAllLines(Path.of("/proc/cpuinfo")).stream()
        .filter(line -> line.toLowerCase(Locale.ROOT).startsWith("model name"))
        .findFirst()
        .map(line -> line.substring(line.indexOf(':') + 1).strip())
        .orElse("");
  }

  /** The constants that a property names, or all. */
  private static <E extends Enum<E>> ImmutableSet<E> chosen(String property, Class<E> type) {
    String names = System.getProperty(property, "");
    return names.isEmpty()
        ? Sets.immutableEnumSet(EnumSet.allOf(type))
        : Splitter.on(',')
            .splitToStream(names)
            .map(name -> Enum.valueOf(type, name))
            .collect(Sets.toImmutableEnumSet());
  }

  private static ImmutableList<Integer> numbers(String property, String fallback) {
    return Splitter.on(',')
        .splitToStream(System.getProperty(property, fallback))
        .map(Integer::valueOf)
        .collect(ImmutableList.toImmutableList());
  }
}
