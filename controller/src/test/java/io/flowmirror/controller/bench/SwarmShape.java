// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.bench;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * What every node of a swarm has: a mirror port, pods on one logical switch, tunnels, and OVN's
 * entries of tables 0 and 65 (OVN 23.03, controller/physical.c) as {@code struct ofp_flow_stats}.
 * The nodes share it, since OVN numbers ports per node and per logical switch: it is told to each
 * connection anew, and only what a controller writes is kept per node.
 *
 * @param pods how many pods a node has, all of them to be mirrored
 * @param tunnels how many other nodes it has a tunnel to
 * @param ingress OVN's entries of table 0
 * @param delivery OVN's entries of table 65, of the pods in their order
 */
record SwarmShape(int pods, int tunnels, List<byte[]> ingress, List<byte[]> delivery) {
  static final int MIRROR_PORT = 1;
  static final int FIRST_POD = 2;
  static final int DELIVERY_TABLE = 65;
  private static final int MOST_PORTS = 250;
  private static final int COOKIE = 0x934f4ce2;
  private static final int DATAPATH_KEY = 3;

  static SwarmShape of(int pods, int tunnels) {
    List<byte[]> ingress = new ArrayList<>();
    List<byte[]> delivery = new ArrayList<>();
    for (int pod = 0; pod < pods; pod++) {
      ingress.add(phyToLog(FIRST_POD + pod, 1 + pod));
      delivery.add(logToPhy(FIRST_POD + pod, 1 + pod));
    }
    for (int tunnel = 0; tunnel < tunnels; tunnel++) {
      ingress.add(fromTunnel(FIRST_POD + pods + tunnel));
    }
    return new SwarmShape(pods, tunnels, List.copyOf(ingress), List.copyOf(delivery));
  }

  /**
   * How many entries of Flowmirror's a node has when all is well: E0, and E1 to E3 of each pod, or
   * E1 alone where there are too many ports for OVN's own broadcast (flows/README.md).
   */
  int wanted() {
    return pods == 0 ? 0 : 1 + (pods > MOST_PORTS ? 1 : 3) * pods;
  }

  /** All ports but OFPP_LOCAL. */
  int ports() {
    return 1 + pods + tunnels;
  }

  /** The number of OVN's port, or -1, of an entry that begins with what the pod sends (E1). */
  static int podOf(byte[] flowMod) {
    ByteBuffer in = ByteBuffer.wrap(flowMod);
    int end = 48 + (in.getShort(50) & 0xffff);
    if (flowMod[24] != 0) {
      return -1;
    }
    for (int at = 52; at + 4 <= end; at += 4 + (flowMod[at + 3] & 0xff)) {
      if (in.getInt(at) == 0x8000_0004) {
        int port = in.getInt(at + 4);
        return port < FIRST_POD ? -1 : port - FIRST_POD;
      }
    }
    return -1;
  }

  /** At most 15 bytes. */
  String portName(int ofport) {
    int pod = ofport - FIRST_POD;
    return ofport == MIRROR_PORT
        ? "mirror0"
        : pod < pods ? "p" + (1 + pod) + "_h" : "ovn-" + (1 + pod - pods) + "-0";
  }

  private static byte[] phyToLog(int ofport, int portKey) {
    ByteBuffer out = begin(0, inPort(ofport));
    int instruction = instruction(out);
    load(out, 13, portKey);
    load(out, 11, 1);
    load(out, 12, 2);
    setField(out, 0x8000_0408, 8, DATAPATH_KEY);
    setField(out, 0x0001_1c04, 4, portKey);
    resubmit(out, 8);
    return end(out, instruction);
  }

  /** As many actions as OVN's: three moves there, and loads of the same size here. */
  private static byte[] fromTunnel(int ofport) {
    ByteBuffer out = begin(0, inPort(ofport));
    int instruction = instruction(out);
    load(out, 10, 0);
    load(out, 11, 0);
    load(out, 12, 0);
    resubmit(out, 38);
    return end(out, instruction);
  }

  private static byte[] logToPhy(int ofport, int portKey) {
    ByteBuffer match = ByteBuffer.allocate(4 + 8 + 12);
    match.putShort((short) 1).putShort((short) 24);
    match.putInt(0x0001_1e04).putInt(portKey);
    match.putInt(0x8000_0408).putLong(DATAPATH_KEY);
    ByteBuffer out = begin(DELIVERY_TABLE, match.array());
    int instruction = instruction(out);
    out.putShort((short) 0).putShort((short) 16).putInt(ofport).putLong(0);
    return end(out, instruction);
  }

  private static byte[] inPort(int ofport) {
    ByteBuffer match = ByteBuffer.allocate(16);
    return match
        .putShort((short) 1)
        .putShort((short) 12)
        .putInt(0x8000_0004)
        .putInt(ofport)
        .array();
  }

  /** {@code struct ofp_flow_stats} (OpenFlow 1.3.5, section 7.3.5.2) up to its instructions. */
  private static ByteBuffer begin(int table, byte[] paddedMatch) {
    ByteBuffer out = ByteBuffer.allocate(512);
    out.putShort((short) 0).put((byte) table).put((byte) 0).putLong(0);
    out.putShort((short) 100).putLong(0).putShort((short) 0).putLong(COOKIE);
    return out.putLong(22).putLong(33).put(paddedMatch);
  }

  private static int instruction(ByteBuffer out) {
    int start = out.position();
    out.putShort((short) 4).putShort((short) 0).putInt(0);
    return start;
  }

  private static byte[] end(ByteBuffer out, int instruction) {
    out.putShort(instruction + 2, (short) (out.position() - instruction));
    byte[] stats = new byte[out.position()];
    out.putShort(0, (short) stats.length).flip().get(stats);
    return stats;
  }

  /** NXAST_REG_LOAD of a whole register (Open vSwitch, include/openflow/nicira-ext.h). */
  private static void load(ByteBuffer out, int register, long value) {
    out.putShort((short) 0xffff).putShort((short) 24).putInt(0x2320).putShort((short) 7);
    out.putShort((short) 31).putInt(0x0001_0004 | register << 9).putLong(value);
  }

  private static void setField(ByteBuffer out, int oxm, int bytes, long value) {
    out.putShort((short) 25).putShort((short) 16).putInt(oxm);
    if (bytes == 8) {
      out.putLong(value);
    } else {
      out.putInt((int) value).putInt(0);
    }
  }

  private static void resubmit(ByteBuffer out, int table) {
    out.putShort((short) 0xffff).putShort((short) 16).putInt(0x2320).putShort((short) 14);
    out.putShort((short) 0xfff8).put((byte) table).put((byte) 0).putShort((short) 0);
  }
}
