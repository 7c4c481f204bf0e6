// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import io.flowmirror.controller.openflow.Incoming.Broken;
import io.flowmirror.controller.openflow.Incoming.BundleControl;
import io.flowmirror.controller.openflow.Incoming.EchoRequest;
import io.flowmirror.controller.openflow.Incoming.Experimenter;
import io.flowmirror.controller.openflow.Incoming.Failed;
import io.flowmirror.controller.openflow.Incoming.FlowRemoved;
import io.flowmirror.controller.openflow.Incoming.Hello;
import io.flowmirror.controller.openflow.Incoming.MultipartPart;
import io.flowmirror.controller.openflow.Incoming.PacketIn;
import io.flowmirror.controller.openflow.Incoming.PortStatus;
import io.flowmirror.controller.openflow.Incoming.SwitchError;
import io.flowmirror.controller.openflow.Incoming.UnaskedReply;
import io.flowmirror.controller.openflow.Requests.LostException;
import io.flowmirror.flows.Cookie;
import io.flowmirror.flows.FlowKey;
import io.netty.buffer.ByteBuf;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import io.netty.handler.flush.FlushConsolidationHandler;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.GenericFutureListener;
import io.netty.util.concurrent.ScheduledFuture;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.opendaylight.openflowjava.protocol.api.util.EncodeConstants;
import org.opendaylight.openflowjava.protocol.impl.core.DelegatingInboundHandler;
import org.opendaylight.openflowjava.protocol.impl.core.IdleHandler;
import org.opendaylight.openflowjava.protocol.impl.core.OFDecoder;
import org.opendaylight.openflowjava.protocol.impl.core.OFEncoder;
import org.opendaylight.openflowjava.protocol.impl.core.OFVersionDetector;
import org.opendaylight.openflowjava.protocol.impl.core.PipelineHandlers;
import org.opendaylight.openflowjava.protocol.impl.core.connection.MessageListenerWrapper;
import org.opendaylight.yang.gen.v1.urn.opendaylight.openflow.protocol.rev130731.EchoInput;
import org.opendaylight.yang.gen.v1.urn.opendaylight.openflow.protocol.rev130731.EchoInputBuilder;
import org.opendaylight.yang.gen.v1.urn.opendaylight.openflow.protocol.rev130731.EchoOutput;
import org.opendaylight.yang.gen.v1.urn.opendaylight.openflow.protocol.rev130731.OfHeader;
import org.opendaylight.yang.gen.v1.urn.opendaylight.openflow.system.rev130927.DisconnectEvent;
import org.opendaylight.yang.gen.v1.urn.opendaylight.openflow.system.rev130927.SwitchIdleEvent;
import org.opendaylight.yangtools.binding.DataObject;
import org.opendaylight.yangtools.yang.common.Uint32;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection to one switch: OpenFlowJava's handlers in a channel, requests and their replies,
 * echoes. All of it runs on the channel's event loop.
 *
 * <p>OpenFlowJava's ConnectionAdapter is not used: its queue rejects what does not fit, it keeps
 * replies for a minute under keys of its own, and it takes every peer for an internet address. Here
 * each write's result is looked at, and who writes much asks {@link #isWritable} first.
 */
final class Connection {

  /** What a connection tells of, on its event loop. */
  interface Listener {
    /** A port was added, changed or deleted. */
    void onPortStatus(PortStatus status);

    /** An entry of a monitored table has changed, by somebody else's doing. */
    void onFlowUpdate(FlowUpdate update);

    /** From now on, until {@link #onMonitorResumed}, changes may go untold. */
    void onMonitorPaused();

    /** Changes are told of again. */
    void onMonitorResumed();

    /** An entry of ours is gone. */
    void onFlowRemoved(FlowKey key);

    /** An error that answers no request; returns whether it answers anything else. */
    boolean onError(SwitchError error);

    /** An error that answers nothing, and how many of them there have been of late. */
    void onStrayError(SwitchError error, int count);

    /** All that had come has been told; the socket is not read again before this returns. */
    void onBatchEnd();

    /** What was written has gone out, and more may be written. */
    void onWritable();

