// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import com.google.common.io.BaseEncoding;
import com.google.common.net.InetAddresses;
import com.google.common.primitives.Bytes;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** Makes frames that no well-behaved program would send. */
final class RawFrame {
  static final String BROADCAST = "ff:ff:ff:ff:ff:ff";

  /** A number for local experiments (IEEE 802). */
  static final int ODD_ETHERTYPE = 0x88b5;

  private static final int ARP = 0x0806;
  private static final int IP4 = 0x0800;
  private static final int VLAN = 0x8100;
  private static final int IP_HEADER = 20;
  private static final int UDP_HEADER = 8;

  private RawFrame() {}

  /** A frame of an ethertype that OVN does not know. */
  static Frame odd(String from, String to) {
    return ethernet(from, to, ODD_ETHERTYPE, text("neither IP nor ARP"));
  }

  /** An ARP request, sent to everybody. */
  static Frame arpRequest(String fromMac, String fromIp, String forIp) {
    byte[] fixed = {0, 1, 8, 0, 6, 4, 0, 1};
    return ethernet(
        fromMac,
        BROADCAST,
        ARP,
        Bytes.concat(fixed, mac(fromMac), ip(fromIp), new byte[6], ip(forIp)));
  }

  /** A UDP packet. */
  static Frame udp(String fromMac, String toMac, String fromIp, String toIp, int port) {
    return ethernet(fromMac, toMac, IP4, udpPacket(fromIp, toIp, port));
  }

  /** A UDP packet with a VLAN tag. */
  static Frame tagged(Pod from, Pod to, int vlan) {
    byte[] tag = {(byte) (vlan >> 8), (byte) vlan, (byte) (IP4 >> 8), (byte) IP4};
    byte[] packet = udpPacket(from.ip4(), to.ip4(), Cluster.UDP_PORT);
    return ethernet(from.mac(), to.mac(), VLAN, Bytes.concat(tag, packet));
  }

  private static byte[] udpPacket(String from, String to, int port) {
    byte[] payload = text("by hand");
    int length = UDP_HEADER + payload.length;
    ByteBuffer header =
        ByteBuffer.allocate(IP_HEADER)
            .putShort((short) 0x4500)
            .putShort((short) (IP_HEADER + length))
            .putShort((short) 1)
            .putShort((short) 0)
            .put((byte) 64)
            .put((byte) 17)
            .putShort((short) 0)
            .put(ip(from))
            .put(ip(to));
    header.putShort(10, checksum(header.array()));
    // A checksum of 0 says that there is none (RFC 768).
    ByteBuffer udp =
        ByteBuffer.allocate(length)
            .putShort((short) port)
            .putShort((short) port)
            .putShort((short) length)
            .putShort((short) 0)
            .put(payload);
    return Bytes.concat(header.array(), udp.array());
  }

  private static short checksum(byte[] header) {
    int sum = 0;
    for (int i = 0; i < header.length; i += 2) {
      sum += (header[i] & 0xff) << 8 | header[i + 1] & 0xff;
    }
    return (short) ~((sum & 0xffff) + (sum >>> 16));
  }

  private static Frame ethernet(String from, String to, int type, byte[] payload) {
    byte[] ethertype = {(byte) (type >> 8), (byte) type};
    return new Frame(Bytes.concat(mac(to), mac(from), ethertype, payload));
  }

  private static byte[] mac(String text) {
    return BaseEncoding.base16().lowerCase().decode(text.replace(":", ""));
  }

  private static byte[] ip(String text) {
    return InetAddresses.forString(text).getAddress();
  }

  private static byte[] text(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
