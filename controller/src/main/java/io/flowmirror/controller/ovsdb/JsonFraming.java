// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.ovsdb;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.netty.util.concurrent.ScheduledFuture;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Cuts a stream of bytes into JSON objects, which is all the framing that RFC 7047, section 4, has:
 * objects follow each other with or without white space between them.
 *
 * <p>Each byte is looked at once, however the stream is split; a message is parsed only when it is
 * whole. Anything that is not an object, and an object beyond the bounds, is a {@link
 * MalformedJsonException}, after which the rest of the stream is thrown away. As strict as Open
 * vSwitch's own parser (lib/json.c): no NUL and no half of a surrogate pair in a string.
 */
final class JsonFraming extends ByteToMessageDecoder {
  /**
   * What a message may need: bytes in all, tokens in all, characters of a string, levels of
   * brackets.
   */
  record Bounds(int bytes, int tokens, int string, int depth) {}

  /**
   * A pod's port and interface are some 700 bytes and 90 tokens, so 20,000 pods fit in. Tokens are
   * bounded because a tree of nodes weighs up to 70 bytes a token, whatever the text. OVSDB's own
   * messages need about ten levels.
   */
  static final Bounds BOUNDS = new Bounds(16 << 20, 2_000_000, 1 << 20, 64);

  /** Bytes that are looked through at once. */
  private static final int AT_ONCE = 1 << 10;

  /** White space between two messages. ovsdb-server sends none. */
  private static final int MAX_BLANKS = 64 << 10;

  /** What Jackson says of itself and its settings. */
  private static final Pattern JACKSONS_OWN =
      Pattern.compile(
          " ?(for `ObjectNode`: not allowed when .*|\\(for \\w+ starting at .*|,? from `[^`]*`)");

  private final Bounds bounds;
  private final Duration patience;
  private final ObjectMapper json;

  // The state of the scan, kept from one read to the next.
  private int blanks;
  private int scanned;
  private int depth;
  private boolean inString;
  private boolean escaped;
  private boolean unicodeEscapes;
  private boolean broken;
  private @Nullable ScheduledFuture<?> tooLate;

  /**
   * Begins with the first byte of a stream.
   *
   * @param patience how long a message may take from its first byte to its last
   */
  JsonFraming(Bounds bounds, Duration patience) {
    this.bounds = bounds;
    this.patience = patience;
    json =
        JsonMapper.builder(
                JsonFactory.builder()
                    // The keys of an update are the UUIDs of rows: of no use a second time.
                    .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
                    .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
                    .streamReadConstraints(
                        StreamReadConstraints.builder()
                            .maxNestingDepth(bounds.depth())
                            .maxTokenCount(bounds.tokens())
                            .maxStringLength(bounds.string())
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
        inTime();
        out.add(parse(in, length));
      } else if (scanned > 0 && tooLate == null) {
        tooLate =
            ctx.executor().schedule(() -> late(ctx), patience.toNanos(), TimeUnit.NANOSECONDS);
      }
    } catch (MalformedJsonException e) {
      broken = true;
      in.skipBytes(in.readableBytes());
      throw e;
    }
  }

  private void inTime() {
    if (tooLate != null) {
      tooLate.cancel(false);
      tooLate = null;
    }
  }

  private void late(ChannelHandlerContext ctx) {
    broken = true;
    ctx.fireExceptionCaught(
        new MalformedJsonException(
            "a JSON message has not ended " + patience.toMillis() / 1000.0 + " s after it began"));
  }

  @Override
  protected void handlerRemoved0(ChannelHandlerContext ctx) {
    inTime();
  }

  /** The length of the object at the reader's index, or 0 if its end has not come yet. */
  private int scan(ByteBuf in) {
    if (scanned == 0) {
      skipWhiteSpace(in);
    }
    byte[] some = new byte[Math.min(in.readableBytes() - scanned, AT_ONCE)];
    while (scanned < in.readableBytes()) {
      // An array's bytes are had much cheaper than a buffer's, one by one.
      int count = Math.min(in.readableBytes() - scanned, some.length);
      in.getBytes(in.readerIndex() + scanned, some, 0, count);
      for (int i = 0; i < count; i++) {
        if (scanned == bounds.bytes()) {
          throw new MalformedJsonException(
              "a JSON message is longer than " + bounds.bytes() + " bytes");
        }
        scanned++;
        // Quotes, backslashes and brackets are never part of a longer UTF-8 sequence.
        if (endsObject(some[i])) {
          int length = scanned;
          scanned = 0;
          return length;
        }
      }
    }
    return 0;
  }

  private void skipWhiteSpace(ByteBuf in) {
    while (in.isReadable()) {
      byte next = in.getByte(in.readerIndex());
      if (next == '{') {
        blanks = 0;
        return;
      }
      if (next != ' ' && next != '\n' && next != '\r' && next != '\t') {
        throw new MalformedJsonException(
            "a JSON message must begin with '{', not with byte 0x%02x".formatted(next & 0xff));
      }
      if (++blanks > MAX_BLANKS) {
        throw new MalformedJsonException("nothing but white space: more than 64 KiB of it");
      }
      in.skipBytes(1);
    }
  }

  private boolean endsObject(byte next) {
    if (inString) {
      if (escaped) {
        escaped = false;
        unicodeEscapes |= next == 'u';
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
        if (++depth > bounds.depth()) {
          throw new MalformedJsonException(
              "a JSON message nests deeper than " + bounds.depth() + " levels");
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
    byte[] message = new byte[length];
    in.readBytes(message);
    String text = new String(message, UTF_8);
    // Jackson takes overlong forms and surrogates, and would take UTF-16. What is malformed has
    // been replaced, and does not come back as it was.
    if (text.indexOf('\uFFFD') >= 0 && !Arrays.equals(text.getBytes(UTF_8), message)) {
      throw new MalformedJsonException("malformed JSON: it is not UTF-8");
    }
    boolean lookAtStrings = unicodeEscapes;
    unicodeEscapes = false;
    try {
      JsonNode tree = json.readTree(text);
      if (lookAtStrings) {
        checkStrings(tree);
      }
      return tree;
    } catch (JsonProcessingException e) {
      throw new MalformedJsonException(
          "malformed JSON: " + JACKSONS_OWN.matcher(e.getOriginalMessage()).replaceAll(""));
    }
  }

  private static void checkStrings(JsonNode node) {
    if (node.isTextual()) {
      checkString(node.textValue());
    }
    for (Map.Entry<String, JsonNode> member : node.properties()) {
      checkString(member.getKey());
    }
    node.forEach(JsonFraming::checkStrings);
  }

  private static void checkString(String text) {
    if (text.indexOf('\0') >= 0) {
      throw new MalformedJsonException("malformed JSON: NUL in a string");
    }
    if (!UTF_8.newEncoder().canEncode(text)) {
      throw new MalformedJsonException("malformed JSON: an unpaired surrogate in a string");
    }
  }
}
