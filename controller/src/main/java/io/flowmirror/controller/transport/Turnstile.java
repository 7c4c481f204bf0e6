// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.transport;

import io.netty.channel.EventLoop;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.TimeUnit;

/**
 * Lets only so many connections begin at once. Thousands that begin together would each wait for
 * all the others, longer than a peer is given to answer, and all be given up and begun anew.
 *
 * <p>Whoever has begun gives its place up when its connection is of use, or lost. A peer that
 * answers nothing must not keep others waiting: its place is given up after a short while, and that
 * of one that has answered after a long one. Any thread.
 */
public final class Turnstile {
  private final Duration silent;
  private final Duration longest;
  private final Queue<Waiting> waiting = new ArrayDeque<>();
  private int free;

  private record Waiting(EventLoop loop, Pass pass, Runnable begin) {}

  /**
   * Has all places free.
   *
   * @param places how many may begin at once
   * @param silent how long each keeps its place whose peer has not answered at all
   * @param longest how long every other does at most
   */
  public Turnstile(int places, Duration silent, Duration longest) {
    this.free = places;
    this.silent = silent;
    this.longest = longest;
  }

  /** For a session that begins by itself: it has its place at once. */
  public static Turnstile open() {
    return new Turnstile(Integer.MAX_VALUE, Duration.ofSeconds(1), Duration.ofSeconds(1));
  }

  /** A place, held or waited for. Any thread. */
  public final class Pass {
    /** These two belong to the turnstile's lock. */
    private boolean begun;

    private boolean over;
    private volatile boolean answered;

    private Pass() {}

    /** The peer is there: what takes its time now is most likely this machine. */
    public void answered() {
      answered = true;
    }

    /** Gives the place to the next, or waits no more; nothing happens if that has been done. */
    public void leave() {
      Turnstile.this.leave(this);
    }
  }

  /**
   * Has a task run on its event loop as soon as there is a place.
   *
   * @return to be left when what the task has begun is done with
   */
  public Pass enter(EventLoop loop, Runnable begin) {
    Waiting next = new Waiting(loop, new Pass(), begin);
    synchronized (this) {
      waiting.add(next);
    }
    beginNext();
    return next.pass();
  }

  private void leave(Pass pass) {
    synchronized (this) {
      if (pass.over) {
        return;
      }
      pass.over = true;
      if (!pass.begun) {
        // Its turn will be passed over.
        return;
      }
      free++;
    }
    beginNext();
  }

  private void beginNext() {
    Waiting next;
    synchronized (this) {
      do {
        next = free > 0 ? waiting.poll() : null;
      } while (next != null && next.pass().over);
      if (next == null) {
        return;
      }
      free--;
      next.pass().begun = true;
    }
    begin(next);
  }

  private void begin(Waiting next) {
    if (next.loop().isShuttingDown()) {
      // It is the end, for the others too.
      return;
    }
    next.loop()
        .execute(
            () -> {
              after(silent, next.loop(), () -> onSilence(next));
              next.begin().run();
            });
  }

  private void onSilence(Waiting which) {
    if (which.pass().answered) {
      after(longest.minus(silent), which.loop(), which.pass()::leave);
    } else {
      which.pass().leave();
    }
  }

  private static void after(Duration wait, EventLoop loop, Runnable task) {
    loop.schedule(task, wait.toNanos(), TimeUnit.NANOSECONDS);
  }
}
