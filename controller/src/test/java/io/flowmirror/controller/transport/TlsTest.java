// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.transport;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Who is let in by TLS, who is not, and what is said of it. */
final class TlsTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final String NODE = "node-1";
  private static final String TLS13 = "TLSv1.3";

  @TempDir private static Path folder;

  private static Authority nodes;
  private static Authority controllers;
  private static Authority.Signed node;
  private static Authority.Signed controller;

  private final EventLoopGroup loops =
      new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
  private final Session session = new Session();

  @BeforeAll
  static void certify() {
    nodes = new Authority(folder, "nodes");
    controllers = new Authority(folder, "controllers");
    node = nodes.sign("node", NODE);
    controller = controllers.sign("controller", "flowmirror");
  }

  @AfterEach
  void close() {
    loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
  }

  /** A session's handler, that notes what becomes of its channel. */
  private static final class Session extends ChannelInboundHandlerAdapter {
    final List<String> noted = new CopyOnWriteArrayList<>();

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
      noted.add("active");
      ctx.writeAndFlush(Unpooled.copiedBuffer("ping", UTF_8));
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
      ByteBuf read = (ByteBuf) message;
      noted.add(read.toString(UTF_8));
      read.release();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
      noted.add(String.valueOf(cause.getMessage()));
      ctx.close();
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
      noted.add("inactive");
    }
  }

  private ChannelFuture dial(TlsPeer peer, Duration within, Credentials.Source credentials) {
    return Endpoint.tls("127.0.0.1", peer.port(), NODE, credentials)
        .dial(loops.next(), within, session)
        .awaitUninterruptibly();
  }

  private ChannelFuture dial(TlsPeer peer) {
    return dial(peer, PATIENCE, nodes.trust(controller));
  }

  private static TlsPeer echo(Authority.Signed node, String version) {
    return TlsPeer.of(
        node,
        controllers.certificate(),
        version,
        client -> client.getInputStream().transferTo(client.getOutputStream()));
  }

  /** Refused, and the session has not been told of a connection. */
  private void assertRefused(ChannelFuture dialled, String... why) {
    assertThat(dialled.isSuccess()).isFalse();
    assertThat(dialled.cause()).isInstanceOf(TlsException.class);
    assertThat(dialled.cause().getMessage()).startsWith("TLS: ").contains(why);
    assertThat(dialled.channel().closeFuture().awaitUninterruptibly(PATIENCE.toMillis())).isTrue();
    assertThat(session.noted).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {TLS13, "TLSv1.2"})
  void speaksBothVersions(String version) {
    try (TlsPeer peer = echo(node, version)) {
      ChannelFuture dialled = dial(peer);
      assertThat(dialled.isSuccess()).as("%s", dialled.cause()).isTrue();
      await().atMost(PATIENCE).until(() -> String.join("", session.noted).equals("activeping"));
      dialled.channel().close();
      await().atMost(PATIENCE).until(() -> session.noted.contains("inactive"));
    }
  }

  /** What a switch says at once comes to the session, and after the session knows that it is on. */
  @Test
  void aPeerThatSpeaksFirst() {
    try (TlsPeer peer =
        TlsPeer.of(
            node,
            controllers.certificate(),
            TLS13,
            client -> {
              client.getOutputStream().write("hello".getBytes(UTF_8));
              client.getInputStream().transferTo(OutputStream.nullOutputStream());
            })) {
      assertThat(dial(peer).isSuccess()).isTrue();
      await().atMost(PATIENCE).until(() -> session.noted.equals(List.of("active", "hello")));
    }
  }

  @ParameterizedTest
  @CsvSource(
      nullValues = "-",
      textBlock =
          """
          # common name,                                       alternative names,                  error
          node-1,                                              '',                                 -
          Node-1,                                              '',                                 -
          node-1 id:87ebea3b-021f-403d-bfbe-ba24ba13bd83,      '',                                 -
          'node-1 id:87ebea3b-021f-403d-bfbe-ba24ba13bd83',    'DNS:node-1 id:87ebea3b-021f-403d-bfbe-ba24ba13bd83', -
          somebody,                                            'DNS:other,DNS:node-1',             -
          node-2,                                              '',                                 'certificate is for "node-2", not "node-1"'
          node-2 id:87ebea3b-021f-403d-bfbe-ba24ba13bd83,      '',                                 'certificate is for "node-2", not "node-1"'
          node-1 id:87ebea3b,                                  '',                                 'not "node-1"'
          node-1.example,                                      'DNS:*.example,DNS:*',              'certificate is for "node-1.example", "*.example", "*", not "node-1"'
          somebody,                                            'URI:x:node-1,email:node-1',         'certificate is for "somebody", not "node-1"'
          """)
  void whatNamesANode(String commonName, String alternatives, String error) {
    Authority.Signed named =
        nodes.sign("named", commonName, alternatives, "ec -pkeyopt ec_paramgen_curve:P-256", 1);
    try (TlsPeer peer = echo(named, TLS13)) {
      ChannelFuture dialled = dial(peer);
      if (error == null) {
        assertThat(dialled.isSuccess()).as("%s", dialled.cause()).isTrue();
      } else {
        assertRefused(dialled, error);
      }
    }
  }

  @Test
  void anotherAuthority() {
    Authority.Signed forged = controllers.sign("forged", NODE);
    try (TlsPeer peer = echo(forged, TLS13)) {
      assertRefused(
          dial(peer),
          "TLS: certificate is signed by \"CN=controllers\", which is not in "
              + nodes.certificate());
    }
  }

  @Test
  void expired() {
    Authority.Signed old = nodes.sign("old", NODE, "", "ec -pkeyopt ec_paramgen_curve:P-256", -1);
    try (TlsPeer peer = echo(old, TLS13)) {
      assertRefused(dial(peer), "TLS: certificate expired on 20");
    }
  }

  /** In TLS 1.3 that comes after the handshake, and to the session, which closes. */
  @ParameterizedTest
  @ValueSource(strings = {TLS13, "TLSv1.2"})
  void whoIsRefusedByTheNodeIsTold(String version) {
    Authority.Signed unknown = nodes.sign("unknown", "flowmirror");
    try (TlsPeer peer = echo(node, version)) {
      ChannelFuture dialled = dial(peer, PATIENCE, nodes.trust(unknown));
      if (dialled.isSuccess()) {
        await().atMost(PATIENCE).until(() -> session.noted.contains("inactive"));
        assertThat(session.noted.get(1)).startsWith("TLS: the node ").contains("our certificate");
      } else {
        assertThat(dialled.cause()).hasMessageStartingWith("TLS: the node does not accept our");
      }
    }
  }

  @Test
  void noTls() {
    try (TlsPeer peer =
        TlsPeer.plain(
            client -> client.getOutputStream().write(new byte[] {4, 0, 0, 8, 0, 0, 0, 1}))) {
      assertRefused(dial(peer), "the node does not speak TLS there");
    }
    try (TlsPeer peer = TlsPeer.plain(client -> client.getInputStream().read())) {
      assertRefused(dial(peer), "the node ended the handshake; it may not speak TLS there");
    }
  }

  /** Whether it says nothing, or a little again and again, or much that is never a message. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 1 << 14})
  void noHandshakeInTime(int bytes) {
    CountDownLatch gone = new CountDownLatch(1);
    AtomicInteger sent = new AtomicInteger();
    try (TlsPeer peer =
        TlsPeer.plain(
            client -> {
              // A handshake record (RFC 8446, section 5.1) with the longest of messages in it.
              byte[] begin = {22, 3, 3, 0x40, 0, 11, (byte) 0xff, (byte) 0xff, (byte) 0xff};
              InputStream in = client.getInputStream();
              OutputStream out = client.getOutputStream();
              client.setSoTimeout(50);
              try {
                while (true) {
                  try {
                    if (in.read() < 0) {
                      return;
                    }
                  } catch (SocketTimeoutException e) {
                    // It waits.
                  }
                  for (int i = 0; i < bytes; i++) {
                    int at = sent.getAndIncrement();
                    out.write(at < begin.length ? begin[at] : 0);
                  }
                }
              } finally {
                gone.countDown();
              }
            })) {
      ChannelFuture dialled = dial(peer, Duration.ofMillis(500), nodes.trust(controller));
      assertRefused(dialled, "TLS: ");
      if (bytes < 1 << 14) {
        assertThat(dialled.cause()).hasMessage("TLS: no handshake in time");
      }
      assertThat(gone.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** Nobody is dialled with nothing to show, and the socket is not left open. */
  @Test
  void withoutCredentials() {
    AtomicInteger connections = new AtomicInteger();
    try (TlsPeer peer = TlsPeer.plain(client -> connections.incrementAndGet())) {
      Credentials.Source none =
          () -> {
            throw new TlsException("there is no file /tls.key");
          };
      assertRefused(dial(peer, PATIENCE, none), "TLS: there is no file /tls.key");
    }
  }

  @Test
  void isWrittenAsOvsVsctlWritesIt() {
    assertThat(Endpoint.tls("fd00::1", 6640, NODE, nodes.trust(controller)))
        .hasToString("ssl:[fd00::1]:6640");
  }
}
