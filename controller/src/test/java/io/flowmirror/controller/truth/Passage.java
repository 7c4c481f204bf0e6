// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** A port of this machine's that leads to one that only another network namespace reaches. */
final class Passage implements AutoCloseable {
  private final String netns;
  private final String target;
  private final ServerSocket listener;
  private final Set<Process> open = ConcurrentHashMap.newKeySet();

  /**
   * Opens it.
   *
   * @param netns the namespace that reaches the target
   * @param target as socat has it, {@code TCP:10.0.0.1:6640}
   */
  Passage(String netns, String target) {
    this.netns = netns;
    this.target = target;
    try {
      listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    start(this::accept);
  }

  int port() {
    return listener.getLocalPort();
  }

  /** Closes what is open; whoever wants may connect again. */
  void cut() {
    open.forEach(Process::destroy);
  }

  private void accept() {
    try {
      while (true) {
        Socket client = listener.accept();
        // Each exec replaces the process.
        Process beyond =
            new ProcessBuilder("ip", "netns", "exec", netns, "socat", "-T", "600", "-", target)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        open.add(beyond);
        start(() -> pass(client, beyond, true));
        start(() -> pass(client, beyond, false));
      }
    } catch (IOException e) {
      // It is closed.
    }
  }

  private void pass(Socket client, Process beyond, boolean there) {
    try (client) {
      if (there) {
        client.getInputStream().transferTo(new Unbuffered(beyond));
      } else {
        beyond.getInputStream().transferTo(client.getOutputStream());
      }
    } catch (IOException e) {
      // One of the two has closed it.
    } finally {
      beyond.destroy();
      open.remove(beyond);
    }
  }

  /** A process's input is buffered, and nobody would flush it. */
  private static final class Unbuffered extends FilterOutputStream {
    Unbuffered(Process process) {
      super(process.getOutputStream());
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      out.write(bytes, offset, length);
      out.flush();
    }
  }

  private static void start(Runnable task) {
    Thread.ofPlatform().daemon().name("passage").start(task);
  }

  @Override
  public void close() {
    try {
      listener.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    cut();
  }
}
