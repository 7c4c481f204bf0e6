// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import com.google.common.collect.ImmutableList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** The runs of a bench by what they measured: for each figure its value by mode and round. */
final class TrafficCells {
  /** What of a run a figure is: what the tool measured, or what the switch spent meanwhile. */
  enum Kind {
    FIGURE(""),
    CPU_OF_FRAME("CPU us a frame: "),
    CPU_OF_GIGABYTE("CPU s a gigabyte: ");

    final String words;

    Kind(String words) {
      this.words = words;
    }
  }

  /** A line of the table. */
  record Line(int row, int size, Kind kind, TrafficLoad load, String figure)
      implements Comparable<Line> {
    private static final Comparator<Line> ORDER =
        Comparator.comparingInt(Line::row)
            .thenComparing(Line::kind)
            .thenComparing(line -> line.load().isRequests())
            .thenComparing(Line::load)
            .thenComparing(Line::figure, Comparator.comparing(name -> name.startsWith("resp")))
            .thenComparing(Line::figure)
            .thenComparingInt(Line::size);

    @Override
    public int compareTo(Line other) {
      return ORDER.compare(this, other);
    }

    boolean moreIsBetter() {
      return kind == Kind.FIGURE && TrafficLoad.moreIsBetter(figure);
    }

    /** A share of what was lost may be nought, of which there is no ratio. */
    boolean hasRatio() {
      return !(kind == Kind.FIGURE && load == TrafficLoad.UDP_FIXED);
    }
  }

  /** The median of some values, and the least and the most. */
  record Spread(double median, double least, double most) {
    static Spread of(List<Double> values) {
      List<Double> sorted = values.stream().sorted().toList();
      int n = sorted.size();
      double median =
          n % 2 == 1 ? sorted.get(n / 2) : (sorted.get(n / 2 - 1) + sorted.get(n / 2)) / 2;
      return new Spread(median, sorted.get(0), sorted.get(n - 1));
    }
  }

  private final TreeMap<Line, EnumMap<TrafficMode, TreeMap<Integer, Double>>> lines =
      new TreeMap<>();

  TrafficCells(Iterable<TrafficRun> runs) {
    for (TrafficRun run : runs) {
      TrafficLoad load = TrafficLoad.valueOf(run.load());
      load.names().forEach(figure -> rounds(run, Kind.FIGURE, load, figure));
      run.figures().forEach((figure, value) -> note(run, Kind.FIGURE, load, figure, value));
      if (run.frames() > 0 && !run.figures().isEmpty()) {
        note(run, Kind.CPU_OF_FRAME, load, load.words, run.cpuMicrosPerFrame());
        note(run, Kind.CPU_OF_GIGABYTE, load, load.words, run.cpuSecondsPerGigabyte());
      }
    }
  }

  private void note(TrafficRun run, Kind kind, TrafficLoad load, String figure, double value) {
    rounds(run, kind, load, figure).put(run.round(), value);
  }

  private Map<Integer, Double> rounds(TrafficRun run, Kind kind, TrafficLoad load, String figure) {
    return lines
        .computeIfAbsent(
            new Line(run.row(), run.size(), kind, load, figure),
            line -> new EnumMap<>(TrafficMode.class))
        .computeIfAbsent(TrafficMode.valueOf(run.mode()), mode -> new TreeMap<>());
  }

  /** All lines, in the table's order. */
  ImmutableList<Line> lines() {
    return ImmutableList.copyOf(lines.keySet());
  }

  Stream<Line> lines(TrafficRow row, Kind kind) {
    return lines.keySet().stream().filter(l -> l.row() == row.number && l.kind() == kind);
  }

  /** Whether the mode was run, with an answer or without. */
  boolean tried(Line line, TrafficMode mode) {
    EnumMap<TrafficMode, TreeMap<Integer, Double>> modes = lines.get(line);
    return modes != null && modes.containsKey(mode);
  }

  /** The values of a mode, round by round. */
  ImmutableList<Double> values(Line line, TrafficMode mode) {
    return ImmutableList.copyOf(byRound(line, mode).values());
  }

  private Map<Integer, Double> byRound(Line line, TrafficMode mode) {
    EnumMap<TrafficMode, TreeMap<Integer, Double>> modes = lines.get(line);
    TreeMap<Integer, Double> rounds = modes == null ? null : modes.get(mode);
    return rounds == null ? new TreeMap<>() : rounds;
  }

  /** A mode's values divided by the other's in the same round, where there are both. */
  ImmutableList<Double> ratios(Line line, TrafficMode mode, TrafficMode to) {
    Map<Integer, Double> theirs = byRound(line, to);
    ImmutableList.Builder<Double> ratios = ImmutableList.builder();
    byRound(line, mode)
        .forEach(
            (round, value) -> {
              Double other = theirs.get(round);
              if (line.hasRatio() && other != null && other > 0) {
                ratios.add(value / other);
              }
            });
    return ratios.build();
  }

  /** How many times as dear, whether or not more is better. */
  ImmutableList<Double> costs(Line line, TrafficMode mode, TrafficMode to) {
    return line.moreIsBetter() ? ratios(line, to, mode) : ratios(line, mode, to);
  }
}
