// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

import com.google.common.base.Ascii;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Maps;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.StringJoiner;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The difference between what is wanted and what is installed, and what is to be done about it.
 *
 * @param changes deletions first, then additions; empty when everything is in sync
 * @param drift each entry that is not as it should be
 * @param conflicts wanted entries whose identity an entry of somebody else has: it is left alone
 * @param held entries that are not wanted for now, but stay (see {@link Plan.Undecided})
 * @param overwritten what stands where an entry of ours has been: it is replaced
 * @param hidden wanted entries that an entry of somebody else's keeps packets from
 * @param strange entries that bear our cookie, and could not be ours: they are left alone
 *     <p>While a channel is away ({@link Plan#confirmed}) nothing is added and nothing renewed:
 *     what is there ends with its hard timeout at the latest, be that another than is wanted now.
 */
public record FlowDiff(
    ImmutableList<FlowChange> changes,
    ImmutableMap<FlowKey, Drift> drift,
    ImmutableMap<FlowKey, FlowEntry> conflicts,
    ImmutableList<InstalledEntry> held,
    ImmutableMap<FlowKey, FlowEntry> overwritten,
    ImmutableMap<FlowKey, FlowEntry> hidden,
    ImmutableList<FlowEntry> strange) {

  /** In what way an entry is not as it should be. */
  public enum Drift {
    /** Wanted and not there. */
    MISSING,
    /** There, with other actions, cookie, flags or timeout. */
    DIFFERENT,
    /** It was there, and somebody has put an entry of theirs in its place. */
    OVERWRITTEN,
    /** Ours, and not wanted. */
    SURPLUS,
    /** As it should be, and old enough to be renewed before its hard timeout. */
    DUE
  }

  /**
   * An entry is renewed at a third of its life, so that a renewal can fail many times before its
   * end.
   */
  private static final int RENEW_AT = 3;

  /** A lag of this part of an entry's life, 30 s of 30 min, is none: ages are not told so often. */
  private static final int NO_LAG = 60;

  /** So many foreign entries are looked at, lest somebody's thousands cost us more than them. */
  private static final int MOST_LOOKED_AT = 1_000;

  /** Such as {@code 3 missing, 1 surplus}; {@code in sync} if there is no drift. */
  public String words() {
    StringJoiner words = new StringJoiner(", ");
    for (Drift kind : Drift.values()) {
      int count = Collections.frequency(drift.values(), kind);
      if (count > 0) {
        words.add(count + " " + Ascii.toLowerCase(kind.name()));
      }
    }
    if (!conflicts.isEmpty()) {
      words.add(conflicts.size() + " whose place is taken");
    }
    return words.length() == 0 ? "in sync" : words.toString();
  }

  /** Whether there is nothing to do. */
  public boolean inSync() {
    return changes.isEmpty();
  }

  /** The same, of which only these changes are made. */
  public FlowDiff only(Predicate<FlowChange> made) {
    ImmutableList<FlowChange> left =
        changes.stream().filter(made).collect(ImmutableList.toImmutableList());
    ImmutableSet<FlowKey> keys =
        left.stream().map(FlowChange::key).collect(ImmutableSet.toImmutableSet());
    return new FlowDiff(
        left,
        ImmutableMap.copyOf(Maps.filterKeys(drift, keys::contains)),
        conflicts,
        held,
        overwritten,
        hidden,
        strange);
  }

  /**
   * Compares.
   *
   * @param plan what is wanted
   * @param installed our entries, wherever they are, and foreign ones where ours would stand
   * @param refused identities that the switch has refused and that are not to be tried again now
   * @param owned identities at which an entry of ours has been seen: who has another there now has
   *     overwritten it
   */
  public static FlowDiff between(
      Plan plan,
      List<InstalledEntry> installed,
      ImmutableSet<FlowKey> refused,
      Set<FlowKey> owned) {
    Map<FlowKey, InstalledEntry> ours = HashMap.newHashMap(installed.size());
    Map<FlowKey, FlowEntry> foreign = new HashMap<>();
    for (InstalledEntry there : installed) {
      if (Cookie.isOurs(there.entry().cookie())) {
        ours.put(there.entry().key(), there);
      } else {
        foreign.put(there.entry().key(), there.entry());
      }
    }

    ImmutableList.Builder<FlowChange> changes = ImmutableList.builder();
    ImmutableMap.Builder<FlowKey, Drift> drift = ImmutableMap.builder();
    ImmutableMap.Builder<FlowKey, FlowEntry> conflicts = ImmutableMap.builder();
    ImmutableList.Builder<InstalledEntry> held = ImmutableList.builder();
    ImmutableMap.Builder<FlowKey, FlowEntry> overwritten = ImmutableMap.builder();
    ImmutableList.Builder<FlowEntry> strange = ImmutableList.builder();

    for (FlowKey key : foreign.isEmpty() ? ImmutableSet.<FlowKey>of() : plan.entries().keySet()) {
      FlowEntry other = foreign.get(key);
      if (other != null && !owned.contains(key)) {
        conflicts.put(key, other);
      }
    }
    ImmutableMap<FlowKey, FlowEntry> taken = conflicts.buildOrThrow();
    boolean mayEndEarlier = anyHasAWholeLife(plan.entries(), ours);
    // A renewal that was refused leaves the entry there, as it should be.
    Predicate<FlowKey> impossible =
        key ->
            taken.containsKey(key)
                || (refused.contains(key)
                    && !isRight(plan.entries().get(key), ours.get(key), mayEndEarlier));
    // Nearly always all of them: then no map of them is made anew.
    ImmutableMap<FlowKey, PlannedEntry> wanted =
        taken.isEmpty() && refused.isEmpty()
            ? plan.entries()
            : plan.entries().entrySet().stream()
                .filter(planned -> planned.getValue().needs().filter(impossible).isEmpty())
                .collect(ImmutableMap.toImmutableMap(Map.Entry::getKey, Map.Entry::getValue));

    for (InstalledEntry there : installed) {
      FlowEntry entry = there.entry();
      if (!Cookie.isOurs(entry.cookie()) || wanted.containsKey(entry.key())) {
        continue;
      }
      if (isStrange(entry)) {
        strange.add(entry);
        continue;
      }
      if (plan.undecided().holds(entry)) {
        held.add(there);
        continue;
      }
      drift.put(entry.key(), Drift.SURPLUS);
      if (!refused.contains(entry.key())) {
        changes.add(new FlowChange.Delete(entry.key(), entry.cookie()));
      }
    }

    // Entries that belong together must also end together, or what is left of them would copy
    // twice or not at all: when one is due, all are renewed.
    // For the same reason one that is added between renewals is given what the oldest has left.
    long lag = lag(wanted, ours, refused, mayEndEarlier);
    int hold = hold(wanted);
    boolean renew = plan.confirmed() && lag * RENEW_AT >= hold && hold > 0;
    boolean endEarlier = !renew && lag * NO_LAG > hold;
    for (PlannedEntry planned : wanted.values()) {
      FlowEntry entry = planned.entry();
      InstalledEntry there = ours.get(entry.key());
      if (taken.containsKey(entry.key())) {
        continue;
      }
      FlowEntry other = foreign.get(entry.key());
      if (other != null) {
        drift.put(entry.key(), Drift.OVERWRITTEN);
        overwritten.put(entry.key(), other);
      } else if (there == null) {
        drift.put(entry.key(), Drift.MISSING);
      } else if (!plan.confirmed() && differsInItsTimeoutOnly(there.entry(), entry)) {
        // It copies what it should: it is not to go for that, and to be made anew it is confirmed.
        continue;
      } else if (!isRight(planned, there, mayEndEarlier)) {
        drift.put(entry.key(), Drift.DIFFERENT);
      } else if (renew) {
        drift.put(entry.key(), Drift.DUE);
      } else {
        continue;
      }
      if (refused.contains(entry.key())) {
        continue;
      }
      if (plan.confirmed()) {
        changes.add(
            new FlowChange.Add(endEarlier ? entry.withHardTimeout((int) (hold - lag)) : entry));
      } else if (there != null) {
        // Nobody confirms what would stand in its place, so that it must not live on for a whole
        // hold; and what is there copies wrongly.
        changes.add(new FlowChange.Delete(entry.key(), there.entry().cookie()));
      }
    }
    return new FlowDiff(
        changes.build(),
        drift.buildOrThrow(),
        taken,
        held.build(),
        overwritten.buildOrThrow(),
        hidden(wanted, foreign),
        strange.build());
  }

  private static boolean differsInItsTimeoutOnly(FlowEntry there, FlowEntry wanted) {
    return there.hardTimeout() != wanted.hardTimeout()
        && there.withHardTimeout(wanted.hardTimeout()).equals(wanted);
  }

  /** An entry of a layout that this version does not know may have any identity. */
  private static boolean isStrange(FlowEntry entry) {
    return Cookie.role(entry.cookie()).isPresent() && !MirrorEntries.mayBe(entry.key());
  }

  private static ImmutableMap<FlowKey, FlowEntry> hidden(
      Map<FlowKey, PlannedEntry> wanted, Map<FlowKey, FlowEntry> foreign) {
    if (foreign.isEmpty()) {
      return ImmutableMap.of();
    }
    List<FlowEntry> others = new ArrayList<>();
    for (FlowEntry other : foreign.values()) {
      if (others.size() < MOST_LOOKED_AT && !wanted.containsKey(other.key())) {
        others.add(other);
      }
    }
    ImmutableMap.Builder<FlowKey, FlowEntry> hidden = ImmutableMap.builder();
    for (FlowKey key : wanted.keySet()) {
      others.stream()
          .filter(other -> hides(other.key(), key))
          .findFirst()
          .ifPresent(other -> hidden.put(key, other));
    }
    return hidden.buildOrThrow();
  }

  /** Of two entries with one priority, either may be taken (OpenFlow 1.3.5, section 5.3). */
  private static boolean hides(FlowKey other, FlowKey ours) {
    return other.table() == ours.table()
        && other.priority() >= ours.priority()
        && other.match().overlaps(ours.match());
  }

  /**
   * Whether an entry is as it should be. One that was added between two renewals ends with the
   * others, and so has a shorter hard timeout than is wanted; not by a third, or all would have
   * been renewed then.
   */
  private static boolean isRight(
      @Nullable PlannedEntry planned, @Nullable InstalledEntry there, boolean mayEndEarlier) {
    if (planned == null || there == null) {
      return false;
    }
    FlowEntry wanted = planned.entry();
    FlowEntry entry = there.entry();
    return entry.equals(wanted)
        || (mayEndEarlier
            && entry.hardTimeout() < wanted.hardTimeout()
            && (wanted.hardTimeout() - entry.hardTimeout()) * RENEW_AT < wanted.hardTimeout()
            && differsInItsTimeoutOnly(entry, wanted));
  }

  /** If no entry's timeout is the wanted one, another is wanted than before, and of all of them. */
  private static boolean anyHasAWholeLife(
      Map<FlowKey, PlannedEntry> wanted, Map<FlowKey, InstalledEntry> ours) {
    for (PlannedEntry planned : wanted.values()) {
      InstalledEntry there = ours.get(planned.entry().key());
      if (there != null && there.entry().hardTimeout() == planned.entry().hardTimeout()) {
        return true;
      }
    }
    return false;
  }

  /** The hard timeout of all that is wanted; 0 if nothing is. */
  private static int hold(Map<FlowKey, PlannedEntry> wanted) {
    return wanted.isEmpty() ? 0 : wanted.values().iterator().next().entry().hardTimeout();
  }

  /**
   * By how many seconds the first of those that are as they should be will end before one that is
   * added now with a whole life. One that may not be renewed now is no measure: it must not have
   * the others renewed over and over.
   */
  private static long lag(
      Map<FlowKey, PlannedEntry> wanted,
      Map<FlowKey, InstalledEntry> ours,
      ImmutableSet<FlowKey> refused,
      boolean mayEndEarlier) {
    long lag = 0;
    for (PlannedEntry planned : wanted.values()) {
      FlowEntry entry = planned.entry();
      InstalledEntry there = ours.get(entry.key());
      if (there != null
          && there.age() + entry.hardTimeout() - there.entry().hardTimeout() > lag
          && !refused.contains(entry.key())
          && isRight(planned, there, mayEndEarlier)) {
        lag = there.age() + entry.hardTimeout() - there.entry().hardTimeout();
      }
    }
    return lag;
  }
}
