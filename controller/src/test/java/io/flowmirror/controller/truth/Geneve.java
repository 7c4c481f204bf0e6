// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import java.util.Optional;

/** What a Geneve packet carries (RFC 8926, section 3.4). */
final class Geneve {
  static final int PORT = 6081;

  private static final int ETHER_HEADER = 14;
  private static final int UDP_HEADER = 8;
  private static final int GENEVE_HEADER = 8;

  private Geneve() {}

  /** The inner frame of an outer Ethernet, IPv4, UDP and Geneve; empty if it is none. */
  static Optional<Frame> inner(Frame outer) {
    int ip = ETHER_HEADER;
    int udp = ip + (outer.u8(ip) & 0xf) * 4;
    int geneve = udp + UDP_HEADER;
    if (outer.u16(12) != 0x0800
        || outer.u8(ip + 9) != 17
        || outer.u16(udp + 2) != PORT
        || outer.u16(geneve + 2) != 0x6558) {
      return Optional.empty();
    }
    int options = (outer.u8(geneve) & 0x3f) * 4;
    return Optional.of(new Frame(outer.slice(geneve + GENEVE_HEADER + options)));
  }
}
