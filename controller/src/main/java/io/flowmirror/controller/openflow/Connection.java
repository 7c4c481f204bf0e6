// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import io.flowmirror.controller.openflow.Incoming.Broken;
import io.flowmirror.controller.openflow.Incoming.Experimenter;
import io.flowmirror.controller.openflow.Incoming.FlowRemoved;
import io.flowmirror.controller.openflow.Incoming.Ignored;
import io.flowmirror.controller.openflow.Incoming.MultipartPart;
import io.flowmirror.controller.openflow.Incoming.PortStatus;
import io.flowmirror.controller.openflow.Incoming.SwitchError;
import io.flowmirror.flows.Cookie;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.GenericFutureListener;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
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
import org.opendaylight.yang.gen.v1.urn.opendaylight.openflow.protocol.rev130731.EchoReplyInputBuilder;
import org.opendaylight.yang.gen.v1.urn.opendaylight.openflow.protocol.rev130731.EchoRequestMessage;
import org.opendaylight.yang.gen.v1.urn.opendaylight.openflow.protocol.rev130731.HelloMessage;
import org.opendaylight.yang.gen.v1.urn.opendaylight.openflow.protocol.rev130731.OfHeader;
import org.opendaylight.yang.gen.v1.urn.opendaylight.openflow.system.rev130927.DisconnectEvent;
import org.opendaylight.yang.gen.v1.urn.opendaylight.openflow.system.rev130927.SwitchIdleEvent;
import org.opendaylight.yangtools.binding.DataObject;
import org.opendaylight.yangtools.yang.common.Uint32;

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

    /** Entries of a watched table have changed, by somebody else's doing. */
    void onFlowsChanged();

    /** An entry of ours in this table is gone. */
    void onFlowRemoved(int table);

    /** An error that answers no request which waits for a reply. */
    void onError(SwitchError error);

    /** What was written has gone out, and more may be written. */
    void onWritable();

    /** The connection is gone; nothing comes afterwards. */
    void onClosed(String reason);
  }

  private final Channel channel;
  private final Duration timeout;
  private final Requests requests;
  private final CompletableFuture<DataObject> hello = new CompletableFuture<>();
  private final GenericFutureListener<Future<Void>> written = this::onWritten;
  private final Listener listener;
  private boolean closed;
  private int lastXid;

  /** Builds a channel's pipeline; to be called when the channel is initialized. */
  Connection(Channel channel, Codecs codecs, OpenFlowOptions options, Listener listener) {
    this.channel = channel;
    this.timeout = options.requestTimeout();
    this.listener = listener;
    this.requests = new Requests(channel.eventLoop());
    OFDecoder decoder = new OFDecoder();
    decoder.setDeserializationFactory(codecs.deserialization());
    OFEncoder encoder = new OFEncoder();
    encoder.setSerializationFactory(codecs.serialization());
    channel
        .pipeline()
        .addLast(PipelineHandlers.OF_FRAME_DECODER.name(), new StrictFrameDecoder())
        .addLast(PipelineHandlers.OF_VERSION_DETECTOR.name(), new OFVersionDetector())
        .addLast(PipelineHandlers.OF_DECODER.name(), decoder)
        .addLast(PipelineHandlers.OF_ENCODER.name(), encoder)
        .addLast(
            PipelineHandlers.IDLE_HANDLER.name(),
            new IdleHandler(options.echoAfter().toMillis(), TimeUnit.MILLISECONDS))
        .addLast(
            PipelineHandlers.DELEGATING_INBOUND_HANDLER.name(),
            new DelegatingInboundHandler(this::receive))
        .addLast("WRITABILITY", new Writability());
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

  /** The switch's hello. */
  CompletableFuture<DataObject> hello() {
    return hello;
  }

  /** Sends a message and flushes. */
  void send(OfHeader message) {
    write(message);
    channel.flush();
  }

  /** Writes a message that goes out with the next flush. */
  void write(OfHeader message) {
    ChannelFuture future = channel.write(new MessageListenerWrapper(message, written));
    future.addListener(written);
  }

  void flush() {
    channel.flush();
  }

  boolean isWritable() {
    return channel.isWritable();
  }

  /** Sends a request that has one reply. */
  CompletableFuture<DataObject> request(OfHeader message, String name) {
    return request(message, name, timeout);
  }

  CompletableFuture<DataObject> request(OfHeader message, String name, Duration within) {
    CompletableFuture<DataObject> reply = requests.expect(xid(message), name, within);
    send(message);
    return reply;
  }

  /** Sends a request that has a multipart reply. */
  CompletableFuture<DataObject> requestParts(
      Outgoing message, String name, Consumer<ByteBuf> parts) {
    CompletableFuture<DataObject> reply =
        requests.expectParts(message.number(), name, timeout, parts);
    send(message);
    return reply;
  }

  /** Closes the connection and tells the listener, if it has not been told yet. */
  void close(String reason) {
    if (!closed) {
      closed = true;
      var unused = channel.close();
      requests.abandon(reason);
      hello.completeExceptionally(new Requests.LostException(reason));
      listener.onClosed(reason);
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
      close("malformed message: " + e.getMessage());
    } catch (IndexOutOfBoundsException e) {
      close("malformed message: a length within it is too large (" + e.getMessage() + ")");
    }
  }

  private void dispatch(DataObject message) {
    if (message instanceof Incoming incoming) {
      switch (incoming) {
        case MultipartPart part when part.xid() == 0 -> monitorUpdate(part);
        case MultipartPart part -> requests.part(part);
        case SwitchError error -> {
          if (!requests.refuse(error)) {
            listener.onError(error);
          }
        }
        case Experimenter experimenter -> experimenter(experimenter);
        case FlowRemoved removed -> {
          if (Cookie.isOurs(removed.cookie())) {
            listener.onFlowRemoved(removed.table());
          }
        }
        case PortStatus status -> listener.onPortStatus(status);
        case Ignored ignored -> {}
        case Broken(String reason) -> close(reason);
      }
    } else if (message instanceof EchoRequestMessage echo) {
      send(
          new EchoReplyInputBuilder()
              .setVersion(EncodeConstants.OF_VERSION_1_3)
              .setXid(echo.getXid())
              .setData(echo.getData())
              .build());
    } else if (message instanceof SwitchIdleEvent) {
      echo();
    } else if (message instanceof DisconnectEvent) {
      close("the switch closed the connection");
    } else if (message instanceof HelloMessage) {
      hello.complete(message);
    } else if (message instanceof OfHeader header) {
      requests.complete(header.getXid().intValue(), message);
    }
  }

  private void echo() {
    int xid = nextXid();
    EchoInput echo =
        new EchoInputBuilder()
            .setVersion(EncodeConstants.OF_VERSION_1_3)
            .setXid(Uint32.valueOf(xid))
            .build();
    Requests.whenDone(
        this::close,
        request(echo, "OFPT_ECHO_REQUEST"),
        (reply, failure) -> {
          if (failure != null) {
            close(Requests.words(failure));
          }
        });
  }

  private void experimenter(Experimenter message) {
    if (message.experimenter() != Ofp.ONF_EXPERIMENTER_ID) {
      return;
    }
    switch (message.subtype()) {
      case Ofp.ONF_BUNDLE_CONTROL -> requests.complete(message.xid(), message);
      // Between these two changes may go untold, so the second is a change itself.
      case Ofp.ONF_FLOW_MONITOR_PAUSED -> {}
      case Ofp.ONF_FLOW_MONITOR_RESUMED -> listener.onFlowsChanged();
      default -> {}
    }
  }

  /** Updates of the flow monitor; what we have changed ourselves comes abbreviated. */
  private void monitorUpdate(MultipartPart part) {
    ByteBuf in = part.body();
    if (part.type() != Ofp.OFPMP_EXPERIMENTER
        || in.readInt() != Ofp.ONF_EXPERIMENTER_ID
        || in.readInt() != Ofp.ONF_FLOW_MONITOR) {
      return;
    }
    boolean changed = false;
    while (in.isReadable()) {
      int length =
          MalformedException.checkedLength(
              "onf_flow_update_header.length",
              in.getUnsignedShort(in.readerIndex()),
              4,
              in.readableBytes());
      changed |= in.getUnsignedShort(in.readerIndex() + 2) != Ofp.ONFFME_ABBREV;
      in.skipBytes(length);
    }
    if (changed) {
      listener.onFlowsChanged();
    }
  }

  private static int xid(OfHeader message) {
    return message.getXid().intValue();
  }

  private final class Writability extends ChannelInboundHandlerAdapter {
    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
      if (!closed && channel.isWritable()) {
        listener.onWritable();
      }
    }
  }
}
