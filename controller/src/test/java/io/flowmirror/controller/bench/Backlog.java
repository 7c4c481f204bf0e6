// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.bench;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.util.ArrayList;
import java.util.List;

/**
 * A port of every loopback address at which nobody answers: its queue of connections that are to be
 * accepted is full, so that the kernel drops whatever else would connect (Linux,
 * tcp_v4_conn_request and {@code tcp_abort_on_overflow} 0), as a node does that has lost its power.
 * Any thread.
 */
final class Backlog implements AutoCloseable {
  private static final int MOST = 16;
  private static final int PATIENCE_MILLIS = 300;

  private final ServerSocket server;
  private final List<Socket> waiting = new ArrayList<>();

  Backlog() throws IOException {
    server = new ServerSocket(0, 1);
    while (waiting.size() < MOST) {
      Socket next = new Socket();
      try {
        next.connect(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), port()), PATIENCE_MILLIS);
        waiting.add(next);
      } catch (SocketTimeoutException e) {
        next.close();
        return;
      }
    }
    close();
    throw new IOException("the kernel goes on taking connections that nobody accepts");
  }

  int port() {
    return server.getLocalPort();
  }

  /** Whoever connects from now on is refused. */
  @Override
  public void close() throws IOException {
    for (Socket each : waiting) {
      each.close();
    }
    server.close();
  }
}
