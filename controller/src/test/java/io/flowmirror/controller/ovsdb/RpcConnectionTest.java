// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.ovsdb;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.embedded.EmbeddedChannel;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RpcConnectionTest {
  private static final int MAX_MESSAGES = 1000;
  private static final JsonMapper JSON = new JsonMapper();

  private final List<String> events = new ArrayList<>();
  private final EmbeddedChannel channel = new EmbeddedChannel(false, false);
  private @Nullable RpcConnection connection;
  private int caughtUp;
  private boolean nonsense;

  @BeforeEach
  void connect() throws Exception {
    channel
        .pipeline()
        .addLast(
            new ChannelInitializer<>() {
              @Override
              protected void initChannel(Channel fresh) {
                RpcConnection.install(fresh, OvsdbTimings.DEFAULT, MAX_MESSAGES, new Recorder());
              }
            });
    channel.register();
    channel.freezeTime();
  }

  @AfterEach
  void finish() {
    channel.finishAndReleaseAll();
  }

  private final class Recorder implements RpcConnection.Listener {
    @Override
    public void connected(RpcConnection fresh) {
      connection = fresh;
    }

    @Override
    public void notified(String method, JsonNode params) throws BadRowException {
      events.add(method + params);
      if (method.equals("bad")) {
        throw new BadRowException("table T: bad");
      }
    }

    @Override
    public void caughtUp() throws BadRowException {
      caughtUp++;
      if (nonsense) {
        throw new BadRowException("the rows make no sense");
      }
    }

    @Override
    public void closed(String reason) {
      events.add("closed: " + reason);
    }
  }

  @Test
  void anEchoIsAnsweredWithItsParameters() throws Exception {
    receive("{\"method\":\"echo\",\"params\":[1,\"ü\"],\"id\":\"probe\"}");
    assertThat(sent())
        .isEqualTo(JSON.readTree("{\"result\":[1,\"ü\"],\"error\":null,\"id\":\"probe\"}"));
    assertThat(events).isEmpty();
  }

  @Test
  void anUnknownRequestIsAnsweredWithAnError() throws Exception {
    receive("{\"method\":\"steal\",\"params\":[],\"id\":7}");
    assertThat(sent().get("error").textValue()).isEqualTo("unknown method");
    assertThat(channel.isOpen()).isTrue();
  }

  @Test
  void answersFindTheirRequestsInAnyOrder() {
    request("first");
    request("second");
    assertThat(sent().get("id").longValue()).isEqualTo(1);
    assertThat(sent().get("id").longValue()).isEqualTo(2);
    receive("{\"id\":2,\"result\":[],\"error\":null}");
    receive("{\"id\":1,\"result\":null,\"error\":\"no\"}");
    assertThat(events).containsExactly("second: [] null", "first: null \"no\"");
  }

  @Test
  void anAnswerThatNobodyWaitsForClosesTheConnection() {
    receive("{\"id\":99,\"result\":[],\"error\":null}");
    assertThat(events)
        .containsExactly("closed: an answer came to a request that was not made, id 99");
  }

  @Test
  void aRequestThatIsNotAnsweredInTimeClosesTheConnection() {
    request("monitor");
    pass(4900);
    // Being alive is not enough: this request is not answered.
    receive("{\"method\":\"echo\",\"params\":[],\"id\":\"probe\"}");
    pass(200);
    assertThat(events).containsExactly("closed: no answer to monitor within 5.0 s");
  }

  @Test
  void silenceIsProbedAndLongerSilenceClosesTheConnection() {
    pass(4900);
    assertThat(channel.<Object>readOutbound()).isNull();
    pass(200);
    assertThat(sent().get("method").textValue()).isEqualTo("echo");
    receive("{\"id\":\"echo\",\"result\":[],\"error\":null}");
    pass(5100);
    assertThat(sent().get("method").textValue()).isEqualTo("echo");
    assertThat(events).isEmpty();
    pass(5100);
    assertThat(events).containsExactly("closed: no answer to echo within 5.0 s");
  }

  @Test
  void aBadNotificationClosesTheConnectionAndNothingAfterItIsRead() {
    receive("{\"method\":\"bad\",\"params\":[],\"id\":null}{\"method\":\"next\",\"params\":[]}");
    assertThat(events).containsExactly("bad[]", "closed: table T: bad");
  }

  @Test
  void garbageClosesTheConnectionWithItsReason() {
    receive("HTTP/1.1 400 Bad Request");
    assertThat(events)
        .containsExactly("closed: a JSON message must begin with '{', not with byte 0x48");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{\"id\":1,\"result\":null,\"error\":null}",
        "{\"id\":1,\"result\":1,\"error\":1}",
        "{\"id\":null,\"result\":1,\"error\":null}",
        "{\"id\":null,\"method\":\"update\",\"params\":7}",
        "{\"id\":null,\"method\":[],\"params\":[]}",
        "{\"id\":1,\"method\":\"echo\",\"params\":[],\"error\":1}"
      })
  void whatIsNoMessageOfJsonRpcClosesTheConnection(String text) {
    request("first");
    receive(text);
    assertThat(events)
        .containsExactly(
            "closed: a message is neither a request nor an answer nor a notification: " + text);
  }

  @ParameterizedTest
  @ValueSource(strings = {"2", "\"1\"", "1.0", "18446744073709551617", "true", "[1]", "\"echo\""})
  void anAnswerWithAnotherIdIsNotTheAnswer(String id) {
    request("first");
    receive("{\"id\":" + id + ",\"result\":[],\"error\":null}");
    assertThat(events)
        .containsExactly("closed: an answer came to a request that was not made, id " + id);
  }

  @Test
  void aReasonIsOneShortLine() {
    receive("{\"id\":\"\\u001b[31m\\n" + "x".repeat(100_000) + "\",\"result\":[]}");
    assertThat(events).hasSize(1);
    assertThat(events.getFirst())
        .startsWith("closed: an answer came to a request that was not made, id \"\\u001B[31m\\nxx")
        .hasSizeLessThan(300);
  }

  @Test
  void whatCameTogetherIsCaughtUpWithOnceAndAnsweredInOneWrite() {
    receive(
        "{\"method\":\"a\",\"params\":[]}{\"id\":1,\"method\":\"echo\",\"params\":[]}".repeat(3));
    assertThat(events).hasSize(3);
    assertThat(caughtUp).isEqualTo(1);
    assertThat(channel.outboundMessages()).hasSize(3);
  }

  @Test
  void whatMakesNoSenseInTheEndClosesTheConnection() {
    nonsense = true;
    receive("{\"method\":\"a\",\"params\":[]}");
    assertThat(events).containsExactly("a[]", "closed: the rows make no sense");
  }

  @Test
  void aFloodClosesTheConnection() {
    String most = "{\"method\":\"a\",\"params\":[]}".repeat(MAX_MESSAGES);
    for (int window = 0; window < 3; window++) {
      receive(most);
      pass(10_000);
      assertThat(channel.isOpen()).isTrue();
      // Lest it be closed for its silence.
      receive("{\"id\":\"echo\",\"result\":[],\"error\":null}");
      pass(10_000);
    }
    receive(most);
    events.clear();
    receive("{\"method\":\"a\",\"params\":[]}");
    assertThat(events).containsExactly("closed: floods: more than 1000 messages within 10.0 s");
  }

  @Test
  void aPeerThatStopsReadingIsLeftForThat() {
    channel.unsafe().outboundBuffer().setUserDefinedWritability(1, false);
    pass(5100);
    pass(5100);
    assertThat(events).containsExactly("closed: it does not read what it is sent");
  }

  @Test
  void aMessageThatTakesForEverClosesTheConnection() {
    receive("{");
    for (int i = 0; i < 29; i++) {
      pass(1000);
      receive(" ");
    }
    assertThat(events).isEmpty();
    pass(1000);
    assertThat(events)
        .containsExactly("closed: a JSON message has not ended 30.0 s after it began");
  }

  @Test
  void aRequestIsNotAnsweredByBytesThatNeverEnd() {
    request("monitor");
    receive("{");
    for (int i = 0; i < 4; i++) {
      pass(1000);
      receive(" ");
    }
    pass(1000);
    assertThat(events).containsExactly("closed: no answer to monitor within 5.0 s");
  }

  @Test
  void theServersEndOfTheConnectionIsReported() {
    channel.close();
    assertThat(events).containsExactly("closed: the server closed the connection");
  }

  @Test
  void aPeerThatDoesNotReadIsNotReadFrom() {
    channel.unsafe().outboundBuffer().setUserDefinedWritability(1, false);
    channel.runPendingTasks();
    assertThat(channel.config().isAutoRead()).isFalse();
    channel.unsafe().outboundBuffer().setUserDefinedWritability(1, true);
    channel.runPendingTasks();
    assertThat(channel.config().isAutoRead()).isTrue();
  }

  private void request(String method) {
    live()
        .request(
            method,
            JsonNodeFactory.instance.arrayNode(),
            (result, error) -> events.add(method + ": " + result + " " + error));
  }

  private RpcConnection live() {
    RpcConnection live = connection;
    if (live == null) {
      throw new AssertionError("not connected");
    }
    return live;
  }

  private void receive(String text) {
    channel.writeInbound(Unpooled.copiedBuffer(text, UTF_8));
    channel.runPendingTasks();
  }

  private void pass(long millis) {
    channel.advanceTimeBy(millis, TimeUnit.MILLISECONDS);
    channel.runScheduledPendingTasks();
    channel.runPendingTasks();
  }

  private JsonNode sent() {
    ByteBuf message = channel.readOutbound();
    assertThat(message).as("a message was sent").isNotNull();
    try {
      return JSON.readTree(message.toString(UTF_8));
    } catch (IOException e) {
      throw new AssertionError(e);
    } finally {
      message.release();
    }
  }
}
