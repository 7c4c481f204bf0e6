// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.transport;

import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.handler.ssl.SslCloseCompletionEvent;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * The handshake of a new channel as TLS client. The session's own handlers come into the pipeline
 * when it has succeeded, and for them the channel becomes active then: nothing of theirs is sent
 * to, and nothing read from, a peer that has not proved to be the node.
 *
 * <p>On the channel's event loop; what takes long in a handshake runs on a few other threads, so
 * that nodes that come back together do not hold those that are there.
 */
final class TlsOpening extends ChannelInitializer<Channel> {
  private static final int THREADS = 2;
  private static final ThreadPoolExecutor TASKS =
      new ThreadPoolExecutor(
          THREADS,
          THREADS,
          10,
          TimeUnit.SECONDS,
          new LinkedBlockingQueue<>(),
          new DefaultThreadFactory("tls-handshake", true));

  /** A certificate and its chain come in few reads; nothing more is taken of a peer at once. */
  private static final int BYTES_PER_TURN = 16 << 10;

  /** How long a peer that does not read may keep its socket, so that it hears of the end. */
  private static final Duration CLOSING = Duration.ofMillis(500);

  static {
    TASKS.allowCoreThreadTimeOut(true);
  }

  private final Endpoint.Tls peer;
  private final Duration within;
  private final ChannelHandler session;
  private final CompletableFuture<Void> opened = new CompletableFuture<>();

  /**
   * Prepares it.
   *
   * @param within how long the handshake may take
   * @param session the handler, or the initializer of those, that comes behind
   */
  TlsOpening(Endpoint.Tls peer, Duration within, ChannelHandler session) {
    this.peer = peer;
    this.within = within;
    this.session = session;
  }

  /** Done when the session's handlers have their channel; fails with a {@link TlsException}. */
  CompletableFuture<Void> opened() {
    return opened;
  }

  @Override
  protected void initChannel(Channel channel) {
    channel
        .config()
        .setRecvByteBufAllocator(
            new AdaptiveRecvByteBufAllocator(64, 2048, BYTES_PER_TURN).maxMessagesPerRead(1));
    try {
      SslHandler tls = peer.credentials().current().open(peer.node(), channel.alloc(), TASKS);
      tls.setHandshakeTimeoutMillis(within.toMillis());
      tls.setCloseNotifyFlushTimeoutMillis(CLOSING.toMillis());
      channel.pipeline().addLast(tls).addLast(new Gate());
    } catch (TlsException e) {
      refused(channel, e);
    }
  }

  private void refused(Channel channel, TlsException reason) {
    opened.completeExceptionally(reason);
    channel.close();
  }

  /** Between TLS and the session. */
  private final class Gate extends ChannelInboundHandlerAdapter {
    /** Whether the session is behind it. */
    private boolean open;

    /** Whether the node has said anything since the handshake. */
    private boolean heard;

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
      // It becomes that for the session with the handshake.
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
      switch (event) {
        case SslHandshakeCompletionEvent done when open -> {}
        case SslHandshakeCompletionEvent done when done.isSuccess() -> {
          open = true;
          ctx.pipeline().addLast(session);
          ctx.fireChannelActive();
          opened.complete(null);
        }
        case SslHandshakeCompletionEvent done -> refused(ctx.channel(), whyNot(done.cause()));
        case SslCloseCompletionEvent closed -> {}
        default -> ctx.fireUserEventTriggered(event);
      }
    }

    private TlsException whyNot(Throwable cause) {
      return TlsException.isBehind(cause)
          ? TlsException.of(cause)
          : new TlsException(
              "the node ended the handshake; it may not speak TLS there, or have no key and"
                  + " certificate");
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
      heard = true;
      ctx.fireChannelRead(message);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
      if (!open) {
        refused(ctx.channel(), whyNot(cause));
      } else if (TlsException.isBehind(cause)) {
        heard = true;
        ctx.fireExceptionCaught(TlsException.of(cause));
      } else {
        ctx.fireExceptionCaught(heard ? cause : noWord());
      }
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
      if (!open) {
        refused(ctx.channel(), whyNot(new ClosedChannelException()));
        return;
      }
      if (!heard) {
        ctx.fireExceptionCaught(noWord());
      }
      ctx.fireChannelInactive();
    }

    /** In TLS 1.3 a client is refused after its own handshake has ended (RFC 8446, section 4.4). */
    private TlsException noWord() {
      heard = true;
      return new TlsException(
          "the node ended the connection without a word after the handshake; it may not accept our"
              + " certificate");
    }
  }
}
