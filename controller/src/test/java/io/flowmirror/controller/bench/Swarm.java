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
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import io.netty.handler.timeout.IdleStateHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
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

  /** Whose entry of what a pod sends has come or gone, as the switch sees it. */
  interface Witness {
    void changed(int node, int pod, boolean there);
  }

  private final SwarmPlan plan;
  private final @Nullable SwarmAuthority authority;
  private final List<SslContext> contexts = new ArrayList<>();
  private final List<SwarmNode> nodes = new ArrayList<>();
  private final Counts counts = new Counts();
  private final long startNanos = System.nanoTime();
  private final EventLoopGroup loops =
      new MultiThreadIoEventLoopGroup(
          2, new DefaultThreadFactory("swarm", true), NioIoHandler.newFactory());
  private final int openflowPort;
  private final int ovsdbPort;

  /** Where those are not that are gone; null if none is. */
  private final @Nullable Backlog goneOpenflow;

  private final @Nullable Backlog goneOvsdb;
  private volatile Witness witness = (node, pod, there) -> {};
  private volatile Stopwatch syncing;
  private volatile Stopwatch reconnecting;
  private volatile @Nullable Throwable failure;

  Swarm(SwarmPlan plan) throws IOException, GeneralSecurityException {
    this.plan = plan;
    authority = plan.tls() ? new SwarmAuthority() : null;
    for (int i = 0; i < plan.nodes() + plan.gone(); i++) {
      nodes.add(new SwarmNode(this, i));
      if (authority != null) {
        contexts.add(context(authority, SwarmPlan.node(i)));
      }
    }
    syncing = Stopwatch.ofAll(plan.nodes());
    reconnecting = Stopwatch.ofAll(plan.nodes());
    openflowPort = listen(0, this::switchOf);
    ovsdbPort = listen(0, this::databaseOf);
    goneOpenflow = plan.gone() == 0 ? null : new Backlog();
    goneOvsdb = plan.gone() == 0 ? null : new Backlog();
  }

  /** As ovs-vswitchd and ovsdb-server have it: TLS 1.2 or 1.3, and a certificate is asked for. */
  private static SslContext context(SwarmAuthority authority, String name)
      throws IOException, GeneralSecurityException {
    SwarmAuthority.Signed own = authority.sign(name);
    return SslContextBuilder.forServer(own.key(), own.certificate())
        .trustManager(authority.certificate())
        .clientAuth(ClientAuth.REQUIRE)
        .sslProvider(SslProvider.JDK)
        .build();
  }

  private void switchOf(Channel channel) {
    channel
        .pipeline()
        .addLast(
            new IdleStateHandler(PROBE_SECONDS, 0, 0),
            new LengthFieldBasedFrameDecoder(0xffff, 2, 2, -4, 0),
            new SwarmSwitch(this));
  }

  private void databaseOf(Channel channel) {
    channel
        .pipeline()
        .addLast(
            new IdleStateHandler(PROBE_SECONDS, 0, 0),
            new SwarmDatabase.Framing(),
            new SwarmDatabase(this));
  }

  private interface Pipeline {
    void build(Channel channel);
  }

  private int listen(int port, Pipeline pipeline) {
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
                      if (authority != null) {
                        SslContext context = contexts.get(node(channel).index);
                        channel.pipeline().addLast(context.newHandler(channel.alloc()));
                      }
                      pipeline.build(channel);
                    } else {
                      channel.close();
                    }
                  }
                })
            .bind(port)
            .syncUninterruptibly()
            .channel();
    return ((InetSocketAddress) server.localAddress()).getPort();
  }

  SwarmPlan plan() {
    return plan;
  }

  SwarmShape shape() {
    return plan.shape();
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

  /**
   * The controller's configuration: these nodes, those that are gone evenly among the others.
   *
   * @param folder where its key and certificates go, with TLS
   */
  String nodes(Path folder) throws IOException, GeneralSecurityException {
    StringBuilder yaml = new StringBuilder();
    yaml.append(authority == null ? "" : authority.writeControllers(folder));
    yaml.append("nodes:\n");
    int gone = plan.nodes();
    for (int i = 0; i < plan.nodes(); i++) {
      node(yaml, i, ovsdbPort, openflowPort);
      int due = plan.nodes() + (int) ((1L + i) * plan.gone() / plan.nodes());
      for (; gone < due && goneOvsdb != null && goneOpenflow != null; gone++) {
        node(yaml, gone, goneOvsdb.port(), goneOpenflow.port());
      }
    }
    return yaml.toString();
  }

  private void node(StringBuilder yaml, int index, int ovsdb, int openflow) {
    String at = (authority == null ? "tcp:" : "ssl:") + address(index) + ":";
    yaml.append("  - name: ").append(SwarmPlan.node(index));
    yaml.append("\n    ovsdb: ").append(at).append(ovsdb);
    yaml.append("\n    openflow: ").append(at).append(openflow).append('\n');
  }

  /** The same, and each node's pods, which all nodes call alike. */
  String configuration(Path folder) throws IOException, GeneralSecurityException {
    StringBuilder yaml = new StringBuilder(nodes(folder)).append("mirrors:\n");
    for (int pod = 0; pod < plan.shape().pods(); pod++) {
      yaml.append("  - pod: default/").append(plan.pod(0, pod)).append('\n');
    }
    return yaml.toString();
  }

  /** Has those that were gone answer, as their power is back; the time until all are in sync. */
  Stopwatch restore() throws IOException {
    if (goneOpenflow == null || goneOvsdb == null) {
      throw new IllegalStateException("none is gone");
    }
    Stopwatch fresh = Stopwatch.ofAllFrom(plan.nodes(), plan.gone());
    syncing = fresh;
    goneOpenflow.close();
    goneOvsdb.close();
    listen(goneOpenflow.port(), this::switchOf);
    listen(goneOvsdb.port(), this::databaseOf);
    return fresh;
  }

  /** Tells somebody of each entry of what a pod sends, on the swarm's threads. */
  void witness(Witness told) {
    witness = told;
  }

  void changed(SwarmNode node, int pod, boolean there) {
    witness.changed(node.index, pod, there);
  }

  /** Begins the time until every node has its entries, for the first time. */
  Stopwatch startAnew() {
    Stopwatch fresh = Stopwatch.ofAll(plan.nodes());
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
    Stopwatch fresh = Stopwatch.ofEach(plan.nodes());
    syncing = fresh;
    Random random = new Random(seed);
    for (SwarmNode node : nodes.subList(0, plan.nodes())) {
      long delay = (long) (random.nextDouble() * within.toMillis());
      loops.schedule(node::wipe, delay, TimeUnit.MILLISECONDS);
    }
    return fresh;
  }

  /** Closes every connection. */
  Stopwatch cutAll() {
    Stopwatch fresh = Stopwatch.ofEach(plan.nodes());
    reconnecting = fresh;
    for (SwarmNode node : nodes.subList(0, plan.nodes())) {
      node.cut(() -> fresh.begin(node.index));
    }
    return fresh;
  }

  /** The same, and each node has lost the entries meanwhile: as a cold start, to the controller. */
  Stopwatch forgetAll() {
    Stopwatch fresh = Stopwatch.ofEach(nodes.size());
    syncing = fresh;
    for (SwarmNode node : nodes) {
      node.cut(
          () -> {
            node.takeAll();
            node.ovnIsBack();
            fresh.begin(node.index);
          });
    }
    return fresh;
  }

  void failed(Throwable cause) {
    // A handshake that is given up is a decoder's exception about a connection's.
    if (!(cause instanceof IOException || cause.getCause() instanceof IOException)) {
      failure = cause;
    }
  }

  /** What went wrong here, if anything did. */
  @Nullable Throwable failure() {
    return failure;
  }

  @Override
  public void close() {
    try {
      if (goneOpenflow != null && goneOvsdb != null) {
        goneOpenflow.close();
        goneOvsdb.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
  }
}
