// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Instant;
import java.util.Optional;

/** Reads a capture file as it is written (pcap-savefile(5), the form with nanoseconds). */
final class PcapReader {
  private static final int MAGIC_NANO = 0xa1b23c4d;
  private static final int FILE_HEADER = 24;
  private static final int RECORD_HEADER = 16;
  private static final int ETHERNET = 1;

  private final InputStream in;

  /** A frame and when the kernel saw it. */
  record Captured(Instant time, Frame frame) {}

  /** Reads the file's header, which tcpdump writes as it begins to listen. */
  PcapReader(InputStream stream) throws IOException {
    in = new BufferedInputStream(stream);
    ByteBuffer header = read(FILE_HEADER).orElseThrow(EOFException::new);
    int magic = header.getInt();
    int linkType = header.getInt(FILE_HEADER - 4);
    if (magic != MAGIC_NANO || linkType != ETHERNET) {
      throw new IOException(
          String.format("unexpected capture: magic %08x, link type %d", magic, linkType));
    }
  }

  /** The next frame; empty at the end. */
  Optional<Captured> next() throws IOException {
    Optional<ByteBuffer> header = read(RECORD_HEADER);
    if (header.isEmpty()) {
      return Optional.empty();
    }
    ByteBuffer fields = header.get();
    Instant time = Instant.ofEpochSecond(fields.getInt(), fields.getInt());
    int captured = fields.getInt();
    int length = fields.getInt();
    if (captured != length) {
      throw new IOException("a frame of " + length + " bytes was cut to " + captured);
    }
    return bytes(captured).map(bytes -> new Captured(time, new Frame(bytes)));
  }

  private Optional<ByteBuffer> read(int length) throws IOException {
    return bytes(length).map(bytes -> ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()));
  }

  private Optional<byte[]> bytes(int length) throws IOException {
    byte[] bytes = in.readNBytes(length);
    return bytes.length < length ? Optional.empty() : Optional.of(bytes);
  }
}
