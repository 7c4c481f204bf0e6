// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import java.util.regex.Pattern;

/**
 * Frames that a node's switch lost before any flow entry saw them, by its own and the kernel's
 * count.
 */
final class SwitchLosses {
  private static final Pattern SOCKET = Pattern.compile("skmem:\\(.*,d(\\d+)\\)");

  /**
   * The userspace datapath's drops that no entry asked for (lib/dpif-netdev.c), such as an upcall
   * while upcalls were disabled, and a recirculated packet whose context was gone
   * (ofproto/ofproto-dpif-xlate.c).
   */
  private static final Pattern COUNTER =
      Pattern.compile(
          "(?m)^(?:datapath_drop_\\w+|drop_action_no_recirculation_context)\\s.*total: (\\d+)");

  private SwitchLosses() {}

  /**
   * How many there have been since the switch started. In the userspace datapath it reads a pod's
   * device by a packet socket, which overflows when it is not read in time (ss(8), skmem, d).
   */
  static long at(Cluster cluster, String node) {
    String netns = cluster.path(node + ".netns");
    long atSockets =
        Program.run("ip", "netns", "exec", netns, "ss", "-0npmO")
            .lines()
            .filter(line -> line.contains("\"ovs-vswitchd\""))
            .mapToLong(line -> sum(SOCKET, line))
            .sum();
    return atSockets + sum(COUNTER, cluster.brInt(node).appctl("coverage/show"));
  }

  private static long sum(Pattern pattern, String text) {
    return pattern.matcher(text).results().mapToLong(found -> Long.parseLong(found.group(1))).sum();
  }
}
