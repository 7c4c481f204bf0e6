// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import java.util.List;
import org.opendaylight.openflowjava.protocol.impl.core.OFFrameDecoder;

/**
 * OpenFlowJava's framing, told what to do with a header that cannot be right: the connection is
 * given up with a reason. By itself it would take a length of 0 to 7 for a message, and later drop
 * a message of another version or type with no more than a line in the log.
 */
final class StrictFrameDecoder extends OFFrameDecoder {
  /** What a switch may send (OpenFlow 1.3.5, section 7.1), a bit for each type. */
  private static final long FROM_SWITCH =
      bits(
          Ofp.OFPT_HELLO,
          Ofp.OFPT_ERROR,
          Ofp.OFPT_ECHO_REQUEST,
          Ofp.OFPT_ECHO_REPLY,
          Ofp.OFPT_EXPERIMENTER,
          Ofp.OFPT_FEATURES_REPLY,
          Ofp.OFPT_GET_CONFIG_REPLY,
          Ofp.OFPT_PACKET_IN,
          Ofp.OFPT_FLOW_REMOVED,
          Ofp.OFPT_PORT_STATUS,
          Ofp.OFPT_MULTIPART_REPLY,
          Ofp.OFPT_BARRIER_REPLY,
          Ofp.OFPT_QUEUE_GET_CONFIG_REPLY,
          Ofp.OFPT_ROLE_REPLY,
          Ofp.OFPT_GET_ASYNC_REPLY);

  /** What it may send before its hello. */
  private static final long BEFORE_HELLO =
      bits(Ofp.OFPT_HELLO, Ofp.OFPT_ERROR, Ofp.OFPT_ECHO_REQUEST, Ofp.OFPT_ECHO_REPLY);

  private boolean greeted;
  private boolean stopped;

  StrictFrameDecoder() {
    // The facade is for TLS, of which there is none here.
    super(null, false);
  }

  /** Drops everything that comes from now on, and what has been read already. */
  void stop() {
    stopped = true;
  }

  /** Where the switch has stopped if that was within a message, in words; or else empty. */
  String stoppedAt() {
    int bytes = actualReadableBytes();
    if (stopped || bytes == 0) {
      return "";
    }
    String whole =
        bytes < Ofp.HEADER_BYTES
            ? "an ofp_header"
            : "a message of "
                + internalBuffer().getUnsignedShort(internalBuffer().readerIndex() + 2);
    return ", having stopped after " + bytes + " bytes of " + whole;
  }

  @Override
  protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) {
    if (stopped) {
      in.skipBytes(in.readableBytes());
      return;
    }
    if (in.readableBytes() < Ofp.HEADER_BYTES) {
      return;
    }
    int start = in.readerIndex();
    String fault =
        fault(
            in.getUnsignedByte(start),
            in.getUnsignedByte(start + 1),
            in.getUnsignedShort(start + 2));
    if (!fault.isEmpty()) {
      stopped = true;
      in.skipBytes(in.readableBytes());
      out.add(new Incoming.Broken(fault));
      return;
    }
    super.decode(context, in, out);
    greeted |= !out.isEmpty() && in.getUnsignedByte(start + 1) == Ofp.OFPT_HELLO;
  }

  private String fault(int version, int type, int length) {
    if (length < Ofp.HEADER_BYTES) {
      return "malformed message: ofp_header.length is " + length + ", less than 8";
    }
    if (version != Ofp.VERSION_13 && type != Ofp.OFPT_HELLO) {
      return "malformed message: ofp_header.version is " + version + " in " + Ofp.message(type);
    }
    if (!isIn(FROM_SWITCH, type)) {
      return "the switch sent " + Ofp.message(type) + ", which no switch sends";
    }
    if (!greeted && !isIn(BEFORE_HELLO, type)) {
      return "the switch sent " + Ofp.message(type) + " before OFPT_HELLO";
    }
    return greeted && type == Ofp.OFPT_HELLO ? "the switch sent a second OFPT_HELLO" : "";
  }

  private static long bits(int... types) {
    long bits = 0;
    for (int type : types) {
      bits |= 1L << type;
    }
    return bits;
  }

  private static boolean isIn(long bits, int type) {
    return type < Long.SIZE && (bits >>> type & 1) != 0;
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    context.fireChannelRead(new Incoming.Failed("connection failed: " + cause.getMessage()));
  }
}
