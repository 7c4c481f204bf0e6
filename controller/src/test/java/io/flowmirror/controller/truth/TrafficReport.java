// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.controller.truth.TrafficCells.Kind;
import io.flowmirror.controller.truth.TrafficCells.Line;
import io.flowmirror.controller.truth.TrafficCells.Spread;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;

/** The table of traffic as a page, as JSON and as plots. */
final class TrafficReport {
  private static final ImmutableList<TrafficMode> MODES =
      ImmutableList.copyOf(TrafficMode.values());
  private static final ImmutableList<TrafficMode> OURS =
      ImmutableList.of(TrafficMode.FLOWMIRROR_POD, TrafficMode.FLOWMIRROR_ALL);

  private final ImmutableList<TrafficRun> runs;
  private final TrafficCells cells;
  private final String note;
  private final ImmutableMap<String, Object> about;

  /**
   * Makes the report of some runs.
   *
   * @param note a sentence about the machine
   * @param about versions and parameters, by name
   */
  TrafficReport(ImmutableList<TrafficRun> runs, String note, ImmutableMap<String, Object> about) {
    this.runs = runs;
    this.cells = new TrafficCells(runs);
    this.note = note;
    this.about = about;
  }

  String markdown() {
    StringBuilder page = new StringBuilder();
    page.append(
        """
        <!-- SPDX-License-Identifier: Apache-2.0 -->
        # What mirroring costs eight kinds of traffic

        Written by `bench/traffic`; [bench/README.md](../../bench/README.md) says how it is measured, how to
        read it, and what it does not show. The figures are in [traffic.json](traffic.json) too, round by round.

        """);
    if (!note.isEmpty()) {
      page.append(note).append("\n\n");
    }
    about.forEach(
        (name, value) -> page.append("- ").append(name).append(": ").append(value(value)));
    page.append("- rounds: ").append(rounds()).append("\n\n");
    summary(page);
    bystanders(page);
    passes(page);
    page.append("![CPU of a frame](traffic-cpu.svg)\n\n![TCP bandwidth](traffic-tcp.svg)\n\n");
    for (TrafficRow row : TrafficRow.values()) {
      if (runs.stream().anyMatch(run -> run.row() == row.number)) {
        row(page, row);
      }
    }
    return page.toString().stripTrailing() + "\n";
  }

  private static String value(Object value) {
    return (value instanceof List<?> list && list.isEmpty() ? "never" : value) + "\n";
  }

  /** How often each cell of a row was run, at most. */
  private String rounds() {
    Map<Integer, Long> most = new TreeMap<>();
    runs.stream()
        .collect(
            Collectors.groupingBy(
                run -> List.of(run.row(), run.size(), run.mode(), run.load()),
                Collectors.counting()))
        .forEach((cell, count) -> most.merge((Integer) cell.get(0), count, Math::max));
    return most.entrySet().stream()
        .map(entry -> entry.getValue() + " of row " + entry.getKey())
        .collect(Collectors.joining(", "));
  }

  /** Ours against Open vSwitch's own, over all lines. */
  private void summary(StringBuilder page) {
    page.append(
        """
        ## Flowmirror against Open vSwitch's Mirror

        How many times as dear Flowmirror is in the same round, for all lines of the rows with the mirrored pod:
        above 1, it is dearer (fewer Mbit/s, or more microseconds).

        | | lines | dearer in every round | cheaper in every round | ratio: median of all lines | quarter to three quarters |
        |---|---|---|---|---|---|
        """);
    ImmutableMap<String, Predicate<Line>> families =
        ImmutableMap.of(
            "TCP latency", line -> figure(line, TrafficLoad.TCP_LATENCY),
            "TCP bandwidth", line -> figure(line, TrafficLoad.TCP_BANDWIDTH),
            "UDP latency", line -> figure(line, TrafficLoad.UDP_LATENCY),
            "UDP bandwidth", line -> figure(line, TrafficLoad.UDP_BANDWIDTH),
            "requests a second", line -> line.figure().equals(TrafficLoad.HTTP.figure()),
            "average response", line -> line.figure().startsWith("response, average"),
            "CPU of a frame, all loads", line -> line.kind() == Kind.CPU_OF_FRAME,
            "CPU of a frame, UDP at a fixed load",
                line -> line.kind() == Kind.CPU_OF_FRAME && line.load() == TrafficLoad.UDP_FIXED,
            "CPU of a frame, rows 1, 2, 5, 7",
                line -> line.kind() == Kind.CPU_OF_FRAME && forms(line) == 1,
            "CPU of a frame, rows 4, 6, 8 (two copies due of all)",
                line -> line.kind() == Kind.CPU_OF_FRAME && forms(line) == 2);
    for (TrafficMode mode : OURS) {
      families.forEach((words, family) -> summaryLine(page, mode, words, family));
    }
    page.append('\n');
  }

