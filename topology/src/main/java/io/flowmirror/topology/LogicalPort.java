// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.topology;

/**
 * What OVN's own entries say of a port of br-int: table 0 maps {@code in_port} to the keys, and the
 * delivery table maps the keys back to the same port. Both must agree, or the port is not listed.
 *
 * @param ofport N, the OpenFlow port's number
 * @param datapathKey D, the logical datapath's tunnel key (metadata)
 * @param portKey K, the logical port's tunnel key (reg14 on the way in, reg15 on the way out)
 * @param plain whether OVN's entry matches on {@code in_port} alone; a container nested in a VM, or
 *     a localnet port, also matches on a VLAN
 * @param untags whether that is a VLAN of its own, whose tag OVN takes off what comes in: what it
 *     then delivers is another frame. An untagged localnet port's entries match on no VLAN, and on
 *     VLAN 0.
 */
public record LogicalPort(
    int ofport, long datapathKey, int portKey, boolean plain, boolean untags) {
  /** Port keys are 15 bits wide; 32768 and above are multicast groups (ovn-sb(5), Port_Binding). */
  public static final int MAX_PORT_KEY = 32767;

  /** Datapath keys are 24 bits wide (ovn-sb(5), Datapath_Binding). */
  public static final long MAX_DATAPATH_KEY = 0xffffffL;

  /** One that takes no tag off. */
  public LogicalPort(int ofport, long datapathKey, int portKey, boolean plain) {
    this(ofport, datapathKey, portKey, plain, false);
  }

  public LogicalPort {
    if (datapathKey < 1 || datapathKey > MAX_DATAPATH_KEY) {
      throw new IllegalArgumentException("datapath key " + datapathKey + " is not in 1..2^24-1");
    }
    if (portKey < 1 || portKey > MAX_PORT_KEY) {
      throw new IllegalArgumentException("port key " + portKey + " is not in 1..32767");
    }
  }
}
