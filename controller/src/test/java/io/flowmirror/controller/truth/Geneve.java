// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import java.util.Optional;
import java.util.OptionalInt;

/** What a Geneve packet carries (RFC 8926, section 3.4). */
final class Geneve {
  static final int PORT = 6081;

  private static final int GENEVE_HEADER = 8;

  private Geneve() {}

  /** The inner frame of an outer Ethernet, IPv4, UDP and Geneve; empty if it is none. */
  static Optional<Frame> inner(Frame outer) {
    OptionalInt payload = outer.udpPayload(PORT);
    if (payload.isEmpty() || outer.u16(payload.getAsInt() + 2) != 0x6558) {
      return Optional.empty();
    }
    int geneve = payload.getAsInt();
    int options = (outer.u8(geneve) & 0x3f) * 4;
    return Optional.of(new Frame(outer.slice(geneve + GENEVE_HEADER + options)));
  }
}
