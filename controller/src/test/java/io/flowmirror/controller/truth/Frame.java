// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import java.util.Arrays;
import java.util.OptionalInt;

/** An Ethernet frame, by its content. */
final class Frame {
  private static final int DESTINATION = 0;
  private static final int SOURCE = 6;

  private final byte[] bytes;
  private final int hash;

  Frame(byte[] bytes) {
    this.bytes = bytes.clone();
    this.hash = Arrays.hashCode(bytes);
  }

  int length() {
    return bytes.length;
  }

  /** The byte at this offset, or 0 behind the end: a describer need not fear a short frame. */
  int u8(int offset) {
    return offset < bytes.length ? bytes[offset] & 0xff : 0;
  }

  int u16(int offset) {
    return u8(offset) << 8 | u8(offset + 1);
  }

  /** Whether the source or the destination is this MAC address. */
  boolean isOf(String mac) {
    return isFrom(mac) || hasMac(DESTINATION, mac);
  }

  /** Whether the source is this MAC address. */
  boolean isFrom(String mac) {
    return hasMac(SOURCE, mac);
  }

  /** Whether it is a broadcast or multicast. */
  boolean isToMany() {
    return (u8(DESTINATION) & 1) != 0;
  }

  private boolean hasMac(int offset, String mac) {
    return mac.replace(":", "")
        .equals(String.format("%04x%04x%04x", u16(offset), u16(offset + 2), u16(offset + 4)));
  }

  /** Where the payload of a UDP datagram over IPv4 to this port begins; empty if it is none. */
  OptionalInt udpPayload(int port) {
    int ip = 14;
    int udp = ip + (u8(ip) & 0xf) * 4;
    return u16(12) == 0x0800 && u8(ip + 9) == 17 && u16(udp + 2) == port
        ? OptionalInt.of(udp + 8)
        : OptionalInt.empty();
  }

  byte[] slice(int from) {
    return Arrays.copyOfRange(bytes, Math.min(from, bytes.length), bytes.length);
  }

  byte[] slice(int from, int length) {
    return Arrays.copyOfRange(bytes, from, from + length);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Frame frame && Arrays.equals(bytes, frame.bytes);
  }

  @Override
  public int hashCode() {
    return hash;
  }

  /** In words, with a few digits that tell frames apart which differ in their payload only. */
  @Override
  public String toString() {
    return String.format("%s #%04x", FrameText.describe(this), hash & 0xffff);
  }
}