    /**
     * The connection is gone; nothing comes afterwards.
     *
     * @param misbehaved whether that is for what the switch did
     */
    void onClosed(String reason, boolean misbehaved);
  }

  /**
   * What is read of a socket before the others on its thread have their turn. Netty's own 16 times
   * 64 KiB let each switch that floods with small messages hold the thread for 100 ms and more.
   */
  private static final int BYTES_PER_TURN = 16 << 10;

  /** So many flushes may become one. */
  private static final int MAX_FLUSHES = 256;

  /** What may wait for a switch that does not read; answers to its echoes, above all. */
  private static final long MAX_QUEUED_BYTES = 4 << 20;

  private static final Logger LOG = LoggerFactory.getLogger(Connection.class);

  private final Channel channel;
  private final Duration timeout;
  private final Requests requests;
  private final StrictFrameDecoder frames = new StrictFrameDecoder();
  private final Unasked unasked;
  private final CompletableFuture<Hello> hello = new CompletableFuture<>();
  private final GenericFutureListener<Future<Void>> written = this::onWritten;
  private final Listener listener;
  private @Nullable ScheduledFuture<?> stalled;
  private boolean unflushed;
  private boolean closed;
  private int lastXid;

  /**
   * Builds a channel's pipeline; to be called when the channel is initialized.
   *
   * @param unasked counts what comes unasked on this connection
   */
  Connection(
      Channel channel, Codecs codecs, OpenFlowOptions options, Unasked unasked, Listener listener) {
    this.channel = channel;
    this.unasked = unasked;
    this.timeout = options.requestTimeout();
    this.listener = listener;
    this.requests = new Requests(channel.eventLoop(), options.wholeReply(), frames::stoppedAt);
    OFDecoder decoder = new OFDecoder();
    decoder.setDeserializationFactory(codecs.deserialization());
    OFEncoder encoder = new OFEncoder();
    encoder.setSerializationFactory(codecs.serialization());
    channel
        .config()
        .setRecvByteBufAllocator(
            new AdaptiveRecvByteBufAllocator(64, 2048, BYTES_PER_TURN).maxMessagesPerRead(1));
    channel
        .pipeline()
        // What is written in one turn of the loop goes out by one system call, and the switch's
        // answers come back together.
        .addLast("FLUSHES", new FlushConsolidationHandler(MAX_FLUSHES, true))
        .addLast(PipelineHandlers.OF_FRAME_DECODER.name(), frames)
        .addLast(PipelineHandlers.OF_VERSION_DETECTOR.name(), new OFVersionDetector())
        .addLast(PipelineHandlers.OF_DECODER.name(), decoder)
        .addLast(PipelineHandlers.OF_ENCODER.name(), encoder)
        .addLast(
            PipelineHandlers.IDLE_HANDLER.name(),
            new IdleHandler(options.echoAfter().toMillis(), TimeUnit.MILLISECONDS))
        .addLast(
            PipelineHandlers.DELEGATING_INBOUND_HANDLER.name(),
            new DelegatingInboundHandler(this::receive))
        .addLast("TURNS", new Turns());
  }

  EventLoop loop() {
    return channel.eventLoop();
  }

  Duration timeout() {
    return timeout;
  }

  /** The next transaction id; the switch uses 0 for what answers no request. */
  int nextXid() {
    return nextXids(1);
  }

  /** The first of so many transaction ids in a row. */
  int nextXids(int count) {
    if (lastXid > Integer.MAX_VALUE - count) {
      lastXid = 0;
    }
    int first = lastXid + 1;
    lastXid += count;
    return first;
  }

  /** The switch's hello; fails if there is none in time. */
  CompletableFuture<Hello> hello() {
    ScheduledFuture<?> deadline =
        loop()
            .schedule(
                () ->
                    hello.completeExceptionally(
                        new LostException(
                            "no OFPT_HELLO within "
                                + Requests.seconds(timeout)
                                + frames.stoppedAt())),
                timeout.toMillis(),
                TimeUnit.MILLISECONDS);
    return hello.whenComplete((done, failure) -> deadline.cancel(false));
  }

