// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.reconcile;

import com.google.common.base.Ticker;
import io.flowmirror.controller.openflow.DatapathReport;
import io.flowmirror.controller.reconcile.NodeStatus.Writer;
import io.flowmirror.flows.Challenge;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.InstalledEntry;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Finds out, before the first write, whether another controller is at work on a node: by a {@link
 * Challenge}, which such a one removes at once. It has to be removed several times, since OVN's
 * wipe also removes it.
 *
 * <p>Confined to the loop's thread. A controller that is too slow to answer is not noticed; then
 * the two repair what the other changes, ever more slowly, and say so (see {@link Pace}).
 */
final class DoubleStart {
  private static final int REMOVALS = 3;

  /**
   * How old a challenge has to get, by the switch's own clock: a controller that hears of changes
   * reads 0.1 s later; where there is no flow monitor (Open vSwitch before 3.0), every second.
   */
  private static final int SECONDS = 1;

  private static final int SECONDS_WITHOUT_MONITOR = 2;

  /** After that time the age is looked at again. */
  private static final Duration LOOK_AGAIN = Duration.ofMillis(100);

  /** What is to be done now. */
  enum Step {
    /** Install the challenge. */
    ASK,
    /** Read the tables again. */
    READ,
    /** Nothing, until the next report or {@link #wakeAfter}. */
    WAIT,
    /** Nothing is being asked. */
    DONE
  }

  private final Challenge challenge;
  private final Ticker ticker;
  private Writer writer = Writer.UNDECIDED;
  private boolean asking;
  private boolean asked;
  private int removals;
  private String refusal = "";
  private boolean waiting;
  private long deadlineNanos;

  /**
   * Prepares it.
   *
   * @param instance this controller's number, by chance
   * @param force whether to write in any case
   */
  DoubleStart(int instance, boolean force, Ticker ticker) {
    this.challenge = new Challenge(instance);
    this.ticker = ticker;
    this.asking = !force;
    if (force) {
      writer = Writer.US;
    }
  }

  /** Who writes to the node, as far as it is known. */
  Writer writer() {
    return writer;
  }

  /** Why nobody could be asked, in the switch's words; empty if that is not so. */
  String refusal() {
    return refusal;
  }

  /** Whether another controller asks by an entry among these. */
  boolean isAskedBySomebody(List<InstalledEntry> entries) {
    return entries.stream()
        .flatMap(there -> Challenge.of(there.entry()).stream())
        .anyMatch(other -> other.instance() != challenge.instance());
  }

  /** The entry to install when it is said to {@link Step#ASK}. */
  FlowEntry challenge() {
    return challenge.entry();
  }

  /**
   * Asks anew, unless we are the ones who write: time has gone. What was found before counts until
   * something else is found.
   */
  void again() {
    if (writer != Writer.US) {
      refusal = "";
      asking = true;
      asked = false;
      removals = 0;
    }
  }

  /**
   * The connection is another one, so what was asked is void. One that has found another controller
   * does not ask before its time: that one may still be on its way back.
   */
  void reconnected() {
    if (writer == Writer.UNDECIDED) {
      again();
    } else {
      asking = false;
    }
  }

  /** Nothing waits until {@link #step} says so again. */
  void rest() {
    waiting = false;
  }

  /** How long to wait for an answer, if one is waited for. */
  Optional<Duration> wakeAfter() {
    return waiting
        ? Optional.of(Duration.ofNanos(Math.max(0, deadlineNanos - ticker.read())))
        : Optional.empty();
  }

  /** Goes on by the newest report, which includes the outcome of what was asked for. */
  Step step(DatapathReport report) {
    if (!asking) {
      return Step.DONE;
    }
    if (!asked) {
      asked = true;
      return Step.ASK;
    }
    if (report.refused().containsKey(challenge().key())) {
      refusal = String.valueOf(report.refused().get(challenge().key()));
      asking = false;
      return Step.DONE;
    }
    Optional<InstalledEntry> there =
        report.entries().stream()
            .filter(entry -> entry.entry().key().equals(challenge().key()))
            .findFirst();
    if (there.isEmpty()) {
      deadlineNanos = 0;
      return ++removals < REMOVALS ? Step.ASK : decide(Writer.ANOTHER);
    }
    // One with a lower number that asks as well goes first: if it is alive, it removes ours then.
    if (there.get().age() >= seconds(report) && !isAskedBefore(report.entries())) {
      return decide(Writer.US);
    }
    return await(seconds(report) - there.get().age());
  }

  private Step await(long seconds) {
    long now = ticker.read();
    waiting = true;
    if (deadlineNanos == 0) {
      deadlineNanos = now + Duration.ofSeconds(Math.max(0, seconds)).plus(LOOK_AGAIN).toNanos();
    } else if (now - deadlineNanos >= 0) {
      deadlineNanos = now + LOOK_AGAIN.toNanos();
      return Step.READ;
    }
    return Step.WAIT;
  }

  private Step decide(Writer found) {
    writer = found;
    asking = false;
    return Step.DONE;
  }

  private static int seconds(DatapathReport report) {
    boolean monitored =
        report.datapath().filter(live -> live.switchVersion().startsWith("2.")).isEmpty();
    return monitored ? SECONDS : SECONDS_WITHOUT_MONITOR;
  }

  /** Of two that start together, neither removes anything yet: one of them has to give way. */
  private boolean isAskedBefore(List<InstalledEntry> entries) {
    return entries.stream()
        .flatMap(there -> Challenge.of(there.entry()).stream())
        .anyMatch(other -> other.instance() < challenge.instance());
  }
}
