// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ProxyTest {
  private static final byte[] PAUSED = HexFormat.of().parseHex("04040010000000004f4e46000000074f");
  private static final byte[] RESUMED = HexFormat.of().parseHex("04040010000000004f4e460000000750");
  private static final byte[] ECHO = HexFormat.of().parseHex("0402000900000000aa");

  @Test
  void whatIsStalledComesLaterAndTheOtherDirectionGoesOn(@TempDir Path folder) throws IOException {
    Path path = folder.resolve("s");
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(path));
      try (Proxy proxy = new Proxy(path.toString());
          SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(proxy.path()));
          SocketChannel peer = server.accept()) {
        proxy.stall(true);
        peer.write(ByteBuffer.wrap(PAUSED));
        client.write(ByteBuffer.wrap(ECHO));
        assertThat(read(peer, ECHO.length)).isEqualTo(ECHO);
        client.configureBlocking(false);
        assertThat(client.read(ByteBuffer.allocate(1))).as("bytes of what is stalled").isZero();
        client.configureBlocking(true);
        proxy.stall(false);
        assertThat(read(client, PAUSED.length)).isEqualTo(PAUSED);
        assertThat(proxy.flowMonitor().pauses()).isEqualTo(1);
        assertThat(proxy.connections()).isEqualTo(1);
      }
    }
  }

  /** However the bytes come, and whatever comes between. */
  @Test
  void whatIsSaidOfTheFlowMonitorIsHeard() {
    ByteBuffer all = ByteBuffer.allocate(100);
    all.put(ECHO)
        .put(PAUSED)
        .put(ECHO)
        .put(RESUMED)
        .put(HexFormat.of().parseHex("0404000800000000"));
    all.put(PAUSED).flip();
    for (int piece = 1; piece <= all.limit(); piece++) {
      FlowMonitorWitness witness = new FlowMonitorWitness();
      FlowMonitorWitness.Hearing hearing = witness.new Hearing();
      for (int at = 0; at < all.limit(); at += piece) {
        hearing.hear(all.slice(at, Math.min(piece, all.limit() - at)));
      }
      assertThat(witness.pauses()).as("pieces of " + piece).isEqualTo(2);
      assertThat(witness.resumptions()).isEqualTo(1);
    }
  }

  private static byte[] read(SocketChannel from, int length) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(length);
    while (buffer.hasRemaining() && from.read(buffer) >= 0) {
      // Until all is there.
    }
    return buffer.array();
  }
}
