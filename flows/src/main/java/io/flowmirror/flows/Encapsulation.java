// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

import io.flowmirror.topology.Interface;
import io.flowmirror.topology.LogicalPort;
import java.util.Optional;

/**
 * The tunnels that OVN makes between nodes, and what it writes into a tunnel's key (OVN,
 * controller/physical.c, put_encapsulation).
 */
enum Encapsulation {
  /** The key is the logical datapath's; the ports travel in an option. */
  GENEVE("geneve", Field.TUN_ID.allOnes()),
  /** Its 24 bits hold the logical datapath's key, then the output port's. */
  VXLAN("vxlan", 0xfff),
  /** The logical datapath's key, the output port's and the input port's; gone from OVN in 2025. */
  STT("stt", LogicalPort.MAX_DATAPATH_KEY);

  private final String type;
  private final long datapathBits;

  Encapsulation(String type, long datapathBits) {
    this.type = type;
    this.datapathBits = datapathBits;
  }

  /** The encapsulation of a tunnel; empty for an interface that is none (OVSDB's {@code type}). */
  static Optional<Encapsulation> of(Interface row) {
    for (Encapsulation encapsulation : values()) {
      if (encapsulation.type.equals(row.type())) {
        return Optional.of(encapsulation);
      }
    }
    return Optional.empty();
  }

  /**
   * Which bits of a tunnel's key are the datapath's. A key that is wider than a VXLAN has room for
   * reaches one only from a VTEP gateway, whose tunnel key is that key and nothing else.
   */
  long datapathMask(long datapathKey) {
    return datapathKey > datapathBits ? Field.TUN_ID.allOnes() : datapathBits;
  }
}
