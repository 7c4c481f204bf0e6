// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import com.google.common.collect.ImmutableList;
import io.flowmirror.flows.Cookie;
import io.flowmirror.flows.FlowChange;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.FlowKey;
import io.flowmirror.flows.InstalledEntry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * The flow tables of one switch as OpenFlow 1.3.5 defines them. Its clock is the caller's. Not safe
 * for threads.
 */
final class FlowTables {
  /** Tables are numbered from 0 to OFPTT_MAX (section 7.3.4.1); 254 is Open vSwitch's own. */
  static final int HIDDEN_TABLE = 254;

  private record Slot(FlowEntry entry, Duration added, long packets, long bytes) {}

  /** Section 5.2: table, priority and match identify an entry. */
  private final Map<FlowKey, Slot> slots = new LinkedHashMap<>();

  /**
   * Section 6.4, OFPFC_ADD: an entry with the same identity is replaced, "including its duration".
   * Its counters are copied from the old one, for we do not send OFPFF_RESET_COUNTS (only before
   * OpenFlow 1.2 did every ADD reset them: Open vSwitch, lib/ofp-flow.c).
   */
  void add(FlowEntry entry, Duration now) {
    Slot old = slots.get(entry.key());
    slots.put(
        entry.key(),
        old == null
            ? new Slot(entry, now, 0, 0)
            : new Slot(entry, now, old.packets(), old.bytes()));
  }

  /**
   * Section 6.4, OFPFC_DELETE_STRICT: the identity must be equal, and the cookie under the mask;
   * that there is no such entry is no error.
   */
  void deleteStrict(FlowKey key, long cookie, long cookieMask) {
    Slot there = slots.get(key);
    if (there != null && ((there.entry().cookie() ^ cookie) & cookieMask) == 0) {
      slots.remove(key);
    }
  }

  /** Removes what is to go; whether there was any. */
  boolean deleteIf(Predicate<FlowEntry> gone) {
    return slots.values().removeIf(slot -> gone.test(slot.entry()));
  }

  /**
   * A bundle's messages in their order (OpenFlow 1.4, section 6.8; ONF extension 230): all of them,
   * for whoever refuses one refuses the bundle before.
   */
  void commit(List<FlowChange> changes, Duration now) {
    for (FlowChange change : changes) {
      switch (change) {
        case FlowChange.Add(FlowEntry entry) -> add(entry, now);
        case FlowChange.Delete(FlowKey key, long cookie) ->
            deleteStrict(key, cookie, Cookie.DELETE_MASK);
      }
    }
  }

  /**
   * Section 5.5: an entry is removed when its hard_timeout has passed, however many packets it
   * matched. Returns whether there was any.
   */
  boolean expire(Duration now) {
    return slots
        .values()
        .removeIf(
            slot ->
                slot.entry().hardTimeout() > 0
                    && now.minus(slot.added()).toSeconds() >= slot.entry().hardTimeout());
  }

  /**
   * Section 5.3: of the entries that match, the one of the highest priority is selected. Section
   * 5.4: without one, and without a table-miss entry, the packet is dropped.
   *
   * @throws IllegalStateException if two of one priority match: which is selected is then undefined
   */
  Optional<FlowEntry> select(int table, PacketFields packet) {
    List<FlowEntry> highest = new ArrayList<>();
    for (Slot slot : slots.values()) {
      FlowKey key = slot.entry().key();
      if (key.table() == table
          && (highest.isEmpty() || highest.get(0).key().priority() <= key.priority())
          && packet.matches(key.match())) {
        highest.removeIf(other -> other.key().priority() < key.priority());
        highest.add(slot.entry());
      }
    }
    if (highest.size() > 1) {
      throw new IllegalStateException("undefined which of these is selected: " + highest);
    }
    return highest.stream().findFirst();
  }

  /** Section 5.8: an entry counts the packets that it was selected for, each time. */
  void count(FlowKey key, int bytes) {
    slots.computeIfPresent(
        key,
        (same, slot) ->
            new Slot(slot.entry(), slot.added(), slot.packets() + 1, slot.bytes() + bytes));
  }

  /** All entries. */
  ImmutableList<FlowEntry> entries() {
    return slots.values().stream().map(Slot::entry).collect(ImmutableList.toImmutableList());
  }

  /** OFPMP_FLOW (section 7.3.5.2): all entries with their counters; duration in whole seconds. */
  ImmutableList<InstalledEntry> dump(Duration now) {
    return slots.values().stream()
        .map(
            slot ->
                new InstalledEntry(
                    slot.entry(),
                    now.minus(slot.added()).toSeconds(),
                    slot.packets(),
                    slot.bytes()))
        .collect(ImmutableList.toImmutableList());
  }
}
