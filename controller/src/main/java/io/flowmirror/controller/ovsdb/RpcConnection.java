// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.ovsdb;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.timeout.IdleStateEvent;
import io.netty.handler.timeout.IdleStateHandler;
import io.netty.util.concurrent.ScheduledFuture;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection that speaks JSON-RPC 1.0 as RFC 7047, section 4, has it: requests and their
 * answers, notifications, and {@code echo} both ways.
 *
 * <p>Confined to its channel's event loop. An {@code echo} is answered there at once. Nothing that
 * the peer does makes memory grow without bound: it is not read from while it does not read.
 */
final class RpcConnection extends ChannelInboundHandlerAdapter {
  private static final Logger LOG = LoggerFactory.getLogger(RpcConnection.class);

  /** Bytes waiting to be written, above and below which reading stops and goes on. */
  private static final WriteBufferWaterMark WRITING = new WriteBufferWaterMark(256 << 10, 1 << 20);

  private static final String ECHO_ID = "echo";
  private static final ObjectMapper JSON = new JsonMapper();

  /** Whoever uses the connection. Called on the event loop. */
  interface Listener {
    /** The connection is up. */
    void connected(RpcConnection connection);

    /**
     * A notification came.
     *
     * @throws BadRowException if it cannot be understood; the connection is closed with its message
     */
    void notified(String method, JsonNode params) throws BadRowException;

    /**
     * The connection is gone; called once. Unanswered requests will never be answered.
     *
     * @param reason why, in words
     */
    void closed(String reason);
  }

  /** What is called with the answer to a request. */
  interface Answer {
    /**
     * The answer came.
     *
     * @param result the answer's {@code result}; JSON's null if there is an error
     * @param error the answer's {@code error}; JSON's null if there is none
     * @throws BadRowException if it cannot be understood; the connection is closed with its message
     */
    void answered(JsonNode result, JsonNode error) throws BadRowException;
  }

  private record Pending(Answer answer, ScheduledFuture<?> timeout) {}

  private final OvsdbTimings timings;
  private final Listener listener;
  private final Map<Long, Pending> pending = new HashMap<>();
  private @Nullable Channel channel;
  private long lastId;
  private String reason = "";

  private RpcConnection(OvsdbTimings timings, Listener listener) {
    this.timings = timings;
    this.listener = listener;
  }

  /** Makes a new channel a JSON-RPC connection. */
  static void install(Channel channel, OvsdbTimings timings, Listener listener) {
    channel.config().setWriteBufferWaterMark(WRITING);
    ChannelPipeline pipeline = channel.pipeline();
    pipeline.addLast(new IdleStateHandler(timings.silence().toNanos(), 0, 0, TimeUnit.NANOSECONDS));
    pipeline.addLast(new JsonFraming());
    pipeline.addLast(new RpcConnection(timings, listener));
  }

  /**
   * Sends a request. If its answer does not come in time, the connection is closed and {@code
   * answer} is never called.
   */
  void request(String method, ArrayNode params, Answer answer) {
    Channel live = channel;
    if (live == null) {
      return;
    }
    long id = ++lastId;
    Duration patience = timings.answer();
    ScheduledFuture<?> timeout =
        live.eventLoop()
            .schedule(
                () -> close("no answer to " + method + " within " + seconds(patience)),
                patience.toNanos(),
                TimeUnit.NANOSECONDS);
    pending.put(id, new Pending(answer, timeout));
    ObjectNode request = JsonNodeFactory.instance.objectNode();
    request.put("method", method).set("params", params);
    send(request.put("id", id));
  }

  /** Closes the connection; the first reason given is the one that is reported. */
  void close(String why) {
    if (reason.isEmpty()) {
      reason = why;
    }
    if (channel != null) {
      channel.close();
    }
  }

  @Override
  public void channelActive(ChannelHandlerContext ctx) {
    channel = ctx.channel();
    listener.connected(this);
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    channel = null;
    pending.values().forEach(request -> request.timeout().cancel(false));
    pending.clear();
    listener.closed(reason.isEmpty() ? "the server closed the connection" : reason);
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    if (!reason.isEmpty()) {
      return; // closed by us; what had been read already is of no interest
    }
    JsonNode json = (JsonNode) message;
    try {
      if (json.path("method").isTextual()) {
        asked(json.get("method").textValue(), json.path("params"), json.path("id"));
      } else {
        answered(json);
      }
    } catch (BadRowException e) {
      close(e.getMessage());
    }
  }

  private void asked(String method, JsonNode params, JsonNode id) throws BadRowException {
    if (id.isNull() || id.isMissingNode()) {
      listener.notified(method, params);
      return;
    }
    ObjectNode reply = JsonNodeFactory.instance.objectNode();
    if (method.equals("echo")) {
      reply.set("result", params);
      reply.putNull("error");
    } else {
      reply.putNull("result");
      reply.put("error", "unknown method");
    }
    reply.set("id", id);
    send(reply);
  }

  private void answered(JsonNode message) throws BadRowException {
    JsonNode id = message.path("id");
    if (id.isTextual() && id.textValue().equals(ECHO_ID)) {
      return; // that something came at all is the answer
    }
    Pending request = id.isIntegralNumber() ? pending.remove(id.longValue()) : null;
    if (request == null) {
      close("an answer came to a request that was not made, id " + id);
      return;
    }
    request.timeout().cancel(false);
    request.answer().answered(orNull(message.get("result")), orNull(message.get("error")));
  }

  private static JsonNode orNull(@Nullable JsonNode member) {
    return member == null ? JsonNodeFactory.instance.nullNode() : member;
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext ctx) {
    ctx.channel().config().setAutoRead(ctx.channel().isWritable());
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
    if (!(event instanceof IdleStateEvent idle)) {
      return;
    }
    if (!idle.isFirst()) {
      close("no answer to echo within " + seconds(timings.silence()));
      return;
    }
    ObjectNode echo = JsonNodeFactory.instance.objectNode();
    echo.put("method", "echo").putArray("params");
    send(echo.put("id", ECHO_ID));
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    if (!(cause instanceof IOException) && !(cause instanceof DecoderException)) {
      LOG.error("an OVSDB connection is closed by a fault of ours", cause);
    }
    close(String.valueOf(cause.getMessage()));
  }

  private void send(ObjectNode message) {
    Channel live = channel;
    if (live == null) {
      return;
    }
    try {
      live.writeAndFlush(Unpooled.wrappedBuffer(JSON.writeValueAsBytes(message)));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree of JSON nodes cannot be written", e);
    }
  }

  private static String seconds(Duration duration) {
    return duration.toMillis() / 1000.0 + " s";
  }
}
