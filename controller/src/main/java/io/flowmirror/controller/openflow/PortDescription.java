// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import io.flowmirror.topology.Port;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * {@code struct ofp_port} (OpenFlow 1.3.5, section 7.2.1), with what a PORT_MOD must repeat.
 *
 * @param number 32 bits, to be read without sign
 * @param hardwareAddress six bytes in hexadecimal
 */
record PortDescription(
    int number, String hardwareAddress, String name, boolean adminDown, boolean linkDown) {
  static final int BYTES = 64;
  private static final int NAME_BYTES = 16;

  /** Whether it is a port that an interface can have, and no reserved number such as OFPP_LOCAL. */
  boolean isInterface() {
    return number >= 1 && number <= Port.MAX;
  }

  Port port() {
    return new Port(number, name, adminDown, linkDown);
  }

  /** Reads one port description. */
  static PortDescription decode(ByteBuf in) {
    MalformedException.checkedLength("ofp_port", BYTES, BYTES, in.readableBytes());
    int number = in.readInt();
    in.skipBytes(4);
    String hardwareAddress = ByteBufUtil.hexDump(in, in.readerIndex(), 6);
    in.skipBytes(8);
    byte[] name = new byte[NAME_BYTES];
    in.readBytes(name);
    int config = in.readInt();
    int state = in.readInt();
    in.skipBytes(24);
    return new PortDescription(
        number,
        hardwareAddress,
        text(name),
        (config & Ofp.OFPPC_PORT_DOWN) != 0,
        (state & Ofp.OFPPS_LINK_DOWN) != 0);
  }

  /** Reads the body of one OFPMP_PORT_DESC reply. */
  static List<PortDescription> decodeAll(ByteBuf in) {
    List<PortDescription> ports = new ArrayList<>();
    while (in.isReadable()) {
      ports.add(decode(in));
    }
    return ports;
  }

  /** A field of fixed width that a zero byte ends early. */
  static String text(byte[] field) {
    int end = 0;
    while (end < field.length && field[end] != 0) {
      end++;
    }
    return new String(field, 0, end, StandardCharsets.UTF_8);
  }
}
