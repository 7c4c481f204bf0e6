// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import io.flowmirror.flows.FlowChange;
import io.flowmirror.flows.FlowEntry;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;

/** Writes flow entries as a switch does. */
final class FlowStats {
  private static final int FLOW_MOD_BYTES = 48;

  private FlowStats() {}

  /** Writes {@code struct nx_flow_update_full} with one of its events. */
  static void writeUpdate(int event, FlowEntry entry, ByteBuf out) {
    ByteBuf flowMod = matchAndInstructions(entry);
    out.writeShort(24 + flowMod.readableBytes()).writeShort(event).writeShort(0);
    out.writeShort(entry.key().priority()).writeShort(0).writeShort(entry.hardTimeout());
    out.writeShort(flowMod.getUnsignedShort(2)).writeByte(entry.key().table()).writeByte(0);
    out.writeLong(entry.cookie());
    out.writeBytes(flowMod);
  }

  /** Writes an OFPT_FLOW_REMOVED (OpenFlow 1.3.5, section 7.4.2) without its header. */
  static void writeRemoved(FlowEntry entry, ByteBuf out) {
    out.writeLong(entry.cookie()).writeShort(entry.key().priority()).writeByte(2);
    out.writeByte(entry.key().table()).writeZero(28);
    FlowEncoder.match(entry.key().match(), out);
  }

  /** The match and the instructions are those of a FLOW_MOD, behind its fixed part. */
  private static ByteBuf matchAndInstructions(FlowEntry entry) {
    ByteBuf flowMod = Unpooled.buffer();
    FlowEncoder.flowMod(new FlowChange.Add(entry), 0, flowMod);
    return flowMod.skipBytes(FLOW_MOD_BYTES);
  }

  /** Writes {@code struct ofp_flow_stats}: 11 seconds old, 22 packets, 33 bytes. */
  static void write(FlowEntry entry, ByteBuf out) {
    ByteBuf flowMod = matchAndInstructions(entry);
    out.writeShort(48 + flowMod.readableBytes());
    out.writeByte(entry.key().table()).writeByte(0).writeInt(11).writeInt(0);
    out.writeShort(entry.key().priority()).writeShort(0).writeShort(entry.hardTimeout());
    out.writeShort(entry.sendFlowRemoved() ? 1 : 0).writeInt(0);
    out.writeLong(entry.cookie()).writeLong(22).writeLong(33);
    out.writeBytes(flowMod);
  }
}
