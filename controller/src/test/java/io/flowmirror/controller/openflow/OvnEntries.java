// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableListMultimap;
import com.google.common.collect.Multimaps;
import io.flowmirror.topology.LogicalPort;
import java.util.Collection;
import java.util.Comparator;

/**
 * What OVN makes of logical switches, as far as it matters to a copy: the tables and matches of OVN
 * 23.03 (controller/physical.c, northd/northd.c), without security and conntrack between them.
 */
public final class OvnEntries {
  /** A cookie as OVN's are: 32 bits wide. */
  private static final String COOKIE = "cookie=0x934f4ce2,";

  /** The key of the multicast group "_MC_flood". */
  private static final int FLOOD = 0x8000;

  private OvnEntries() {}

  /** The MAC address that the switch knows a logical port by. */
  public static String address(LogicalPort port) {
    return String.format(
        "0a:00:00:%02x:%02x:%02x", port.datapathKey(), port.portKey() >> 8, port.portKey() & 0xff);
  }

  /**
   * The entries of all logical switches that have a port here, in ovs-ofctl's syntax.
   *
   * @param deliveryTable OVN's OFTABLE_LOG_TO_PHY
   */
  public static ImmutableList<String> of(int deliveryTable, Collection<LogicalPort> logicalPorts) {
    ImmutableList<LogicalPort> ports =
        ImmutableList.sortedCopyOf(
            Comparator.comparingLong(LogicalPort::datapathKey)
                .thenComparingInt(LogicalPort::portKey),
            logicalPorts);
    ImmutableList.Builder<String> entries = ImmutableList.builder();
    if (!ports.isEmpty()) {
      entries.add(
          "table=37,priority=0 actions=resubmit(,38)",
          "table=39,priority=0 actions=resubmit(,40)",
          "table=64,priority=0 actions=resubmit(," + deliveryTable + ")");
    }
    for (LogicalPort port : ports) {
      entries.add(
          phyToLog(port),
          on(port, 27, 50, "dl_dst=" + address(port))
              + set("reg15", port.portKey())
              + "resubmit(,37)",
          on(port, 38, 100, "reg15=" + port.portKey()) + "resubmit(,39)",
          // OFTABLE_CHECK_LOOPBACK: a flood does not come back to where it came from.
          on(port, 39, 100, "reg14=" + port.portKey() + ",reg15=" + port.portKey()) + "drop",
          on(port, deliveryTable, 100, "reg15=" + port.portKey()) + "output:" + port.ofport());
    }
    ImmutableListMultimap<Long, LogicalPort> switches =
        Multimaps.index(ports, LogicalPort::datapathKey);
    for (long key : switches.keySet()) {
      LogicalPort any = switches.get(key).get(0);
      StringBuilder flood = new StringBuilder(on(any, 38, 100, "reg15=" + FLOOD));
      for (LogicalPort port : switches.get(key)) {
        flood.append(set("reg15", port.portKey())).append("resubmit(,39),");
      }
      entries.add(
          on(any, 8, 0, "") + "resubmit(,27)",
          on(any, 27, 70, "dl_dst=" + Packet.BROADCAST) + set("reg15", FLOOD) + "resubmit(,37)",
          flood + "set_field:" + FLOOD + "->reg15",
          on(any, 40, 0, "") + "resubmit(,64)");
    }
    return entries.build().stream().map(COOKIE::concat).collect(ImmutableList.toImmutableList());
  }

  /** OFTABLE_PHY_TO_LOG. */
  static String phyToLog(LogicalPort port) {
    return "table=0,priority=100,in_port="
        + port.ofport()
        + " actions="
        + set("reg13", port.portKey())
        + set("metadata", port.datapathKey())
        + set("reg14", port.portKey())
        + "resubmit(,8)";
  }

  private static String on(LogicalPort port, int table, int priority, String match) {
    return "table="
        + table
        + ",priority="
        + priority
        + ",metadata="
        + port.datapathKey()
        + (match.isEmpty() ? "" : "," + match)
        + " actions=";
  }

  private static String set(String field, long value) {
    return "set_field:" + value + "->" + field + ",";
  }
}
