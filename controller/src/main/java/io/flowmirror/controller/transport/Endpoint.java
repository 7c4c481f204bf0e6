// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.transport;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelOption;
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
      return "tcp:" + (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + port;
    }
  }

  /** The unix socket of this path. */
  static Endpoint unix(Path path) {
    return new Unix(path);
  }

  /** The TCP port of this host. */
  static Endpoint tcp(String host, int port) {
    return new Tcp(host, port);
  }

  /**
   * Dials, without blocking: a name is looked up on threads that serve no socket.
   *
   * @param loop whose thread serves the channel and completes the future; a channel that cannot
   *     even be made, for want of descriptors, fails on another
   * @param within how long a TCP handshake may take
   * @param initializer builds the channel's pipeline
   */
  default ChannelFuture dial(EventLoop loop, Duration within, ChannelHandler initializer) {
    Bootstrap bootstrap = new Bootstrap().group(loop).handler(initializer);
    return switch (this) {
      case Unix(Path path) ->
          bootstrap.channel(NioDomainSocketChannel.class).connect(UnixDomainSocketAddress.of(path));
      case Tcp(String host, int port) ->
          bootstrap
              .channel(NioSocketChannel.class)
              .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, (int) within.toMillis())
              // Requests are small and each waits for its reply.
              .option(ChannelOption.TCP_NODELAY, true)
              .resolver(NameLookup.GROUP)
              .connect(InetSocketAddress.createUnresolved(host, port));
    };
  }
}
