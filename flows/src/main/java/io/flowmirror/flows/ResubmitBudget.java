// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

import io.flowmirror.topology.Datapath;
import io.flowmirror.topology.LogicalPort;

/**
 * What a node's broadcast may cost. Open vSwitch drops a packet that needs more than 4,096
 * resubmits (ofproto/ofproto-dpif-xlate.c, MAX_RESUBMITS); OVN's own flood needs about 13 for each
 * local port, and an entry of ours in the delivery table one more where it matches. A packet lost
 * to that would be OVN's, so what could cause it is refused.
 *
 * @param localPorts how many ports of the node OVN has bound
 */
record ResubmitBudget(int localPorts) {
  /** 14 × 250 leaves a good margin. */
  static final int MAX_LOCAL_PORTS = 250;

  private static final int MAX_RESUBMITS = 4096;
  private static final int PER_LOCAL_PORT = 13;

  /** What a flood costs besides its deliveries. */
  private static final int MARGIN = 96;

  static ResubmitBudget of(Datapath datapath) {
    return new ResubmitBudget(
        (int) datapath.logicalPorts().stream().mapToInt(LogicalPort::ofport).distinct().count());
  }

  /** Whether there may be entries that match on every delivery. */
  boolean allowsOneMorePerPort() {
    return localPorts <= MAX_LOCAL_PORTS;
  }

  /** Whether there may be entries that match on the deliveries to so many ports. */
  boolean allows(int mirroredPorts) {
    return allowsOneMorePerPort()
        || localPorts * PER_LOCAL_PORT + mirroredPorts <= MAX_RESUBMITS - MARGIN;
  }

  /** Why something is refused. */
  String reason() {
    return localPorts
        + " local ports are more than "
        + MAX_LOCAL_PORTS
        + ", where OVN's own broadcast comes near Open vSwitch's limit of "
        + MAX_RESUBMITS
        + " resubmits and would be lost:";
  }
}
