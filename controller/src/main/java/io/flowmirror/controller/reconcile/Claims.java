// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.reconcile;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Which node a datapath is. The node that reported it first keeps it, whether it is connected or
 * not, until it reports another or is taken out of the configuration: whoever comes by another
 * address and says that it is the same datapath does not displace it.
 *
 * <p>Confined to the loop's thread.
 */
final class Claims {
  private final Map<Long, String> holders = new HashMap<>();

  /** Takes a node's word for its datapath id; empty if it is another node's. */
  Optional<String> otherHolder(String node, long dpid) {
    holders.entrySet().removeIf(held -> held.getValue().equals(node) && held.getKey() != dpid);
    String holder = holders.computeIfAbsent(dpid, free -> node);
    return holder.equals(node) ? Optional.empty() : Optional.of(holder);
  }

  /** The node holds nothing any more. */
  void release(String node) {
    holders.values().removeIf(node::equals);
  }
}
