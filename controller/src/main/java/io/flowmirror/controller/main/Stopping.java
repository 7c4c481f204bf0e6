// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * The end of a command that runs until it is told to stop. Being told to is no failure: SIGTERM,
 * SIGINT and SIGHUP end it with exit code 0, where the JVM would end with 128 + the signal.
 */
final class Stopping implements AutoCloseable {
  private final CompletableFuture<Integer> end = new CompletableFuture<>();
  private final CountDownLatch closed = new CountDownLatch(1);
  private final Duration patience;

  private Stopping(Duration patience) {
    this.patience = patience;
  }

  /**
   * Begins to heed signals.
   *
   * @param patience how long closing may take before the process ends all the same, with 1
   */
  static Stopping onSignal(Duration patience) {
    Stopping stopping = new Stopping(patience);
    Runtime.getRuntime()
        .addShutdownHook(Thread.ofPlatform().name("shutdown").unstarted(stopping::signalled));
    return stopping;
  }

  /** The exit code; whoever completes it ends the command. */
  CompletableFuture<Integer> end() {
    return end;
  }

  private void signalled() {
    if (!end.complete(Flowmirror.DONE)) {
      return;
    }
    boolean inTime = false;
    try {
      inTime = closed.await(patience.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    Runtime.getRuntime().halt(inTime ? Flowmirror.DONE : Flowmirror.FAILED);
  }

  /** All is closed. The hook must not take a fault for a signal. */
  @Override
  public void close() {
    end.complete(Flowmirror.FAILED);
    closed.countDown();
  }
}