  /** Sends a message and flushes. */
  void send(OfHeader message) {
    write(message);
    flush();
  }

  /** Writes a message that goes out with the next flush. */
  void write(OfHeader message) {
    if (closed) {
      return;
    }
    ChannelFuture future = channel.write(new MessageListenerWrapper(message, written));
    future.addListener(written);
    if (!closed && !channel.isWritable() && channel.bytesBeforeWritable() > MAX_QUEUED_BYTES) {
      misbehaved("the switch does not read: more than " + MAX_QUEUED_BYTES + " bytes wait for it");
    }
  }

  void flush() {
    unflushed = false;
    channel.flush();
  }

  boolean isWritable() {
    return channel.isWritable();
  }

  /** Sends a request that has one reply, of this class. */
  <T extends DataObject> CompletableFuture<T> request(
      OfHeader message, String name, Class<T> kind) {
    return request(message, name, kind, timeout);
  }

  <T extends DataObject> CompletableFuture<T> request(
      OfHeader message, String name, Class<T> kind, Duration within) {
    if (closed) {
      return CompletableFuture.failedFuture(new LostException("the connection is closed"));
    }
    CompletableFuture<T> reply = requests.expect(xid(message), name, kind, within);
    send(message);
    return reply;
  }

  /** Sends a request that has a multipart reply. */
  CompletableFuture<MultipartPart> requestParts(
      Outgoing message, String name, Multipart multipart, Consumer<ByteBuf> parts) {
    if (closed) {
      return CompletableFuture.failedFuture(new LostException("the connection is closed"));
    }
    CompletableFuture<MultipartPart> reply =
        requests.expectParts(message.number(), name, multipart, timeout, parts);
    send(message);
    return reply;
  }

  /** Closes the connection and tells the listener, if it has not been told yet. */
  void close(String reason) {
    close(reason, false);
  }

  /** Closes the connection because a request failed. */
  void giveUp(Throwable failure) {
    close(Requests.words(failure), Requests.cause(failure) instanceof MisbehaviourException);
  }

  private void misbehaved(String reason) {
    close(reason, true);
  }

  private void close(String reason, boolean misbehaved) {
    if (!closed) {
      closed = true;
      frames.stop();
      if (stalled != null) {
        stalled.cancel(false);
      }
      var unused = channel.close();
      requests.abandon(reason);
      hello.completeExceptionally(new LostException(reason));
      listener.onClosed(reason, misbehaved);
    }
  }

  private void onWritten(Future<Void> future) {
    if (!future.isSuccess()) {
      close("write failed: " + future.cause().getMessage());
    }
  }

  private void receive(DataObject message) {
    if (closed) {
      return;
    }
    try {
      dispatch(message);
    } catch (MalformedException e) {
      misbehaved("malformed message: " + e.getMessage());
    } catch (IndexOutOfBoundsException e) {
      misbehaved("malformed message: a length within it is too large (" + e.getMessage() + ")");
    } catch (MisbehaviourException e) {
      misbehaved(Requests.words(e));
    } catch (RuntimeException | Error e) {
      // Netty would only log it, and the connection would stay up out of step.
      LOG.error("a fault of ours; the connection is given up", e);
      close("a fault of ours: " + e);
    }
  }

  private void dispatch(DataObject message) {
    switch (message) {
      case Incoming incoming -> dispatch(incoming);
      case SwitchIdleEvent idle -> echo();
      case DisconnectEvent gone -> close("the switch closed the connection");
      case OfHeader header -> reply(xid(header), message);
      default -> throw new IllegalStateException("no such message: " + message);
    }
  }

