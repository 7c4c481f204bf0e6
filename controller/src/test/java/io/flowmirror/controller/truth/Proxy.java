// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** Stands between the controller and a unix socket, and passes on what it is told to. */
final class Proxy implements AutoCloseable {
  private static final int BUFFER = 16 << 10;

  private final Path target;
  private final Path path;
  private final ServerSocketChannel server;
  private final List<SocketChannel> open = new CopyOnWriteArrayList<>();
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition flows = lock.newCondition();
  private final FlowMonitorWitness witness = new FlowMonitorWitness();
  private final AtomicInteger connections = new AtomicInteger();
  private boolean held;
  private boolean stalled;
  private volatile long delayNanos;

  Proxy(String target) {
    this.target = Path.of(target);
    try {
      path = Files.createTempDirectory("fmproxy").resolve("s");
      server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
      server.bind(UnixDomainSocketAddress.of(path));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Thread.ofPlatform().daemon().name("proxy").start(this::accept);
  }

  Path path() {
    return path;
  }

  /** Closes what is open; whoever wants may connect again. */
  void cut() {
    open.forEach(Proxy::close);
    open.clear();
  }

  /** From now on nothing is passed on, in either direction, and nobody is told. */
  void hold(boolean on) {
    lock.lock();
    try {
      held = on;
      flows.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /**
   * From now on nothing is read of what the target says, so that in the end it cannot say more;
   * what it is told goes on to it.
   */
  void stall(boolean on) {
    lock.lock();
    try {
      stalled = on;
      flows.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** What the target has said of its flow monitor. */
  FlowMonitorWitness flowMonitor() {
    return witness;
  }

  /** How often somebody has connected. */
  int connections() {
    return connections.get();
  }

  /** From now on each piece is passed on so much later, as by a switch that is busy. */
  void delay(java.time.Duration time) {
    delayNanos = time.toNanos();
  }

  private void accept() {
    try {
      while (true) {
        SocketChannel client = server.accept();
        try {
          SocketChannel peer = SocketChannel.open(UnixDomainSocketAddress.of(target));
          connections.incrementAndGet();
          open.add(client);
          open.add(peer);
          Thread.ofPlatform().daemon().name("proxy-up").start(() -> pass(client, peer, false));
          Thread.ofPlatform().daemon().name("proxy-down").start(() -> pass(peer, client, true));
        } catch (IOException e) {
          close(client);
        }
      }
    } catch (IOException e) {
      // The stage is over.
    }
  }

  private void pass(SocketChannel from, SocketChannel to, boolean isAnswer) {
    ByteBuffer buffer = ByteBuffer.allocate(BUFFER);
    FlowMonitorWitness.Hearing hearing = witness.new Hearing();
    try {
      while (from.read(buffer.clear()) >= 0) {
        awaitFlow(isAnswer);
        buffer.flip();
        if (isAnswer) {
          hearing.hear(buffer);
        }
        while (buffer.hasRemaining()) {
          to.write(buffer);
        }
      }
    } catch (IOException e) {
      // One of the two has closed it.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    close(from);
    close(to);
    open.remove(from);
    open.remove(to);
  }

  private void awaitFlow(boolean isAnswer) throws InterruptedException {
    lock.lock();
    try {
      long left = delayNanos;
      while (left > 0) {
        left = flows.awaitNanos(left);
      }
      while (held || (stalled && isAnswer)) {
        flows.await();
      }
    } finally {
      lock.unlock();
    }
  }

  private static void close(SocketChannel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    try {
      server.close();
      hold(false);
      stall(false);
      cut();
      Files.deleteIfExists(path);
      Files.deleteIfExists(path.getParent());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
