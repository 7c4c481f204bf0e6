// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.ovsdb;

import static java.nio.charset.StandardCharsets.UTF_16LE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonFramingTest {
  private static final JsonMapper JSON = new JsonMapper();

  /** Brackets, quotes and backslashes in strings, and characters of 2, 3 and 4 bytes. */
  private static final String FIRST =
      """
      {"a":"}]{[ \\"quoted\\" \\\\","b":[1,{"ü":"漢𝄞"}],"":null}\
      """;

  private static final String SECOND = "{\"method\":\"echo\",\"params\":[],\"id\":\"echo\"}";

  @Test
  void findsTheSameMessagesHoweverTheStreamIsSplit() throws Exception {
    byte[] stream = (FIRST + SECOND + "\n\t " + FIRST + "{}").getBytes(UTF_8);
    List<JsonNode> expected =
        List.of(
            JSON.readTree(FIRST), JSON.readTree(SECOND), JSON.readTree(FIRST), JSON.readTree("{}"));
    for (int split = 0; split <= stream.length; split++) {
      assertThat(decode(stream, split)).as("split at byte %d", split).isEqualTo(expected);
    }
  }

  @Test
  void findsMessagesThatComeByteByByte() throws Exception {
    EmbeddedChannel channel = new EmbeddedChannel(framing());
    for (byte one : (FIRST + SECOND).getBytes(UTF_8)) {
      channel.writeInbound(Unpooled.wrappedBuffer(new byte[] {one}));
    }
    assertThat(messages(channel)).containsExactly(JSON.readTree(FIRST), JSON.readTree(SECOND));
  }

  @Test
  void aPartOfAMessageIsNoMessage() {
    EmbeddedChannel channel = new EmbeddedChannel(framing());
    channel.writeInbound(Unpooled.copiedBuffer("  {\"a\":[1,2", UTF_8));
    assertThat(channel.finish()).isFalse();
  }

  @Test
  void aMessageOfTheLargestSizeIsReadAndALongerOneNamesTheBound() throws Exception {
    String message = "{\"a\":\"" + "x".repeat(92) + "\"}";
    assertThat(message).hasSize(100);

    EmbeddedChannel channel = new EmbeddedChannel(framing(100, 8));
    channel.writeInbound(Unpooled.copiedBuffer(message + message, UTF_8));
    assertThat(messages(channel)).hasSize(2);

    assertThatThrownBy(() -> write(framing(99, 8), message))
        .hasMessage("a JSON message is longer than 99 bytes");
  }

  @Test
  void aHugeMessageIsNotKeptWhenItIsTooLong() {
    EmbeddedChannel channel = new EmbeddedChannel(framing(1 << 20, 8));
    channel.writeInbound(Unpooled.copiedBuffer("{\"a\":\"", UTF_8));
    byte[] piece = "x".repeat(1 << 16).getBytes(UTF_8);
    assertThatThrownBy(
            () -> {
              for (int i = 0; i < 17; i++) {
                channel.writeInbound(Unpooled.wrappedBuffer(piece));
              }
            })
        .isInstanceOf(MalformedJsonException.class)
        .hasMessageContaining("longer than 1048576 bytes");
    // What follows is thrown away, even if it looks like a message.
    channel.writeInbound(Unpooled.copiedBuffer("\"}{}", UTF_8));
    assertThat(messages(channel)).isEmpty();
  }

  @Test
  void aMessageOfManyMegabytesIsRead() {
    String longest = "x".repeat(JsonFraming.BOUNDS.string());
    String many = ("\"" + longest + "\",").repeat(14) + "0";
    JsonNode message = write(framing(), "{\"a\":[" + many + "]}").getFirst();
    assertThat(message.get("a")).hasSize(15);
    assertThatThrownBy(() -> write(framing(), "{\"a\":\"" + longest + "x\"}"))
        .hasMessage(
            "malformed JSON: String value length (1048577) exceeds the maximum allowed (1048576)");
  }

  @Test
  void aMessageOfTooManyTokensIsRefused() {
    String many = "[],".repeat(1_000_000);
    assertThatThrownBy(() -> write(framing(), "{\"a\":[" + many + "0]}"))
        .hasMessage("malformed JSON: Token count (2000001) exceeds the maximum allowed (2000000)");
  }

  @Test
  void aMessageOfManyRowsIsRead() {
    StringBuilder rows = new StringBuilder("{");
    for (int i = 0; i < 100_000; i++) {
      rows.append(i == 0 ? "" : ",").append('"').append(UUID.randomUUID()).append("\":{}");
    }
    assertThat(write(framing(), rows.append('}').toString()).getFirst()).hasSize(100_000);
  }

  @Test
  void deepNestingNamesTheBound() {
    String deep = "{\"a\":" + "[".repeat(7) + "]".repeat(7) + "}";
    assertThat(write(framing(1000, 8), deep)).hasSize(1);
    assertThatThrownBy(() -> write(framing(1000, 7), deep))
        .hasMessage("a JSON message nests deeper than 7 levels");
    assertThatThrownBy(() -> write(framing(), "{\"a\":" + "[".repeat(100_000)))
        .hasMessageContaining("deeper than 64 levels");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"[1]", "null", "\"a\"", "}", "GET / HTTP/1.1\r\n", "\0", "ÿ", "{}x", "\ufeff{}"})
  void whatIsNoObjectIsRefused(String garbage) {
    assertThatThrownBy(() -> write(framing(), garbage))
        .isInstanceOf(MalformedJsonException.class)
        .hasMessageContaining("must begin with '{', not with byte 0x");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{a}",
        "{\"a\":1,}",
        "{\"a\":[1}]}",
        "{]",
        "{\"a\":1 \"b\":2}",
        "{\"a\":1,\"a\":2}",
        "{\"a\":\"\n\"}",
        "{\"a\":tru}",
        "{\"a\":\"\\x\"}"
      })
  void malformedObjectsAreRefused(String garbage) {
    assertThatThrownBy(() -> write(framing(), garbage))
        .isInstanceOf(MalformedJsonException.class)
        .hasMessageStartingWith("malformed JSON: ");
  }

  @Test
  void bytesThatAreNotUtf8AreRefused() {
    EmbeddedChannel channel = new EmbeddedChannel(framing());
    byte[] bytes = {'{', '"', 'a', '"', ':', '"', (byte) 0xc3, (byte) 0x28, '"', '}'};
    assertThatThrownBy(() -> channel.writeInbound(Unpooled.wrappedBuffer(bytes)))
        .isInstanceOf(MalformedJsonException.class)
        .hasMessageStartingWith("malformed JSON: ");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "c0 80",
        "c1 bf",
        "e0 80 80",
        "ed a0 80",
        "f4 90 80 80",
        "f8 88 80 80 80",
        "80",
        "ff"
      })
  void whatOnlyLooksLikeUtf8IsRefused(String bytes) {
    ByteBuf message = Unpooled.buffer();
    message.writeCharSequence("{\"a\":\"", UTF_8);
    message.writeBytes(HexFormat.ofDelimiter(" ").parseHex(bytes));
    message.writeCharSequence("\"}", UTF_8);
    assertThatThrownBy(() -> new EmbeddedChannel(framing()).writeInbound(message))
        .isInstanceOf(MalformedJsonException.class)
        .hasMessage("malformed JSON: it is not UTF-8");
  }

  @Test
  void utf16IsRefused() {
    // Its brackets are found, each beside a NUL.
    ByteBuf message = Unpooled.copiedBuffer("{\"a\":1}", UTF_16LE);
    assertThatThrownBy(() -> new EmbeddedChannel(framing()).writeInbound(message))
        .isInstanceOf(MalformedJsonException.class)
        .hasMessageContaining("CTRL-CHAR, code 0");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"a\":\"\\ud800\"",
        "\"a\":[{\"b\":\"x\\udc00\"}]",
        "\"\\ud800\":1",
        "\"a\":\"\\u0000\""
      })
  void whatOpenVswitchDoesNotTakeInAStringIsRefused(String member) {
    assertThatThrownBy(() -> write(framing(), "{" + member + "}"))
        .isInstanceOf(MalformedJsonException.class)
        .hasMessageMatching("malformed JSON: .*(NUL|surrogate).*");
    assertThat(write(framing(), "{\"a\":\"\\ud834\\udd1e\\u0001\"}")).hasSize(1);
  }

  @Test
  void aMessageMustEndInTime() {
    EmbeddedChannel channel = new EmbeddedChannel(framing());
    channel.freezeTime();
    for (int i = 0; i < 3; i++) {
      // One message after the other is begun in time, and ends.
      channel.writeInbound(Unpooled.copiedBuffer("{\"a\":", UTF_8));
      channel.advanceTimeBy(29, TimeUnit.SECONDS);
      channel.runScheduledPendingTasks();
      channel.writeInbound(Unpooled.copiedBuffer("1}", UTF_8));
    }
    assertThat(messages(channel)).hasSize(3);
    channel.writeInbound(Unpooled.copiedBuffer(" ", UTF_8));
    channel.advanceTimeBy(1, TimeUnit.HOURS);
    channel.runScheduledPendingTasks();

    channel.writeInbound(Unpooled.copiedBuffer("{", UTF_8));
    for (int i = 0; i < 29; i++) {
      channel.advanceTimeBy(1, TimeUnit.SECONDS);
      channel.runScheduledPendingTasks();
      channel.writeInbound(Unpooled.copiedBuffer(" ", UTF_8));
    }
    channel.advanceTimeBy(1, TimeUnit.SECONDS);
    channel.runScheduledPendingTasks();
    assertThatThrownBy(channel::checkException)
        .isInstanceOf(MalformedJsonException.class)
        .hasMessage("a JSON message has not ended 30.0 s after it began");
  }

  @Test
  void whiteSpaceWithoutEndIsRefused() {
    EmbeddedChannel channel = new EmbeddedChannel(framing());
    channel.writeInbound(Unpooled.copiedBuffer(" ".repeat(64 << 10) + "{}", UTF_8));
    assertThat(messages(channel)).hasSize(1);
    assertThatThrownBy(
            () ->
                channel.writeInbound(
                    Unpooled.copiedBuffer("\n".repeat((64 << 10) + 1) + "{}", UTF_8)))
        .hasMessageStartingWith("nothing but white space");
  }

  private static JsonFraming framing() {
    return new JsonFraming(JsonFraming.BOUNDS, Duration.ofSeconds(30));
  }

  private static JsonFraming framing(int maxBytes, int maxDepth) {
    return new JsonFraming(
        new JsonFraming.Bounds(maxBytes, 1000, maxBytes, maxDepth), Duration.ofSeconds(30));
  }

  private static List<JsonNode> decode(byte[] stream, int split) {
    EmbeddedChannel channel = new EmbeddedChannel(framing());
    channel.writeInbound(Unpooled.wrappedBuffer(stream, 0, split));
    channel.writeInbound(Unpooled.wrappedBuffer(stream, split, stream.length - split));
    return messages(channel);
  }

  private static List<JsonNode> write(JsonFraming framing, String text) {
    EmbeddedChannel channel = new EmbeddedChannel(framing);
    channel.writeInbound(Unpooled.copiedBuffer(text, UTF_8));
    return messages(channel);
  }

  private static List<JsonNode> messages(EmbeddedChannel channel) {
    List<JsonNode> messages = new ArrayList<>();
    for (JsonNode next = channel.readInbound(); next != null; next = channel.readInbound()) {
      messages.add(next);
    }
    return messages;
  }
}
