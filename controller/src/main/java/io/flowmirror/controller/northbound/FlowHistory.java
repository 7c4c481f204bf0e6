// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.google.common.collect.EvictingQueue;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.FlowKey;
import io.flowmirror.flows.InstalledEntry;
import io.flowmirror.flows.PlannedEntry;
import io.flowmirror.topology.PodName;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** How one node's entries of ours have changed lately: the newest {@value #KEPT} changes. */
final class FlowHistory {
  static final int KEPT = 1_000;

  /** What became of an entry. */
  enum What {
    ADDED,
    CHANGED,
    REMOVED
  }

  /**
   * A change.
   *
   * @param before the entry that was there
   * @param after the entry that is there
   * @param pod whose it is, as far as is known
   */
  record Change(
      Instant time,
      What what,
      Optional<FlowEntry> before,
      Optional<FlowEntry> after,
      Optional<PodName> pod) {}

  private final EvictingQueue<Change> changes = EvictingQueue.create(KEPT);
  private Map<FlowKey, FlowEntry> last = Map.of();
  private ImmutableMap<FlowKey, PodName> owners = ImmutableMap.of();
  private Instant since = Instant.MAX;
  private boolean full;

  /** Takes what is there now. */
  synchronized void look(Instant now, NodeStatus status) {
    if (since.equals(Instant.MAX)) {
      since = now;
    }
    if (status.node().datapath().isEmpty()) {
      // Nothing is known; that is not a change.
      return;
    }
    Map<FlowKey, FlowEntry> there = new LinkedHashMap<>();
    for (InstalledEntry installed : status.installed()) {
      if (installed.isOurs()) {
        there.put(installed.entry().key(), installed.entry());
      }
    }
    ImmutableMap.Builder<FlowKey, PodName> owner = ImmutableMap.builder();
    for (PlannedEntry planned : status.plan().entries().values()) {
      planned.pod().ifPresent(pod -> owner.put(planned.entry().key(), pod));
    }
    ImmutableMap<FlowKey, PodName> nowOwners = owner.buildKeepingLast();
    there.forEach(
        (key, entry) -> {
          @Nullable FlowEntry before = last.get(key);
          if (!entry.equals(before)) {
            add(
                new Change(
                    now,
                    before == null ? What.ADDED : What.CHANGED,
                    Optional.ofNullable(before),
                    Optional.of(entry),
                    Optional.ofNullable(nowOwners.get(key))));
          }
        });
    last.forEach(
        (key, before) -> {
          if (!there.containsKey(key)) {
            add(
                new Change(
                    now,
                    What.REMOVED,
                    Optional.of(before),
                    Optional.empty(),
                    Optional.ofNullable(owners.get(key))));
          }
        });
    last = there;
    owners = nowOwners;
  }

  private void add(Change change) {
    full |= changes.remainingCapacity() == 0;
    changes.add(change);
  }

  /** Changes at or after a moment, the oldest first. */
  synchronized ImmutableList<Change> since(Instant moment) {
    return changes.stream()
        .filter(change -> !change.time().isBefore(moment))
        .collect(ImmutableList.toImmutableList());
  }

  /** From when on all changes are known. */
  synchronized Instant knownSince() {
    return full && changes.peek() != null ? changes.peek().time() : since;
  }
}
