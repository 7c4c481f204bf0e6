// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.transport;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelPromise;
import io.netty.channel.DefaultChannelPromise;
import io.netty.channel.EventLoop;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import java.net.InetSocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.time.Duration;

/** Where a switch or a database listens, and how it is dialled. Immutable. */
public sealed interface Endpoint {

  /** A socket of this machine's. */
  record Unix(Path path) implements Endpoint {
    @Override
    public String toString() {
      return "unix:" + path;
    }
  }

  /**
   * A port of a node's.
   *
   * @param host an address, IPv6 without brackets, or a name, which is looked up at each attempt
   * @param port 1 to 65535
   */
  record Tcp(String host, int port) implements Endpoint {
    @Override
    public String toString() {
      return "tcp:" + written(host, port);
    }
  }

  /**
   * A port of a node's at which both ends prove who they are.
   *
   * @param host as {@link Tcp}'s
   * @param port 1 to 65535
   * @param node the name that the certificate of whoever answers there must have
   * @param credentials ours; asked for at each attempt
   */
  record Tls(String host, int port, String node, Credentials.Source credentials)
      implements Endpoint {
    @Override
    public String toString() {
      return "ssl:" + written(host, port);
    }
  }

  private static String written(String host, int port) {
    return (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + port;
  }

  /** The unix socket of this path. */
  static Endpoint unix(Path path) {
    return new Unix(path);
  }

  /** The TCP port of this host. */
  static Endpoint tcp(String host, int port) {
    return new Tcp(host, port);
  }

  /** The TCP port of this host, by TLS. */
  static Endpoint tls(String host, int port, String node, Credentials.Source credentials) {
    return new Tls(host, port, node, credentials);
  }

  /**
   * Dials, without blocking: a name is looked up on threads that serve no socket.
   *
   * @param loop whose thread serves the channel and completes the future; a channel that cannot
   *     even be made, for want of descriptors, fails on another
   * @param within how long a TCP handshake may take, and a TLS handshake after it
   * @param initializer builds the channel's pipeline; behind TLS when the node has proved to be it
   * @param reached is run on the loop when the socket is connected, before TLS's handshake
   * @return done when the channel is there for the initializer's handlers; a failure is a {@link
   *     TlsException} if it is one of TLS
   */
  default ChannelFuture dial(
      EventLoop loop, Duration within, ChannelHandler initializer, Runnable reached) {
    return switch (this) {
      case Unix(Path path) ->
          telling(
              new Bootstrap()
                  .group(loop)
                  .handler(initializer)
                  .channel(NioDomainSocketChannel.class)
                  .connect(UnixDomainSocketAddress.of(path)),
              reached);
      case Tcp(String host, int port) ->
          telling(connect(host, port, loop, within, initializer), reached);
      case Tls tls -> {
        TlsOpening opening = new TlsOpening(tls, within, initializer);
        ChannelFuture connected =
            telling(connect(tls.host(), tls.port(), loop, within, opening), reached);
        ChannelPromise opened = new DefaultChannelPromise(connected.channel(), loop);
        opening
            .opened()
            .whenComplete(
                (done, failure) -> {
                  if (failure == null) {
                    opened.trySuccess();
                  } else {
                    opened.tryFailure(failure);
                  }
                });
        connected.addListener(
            tried -> {
              if (!tried.isSuccess()) {
                opened.tryFailure(tried.cause());
              }
            });
        yield opened;
      }
    };
  }

  /** As {@link #dial(EventLoop, Duration, ChannelHandler, Runnable)}, and nothing is told. */
  default ChannelFuture dial(EventLoop loop, Duration within, ChannelHandler initializer) {
    return dial(loop, within, initializer, () -> {});
  }

  private static ChannelFuture telling(ChannelFuture connected, Runnable reached) {
    return connected.addListener(
        tried -> {
          if (tried.isSuccess()) {
            reached.run();
          }
        });
  }

  private static ChannelFuture connect(
      String host, int port, EventLoop loop, Duration within, ChannelHandler initializer) {
    return new Bootstrap()
        .group(loop)
        .handler(initializer)
        .channel(NioSocketChannel.class)
        .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, (int) within.toMillis())
        // Requests are small and each waits for its reply.
        .option(ChannelOption.TCP_NODELAY, true)
        .resolver(NameLookup.GROUP)
        .connect(InetSocketAddress.createUnresolved(host, port));
  }
}
