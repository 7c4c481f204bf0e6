// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.topology;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * br-int as one live OpenFlow connection describes it. Numbers and keys are only as good as the
 * connection that told them: they are forgotten with it.
 *
 * @param connection counts the connections of this process; a new one means everything is read anew
 * @param dpid the datapath id
 * @param switchVersion the software description of OFPMP_DESC, such as {@code 3.1.0}
 * @param ports the port description, by number
 * @param deliveryTable T, OVN's LOG_TO_PHY table; empty until OVN has bound a port
 * @param logicalPorts what OVN's tables 0 and T say of each port
 * @param natInLabel whether OVN keeps its "natted" bit in ct_label (OVN before 22.06) and not in
 *     ct_mark, where our entries look for it
 * @param remembered the numbers of those ports whose entries OVN has wiped and not put back yet:
 *     what {@code logicalPorts} says of them is what OVN said before
 */
public record Datapath(
    long connection,
    long dpid,
    String switchVersion,
    ImmutableMap<Integer, Port> ports,
    OptionalInt deliveryTable,
    ImmutableList<LogicalPort> logicalPorts,
    boolean natInLabel,
    ImmutableSet<Integer> remembered) {

  /** The plain logical port of each number of which OVN has bound exactly one. */
  public Map<Integer, LogicalPort> plainLogicalPorts() {
    Map<Integer, LogicalPort> found = HashMap.newHashMap(logicalPorts.size());
    Set<Integer> twice = new HashSet<>();
    for (LogicalPort port : logicalPorts) {
      if (port.plain() && found.put(port.ofport(), port) != null) {
        twice.add(port.ofport());
      }
    }
    found.keySet().removeAll(twice);
    return found;
  }

  /**
   * The live port of this name. OpenFlow 1.3 cuts names to 15 bytes, and OVN's localnet ports are
   * all alike there: a name that is not unique, or that may have been cut, names no port.
   */
  public Optional<Port> port(String name) {
    Port found = null;
    for (Port port : ports.values()) {
      if (port.name().equals(name)) {
        if (found != null) {
          return Optional.empty();
        }
        found = port;
      }
    }
    return Optional.ofNullable(found);
  }

  /** The datapath id as 16 hexadecimal digits, as {@code ovs-ofctl show} writes it. */
  public String dpidText() {
    return String.format("%016x", dpid);
  }
}
