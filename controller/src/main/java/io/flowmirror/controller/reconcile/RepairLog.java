// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.reconcile;

import com.google.common.base.Ticker;
import com.google.common.collect.EvictingQueue;
import com.google.common.collect.ImmutableList;
import io.flowmirror.controller.reconcile.Repair.Cause;
import io.flowmirror.flows.FlowDiff;
import io.flowmirror.flows.FlowDiff.Drift;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.FlowKey;
import io.flowmirror.flows.FlowText;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One node's repairs: why, how fast, what may have been missed, and whether somebody keeps undoing
 * them. Confined to the loop's thread.
 */
final class RepairLog {
  private static final int KEPT = 100;

  /** So many times within that time somebody has undone our entries: they are contested. */
  private static final int CONTEST = 5;

  private static final Duration CONTEST_TIME = Duration.ofSeconds(60);

  /** Who removes our entries one by one does it once. */
  private static final Duration ONE_DEED = Duration.ofMillis(250);

  private record Round(Cause cause, long noticedNanos, int entries, boolean missing) {}

  private final Ticker ticker;
  private final EvictingQueue<Repair> repairs = EvictingQueue.create(KEPT);
  private final Deque<Long> undone = new ArrayDeque<>();
  private ImmutableList<Repair> snapshot = ImmutableList.of();
  private @Nullable Round round;

  /** Since when something wanted has not been there, as far as it is known; 0 if it is there. */
  private long missingSinceNanos;

  /** Why the first round on this connection is made; null afterwards, or if none was needed. */
  private @Nullable Cause opening = Cause.FOUND;

  /** Who asks for something else since all was well last; null if nobody does. */
  private @Nullable Cause asked;

  private String rival = "";

  RepairLog(Ticker ticker) {
    this.ticker = ticker;
  }

  /** The newest repairs, the newest last. */
  ImmutableList<Repair> newest() {
    return snapshot;
  }

  /** The connection is gone: from now on nobody knows what is there. */
  void lost(long nanos) {
    round = null;
    if (opening == null) {
      opening = Cause.RECONNECTED;
      if (missingSinceNanos == 0) {
        missingSinceNanos = nanos;
      }
    }
  }

  /** Something else is asked for, by whom this cause says. */
  void askedOtherwise(Cause cause) {
    asked = cause;
  }

  /**
   * Takes a comparison on a live connection; what is new in it was noticed at that time.
   *
   * @param heldBack what the switch has refused, and is not asked for: no repair can close its gap
   */
  void compared(FlowDiff diff, Set<FlowKey> heldBack, long noticedNanos) {
    if (isMissing(diff, heldBack)) {
      if (missingSinceNanos == 0) {
        missingSinceNanos = noticedNanos;
      }
    } else if (round == null) {
      missingSinceNanos = 0;
    }
    if (diff.inSync()) {
      opening = null;
      asked = null;
    }
  }

  /**
   * A round is sent.
   *
   * @param heldBack what is not part of it, since the switch has refused it
   * @param moved what has changed of the node, if other entries were wanted the last time
   * @param wiped whether OVN's own entries are gone too
   */
  void sent(
      FlowDiff diff,
      Set<FlowKey> heldBack,
      Optional<Cause> moved,
      boolean wiped,
      long noticedNanos) {
    Collection<Drift> drift = diff.drift().values();
    if (drift.stream().allMatch(kind -> kind == Drift.DUE)) {
      round = null;
      return;
    }
    int entries =
        (int)
            diff.drift().entrySet().stream()
                .filter(entry -> entry.getValue() != Drift.DUE)
                .filter(entry -> !heldBack.contains(entry.getKey()))
                .count();
    round = new Round(cause(drift, moved, wiped), noticedNanos, entries, isMissing(diff, heldBack));
    if (round.cause() == Cause.DELETED || round.cause() == Cause.CHANGED) {
      undone(diff);
    }
  }

  private Cause cause(Collection<Drift> drift, Optional<Cause> moved, boolean wiped) {
    if (opening != null) {
      return opening;
    }
    if (asked != null) {
      return asked;
    }
    if (wiped) {
      return Cause.WIPED;
    }
    if (moved.isPresent()) {
      return moved.get();
    }
    return drift.stream().allMatch(kind -> kind == Drift.MISSING || kind == Drift.DUE)
        ? Cause.DELETED
        : Cause.CHANGED;
  }

  private static boolean isMissing(FlowDiff diff, Set<FlowKey> heldBack) {
    return diff.drift().entrySet().stream()
        .filter(entry -> !heldBack.contains(entry.getKey()))
        .map(Map.Entry::getValue)
        .anyMatch(kind -> kind != Drift.DUE && kind != Drift.SURPLUS);
  }

  /** The switch has made the round that was sent, or has refused it. */
  void answered(boolean made) {
    Round done = round;
    round = null;
    if (done == null || !made) {
      return;
    }
    long now = ticker.read();
    Optional<Duration> gap = Optional.of(Duration.ZERO);
    if (done.missing()) {
      gap =
          done.cause() == Cause.FOUND
              ? Optional.empty()
              : Optional.of(Duration.ofNanos(now - missingSinceNanos));
    }
    Duration took = Duration.ofNanos(now - done.noticedNanos());
    repairs.add(new Repair(done.cause(), Instant.now().minus(took), took, done.entries(), gap));
    snapshot = ImmutableList.copyOf(repairs);
    missingSinceNanos = 0;
    opening = null;
  }

  private void undone(FlowDiff diff) {
    long now = ticker.read();
    rival = words(diff);
    if (!undone.isEmpty() && now - undone.getLast() < ONE_DEED.toNanos()) {
      return;
    }
    if (undone.size() == CONTEST) {
      undone.removeFirst();
    }
    undone.addLast(now);
  }

  private static String words(FlowDiff diff) {
    for (Drift kind : List.of(Drift.OVERWRITTEN, Drift.DIFFERENT, Drift.MISSING, Drift.SURPLUS)) {
      Optional<FlowKey> key =
          diff.drift().entrySet().stream()
              .filter(entry -> entry.getValue() == kind)
              .map(Map.Entry::getKey)
              .findFirst();
      if (key.isPresent()) {
        return verb(kind, diff, key.get()) + ", such as " + FlowText.format(key.get());
      }
    }
    return "";
  }

  private static String verb(Drift kind, FlowDiff diff, FlowKey key) {
    return switch (kind) {
      case OVERWRITTEN -> "overwrites our entries " + whose(diff.overwritten().get(key));
      case DIFFERENT -> "modifies our entries";
      case SURPLUS -> "makes entries with our cookie";
      default -> "deletes our entries (OpenFlow does not tell who)";
    };
  }

  private static String whose(@Nullable FlowEntry other) {
    return other == null ? "" : "with cookie 0x" + Long.toHexString(other.cookie());
  }

  /** Who keeps undoing our work, and what, in words; empty if nobody does. */
  Optional<String> contest() {
    long since = ticker.read() - CONTEST_TIME.toNanos();
    boolean contested = undone.size() == CONTEST && undone.getFirst() - since > 0;
    return contested
        ? Optional.of("Contested: somebody " + rival + "; repairs are slowed down")
        : Optional.empty();
  }

  /** How long until somebody is not said to contest our entries any more, if somebody is. */
  Optional<Duration> wakeAfter() {
    return contest().isEmpty()
        ? Optional.empty()
        : Optional.of(
            Duration.ofNanos(
                Math.max(1, undone.getFirst() + CONTEST_TIME.toNanos() - ticker.read())));
  }
}
