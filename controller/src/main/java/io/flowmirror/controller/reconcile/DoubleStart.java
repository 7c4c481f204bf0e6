// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.reconcile;

import com.google.common.base.Ticker;
import io.flowmirror.controller.openflow.DatapathReport;
import io.flowmirror.flows.Challenge;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.InstalledEntry;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Finds out, before the first write, whether another controller is at work on a node: by a {@link
 * Challenge}, which such a one removes at once. It has to be removed twice, since OVN's wipe also
 * removes it, once. Where nothing of ours is installed nobody is asked: a controller that has
 * nothing there has nothing to lose.
 *
 * <p>Confined to the loop's thread. A controller that is too slow to answer is not noticed; then
 * the two repair what the other changes, ever more slowly, and say so (see {@link Pace}).
 */
final class DoubleStart {
  /** A controller that hears of a change reads after 0.1 s at most; without the monitor, 1 s. */
  static final Duration PATIENCE = Duration.ofMillis(1100);

  private static final int REMOVALS = 2;

  /** What is to be done now. */
  enum Step {
    /** Install the challenge. */
    ASK,
    /** Read the tables again. */
    READ,
    /** Nothing, until the next report or {@link #wakeAfter}. */
    WAIT,
    /** It is known who writes. */
    DONE
  }

  private enum Phase {
    BEGIN,
    ASKED,
    ANSWERABLE,
    LAST_LOOK
  }

  private final Challenge challenge;
  private final Ticker ticker;
  private NodeStatus.Writer writer = NodeStatus.Writer.UNDECIDED;
  private boolean asking;
  private Phase phase = Phase.BEGIN;
  private int removals;
  private long deadlineNanos;
  private boolean heard;

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
      writer = NodeStatus.Writer.US;
    }
  }

  /** Who writes to the node, as far as it is known. */
  NodeStatus.Writer writer() {
    return writer;
  }

  /** The entry to install when it is said to {@link Step#ASK}. */
  FlowEntry challenge() {
    return challenge.entry();
  }

  /**
   * Asks anew, unless we are the ones who write: the connection is another, or time has gone. What
   * was found before counts until something else is found.
   */
  void again() {
    if (writer != NodeStatus.Writer.US) {
      asking = true;
      phase = Phase.BEGIN;
      removals = 0;
    }
  }

  /** A report has come. */
  void heard() {
    heard = true;
  }

  /** How long to wait for an answer, if one is waited for. */
  Optional<Duration> wakeAfter() {
    return asking && phase == Phase.ANSWERABLE
        ? Optional.of(Duration.ofNanos(Math.max(0, deadlineNanos - ticker.read())))
        : Optional.empty();
  }

  /** Goes on by the newest report, which includes the outcome of what was asked for. */
  Step step(DatapathReport report) {
    if (!asking) {
      return Step.DONE;
    }
    if (phase == Phase.BEGIN) {
      return report.entries().stream().anyMatch(InstalledEntry::isOurs)
          ? ask()
          : decide(NodeStatus.Writer.US);
    }
    if (report.refused().containsKey(challenge().key())) {
      // It shows in the entries that are wanted, with the switch's words.
      return decide(NodeStatus.Writer.US);
    }
    if (somebodyWithTheLowerNumberAsks(report.entries())) {
      return decide(NodeStatus.Writer.ANOTHER);
    }
    boolean there =
        report.entries().stream().anyMatch(e -> e.entry().key().equals(challenge().key()));
    if (!there) {
      return ++removals < REMOVALS ? ask() : decide(NodeStatus.Writer.ANOTHER);
    }
    return switch (phase) {
      case BEGIN, ASKED -> {
        phase = Phase.ANSWERABLE;
        deadlineNanos = ticker.read() + PATIENCE.toNanos();
        yield Step.WAIT;
      }
      case ANSWERABLE -> {
        if (ticker.read() - deadlineNanos < 0) {
          yield Step.WAIT;
        }
        phase = Phase.LAST_LOOK;
        heard = false;
        yield Step.READ;
      }
      case LAST_LOOK -> heard ? decide(NodeStatus.Writer.US) : Step.WAIT;
    };
  }

  private Step ask() {
    phase = Phase.ASKED;
    return Step.ASK;
  }

  private Step decide(NodeStatus.Writer found) {
    writer = found;
    asking = false;
    return Step.DONE;
  }

  /** Of two that start together, neither removes anything yet: one of them has to give way. */
  private boolean somebodyWithTheLowerNumberAsks(List<InstalledEntry> entries) {
    return entries.stream()
        .filter(there -> there.age() <= PATIENCE.toSeconds())
        .flatMap(there -> Challenge.of(there.entry()).stream())
        .anyMatch(other -> other.instance() < challenge.instance());
  }
}
