// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.flowmirror.flows.FlowKey;
import io.flowmirror.flows.InstalledEntry;
import io.flowmirror.topology.Datapath;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a session knows of its datapath at one moment: a whole snapshot, of which only the newest
 * matters.
 *
 * @param datapath the live connection's word, or empty while there is no connection
 * @param entries our own entries (any cookie with our owner's mark, in any table) and every foreign
 *     entry of tables 0 and T whose priority is high enough to keep packets from ours
 * @param round the number of the newest {@link DatapathSession#apply} whose outcome {@code entries}
 *     includes; 0 before the first on this connection
 * @param refused entries of that round which the switch refused, with its error in words
 * @param reason why there is no connection, in words; empty while there is one
 * @param noticedNanos the {@link System#nanoTime} at which the first of what is new was noticed
 * @param wiped whether at some moment since the report before all entries were gone
 */
public record DatapathReport(
    Optional<Datapath> datapath,
    ImmutableList<InstalledEntry> entries,
    long round,
    ImmutableMap<FlowKey, String> refused,
    String reason,
    long noticedNanos,
    boolean wiped) {

  /** What is said of changes that were not sent, for another has claimed the role since. */
  static final String OVERRULED = "another controller is the master: ";

  /** The switch's word for what is sent by who is not the master. */
  static final String IS_SLAVE = "OFPBRC_IS_SLAVE";

  /** Whether that round was refused because another controller is the master by a newer claim. */
  public boolean isOverruled() {
    return refused.values().stream().anyMatch(why -> why.startsWith(OVERRULED));
  }

  /**
   * Whether that round was refused because another connection has claimed the role of the master
   * since this one did, be it with the same generation (OpenFlow 1.3.5, section 6.3.4).
   */
  public boolean isSlave() {
    return refused.values().stream().anyMatch(why -> why.contains(IS_SLAVE));
  }

  /** What this says, after one that nobody has read: what was new in that one still is. */
  public static DatapathReport after(@Nullable DatapathReport unread, DatapathReport newer) {
    return unread == null || unread.noticedNanos - newer.noticedNanos >= 0
        ? newer
        : new DatapathReport(
            newer.datapath,
            newer.entries,
            newer.round,
            newer.refused,
            newer.reason,
            unread.noticedNanos,
            unread.wiped || newer.wiped);
  }
}
