// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import com.google.common.collect.ImmutableList;
import io.flowmirror.topology.LogicalPort;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Remembers OVN's keys of each port over a wipe: ovn-controller deletes all entries when it
 * connects and then puts its own back (OVN, controller/ofctrl.c, S_CLEAR_FLOWS). Ours can be made
 * again in between by what was known, so that they are there when OVN's are.
 *
 * <p>Only a port that is delivered to by those keys could be tapped by an entry that they are in.
 * If OVN gives them to another port, they are forgotten when its entries are seen; until the entry
 * is gone, that port can be copied (docs/windows.md). What is remembered belongs to one connection.
 * Confined to one thread.
 */
final class KeyMemory {
  /** OVN may put its entries back in steps; a port that is not there after this is not bound. */
  static final Duration GRACE = Duration.ofSeconds(10);

  /** How long OVN's entries may be away. */
  static final Duration LONGEST = Duration.ofMinutes(10);

  private final Map<Integer, LogicalPort> remembered = new TreeMap<>();
  private List<LogicalPort> last = List.of();
  private boolean hadOurs;
  private long wipedNanos;
  private long backNanos;
  private boolean back;

  /**
   * Takes what OVN's entries say now.
   *
   * @param found the ports of which they say something
   * @param live the numbers of the ports that there are
   * @param ours whether any entry of ours is there: if they stay while OVN's go, that is no wipe
   * @param nowNanos the time
   * @return ports of which OVN's entries say nothing, and did before a wipe
   */
  ImmutableList<LogicalPort> update(
      List<LogicalPort> found, Set<Integer> live, boolean ours, long nowNanos) {
    if (found.isEmpty() && !last.isEmpty() && hadOurs && !ours) {
      last.forEach(port -> remembered.put(port.ofport(), port));
      wipedNanos = nowNanos;
      back = false;
    }
    if (!found.isEmpty() && !back) {
      back = true;
      backNanos = nowNanos;
    }
    if (nowNanos - wipedNanos > LONGEST.toNanos()
        || (back && nowNanos - backNanos > GRACE.toNanos())) {
      remembered.clear();
    }
    remembered
        .values()
        .removeIf(
            port ->
                !live.contains(port.ofport())
                    || found.stream().anyMatch(other -> replaces(other, port)));
    last = found;
    hadOurs = ours;
    return ImmutableList.copyOf(remembered.values());
  }

  /** The number may be another interface's next. */
  void forgetPort(int ofport) {
    remembered.remove(ofport);
    last = last.stream().filter(port -> port.ofport() != ofport).toList();
  }

  private static boolean replaces(LogicalPort found, LogicalPort port) {
    boolean sameKeys =
        found.datapathKey() == port.datapathKey() && found.portKey() == port.portKey();
    return found.ofport() == port.ofport() || sameKeys;
  }
}
