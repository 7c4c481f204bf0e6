// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

/** Shell scripts that make traffic. Each is bounded in time. */
final class Script {
  /** Packets of one echo exchange. */
  static final int ECHOES = 3;

  private static final int TRANSFER = 20_000;

  private Script() {}

  /** Forgets all neighbours, so that the next packet has to ask for its own. */
  static String forgetNeighbours(Pod pod) {
    return "ip neigh flush dev " + pod.device() + "; ";
  }

  /** Three echoes, all answered. */
  static String ping(String address, String... options) {
    return "ping -q -c " + ECHOES + " -i 0.01 -W 5 " + String.join(" ", options) + " " + address;
  }

  /** One echo, to which no answer is due. */
  static String pingInVain(String address, String... options) {
    return "ping -q -c 1 -W 0.2 " + String.join(" ", options) + " " + address + " || true";
  }

  /** Three datagrams to each of the echo servers, each answered before the next. */
  static String udpEcho(int port, String... addresses) {
    StringBuilder script = new StringBuilder();
    for (String address : addresses) {
      script.append(
          "exec 3<>/dev/udp/"
              + address
              + "/"
              + port
              + "; for i in 1 2 3; do"
              + " echo \"datagram $i\" >&3; timeout 10 head -n1 <&3 >/dev/null || exit 1; done; ");
    }
    return script.toString();
  }

  /** One datagram of this size, in fragments if need be, without waiting for anything. */
  static String udpOf(int bytes, String address, int port) {
    return "head -c " + bytes + " /dev/zero >/dev/udp/" + address + "/" + port;
  }

  /** One datagram, without waiting for anything. */
  static String udp(String address, int port) {
    return "echo datagram >/dev/udp/" + address + "/" + port;
  }

  /** One datagram to a broadcast address. */
  static String udpBroadcast(String address, int port) {
    return "echo datagram | socat -u - UDP4-DATAGRAM:" + address + ":" + port + ",broadcast";
  }

  /** A connection to each echo server: everything sent comes back, and both sides close. */
  static String tcpEcho(int port, String... addresses) {
    StringBuilder script = new StringBuilder();
    for (String address : addresses) {
      String target = address.contains(":") ? "TCP6:[" + address + "]:" : "TCP4:" + address + ":";
      script.append(
          "test $(head -c "
              + TRANSFER
              + " /dev/zero | timeout 20 socat -t 10 - "
              + target
              + port
              + " | wc -c) = "
              + TRANSFER
              + " || exit 1; ");
    }
    return script.toString();
  }

  /** A connection attempt that is refused or not answered. */
  static String tcpInVain(String address, int port) {
    return "timeout 0.3 bash -c 'echo >/dev/tcp/" + address + "/" + port + "' 2>/dev/null || true";
  }
}