  private static int forms(Line line) {
    return TrafficRow.of(line.row()).formsOfAll;
  }

  private static boolean figure(Line line, TrafficLoad load) {
    return line.kind() == Kind.FIGURE && line.load() == load;
  }

  private void summaryLine(
      StringBuilder page, TrafficMode mode, String words, Predicate<Line> family) {
    List<Double> medians = new ArrayList<>();
    int dearer = 0;
    int cheaper = 0;
    for (Line line : cells.lines()) {
      List<Double> costs = cells.costs(line, mode, mode.rival());
      if (!TrafficRow.of(line.row()).mirroredPod || !family.test(line) || costs.isEmpty()) {
        continue;
      }
      medians.add(Spread.of(costs).median());
      dearer += costs.stream().allMatch(cost -> cost > 1) ? 1 : 0;
      cheaper += costs.stream().allMatch(cost -> cost < 1) ? 1 : 0;
    }
    if (!medians.isEmpty()) {
      List<Double> sorted = medians.stream().sorted().toList();
      int n = sorted.size();
      page.append(
          text(
              "| %s: %s | %d | %d | %d | %.3f | %.2f–%.2f |%n",
              mode.everything ? "all" : "pod",
              words,
              n,
              dearer,
              cheaper,
              Spread.of(medians).median(),
              sorted.get((n - 1) / 4),
              sorted.get((n - 1) - (n - 1) / 4)));
    }
  }

  private void bystanders(StringBuilder page) {
    ImmutableSet<TrafficRow> rows =
        ImmutableSet.of(TrafficRow.NODE_TO_NODE, TrafficRow.ONE_OF_TEN, TrafficRow.ONE_OF_HUNDRED);
    page.append(
        """
        ## Traffic of those who are not mirrored

        CPU of a frame, to no mirror in the same round, over all sizes and loads of the row: the median of the lines'
        medians, and their range.

        | row |""");
    MODES.stream()
        .filter(mode -> mode.mirrors)
        .forEach(m -> page.append(' ').append(m.words).append(" |"));
    page.append("\n|---|---|---|---|---|\n");
    for (TrafficRow row : rows) {
      page.append("| ").append(row.number).append(". ").append(row.words).append(" |");
      for (TrafficMode mode : MODES) {
        List<Double> medians =
            cells
                .lines(row, Kind.CPU_OF_FRAME)
                .map(line -> cells.ratios(line, mode, TrafficMode.NONE))
                .filter(ratios -> !ratios.isEmpty())
                .map(ratios -> Spread.of(ratios).median())
                .toList();
        if (mode.mirrors) {
          page.append(medians.isEmpty() ? " |" : ' ' + times(medians, "%.3f") + " |");
        }
      }
      page.append('\n');
    }
    page.append('\n');
  }

  /** What no other load of the machine changes. */
  private void passes(StringBuilder page) {
    page.append(
        """
        ## Passes of the datapath for each frame

        One, and one more for each recirculation, of all runs of the row together.

        | row |""");
    MODES.forEach(mode -> page.append(' ').append(mode.words).append(" |"));
    page.append("\n|").append("---|".repeat(1 + MODES.size())).append('\n');
    for (TrafficRow row : TrafficRow.values()) {
      if (runs.stream().noneMatch(run -> run.row() == row.number)) {
        continue;
      }
      page.append(text("| %d. %s |", row.number, row.words));
      for (TrafficMode mode : MODES) {
        long frames = sum(row, mode, TrafficRun::frames);
        page.append(
            frames == 0
                ? " |"
                : text(" %.2f |", (double) sum(row, mode, TrafficRun::passes) / frames));
      }
      page.append('\n');
    }
    page.append('\n');
  }

  private long sum(TrafficRow row, TrafficMode mode, ToLongFunction<TrafficRun> counter) {
    return runs.stream()
        .filter(run -> run.row() == row.number && run.mode().equals(mode.name()))
        .mapToLong(counter)
        .sum();
  }

  private void row(StringBuilder page, TrafficRow row) {
    page.append(text("## %d. %s%n%n", row.number, row.words));
    for (Kind kind : Kind.values()) {
      List<Line> lines = cells.lines(row, kind).toList();
      if (lines.isEmpty()) {
        continue;
      }
      page.append("| ")
          .append(kind == Kind.FIGURE ? "" : kind.words.replace(": ", ""))
          .append(" | size |");
      for (TrafficMode mode : MODES) {
        page.append(' ').append(mode.words).append(" |");
        page.append(mode.isFlowmirror() ? " to OVS Mirror |" : "");
      }
      page.append("\n|").append("---|".repeat(2 + MODES.size() + OURS.size())).append('\n');
      lines.forEach(line -> line(page, line));
      page.append('\n');
    }
    copies(page, row);
  }

