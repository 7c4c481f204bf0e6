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
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.WriteBufferWaterMark;
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
 * the peer does makes memory grow without bound, or takes the event loop from others for long: it
 * is not read from while it does not read, only so much of what it sends is read in one turn, and
 * it is left if it sends too many messages. A message that is no request, answer or notification by
 * RFC 7047, section 4, where JSON's null counts as absent as in Open vSwitch (lib/jsonrpc.c),
 * closes the connection.
 */
final class RpcConnection extends ChannelInboundHandlerAdapter {
  private static final Logger LOG = LoggerFactory.getLogger(RpcConnection.class);

  /** Bytes waiting to be written, above and below which reading stops and goes on. */
  private static final WriteBufferWaterMark WRITING = new WriteBufferWaterMark(256 << 10, 1 << 20);

  /** Reads of at most 64 KiB in one turn of the event loop, which hundreds of connections share. */
  private static final int READS_IN_A_TURN = 4;

  /** How many messages in {@link #FLOOD_TIME} are no flood. A database has hundreds a second. */
  private static final int MAX_MESSAGES = 1_000_000;

  private static final Duration FLOOD_TIME = Duration.ofSeconds(10);

  /** A reason is one line in a log. */
  private static final int MAX_REASON = 500;

  private static final int MAX_SHOWN = 200;
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
     * What had come is dealt with; more may follow at once.
     *
     * @throws BadRowException if it makes no sense; the connection is closed with its message
     */
    void caughtUp() throws BadRowException;

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
     * @param result the answer's {@code result}; JSON's null if, and only if, there is an error
     * @param error the answer's {@code error}; JSON's null if there is none
     * @throws BadRowException if it cannot be understood; the connection is closed with its message
     */
    void answered(JsonNode result, JsonNode error) throws BadRowException;
  }

  private record Pending(Answer answer, ScheduledFuture<?> timeout) {}

  private final OvsdbTimings timings;
  private final int maxMessages;
  private final Listener listener;
  private final Map<Long, Pending> pending = new HashMap<>();
  private @Nullable Channel channel;
  private long lastId;
  private int echoes;
  private int messages;
  private @Nullable ScheduledFuture<?> messagesForgotten;
  private boolean reading;
  private String reason = "";

  private RpcConnection(OvsdbTimings timings, int maxMessages, Listener listener) {
    this.timings = timings;
    this.maxMessages = maxMessages;
    this.listener = listener;
  }

  /** Makes a new channel a JSON-RPC connection. */
  static void install(Channel channel, OvsdbTimings timings, Listener listener) {
    install(channel, timings, MAX_MESSAGES, listener);
  }

  /** The same, with another idea of a flood. */
  static void install(Channel channel, OvsdbTimings timings, int maxMessages, Listener listener) {
    channel.config().setWriteBufferWaterMark(WRITING);
    channel
        .config()
        .setRecvByteBufAllocator(
            new AdaptiveRecvByteBufAllocator().maxMessagesPerRead(READS_IN_A_TURN));
    ChannelPipeline pipeline = channel.pipeline();
    pipeline.addLast(new IdleStateHandler(timings.silence().toNanos(), 0, 0, TimeUnit.NANOSECONDS));
    pipeline.addLast(new JsonFraming(JsonFraming.BOUNDS, timings.message()));
    pipeline.addLast(new RpcConnection(timings, maxMessages, listener));
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

  /** Closes the connection; the first reason given is the one that is reported, in one line. */
  void close(String why) {
    if (reason.isEmpty()) {
      reason = Printable.cut(why, MAX_REASON);
    }
    if (channel != null) {
      channel.close();
    }
  }

  @Override
  public void channelActive(ChannelHandlerContext ctx) {
    channel = ctx.channel();
    messagesForgotten =
        ctx.executor()
            .scheduleAtFixedRate(
                () -> messages = 0,
                FLOOD_TIME.toNanos(),
                FLOOD_TIME.toNanos(),
                TimeUnit.NANOSECONDS);
    // What is asked for at first goes out by one system call.
    reading = true;
    listener.connected(this);
    reading = false;
    ctx.flush();
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    channel = null;
    pending.values().forEach(request -> request.timeout().cancel(false));
    pending.clear();
    if (messagesForgotten != null) {
      messagesForgotten.cancel(false);
    }
    listener.closed(reason.isEmpty() ? "the server closed the connection" : reason);
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    if (!reason.isEmpty()) {
      return; // closed by us; what had been read already is of no interest
    }
    reading = true;
    if (++messages > maxMessages) {
      close("floods: more than " + maxMessages + " messages within " + seconds(FLOOD_TIME));
      return;
    }
    try {
      received((JsonNode) message);
    } catch (BadRowException e) {
      close(e.getMessage());
    }
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext ctx) {
    reading = false;
    if (!reason.isEmpty()) {
      return;
    }
    ctx.flush();
    try {
      listener.caughtUp();
    } catch (BadRowException e) {
      close(e.getMessage());
    }
  }

  private void received(JsonNode message) throws BadRowException {
    JsonNode method = message.path("method");
    JsonNode params = message.path("params");
    JsonNode id = message.path("id");
    boolean result = message.hasNonNull("result");
    boolean error = message.hasNonNull("error");
    if (method.isTextual() && params.isArray() && !result && !error) {
      if (message.hasNonNull("id")) {
        asked(method.textValue(), params, id);
      } else {
        listener.notified(method.textValue(), params);
      }
    } else if (message.hasNonNull("id") && !message.hasNonNull("method") && result != error) {
      answered(id, message);
    } else {
      close(
          "a message is neither a request nor an answer nor a notification: "
              + Printable.cut(message.toString(), MAX_SHOWN));
    }
  }

  private void asked(String method, JsonNode params, JsonNode id) {
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

  private void answered(JsonNode id, JsonNode message) throws BadRowException {
    if (echoes > 0 && id.isTextual() && id.textValue().equals(ECHO_ID)) {
      echoes--; // that something came at all is the answer
      return;
    }
    Pending request =
        id.isIntegralNumber() && id.canConvertToLong() ? pending.remove(id.longValue()) : null;
    if (request == null) {
      close(
          "an answer came to a request that was not made, id "
              + Printable.cut(id.toString(), MAX_SHOWN));
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
      close(
          ctx.channel().isWritable()
              ? "no answer to echo within " + seconds(timings.silence())
              : "it does not read what it is sent");
      return;
    }
    echoes++;
    ObjectNode echo = JsonNodeFactory.instance.objectNode();
    echo.put("method", "echo").putArray("params");
    send(echo.put("id", ECHO_ID));
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    if (cause instanceof IOException || cause instanceof MalformedJsonException) {
      close(String.valueOf(cause.getMessage()));
    } else {
      LOG.error("an OVSDB connection is closed by a fault of ours", cause);
      close("a fault of ours: " + cause);
    }
  }

  private void send(ObjectNode message) {
    Channel live = channel;
    if (live == null) {
      return;
    }
    try {
      live.write(Unpooled.wrappedBuffer(JSON.writeValueAsBytes(message)));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree of JSON nodes cannot be written", e);
    }
    if (!reading) {
      live.flush(); // else once for all that is being read
    }
  }

  private static String seconds(Duration duration) {
    return duration.toMillis() / 1000.0 + " s";
  }
}
