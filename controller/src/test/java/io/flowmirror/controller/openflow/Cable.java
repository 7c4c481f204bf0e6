// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Stands between sessions and a switch's socket, and can be cut. */
final class Cable implements AutoCloseable {
  private final Path directory;
  private final Path target;
  private final List<Channel> open = new ArrayList<>();

  Cable(Path target) {
    this.target = target;
    try {
      directory = Files.createTempDirectory("fmcable");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    mend();
  }

  Path socket() {
    return directory.resolve("br-int.mgmt");
  }

  /** Closes every connection; there are no new ones until {@link #mend}. */
  synchronized void cut() {
    try {
      Files.deleteIfExists(socket());
      for (Channel channel : open) {
        channel.close();
      }
      open.clear();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Takes connections. */
  synchronized void mend() {
    try {
      ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
      server.bind(UnixDomainSocketAddress.of(socket()));
      open.add(server);
      Thread.ofVirtual().start(() -> accept(server));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void accept(ServerSocketChannel server) {
    try {
      while (true) {
        SocketChannel client = server.accept();
        connect(server, client);
      }
    } catch (IOException e) {
      // It was cut.
    }
  }

  private synchronized void connect(ServerSocketChannel server, SocketChannel client)
      throws IOException {
    if (!server.isOpen()) {
      client.close();
      return;
    }
    try {
      SocketChannel upstream = SocketChannel.open(UnixDomainSocketAddress.of(target));
      open.add(client);
      open.add(upstream);
      Thread.ofVirtual().start(() -> copy(client, upstream));
      Thread.ofVirtual().start(() -> copy(upstream, client));
    } catch (IOException e) {
      // The switch is down, and so is this end.
      client.close();
    }
  }

  private static void copy(SocketChannel from, SocketChannel to) {
    ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
    try (from;
        to) {
      while (from.read(buffer) >= 0) {
        buffer.flip();
        while (buffer.hasRemaining()) {
          to.write(buffer);
        }
        buffer.clear();
      }
    } catch (IOException e) {
      // One side has closed it, or it was cut.
    }
  }

  @Override
  public void close() {
    cut();
    try {
      Files.deleteIfExists(directory);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
