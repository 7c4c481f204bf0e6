// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * The truth table: whatever the traffic and whatever is mirrored, mirror0 sees each frame that it
 * should see, once, and no other. Truth is what the pods' own eth0 saw.
 */
@ExtendWith(SharedCluster.class)
final class TruthTableIT {
  private static final ImmutableList<Intent> INTENTS =
      ImmutableList.of(
          Intent.ONE_POD,
          Intent.ONE_POD_OUT,
          Intent.ONE_POD_IN,
          Intent.THREE_PODS,
          Intent.MIXED,
          Intent.EVERYTHING);

  /** How long nothing may have happened anywhere before a window ends. */
  private static final Duration QUIET = Duration.ofMillis(150);

  /** How long a window may last beyond its traffic. */
  private static final Duration BOUND = Duration.ofSeconds(5);

  @TestFactory
  Stream<DynamicContainer> everyCaseUnderEveryIntent(Cluster cluster) {
    ImmutableList<TrafficCase> cases =
        ImmutableList.<TrafficCase>builder()
            .addAll(ReachCases.of(cluster))
            .addAll(OddCases.of(cluster))
            .build();
    TruthTable table = new TruthTable(cases, INTENTS);
    // The mirror port is made by the first controller; captures need it.
    RunningController.settled(cluster, Intent.NOTHING).close();
    Watch watch = new Watch(cluster);
    return INTENTS.stream()
        .map(intent -> column(cluster, watch, intent, cases, table))
        .onClose(
            () -> {
              System.out.println(table.text());
              RunningController.clean(cluster);
              watch.close();
            });
  }

  private static DynamicContainer column(
      Cluster cluster,
      Watch watch,
      Intent intent,
      ImmutableList<TrafficCase> cases,
      TruthTable table) {
    Column column = new Column(cluster, watch, intent, table);
    Stream<DynamicTest> rows =
        cases.stream().map(row -> DynamicTest.dynamicTest(row.name(), () -> column.check(row)));
    return DynamicContainer.dynamicContainer(
        intent.name(),
        Stream.of(
                Stream.of(DynamicTest.dynamicTest("(the controller settles)", column::begin)),
                rows,
                Stream.of(DynamicTest.dynamicTest("(the controller stops)", column::end)))
            .flatMap(tests -> tests));
  }

  /** One intent, and the controller that carries it out. */
  private static final class Column {
    private final Cluster cluster;
    private final Watch watch;
    private final Intent intent;
    private final TruthTable table;
    private RunningController controller;

    Column(Cluster cluster, Watch watch, Intent intent, TruthTable table) {
      this.cluster = cluster;
      this.watch = watch;
      this.intent = intent;
      this.table = table;
    }

    void begin() {
      controller = RunningController.settled(cluster, intent);
      assertThat(controller.status(Cluster.NODE).plan().entries()).isNotEmpty();
      // What was under way while the intent changed belongs to neither column.
      assertThat(Wait.within(BOUND, () -> watch.quietFor(QUIET))).isTrue();
      watch.mark(watch.observed());
    }

    void check(TrafficCase row) {
      row.run();
      Observed window = window(row);
      watch.mark(window);
      Verdict verdict = Verdict.of(intent, window);
      boolean happened = row.happened(window);
      table.put(row, intent, verdict, happened);
      assertThat(happened)
          .as("%s, %s: this was not as it should be:%n%s", intent, row, row.notSeen(window))
          .isTrue();
      assertThat(verdict.holds()).as("%s, %s:%n%s", intent, row, verdict.text()).isTrue();
    }

    /**
     * The first window after quiet in which all is as it should be, or failing that the last one.
     * It is judged just as it was found: read again, it could have half of a frame's ways in it.
     */
    private Observed window(TrafficCase row) {
      AtomicReference<Observed> found = new AtomicReference<>();
      boolean good =
          Wait.within(
              BOUND,
              () -> {
                if (!watch.quietFor(QUIET)) {
                  return false;
                }
                Observed window = watch.observed();
                found.set(window);
                return Verdict.of(intent, window).holds() && row.happened(window);
              });
      return good ? found.get() : watch.observed();
    }

    void end() {
      controller.close();
    }
  }
}
