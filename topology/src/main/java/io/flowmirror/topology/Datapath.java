// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.topology;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * br-int as one live OpenFlow connection describes it. Numbers and keys are only as good as the
 * connection that told them: they are forgotten with it.
 *
 * @param connection counts the connections of this process; a new one means everything is read anew
 * @param dpid the datapath id
 * @param switchVersion the software description of OFPMP_DESC, such as {@code 3.1.0}
 * @param ports the port description, by interface name
 * @param deliveryTable T, OVN's LOG_TO_PHY table; empty until OVN has bound a port
 * @param logicalPorts what OVN's tables 0 and T say of each port
 * @param natInLabel whether OVN keeps its "natted" bit in ct_label (OVN before 22.06) and not in
 *     ct_mark, where our entries look for it
 */
public record Datapath(
    long connection,
    long dpid,
    String switchVersion,
    ImmutableMap<String, Port> ports,
    OptionalInt deliveryTable,
    ImmutableList<LogicalPort> logicalPorts,
    boolean natInLabel) {

  /** The plain logical port of a number, if OVN has bound exactly one. */
  public Optional<LogicalPort> logicalPort(int ofport) {
    LogicalPort found = null;
    for (LogicalPort port : logicalPorts) {
      if (port.ofport() == ofport && port.plain()) {
        if (found != null) {
          return Optional.empty();
        }
        found = port;
      }
    }
    return Optional.ofNullable(found);
  }

  /** The same connection with another port description. */
  public Datapath withPorts(ImmutableMap<String, Port> ports) {
    return new Datapath(
        connection, dpid, switchVersion, ports, deliveryTable, logicalPorts, natInLabel);
  }

  /** The datapath id as 16 hexadecimal digits, as {@code ovs-ofctl show} writes it. */
  public String dpidText() {
    return String.format("%016x", dpid);
  }
}
