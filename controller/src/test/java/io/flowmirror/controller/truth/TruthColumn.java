// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMultiset;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.controller.truth.Capture.Side;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicTest;

/** A column of the truth table: one intent, and the controller that carries it out. */
final class TruthColumn {
  /** How long nothing may have happened anywhere before a window ends. */
  private static final Duration QUIET = Duration.ofMillis(150);

  /** How long a window may last beyond its traffic. */
  private static final Duration BOUND = Duration.ofSeconds(5);

  /** Those on the node that is looked at. */
  private static final ImmutableSet<String> PODS = ImmutableSet.of("web", "db", "plain", "other");

  private final Cluster cluster;
  private final Watch watch;
  private final Controller controller;
  private final Intent intent;
  private final TruthTable table;

  TruthColumn(
      Cluster cluster, Watch watch, Controller controller, Intent intent, TruthTable table) {
    this.cluster = cluster;
    this.watch = watch;
    this.controller = controller;
    this.intent = intent;
    this.table = table;
  }

  /** Its rows, behind the controller's settling. */
  DynamicContainer tests(ImmutableList<TrafficCase> cases) {
    Stream<DynamicTest> rows =
        cases.stream().map(row -> DynamicTest.dynamicTest(row.name(), () -> check(row)));
    return DynamicContainer.dynamicContainer(
        intent.name(),
        Stream.concat(
            Stream.of(DynamicTest.dynamicTest("(the controller settles)", this::begin)), rows));
  }

  private void begin() {
    controller.want(intent);
    assertThat(cluster.brInt(Cluster.NODE).ourEntries()).isNotEmpty();
    // How soon a datapath's cache follows the entries is TurnOffIT's question.
    Cluster.NODES.forEach(node -> cluster.brInt(node).awaitRevalidation());
    // What was under way while the intent changed belongs to neither column.
    assertThat(Wait.within(BOUND, () -> watch.quietFor(QUIET))).isTrue();
    watch.mark(watch.observed());
  }

  private void check(TrafficCase row) {
    long lostBefore = SwitchLosses.at(cluster, Cluster.NODE);
    Observed window = measured(row);
    Verdict verdict = Verdict.of(intent, window);
    // Only the word of the kernel, or the switch, that it was not given all makes a window no
    // evidence.
    if (isLostBeforeTheSwitch(verdict, window)
        && SwitchLosses.at(cluster, Cluster.NODE) > lostBefore) {
      System.out.printf(
          "%s, %s: the switch has not taken %s; once more%n", intent, row, verdict.missing());
      window = measured(row);
      verdict = Verdict.of(intent, window);
    }
    boolean happened = row.happened(window);
    table.put(row, intent, verdict, happened);
    assertThat(happened)
        .as("%s, %s: this was not as it should be:%n%s", intent, row, row.notSeen(window))
        .isTrue();
    assertThat(verdict.holds()).as("%s, %s:%n%s", intent, row, verdict.text()).isTrue();
  }

  private Observed measured(TrafficCase row) {
    row.run();
    Observed window = window(row);
    watch.mark(window);
    return window;
  }

  /**
   * Whether nothing is wrong but that frames for pods of the same subnet are missing that the pods
   * did not get either. Open vSwitch reads a pod's device by a packet socket here, and on a machine
   * without a free CPU that can overflow: what it loses nobody can copy, and TCP repairs it without
   * a word.
   */
  private boolean isLostBeforeTheSwitch(Verdict verdict, Observed window) {
    ImmutableMultiset<Frame> sent = frames(window, Side.OUT);
    ImmutableMultiset<Frame> delivered = frames(window, Side.IN);
    // A frame that was lost may have been sent again, and delivered then: the same to the byte.
    return !verdict.holds()
        && verdict.surplus().isEmpty()
        && verdict.missing().entrySet().stream()
            .allMatch(
                missing ->
                    isForAPod(missing.getElement())
                        && missing.getCount() + delivered.count(missing.getElement())
                            <= sent.count(missing.getElement()));
  }

  /** What pods have sent, or got. */
  private static ImmutableMultiset<Frame> frames(Observed window, Side side) {
    return window.frames().entries().stream()
        .filter(entry -> entry.getKey().side() == side)
        .filter(entry -> !entry.getKey().equals(Observed.Tap.COPIES))
        .map(Map.Entry::getValue)
        .collect(ImmutableMultiset.toImmutableMultiset());
  }

  private boolean isForAPod(Frame frame) {
    return PODS.stream()
        .map(pod -> cluster.pod(pod).mac())
        .anyMatch(mac -> frame.isOf(mac) && !frame.isFrom(mac));
  }

  /**
   * The first window after quiet in which all is as it should be, or failing that the last one. It
   * is judged just as it was found: read again, it could have half of a frame's ways in it.
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
}
