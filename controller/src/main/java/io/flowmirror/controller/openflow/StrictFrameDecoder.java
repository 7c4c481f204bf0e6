// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import java.util.List;
import org.opendaylight.openflowjava.protocol.impl.core.OFFrameDecoder;

/**
 * OpenFlowJava's framing, told what to do with a header that cannot be right: the connection is
 * given up with a reason. By itself it would take a length of 0 to 7 for a message, and later drop
 * a message of another version with no more than a line in the log.
 */
final class StrictFrameDecoder extends OFFrameDecoder {
  private boolean broken;

  StrictFrameDecoder() {
    // The facade is for TLS, of which there is none on a unix socket.
    super(null, false);
  }

  @Override
  protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) {
    if (broken) {
      in.skipBytes(in.readableBytes());
      return;
    }
    if (in.readableBytes() >= Ofp.HEADER_BYTES) {
      int start = in.readerIndex();
      int version = in.getUnsignedByte(start);
      int type = in.getUnsignedByte(start + 1);
      int length = in.getUnsignedShort(start + 2);
      if (length < Ofp.HEADER_BYTES) {
        giveUp("ofp_header.length is " + length + ", less than " + Ofp.HEADER_BYTES, in, out);
        return;
      }
      if (version != Ofp.VERSION_13 && type != Ofp.OFPT_HELLO) {
        giveUp("ofp_header.version is " + version + " in a message of type " + type, in, out);
        return;
      }
    }
    super.decode(context, in, out);
  }

  private void giveUp(String reason, ByteBuf in, List<Object> out) {
    broken = true;
    in.skipBytes(in.readableBytes());
    out.add(new Incoming.Broken("malformed message: " + reason));
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    context.fireChannelRead(new Incoming.Broken("connection failed: " + cause.getMessage()));
  }
}
