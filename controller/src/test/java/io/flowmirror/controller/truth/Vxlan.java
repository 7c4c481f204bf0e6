// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import java.util.Optional;
import java.util.OptionalInt;

/** What a VXLAN packet carries (RFC 7348, section 5). */
final class Vxlan {
  static final int PORT = 4789;

  private static final int VXLAN_HEADER = 8;

  private Vxlan() {}

  /** The inner frame of an outer Ethernet, IPv4, UDP and VXLAN; empty if it is none. */
  static Optional<Frame> inner(Frame outer) {
    OptionalInt payload = outer.udpPayload(PORT);
    return payload.isPresent()
        ? Optional.of(new Frame(outer.slice(payload.getAsInt() + VXLAN_HEADER)))
        : Optional.empty();
  }
}
