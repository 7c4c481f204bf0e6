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

class RpcConnectionTest {
  private static final JsonMapper JSON = new JsonMapper();

  private final List<String> events = new ArrayList<>();
  private final EmbeddedChannel channel = new EmbeddedChannel(false, false);
  private @Nullable RpcConnection connection;

  @BeforeEach
  void connect() throws Exception {
    channel
        .pipeline()
        .addLast(
            new ChannelInitializer<>() {
              @Override
              protected void initChannel(Channel fresh) {
                RpcConnection.install(fresh, OvsdbTimings.DEFAULT, new Recorder());
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
