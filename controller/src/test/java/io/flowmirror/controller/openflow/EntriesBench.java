// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import com.google.common.base.Splitter;
import io.flowmirror.flows.FlowChange;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.FlowText;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/**
 * Entries confirmed by a barrier and dumps of them, against {@code ovs-ofctl} on the same switch:
 * rounds of all cases, in an order that rotates. Run by {@code bench/entries}, and not by the
 * build, since its name is no test's.
 *
 * <p>The session's own times are those that it logs: from the first message of the bundle to the
 * reply to the barrier after its commit, and from the first request of a reading to its last reply.
 * {@code ovs-ofctl}'s are those of the whole process, as a user would wait for it.
 */
final class EntriesBench extends RealSwitchTests {
  private static final int ROUNDS = Integer.getInteger("bench.rounds", 9);
  private static final String SIZES = System.getProperty("bench.entries", "10000,100000");

  private enum Case {
    OUR_ADD("Flowmirror, one bundle", Case.ADD),
    OFCTL_BUNDLE("`ovs-ofctl --bundle add-flows`", Case.ADD),
    OUR_DUMP("Flowmirror, reading", Case.DUMP),
    OFCTL_DUMP("`ovs-ofctl dump-flows`", Case.DUMP);

    static final String ADD = "add, confirmed by a barrier";
    static final String DUMP = "dump";

    final String words;
    final String kind;

    Case(String words, String kind) {
      this.words = words;
      this.kind = kind;
    }
  }

  /** The last duration that the session has logged for each of its messages. */
  private static final class Times extends AppenderBase<ILoggingEvent> {
    private volatile long round;
    private volatile long read;

    @Override
    protected void append(ILoggingEvent event) {
      Object[] arguments = event.getArgumentArray();
      if (event.getMessage().startsWith("{}: round {} of {} changes")) {
        round = (long) arguments[4];
      } else if (event.getMessage().startsWith("{}: read {} entries")) {
        read = (long) arguments[3];
      }
    }
  }

  @Test
  void entries() throws IOException {
    Times times = new Times();
    Logger log = (Logger) LoggerFactory.getLogger(LiveDatapath.class);
    log.setLevel(Level.DEBUG);
    log.setAdditive(false);
    log.addAppender(times);
    times.start();
    try (PrintStream out = new PrintStream(System.getProperty("bench.out", "/dev/stdout"))) {
      for (String size : Splitter.on(',').split(SIZES)) {
        table(out, Integer.parseInt(size), times);
      }
    } finally {
      log.detachAppender(times);
    }
  }

  private void table(PrintStream out, int count, Times times) throws IOException {
    List<FlowEntry> entries = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      entries.add(Entries.e2(0, 1 + i / 30_000, 1 + i % 30_000, 9));
    }
    Path file = Files.createTempFile("fmbench", ".flows");
    Files.write(file, entries.stream().map(FlowText::format).toList());
    OpenFlowSession session =
        open(OpenFlowOptions.of("node", ovs.endpoint()).withAudit(Duration.ofHours(1)));
    connected();
    Map<Case, long[]> millis = new EnumMap<>(Case.class);
    for (Case each : Case.values()) {
      millis.put(each, new long[ROUNDS]);
    }
    // The first round warms up the JVM, the page cache and the switch, and does not count.
    for (int round = -1; round < ROUNDS; round++) {
      for (int turn = 0; turn < 2; turn++) {
        Case adding = Case.values()[Math.floorMod(round + turn, 2)];
        long took = add(adding, session, entries, file, times);
        note(millis, adding, round, took);
        if (turn == 0) {
          Case[] dumps =
              round % 2 == 0
                  ? new Case[] {Case.OUR_DUMP, Case.OFCTL_DUMP}
                  : new Case[] {Case.OFCTL_DUMP, Case.OUR_DUMP};
          for (Case dumping : dumps) {
            note(millis, dumping, round, dump(dumping, session, count, times));
          }
        }
        ovs.ofctl("del-flows", ovs.bridge());
        report(report -> report.entries().isEmpty());
      }
    }
    session.close();
    Files.delete(file);
    print(out, count, millis);
  }

  private static void note(Map<Case, long[]> millis, Case what, int round, long took) {
    if (round >= 0) {
      millis.get(what)[round] = took;
    }
  }

  private long add(
      Case how, OpenFlowSession session, List<FlowEntry> entries, Path file, Times times) {
    long took;
    if (how == Case.OUR_ADD) {
      List<FlowChange> changes = entries.stream().map(Entries::add).toList();
      assertThat(apply(session, changes).refused()).isEmpty();
      took = times.round;
    } else {
      long start = System.nanoTime();
      ovs.ofctl("--bundle", "add-flows", ovs.bridge(), file.toString());
      took = (System.nanoTime() - start) / 1_000_000;
    }
    assertThat(ovs.ofctl("dump-aggregate", ovs.bridge())).contains("flow_count=" + entries.size());
    report(report -> report.entries().size() == entries.size());
    return took;
  }

  private long dump(Case how, OpenFlowSession session, int count, Times times) {
    if (how == Case.OUR_DUMP) {
      int before = reports.size();
      session.read();
      report(report -> reports.size() > before && report.entries().size() == count);
      return times.read;
    }
    long start = System.nanoTime();
    String dump = ovs.ofctl("dump-flows", ovs.bridge());
    long took = (System.nanoTime() - start) / 1_000_000;
    assertThat(dump.lines().filter(line -> line.contains("cookie=")).count()).isEqualTo(count);
    return took;
  }

  private static void print(PrintStream out, int count, Map<Case, long[]> millis) {
    out.printf(Locale.ROOT, "%n%,d entries, %d rounds:%n%n", count, ROUNDS);
    out.println("| | median ms | range | ratio in the same round |");
    out.println("|---|---|---|---|");
    for (String kind : List.of(Case.ADD, Case.DUMP)) {
      Case ours = kind.equals(Case.ADD) ? Case.OUR_ADD : Case.OUR_DUMP;
      for (Case each : Case.values()) {
        if (each.kind.equals(kind)) {
          long[] sorted = millis.get(each).clone();
          Arrays.sort(sorted);
          out.printf(
              Locale.ROOT,
              "| %s: %s | %d | %d–%d | %s |%n",
              kind,
              each.words,
              sorted[ROUNDS / 2],
              sorted[0],
              sorted[ROUNDS - 1],
              each == ours ? "1" : ratio(millis.get(each), millis.get(ours)));
        }
      }
    }
    out.flush();
  }

  /** The median, and the range, of the ratios to ours. */
  private static String ratio(long[] theirs, long[] ours) {
    double[] ratios = new double[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
      ratios[i] = (double) theirs[i] / Math.max(1, ours[i]);
    }
    Arrays.sort(ratios);
    return String.format(
        Locale.ROOT, "×%.2f (%.2f–%.2f)", ratios[ROUNDS / 2], ratios[0], ratios[ROUNDS - 1]);
  }
}
