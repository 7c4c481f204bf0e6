// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Stands between a session and a switch's socket, and keeps what passes. */
final class Wiretap implements AutoCloseable {
  private final Path directory;
  private final Path target;
  private final ServerSocketChannel server;
  private final List<byte[]> toSwitch = new CopyOnWriteArrayList<>();
  private final List<byte[]> fromSwitch = new CopyOnWriteArrayList<>();

  Wiretap(Path target) {
    this.target = target;
    try {
      directory = Files.createTempDirectory("fmtap");
      server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
      server.bind(UnixDomainSocketAddress.of(socket()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Thread.ofVirtual().start(this::accept);
  }

  Path socket() {
    return directory.resolve("br-int.mgmt");
  }

  List<byte[]> toSwitch() {
    return toSwitch;
  }

  List<byte[]> fromSwitch() {
    return fromSwitch;
  }

  private void accept() {
    try {
      while (true) {
        SocketChannel client = server.accept();
        SocketChannel upstream = SocketChannel.open(UnixDomainSocketAddress.of(target));
        Thread.ofVirtual().start(() -> copy(client, upstream, toSwitch));
        Thread.ofVirtual().start(() -> copy(upstream, client, fromSwitch));
      }
    } catch (IOException e) {
      // The test is over.
    }
  }

  private static void copy(SocketChannel from, SocketChannel to, List<byte[]> kept) {
    try (from;
        to) {
      Frames.Reader reader = new Frames.Reader(from);
      byte[] message;
      while ((message = reader.read()) != null) {
        kept.add(message);
        Frames.write(to, message);
      }
    } catch (IOException e) {
      // One side has closed it.
    }
  }

  @Override
  public void close() {
    try {
      server.close();
      Files.deleteIfExists(socket());
      Files.deleteIfExists(directory);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
