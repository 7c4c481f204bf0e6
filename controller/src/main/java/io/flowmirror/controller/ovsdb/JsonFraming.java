// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.ovsdb;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufInputStream;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.ByteToMessageDecoder;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;

/**
 * Cuts a stream of bytes into JSON objects, which is all the framing that RFC 7047, section 4, has:
 * objects follow each other with or without white space between them.
 *
 * <p>Each byte is looked at once, however the stream is split; a message is parsed only when it is
 * whole. Anything that is not an object, and an object beyond the bounds, is a {@link
 * MalformedJsonException}, after which the rest of the stream is thrown away.
 */
final class JsonFraming extends ByteToMessageDecoder {
  /** A message's largest size in bytes: a database of 100,000 ports fits in. */
  static final int MAX_BYTES = 64 << 20;

  /** How deep brackets may nest. OVSDB's own messages need about ten levels. */
  static final int MAX_DEPTH = 64;

  private final int maxBytes;
  private final int maxDepth;
  private final ObjectMapper json;

  // The state of the scan, kept from one read to the next.
  private int scanned;
  private int depth;
  private boolean inString;
  private boolean escaped;
  private boolean broken;

  JsonFraming() {
    this(MAX_BYTES, MAX_DEPTH);
  }

  JsonFraming(int maxBytes, int maxDepth) {
    this.maxBytes = maxBytes;
    this.maxDepth = maxDepth;
    json =
        JsonMapper.builder(
                JsonFactory.builder()
                    // The keys of an update are the UUIDs of rows: none of the JVM's business.
                    .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
                    .streamReadConstraints(
                        StreamReadConstraints.builder()
                            .maxNestingDepth(maxDepth)
                            .maxStringLength(maxBytes)
                            .build())
                    .build())
            .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
            .build();
  }

  @Override
  protected void decode(ChannelHandlerContext ctx, ByteBuf in, List<Object> out) {
    if (broken) {
      in.skipBytes(in.readableBytes());
      return;
    }
    try {
      int length = scan(in);
      if (length > 0) {
        out.add(parse(in, length));
      }
    } catch (MalformedJsonException e) {
      broken = true;
      in.skipBytes(in.readableBytes());
      throw e;
    }
  }

  /** The length of the object at the reader's index, or 0 if its end has not come yet. */
  private int scan(ByteBuf in) {
    if (scanned == 0) {
      skipWhiteSpace(in);
    }
    int end = in.readableBytes();
    int start = in.readerIndex();
    while (scanned < end) {
      if (scanned == maxBytes) {
        throw new MalformedJsonException("a JSON message is longer than " + maxBytes + " bytes");
      }
      // Quotes, backslashes and brackets are never part of a longer UTF-8 sequence.
      if (endsObject(in.getByte(start + scanned++))) {
        int length = scanned;
        scanned = 0;
        return length;
      }
    }
    return 0;
  }

  private static void skipWhiteSpace(ByteBuf in) {
    while (in.isReadable()) {
      byte next = in.getByte(in.readerIndex());
      if (next == '{') {
        return;
      }
      if (next != ' ' && next != '\n' && next != '\r' && next != '\t') {
        throw new MalformedJsonException(
            "a JSON message must begin with '{', not with byte 0x%02x".formatted(next & 0xff));
      }
      in.skipBytes(1);
    }
  }

  private boolean endsObject(byte next) {
    if (inString) {
      if (escaped) {
        escaped = false;
      } else if (next == '\\') {
        escaped = true;
      } else if (next == '"') {
        inString = false;
      }
      return false;
    }
    switch (next) {
      case '"' -> inString = true;
      case '{', '[' -> {
        if (++depth > maxDepth) {
          throw new MalformedJsonException(
              "a JSON message nests deeper than " + maxDepth + " levels");
        }
      }
      case '}', ']' -> {
        return --depth == 0;
      }
      default -> {}
    }
    return false;
  }

  private JsonNode parse(ByteBuf in, int length) {
    try (InputStream bytes = new ByteBufInputStream(in.readSlice(length))) {
      return json.readTree(bytes);
    } catch (JsonProcessingException e) {
      throw new MalformedJsonException("malformed JSON: " + e.getOriginalMessage());
    } catch (IOException e) {
      // Jackson reports bytes that are not UTF-8 in this way.
      throw new MalformedJsonException("malformed JSON: " + e.getMessage());
    }
  }
}
