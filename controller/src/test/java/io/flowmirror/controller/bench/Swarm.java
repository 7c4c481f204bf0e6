// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.bench;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.LengthFieldBasedFrameDecoder;
import io.netty.handler.timeout.IdleStateHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * Thousands of nodes that are none: each has a loopback address of its own, at which an OpenFlow
 * switch and an OVSDB server answer, on two threads for all of them.
 *
 * <p>Two sockets listen, on every address of this machine; who comes from another machine is hung
 * up on. Any thread.
 */
final class Swarm implements AutoCloseable {
  private static final int PROBE_SECONDS = 5;
  private static final int NODES_PER_BYTE = 250;

  /** What has happened since the start. */
  static final class Counts {
    /** Entries added by a controller, those among them in the place of another, and deleted. */
    final LongAdder added = new LongAdder();

    final LongAdder replaced = new LongAdder();
    final LongAdder deleted = new LongAdder();

    /** Connections of both kinds. */
    final LongAdder opened = new LongAdder();

    final LongAdder closed = new LongAdder();

    /** Connections that were closed since an echo request was not answered within 5 s. */
    final LongAdder probesMissed = new LongAdder();
  }

  private final SwarmShape shape;
  private final List<SwarmNode> nodes = new ArrayList<>();
  private final Counts counts = new Counts();
  private final long startNanos = System.nanoTime();
  private final EventLoopGroup loops =
      new MultiThreadIoEventLoopGroup(
          2, new DefaultThreadFactory("swarm", true), NioIoHandler.newFactory());
  private final int openflowPort;
  private final int ovsdbPort;
  private volatile Stopwatch syncing;
  private volatile Stopwatch reconnecting;
  private volatile @Nullable Throwable failure;

  Swarm(int count, SwarmShape shape) throws IOException {
    this.shape = shape;
    for (int i = 0; i < count; i++) {
      nodes.add(new SwarmNode(this, i));
    }
    syncing = Stopwatch.ofAll(count);
    reconnecting = Stopwatch.ofAll(count);
    openflowPort =
        listen(
            channel ->
                channel
                    .pipeline()
                    .addLast(
                        new IdleStateHandler(PROBE_SECONDS, 0, 0),
                        new LengthFieldBasedFrameDecoder(0xffff, 2, 2, -4, 0),
                        new SwarmSwitch(this)));
    ovsdbPort =
        listen(
            channel ->
                channel
                    .pipeline()
                    .addLast(
                        new IdleStateHandler(PROBE_SECONDS, 0, 0),
                        new SwarmDatabase.Framing(),
                        new SwarmDatabase(this)));
  }

  private interface Pipeline {
    void build(Channel channel);
  }

  private int listen(Pipeline pipeline) throws IOException {
    Channel server =
        new ServerBootstrap()
            .group(loops)
            .channel(NioServerSocketChannel.class)
            .option(ChannelOption.SO_BACKLOG, 4096)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childHandler(
                new ChannelInitializer<>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    if (((InetSocketAddress) channel.remoteAddress())
                        .getAddress()
                        .isLoopbackAddress()) {
                      pipeline.build(channel);
                    } else {
                      channel.close();
                    }
                  }
                })
            .bind(0)
            .syncUninterruptibly()
            .channel();
    return ((InetSocketAddress) server.localAddress()).getPort();
  }

  SwarmShape shape() {
    return shape;
  }

  Counts counts() {
    return counts;
  }

  /** Seconds since the start. */
  int second() {
    return (int) ((System.nanoTime() - startNanos) / 1_000_000_000);
  }

  long dpid(SwarmNode node) {
    return 0x0a00_0000_0000L + node.index + 1;
  }

  static String address(int index) {
    return "127."
        + (16 + index / NODES_PER_BYTE / NODES_PER_BYTE)
        + "."
        + index / NODES_PER_BYTE % NODES_PER_BYTE
        + "."
        + (1 + index % NODES_PER_BYTE);
  }

  /** Whose address the connection was made to. */
  SwarmNode node(Channel channel) {
    byte[] at = ((InetSocketAddress) channel.localAddress()).getAddress().getAddress();
    int index =
        (((at[1] & 0xff) - 16) * NODES_PER_BYTE + (at[2] & 0xff)) * NODES_PER_BYTE
            + (at[3] & 0xff)
            - 1;
    return nodes.get(index);
  }

  /** The controller's configuration: these nodes, and the pods that each of them has. */
  String configuration() {
    StringBuilder yaml = new StringBuilder("nodes:\n");
    for (SwarmNode node : nodes) {
      String host = address(node.index);
      yaml.append("  - name: n").append(1 + node.index);
      yaml.append("\n    ovsdb: tcp:").append(host).append(':').append(ovsdbPort);
      yaml.append("\n    openflow: tcp:").append(host).append(':').append(openflowPort);
      yaml.append('\n');
    }
    yaml.append("mirrors:\n");
    for (int pod = 1; pod <= shape.pods(); pod++) {
      yaml.append("  - pod: default/p").append(pod).append('\n');
    }
    return yaml.toString();
  }

  /** Begins the time until every node has its entries, for the first time. */
  Stopwatch startAnew() {
    Stopwatch fresh = Stopwatch.ofAll(nodes.size());
    syncing = fresh;
    return fresh;
  }

  /** How the nodes are doing with the last of: the start, and a wipe of all. */
  Stopwatch syncing() {
    return syncing;
  }

  /** How the nodes are doing with the last of: the start, and a cut. */
  Stopwatch reconnecting() {
    return reconnecting;
  }

  void inSync(SwarmNode node) {
    syncing.done(node.index);
  }

  void reconnected(SwarmNode node) {
    reconnecting.done(node.index);
  }

  void wiped(SwarmNode node) {
    syncing.begin(node.index);
  }

  /** Wipes each node at a moment of its own within this time; returns at once. */
  Stopwatch wipeAll(Duration within, long seed) {
    Stopwatch fresh = Stopwatch.ofEach(nodes.size());
    syncing = fresh;
    Random random = new Random(seed);
    for (SwarmNode node : nodes) {
      long delay = (long) (random.nextDouble() * within.toMillis());
      loops.schedule(node::wipe, delay, TimeUnit.MILLISECONDS);
    }
    return fresh;
  }

  /** Closes every connection. */
  Stopwatch cutAll() {
    Stopwatch fresh = Stopwatch.ofEach(nodes.size());
    reconnecting = fresh;
    for (SwarmNode node : nodes) {
      node.cut(() -> fresh.begin(node.index));
    }
    return fresh;
  }

  void failed(Throwable cause) {
    if (!(cause instanceof IOException)) {
      failure = cause;
    }
  }

  /** What went wrong here, if anything did. */
  @Nullable Throwable failure() {
    return failure;
  }

  @Override
  public void close() {
    loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
  }
}