  private void dispatch(Incoming message) {
    switch (message) {
      case Hello greeting -> hello.complete(greeting);
      case EchoRequest echo -> answer(echo);
      case MultipartPart part when part.xid() == 0 -> monitorUpdate(part);
      case MultipartPart part -> {
        if (!requests.part(part)) {
          unasked.count(Unasked.Kind.REPLY);
        }
      }
      case SwitchError error -> {
        if (!requests.refuse(error) && !listener.onError(error)) {
          listener.onStrayError(error, unasked.count(Unasked.Kind.ERROR));
        }
      }
      case BundleControl control -> reply(control.xid(), control);
      case Experimenter experimenter -> experimenter(experimenter);
      case FlowRemoved removed -> {
        unasked.count(Unasked.Kind.FLOW_REMOVED);
        if (Cookie.isOurs(removed.cookie())) {
          listener.onFlowRemoved(removed.key());
        }
      }
      case PortStatus status -> {
        unasked.count(Unasked.Kind.PORT_STATUS);
        listener.onPortStatus(status);
      }
      case PacketIn packetIn -> unasked.count(Unasked.Kind.PACKET_IN);
      case UnaskedReply stray -> unasked.count(Unasked.Kind.REPLY);
      case Broken(String reason) -> misbehaved(reason);
      case Failed(String reason) -> close(reason);
    }
  }

  private void reply(int xid, DataObject message) {
    if (!requests.complete(xid, message)) {
      unasked.count(Unasked.Kind.REPLY);
    }
  }

  /** A flood of echoes costs a system call for many, and not one for each. */
  private void answer(EchoRequest echo) {
    unasked.count(Unasked.Kind.ECHO_REQUEST);
    write(Outgoing.echoReply(echo.xid(), echo.body()));
    unflushed = true;
    if (!channel.isWritable()) {
      flush();
    }
  }

  private void echo() {
    EchoInput echo =
        new EchoInputBuilder()
            .setVersion(EncodeConstants.OF_VERSION_1_3)
            .setXid(Uint32.valueOf(nextXid()))
            .build();
    Requests.whenDone(
        this::close,
        request(echo, "OFPT_ECHO_REQUEST", EchoOutput.class),
        (reply, failure) -> {
          if (failure != null) {
            giveUp(failure);
          }
        });
  }

  private void experimenter(Experimenter message) {
    if (message.experimenter() != Ofp.ONF_EXPERIMENTER_ID) {
      unasked.count(Unasked.Kind.EXPERIMENTER);
      return;
    }
    switch (message.subtype()) {
      case Ofp.ONF_FLOW_MONITOR_PAUSED -> {
        unasked.count(Unasked.Kind.FLOW_UPDATE);
        listener.onMonitorPaused();
      }
      case Ofp.ONF_FLOW_MONITOR_RESUMED -> {
        unasked.count(Unasked.Kind.FLOW_UPDATE);
        listener.onMonitorResumed();
      }
      default -> unasked.count(Unasked.Kind.EXPERIMENTER);
    }
  }

  private void monitorUpdate(MultipartPart part) {
    unasked.count(Unasked.Kind.FLOW_UPDATE);
    ByteBuf in = part.body();
    if (part.type() == Ofp.OFPMP_EXPERIMENTER
        && in.readInt() == Ofp.ONF_EXPERIMENTER_ID
        && in.readInt() == Ofp.ONF_FLOW_MONITOR) {
      FlowDecoder.decodeUpdates(in, listener::onFlowUpdate);
    }
  }

  private static int xid(OfHeader message) {
    return message.getXid().intValue();
  }

  /** What comes between messages: the end of a turn, and whether the switch reads. */
  private final class Turns extends ChannelInboundHandlerAdapter {
    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
      if (closed) {
        return;
      }
      if (unflushed) {
        flush();
      }
      if (!closed) {
        listener.onBatchEnd();
      }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
      if (closed) {
        return;
      }
      if (stalled != null) {
        stalled.cancel(false);
        stalled = null;
      }
      if (channel.isWritable()) {
        listener.onWritable();
      } else {
        // What waits for room in the socket waits for no reply whose absence would be noticed.
        stalled =
            loop()
                .schedule(
                    () ->
                        close(
                            "the switch does not read: what was written waits for "
                                + Requests.seconds(timeout)),
                    timeout.toMillis(),
                    TimeUnit.MILLISECONDS);
      }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      LOG.error("a fault of ours; the connection is given up", cause);
      close("a fault of ours: " + cause);
    }
  }
}
