// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class EndpointTest {
  private final EventLoopGroup loops =
      new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());

  @AfterEach
  void close() {
    loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
  }

  private ChannelFuture dial(Endpoint endpoint) {
    return endpoint
        .dial(loops.next(), Duration.ofSeconds(5), new ChannelInboundHandlerAdapter())
        .awaitUninterruptibly();
  }

  /** A name as much as an address. */
  @ParameterizedTest
  @CsvSource({"127.0.0.1,127.0.0.1", "localhost,127.0.0.1", "::1,::1"})
  void dialsTcp(String host, String listening) throws IOException {
    try (ServerSocket server = new ServerSocket(0, 5, InetAddress.getByName(listening))) {
      ChannelFuture dialled = dial(Endpoint.tcp(host, server.getLocalPort()));
      assertThat(dialled.isSuccess()).as("%s", dialled.cause()).isTrue();
      dialled.channel().close().awaitUninterruptibly();
    }
  }

  @Test
  void saysWhyItCannot() throws IOException {
    assertThat(dial(Endpoint.tcp("no-such-host.invalid", 6640)).cause())
        .hasMessageContaining("there is no host no-such-host.invalid");
    assertThat(dial(Endpoint.unix(Path.of("/nowhere/db.sock"))).cause())
        .hasMessageContaining("No such file or directory");
    int free;
    try (ServerSocket server = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      free = server.getLocalPort();
    }
    assertThat(dial(Endpoint.tcp("127.0.0.1", free)).cause())
        .hasMessageContaining("Connection refused");
  }

  @Test
  void isWrittenAsOvsVsctlWritesIt() {
    assertThat(Endpoint.tcp("fd00::1", 6640)).hasToString("tcp:[fd00::1]:6640");
    assertThat(Endpoint.tcp("10.0.0.1", 6653)).hasToString("tcp:10.0.0.1:6653");
    assertThat(Endpoint.unix(Path.of("/run/db.sock"))).hasToString("unix:/run/db.sock");
  }
}
