// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import io.flowmirror.flows.Cookie;
import io.flowmirror.flows.Field;
import io.flowmirror.flows.FlowChange;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.FlowKey;
import io.flowmirror.flows.FlowText;
import io.flowmirror.flows.InstalledEntry;
import io.flowmirror.flows.MirrorEntries;
import io.flowmirror.flows.OvnPipeline;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What is known of the tables that are watched: what was read last, and what the switch has told
 * and confirmed since. Entries that nobody needs are not kept.
 *
 * <p>Open vSwitch answers a request for a table at one moment and sends updates in order with its
 * replies (ofproto/ofproto.c, handle_flow_stats_request; ofproto/connmgr.c, ofmonitor_flush), so
 * that a reading supersedes every update that came before its end. On the connection's event loop.
 */
final class TableView {
  private final int maxEntries;
  private final Map<Integer, Map<FlowKey, InstalledEntry>> tables = new HashMap<>();
  private int size;

  /** Counts what changes of others' entries, so that nothing is concluded of them twice. */
  private long version;

  /**
   * Begins without any knowledge.
   *
   * @param maxEntries how many entries may be kept in all tables together
   */
  TableView(int maxEntries) {
    this.maxEntries = maxEntries;
  }

  /** Whether an entry tells of a port, is ours, or may stand in the way of one of ours. */
  static boolean isNeeded(FlowEntry entry) {
    return isReported(entry)
        || OvnPipeline.tellsOfPort(entry)
        || OvnPipeline.concernsDelivery(entry);
  }

  /** Whether an entry is ours, or may stand in the way of one of ours. */
  static boolean isReported(FlowEntry entry) {
    return Cookie.isOurs(entry.cookie()) || MirrorEntries.mayBeHiddenBy(entry.key().priority());
  }

  /**
   * Takes what a whole reading of a table has found. What is as before stays the same object: of
   * thousands of nodes, each reading would otherwise make all that is known old garbage.
   *
   * @param name the request, in words
   * @throws MisbehaviourException if an entry is there twice: no two have one identity (OpenFlow
   *     1.3.5, section 5.2)
   */
  void replace(int table, List<InstalledEntry> read, String name) {
    Map<FlowKey, InstalledEntry> before = tables.getOrDefault(table, Map.of());
    Map<FlowKey, InstalledEntry> entries = HashMap.newHashMap(read.size());
    int foreign = 0;
    boolean anew = !tables.containsKey(table);
    for (InstalledEntry there : read) {
      FlowEntry entry = there.entry();
      InstalledEntry known = before.get(entry.key());
      InstalledEntry kept = there;
      boolean isNew = true;
      if (known != null && known.entry().equals(entry)) {
        kept = new InstalledEntry(known.entry(), there.age(), there.packets(), there.bytes());
        isNew = false;
      }
      if (!there.isOurs()) {
        foreign++;
        anew |= isNew;
      }
      if (entries.put(kept.entry().key(), kept) != null) {
        throw new MisbehaviourException(
            "an entry twice in the reply to " + name + ": " + FlowText.format(entry.key()));
      }
    }
    if (anew || foreign != foreign(before.values())) {
      version++;
    }
    size += entries.size() - before.size();
    tables.put(table, entries);
    checkSize();
  }

  private static int foreign(Collection<InstalledEntry> entries) {
    int foreign = 0;
    for (InstalledEntry there : entries) {
      foreign += there.isOurs() ? 0 : 1;
    }
    return foreign;
  }

  /** As long as this is the same, so are the entries that are not ours. */
  long version() {
    return version;
  }

  /** Nobody looks at this table any more. */
  void forget(int table) {
    Map<FlowKey, InstalledEntry> before = tables.remove(table);
    size -= before == null ? 0 : before.size();
    version++;
  }

  /** The entries of one table, in no order; none if it has not been read. */
  Collection<InstalledEntry> entries(int table) {
    return tables.getOrDefault(table, Map.of()).values();
  }

  /** Whether nothing is known to be there. */
  boolean isEmpty() {
    return size == 0;
  }

  /** Whether an entry of this identity is known to be there. */
  boolean has(FlowKey key) {
    return tables.getOrDefault(key.table(), Map.of()).containsKey(key);
  }

  /** Takes what the switch tells; says whether that is of any concern. */
  boolean update(FlowUpdate update) {
    FlowEntry entry = update.entry();
    return update.gone() || !isNeeded(entry)
        ? remove(entry.key())
        : put(new InstalledEntry(entry, 0, 0, 0));
  }

  /** Takes a change of ours that the switch has made. */
  void changed(FlowChange change) {
    switch (change) {
      case FlowChange.Add(FlowEntry entry) -> {
        InstalledEntry before = tables.getOrDefault(entry.key().table(), Map.of()).get(entry.key());
        // An ADD that replaces an entry keeps its counters (OpenFlow 1.3.5, section 6.4).
        put(
            before == null
                ? new InstalledEntry(entry, 0, 0, 0)
                : new InstalledEntry(entry, 0, before.packets(), before.bytes()));
      }
      case FlowChange.Delete(FlowKey key, long cookie) -> {
        InstalledEntry there = tables.getOrDefault(key.table(), Map.of()).get(key);
        if (there != null && ((there.entry().cookie() ^ cookie) & Cookie.DELETE_MASK) == 0) {
          remove(key);
        }
      }
    }
  }

  /** What OVN's entries say of this number is void: it may be another interface's next. */
  void forgetPort(int ofport) {
    Map<FlowKey, InstalledEntry> ingress = tables.get(OvnPipeline.INGRESS_TABLE);
    if (ingress != null) {
      int before = ingress.size();
      ingress
          .values()
          .removeIf(
              there ->
                  OvnPipeline.concernsIngress(there.entry())
                      && there.entry().key().match().exact(Field.IN_PORT).orElseThrow() == ofport);
      size -= before - ingress.size();
      version++;
    }
  }

  private boolean put(InstalledEntry there) {
    FlowKey key = there.entry().key();
    Map<FlowKey, InstalledEntry> table = tables.get(key.table());
    if (table == null) {
      return false;
    }
    InstalledEntry before = table.put(key, there);
    if (!there.isOurs() || (before != null && !before.isOurs())) {
      version++;
    }
    if (before == null) {
      size++;
      checkSize();
    }
    return true;
  }

  private boolean remove(FlowKey key) {
    Map<FlowKey, InstalledEntry> table = tables.get(key.table());
    InstalledEntry before = table == null ? null : table.remove(key);
    if (before == null) {
      return false;
    }
    if (!before.isOurs()) {
      version++;
    }
    size--;
    return true;
  }

  private void checkSize() {
    if (size > maxEntries) {
      throw new MisbehaviourException("more than " + maxEntries + " entries to keep of its tables");
    }
  }
}
