// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;

/** Whole OpenFlow messages on a blocking channel. */
final class Frames {
  private Frames() {}

  /** Reads whole messages, as many at a time as have come. */
  static final class Reader {
    private final ByteChannel channel;
    private final ByteBuffer buffer = ByteBuffer.allocate(1 << 17).flip();

    Reader(ByteChannel channel) {
      this.channel = channel;
    }

    /** Reads one message; null at the end of the stream. */
    byte[] read() throws IOException {
      if (!fill(8) || !fill(buffer.getShort(buffer.position() + 2) & 0xffff)) {
        return null;
      }
      byte[] message = new byte[buffer.getShort(buffer.position() + 2) & 0xffff];
      buffer.get(message);
      return message;
    }

    private boolean fill(int bytes) throws IOException {
      while (buffer.remaining() < bytes) {
        buffer.compact();
        int read = channel.read(buffer);
        buffer.flip();
        if (read < 0) {
          return false;
        }
      }
      return true;
    }
  }

  static void write(ByteChannel channel, byte[] message) throws IOException {
    ByteBuffer buffer = ByteBuffer.wrap(message);
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
  }

  /** A message of OpenFlow 1.3. */
  static byte[] message(int type, int xid, byte... body) {
    return ByteBuffer.allocate(8 + body.length)
        .put((byte) 4)
        .put((byte) type)
        .putShort((short) (8 + body.length))
        .putInt(xid)
        .put(body)
        .array();
  }

  /** A multipart reply. */
  static byte[] part(int xid, int type, boolean more, byte... body) {
    byte[] withHeader =
        ByteBuffer.allocate(8 + body.length)
            .putShort((short) type)
            .putShort((short) (more ? 1 : 0))
            .putInt(0)
            .put(body)
            .array();
    return message(19, xid, withHeader);
  }

  /** An error. */
  static byte[] error(int xid, int type, int code) {
    return message(
        1, xid, ByteBuffer.allocate(4).putShort((short) type).putShort((short) code).array());
  }

  static int type(byte[] message) {
    return message[1];
  }

  static int xid(byte[] message) {
    return ByteBuffer.wrap(message).getInt(4);
  }

  static int uint16(byte[] message, int index) {
    return ByteBuffer.wrap(message).getShort(index) & 0xffff;
  }

  static int int32(byte[] message, int index) {
    return ByteBuffer.wrap(message).getInt(index);
  }
}