  private void line(StringBuilder page, Line line) {
    page.append(text("| %s | %d |", line.figure(), line.size()));
    for (TrafficMode mode : MODES) {
      List<Double> values = cells.values(line, mode);
      if (values.isEmpty()) {
        page.append(cells.tried(line, mode) ? " no answer |" : " |");
      } else {
        page.append(' ').append(range(Spread.of(values)));
        List<Double> ratios = cells.ratios(line, mode, TrafficMode.NONE);
        if (mode.mirrors && !ratios.isEmpty()) {
          page.append(text(" ×%.2f", Spread.of(ratios).median()));
        }
        page.append(" |");
      }
      if (mode.isFlowmirror()) {
        List<Double> ratios = cells.ratios(line, mode, mode.rival());
        page.append(ratios.isEmpty() ? " |" : ' ' + times(ratios, "%.2f") + " |");
      }
    }
    page.append('\n');
  }

  /** Copies missing, of those that are due, in all rounds together. */
  private void copies(StringBuilder page, TrafficRow row) {
    page.append("| copies missing, of those due | size | frames |");
    MODES.stream()
        .filter(mode -> mode.mirrors)
        .forEach(m -> page.append(' ').append(m.words).append(" |"));
    page.append("\n|---|---|---|---|---|---|---|\n");
    Map<String, List<TrafficRun>> groups =
        runs.stream()
            .filter(run -> run.row() == row.number)
            .collect(
                Collectors.groupingBy(
                    run -> TrafficLoad.valueOf(run.load()).words + " | " + run.size(),
                    LinkedHashMap::new,
                    Collectors.toList()));
    groups.forEach(
        (what, group) -> {
          page.append(
              text("| %s | %,d |", what, group.stream().mapToLong(TrafficRun::frames).sum()));
          for (TrafficMode mode : MODES) {
            if (mode.mirrors) {
              page.append(' ').append(missing(group, mode)).append(" |");
            }
          }
          page.append('\n');
        });
    page.append('\n');
  }

  private static String missing(List<TrafficRun> group, TrafficMode mode) {
    List<TrafficRun> ofMode = group.stream().filter(run -> run.mode().equals(mode.name())).toList();
    long due = ofMode.stream().mapToLong(TrafficRun::due).sum();
    long copies = ofMode.stream().mapToLong(TrafficRun::copies).sum();
    long dropped = ofMode.stream().mapToLong(TrafficRun::dropped).sum();
    if (ofMode.isEmpty()) {
      return "";
    }
    return due == 0
        ? text("none due, %,d made", copies)
        : text("%,d of %,d", due - copies, due)
            + (dropped == 0 ? "" : text(", %,d dropped", dropped));
  }

  private static String range(Spread spread) {
    String format = spread.median() >= 100 ? "%,.0f" : spread.median() >= 10 ? "%.1f" : "%.2f";
    return spread(spread, format);
  }

  private static String times(List<Double> ratios, String format) {
    return "×" + spread(Spread.of(ratios), format);
  }

  private static String spread(Spread spread, String format) {
    return spread.least() == spread.most()
        ? text(format, spread.median())
        : text(
            format + " (" + format + "–" + format + ")",
            spread.median(),
            spread.least(),
            spread.most());
  }

  @SuppressWarnings("AnnotateFormatMethod") // no annotation of that kind is among the dependencies
  private static String text(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }

  String json() {
    return new TrafficJson(runs, cells, note, about).text();
  }

  /** The plots: what a frame costs at a fixed load or at requests, and how fast TCP is. */
  ImmutableList<TrafficPlot> plots() {
    return ImmutableList.of(
        plot(
            "traffic-cpu.svg",
            "CPU of ovs-vswitchd for a frame, us",
            line ->
                line.kind() == Kind.CPU_OF_FRAME
                    && (line.load() == TrafficLoad.UDP_FIXED && line.size() == 64
                        || line.load() == TrafficLoad.HTTP && line.size() == 10 && line.row() > 6)),
        plot(
            "traffic-tcp.svg",
            "TCP bandwidth, messages of 1024 bytes, Mbit/s",
            line -> figure(line, TrafficLoad.TCP_BANDWIDTH) && line.size() == 1024));
  }

  private TrafficPlot plot(String file, String title, Predicate<Line> which) {
    ImmutableMap.Builder<String, ImmutableMap<TrafficMode, Spread>> groups = ImmutableMap.builder();
    for (Line line : cells.lines()) {
      if (which.test(line)) {
        ImmutableMap.Builder<TrafficMode, Spread> bars = ImmutableMap.builder();
        for (TrafficMode mode : MODES) {
          if (!cells.values(line, mode).isEmpty()) {
            bars.put(mode, Spread.of(cells.values(line, mode)));
          }
        }
        groups.put("" + line.row(), bars.buildOrThrow());
      }
    }
    return new TrafficPlot(file, title, groups.buildOrThrow());
  }
}
