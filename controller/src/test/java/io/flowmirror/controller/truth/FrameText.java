// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import com.google.common.collect.ImmutableMap;
import com.google.common.net.InetAddresses;
import java.net.InetAddress;
import java.net.UnknownHostException;

/**
 * A frame in words, such as {@code 0a:58:0a:10:00:02 > 0a:58:0a:10:00:03 10.16.0.2 > 10.16.0.3
 * ttl=64 icmp echo-request seq=1, 98 bytes}.
 */
final class FrameText {
  private static final int ETHER_HEADER = 14;
  private static final int VLAN = 0x8100;
  private static final int ARP = 0x0806;
  private static final int IP4 = 0x0800;
  private static final int IP6 = 0x86dd;
  private static final int IP6_HEADER = 40;

  private static final int HOP_BY_HOP = 0;
  private static final int ICMP = 1;
  private static final int IGMP = 2;
  private static final int TCP = 6;
  private static final int UDP = 17;
  private static final int FRAGMENT = 44;
  private static final int ICMP6 = 58;

  private static final ImmutableMap<Integer, String> ICMP_TYPES =
      ImmutableMap.of(0, "echo-reply", 3, "unreachable", 8, "echo-request", 11, "time-exceeded");
  private static final ImmutableMap<Integer, String> ICMP6_TYPES =
      ImmutableMap.<Integer, String>builder()
          .put(1, "unreachable")
          .put(2, "too-big")
          .put(3, "time-exceeded")
          .put(128, "echo-request")
          .put(129, "echo-reply")
          .put(130, "mld-query")
          .put(131, "mld-report")
          .put(132, "mld-done")
          .put(133, "router-solicitation")
          .put(134, "router-advertisement")
          .put(135, "neighbour-solicitation")
          .put(136, "neighbour-advertisement")
          .put(143, "mld2-report")
          .buildOrThrow();

  private final Frame frame;
  private final StringBuilder text = new StringBuilder();

  private FrameText(Frame frame) {
    this.frame = frame;
  }

  static String describe(Frame frame) {
    FrameText description = new FrameText(frame);
    description.ethernet();
    return description.text + ", " + frame.length() + " bytes";
  }

  private void ethernet() {
    text.append(mac(6)).append(" > ").append(mac(0)).append(' ');
    int type = frame.u16(12);
    int offset = ETHER_HEADER;
    if (type == VLAN) {
      text.append("vlan ").append(frame.u16(offset) & 0xfff).append(' ');
      type = frame.u16(offset + 2);
      offset += 4;
    }
    switch (type) {
      case ARP -> arp(offset);
      case IP4 -> ip4(offset);
      case IP6 -> ip6(offset);
      default -> text.append(String.format("ethertype 0x%04x", type));
    }
  }

  private void arp(int at) {
    int operation = frame.u16(at + 6);
    String sender = ip(at + 14, 4);
    String target = ip(at + 24, 4);
    if (operation == 1) {
      text.append("arp request who-has ").append(target).append(" tell ").append(sender);
    } else {
      text.append("arp reply ").append(sender).append(" is-at ").append(mac(at + 8));
    }
  }

  private void ip4(int at) {
    addresses(ip(at + 12, 4), ip(at + 16, 4), frame.u8(at + 8));
    int fragment = frame.u16(at + 6);
    int offset = (fragment & 0x1fff) * 8;
    if ((fragment & 0x3fff) != 0) {
      text.append(" fragment ").append(offset);
    }
    if (offset == 0) {
      payload(frame.u8(at + 9), at + (frame.u8(at) & 0xf) * 4);
    }
  }

  private void ip6(int at) {
    addresses(ip(at + 8, 16), ip(at + 24, 16), frame.u8(at + 7));
    int next = frame.u8(at + 6);
    int offset = at + IP6_HEADER;
    if (next == HOP_BY_HOP) {
      next = frame.u8(offset);
      offset += (frame.u8(offset + 1) + 1) * 8;
    }
    int fragment = 0;
    if (next == FRAGMENT) {
      fragment = frame.u16(offset + 2) & 0xfff8;
      text.append(" fragment ").append(fragment);
      next = frame.u8(offset);
      offset += 8;
    }
    if (fragment == 0) {
      payload(next, offset);
    }
  }

  private void addresses(String source, String destination, int ttl) {
    text.append(source).append(" > ").append(destination).append(" ttl=").append(ttl);
  }

  private void payload(int protocol, int at) {
    switch (protocol) {
      case ICMP -> icmp("icmp ", ICMP_TYPES, at, 0, 8);
      case ICMP6 -> icmp("icmp6 ", ICMP6_TYPES, at, 128, 129);
      case IGMP -> text.append(" igmp");
      case TCP ->
          text.append(" tcp ").append(ports(at)).append(' ').append(tcpFlags(frame.u8(at + 13)));
      case UDP -> text.append(" udp ").append(ports(at));
      default -> text.append(" protocol ").append(protocol);
    }
  }

  private void icmp(
      String name, ImmutableMap<Integer, String> types, int at, int echoOne, int echoTwo) {
    int type = frame.u8(at);
    String known = types.get(type);
    text.append(' ').append(name).append(known == null ? "type " + type : known);
    if (type == echoOne || type == echoTwo) {
      text.append(" seq=").append(frame.u16(at + 6));
    }
  }

  private String ports(int at) {
    return frame.u16(at) + ">" + frame.u16(at + 2);
  }

  private static String tcpFlags(int bits) {
    StringBuilder flags = new StringBuilder();
    String names = "FSRPAU";
    for (int bit = 0; bit < names.length(); bit++) {
      if ((bits & 1 << bit) != 0) {
        flags.append(names.charAt(bit));
      }
    }
    return "[" + flags + "]";
  }

  private String mac(int at) {
    return String.format(
        "%02x:%02x:%02x:%02x:%02x:%02x",
        frame.u8(at),
        frame.u8(at + 1),
        frame.u8(at + 2),
        frame.u8(at + 3),
        frame.u8(at + 4),
        frame.u8(at + 5));
  }

  private String ip(int at, int length) {
    if (frame.length() < at + length) {
      return "(cut)";
    }
    try {
      return InetAddresses.toAddrString(InetAddress.getByAddress(frame.slice(at, length)));
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException(e);
    }
  }
}
