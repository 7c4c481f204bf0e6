// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The tables of a switch, as far as a difference needs them (OpenFlow 1.3.5, section 6.4). */
final class FlowTable {
  private final Map<FlowKey, InstalledEntry> entries = new LinkedHashMap<>();

  ImmutableList<InstalledEntry> installed() {
    return ImmutableList.copyOf(entries.values());
  }

  ImmutableSet<FlowEntry> entries() {
    return entries.values().stream()
        .map(InstalledEntry::entry)
        .collect(ImmutableSet.toImmutableSet());
  }

  void add(FlowEntry entry, long age) {
    entries.put(entry.key(), new InstalledEntry(entry, age, 0, 0));
  }

  void remove(FlowKey key) {
    entries.remove(key);
  }

  void wipe() {
    entries.clear();
  }

  /** Applies a difference; returns how many flow mods it took. */
  int apply(List<FlowChange> changes) {
    for (FlowChange change : changes) {
      switch (change) {
        case FlowChange.Add(FlowEntry entry) -> add(entry, 0);
        case FlowChange.Delete(FlowKey key, long cookie) -> {
          InstalledEntry there = entries.get(key);
          if (there != null && there.entry().cookie() == cookie) {
            entries.remove(key);
          }
        }
      }
    }
    return changes.size();
  }
}
