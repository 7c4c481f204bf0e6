// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.google.common.base.Ascii;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.flows.Cookie;
import io.flowmirror.flows.FlowDiff.Drift;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.FlowKey;
import io.flowmirror.flows.FlowText;
import io.flowmirror.flows.InstalledEntry;
import io.flowmirror.flows.PlannedEntry;
import io.flowmirror.topology.PodName;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A node's entries of ours, wanted and installed: whose, what for, and how they stand. */
final class OurEntries {
  /**
   * Which of them.
   *
   * @param view {@code all}, {@code installed}, {@code desired} or {@code drift}
   * @param pod only this one's
   * @param table only this table's
   */
  record Selection(String view, Optional<PodName> pod, Optional<Integer> table) {
    /** All of them, or all of a pod. */
    static Selection all(Optional<PodName> pod) {
      return new Selection("all", pod, Optional.empty());
    }
  }

  private final NodeStatus status;
  private final Selection which;
  private final ImmutableMap<FlowKey, InstalledEntry> ours;

  OurEntries(NodeStatus status, Selection which) {
    this.status = status;
    this.which = which;
    this.ours =
        status.installed().stream()
            .filter(InstalledEntry::isOurs)
            .collect(
                ImmutableMap.toImmutableMap(
                    there -> there.entry().key(), there -> there, (a, b) -> b));
  }

  /** How many are installed, whichever are selected. */
  int installed() {
    return ours.size();
  }

  /** Those that are wanted first, in the plan's order. */
  void each(Consumer<FlowLine> sink) {
    status.plan().entries().values().forEach(planned -> wanted(planned, sink));
    if (!which.view().equals("desired")) {
      notWanted(sink);
    }
  }

  private boolean isInTable(FlowEntry entry) {
    return which.table().isEmpty() || entry.key().table() == which.table().get();
  }

  private void wanted(PlannedEntry planned, Consumer<FlowLine> sink) {
    FlowKey key = planned.entry().key();
    if ((which.pod().isPresent() && !which.pod().equals(planned.pod()))
        || !isInTable(planned.entry())) {
      return;
    }
    @Nullable InstalledEntry there = ours.get(key);
    @Nullable Drift drift = status.diff().drift().get(key);
    boolean drifted =
        (drift != null && drift != Drift.DUE)
            || there == null
            || status.diff().conflicts().containsKey(key)
            || status.diff().hidden().containsKey(key);
    boolean isInstalled = which.view().equals("installed");
    boolean shown =
        switch (which.view()) {
          case "installed" -> there != null;
          case "drift" -> drifted;
          default -> true;
        };
    // What is as it should be may end with others that are older, before its whole hold.
    boolean asItIs =
        isInstalled || (which.view().equals("all") && (drift == null || drift == Drift.DUE));
    if (shown) {
      sink.accept(
          new FlowLine(
              asItIs && there != null ? there.entry() : planned.entry(),
              Optional.ofNullable(there),
              planned.pod(),
              planned.purpose(),
              state(key, drift, there),
              isInstalled ? ImmutableList.of() : notes(key, drift, there)));
    }
  }

  private String state(FlowKey key, @Nullable Drift drift, @Nullable InstalledEntry there) {
    if (status.diff().conflicts().containsKey(key)) {
      return "place taken";
    }
    if (status.diff().hidden().containsKey(key)) {
      return "hidden";
    }
    String refused = status.refused().get(key);
    if (refused != null) {
      return "refused: " + refused;
    }
    if (drift != null && drift != Drift.DUE) {
      return Ascii.toLowerCase(drift.name());
    }
    return there == null ? "left out: without another entry it would do harm" : "installed";
  }

  /** What is there in its place. */
  private ImmutableList<String> notes(
      FlowKey key, @Nullable Drift drift, @Nullable InstalledEntry there) {
    ImmutableList.Builder<String> notes = ImmutableList.builder();
    if (drift == Drift.DIFFERENT && there != null) {
      notes.add("installed instead: " + FlowText.format(there.entry()));
    }
    note(notes, "overwritten with: ", status.diff().overwritten().get(key));
    note(notes, "hidden by somebody else's entry: ", status.diff().hidden().get(key));
    note(notes, "somebody else's entry: ", status.diff().conflicts().get(key));
    return notes.build();
  }

  private static void note(
      ImmutableList.Builder<String> notes, String what, @Nullable FlowEntry entry) {
    if (entry != null) {
      notes.add(what + FlowText.format(entry));
    }
  }

  private void notWanted(Consumer<FlowLine> sink) {
    ImmutableSet<FlowEntry> held =
        status.diff().held().stream()
            .map(InstalledEntry::entry)
            .collect(ImmutableSet.toImmutableSet());
    for (InstalledEntry there : ours.values()) {
      FlowEntry entry = there.entry();
      if (status.plan().entries().containsKey(entry.key())
          || !isInTable(entry)
          || (which.pod().isPresent() && !isOnly(entry))) {
        continue;
      }
      boolean isHeld = held.contains(entry);
      sink.accept(
          new FlowLine(
              entry,
              Optional.of(there),
              which.pod(),
              isHeld
                  ? "held: nothing is known of its port for now"
                  : "ours, and not wanted"
                      + Cookie.role(entry.cookie()).map(role -> " (" + role + ")").orElse(""),
              isHeld ? "held" : "surplus",
              ImmutableList.of()));
    }
  }

  /** By its logical port's name, which Kube-OVN makes of the pod's; the pod may be gone. */
  private boolean isOnly(FlowEntry entry) {
    return which
        .pod()
        .filter(pod -> Cookie.isFor(entry.cookie(), pod.name() + "." + pod.namespace()))
        .isPresent();
  }
}
