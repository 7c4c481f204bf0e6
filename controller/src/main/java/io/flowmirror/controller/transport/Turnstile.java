// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.transport;

import io.netty.channel.EventLoop;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Lets only so many connections begin at once. Thousands that begin together would each wait for
 * all the others, longer than a peer is given to answer, and all be given up and begun anew.
 *
 * <p>Whoever has begun gives its place up when its connection is of use, or lost. A peer that is
 * not there, or answers nothing, must not keep others waiting: its place is given up after a short
 * while, that of one that has answered after a long one. Peers that did not answer the last time
 * have places of their own, so that hundreds that are gone delay none of those that are there. Any
 * thread.
 */
public final class Turnstile {
  private static final int PLACES = 64;
  private static final int DOUBTED_PLACES = 32;

  /**
   * A handshake of TLS is ten milliseconds of a processor's on either side, and none of waiting.
   */
  private static final int TLS_PLACES_FOR_EACH_PROCESSOR = 8;

  /** The first handshakes of a JVM take many times as long as those that follow. */
  private static final int FIRST_TLS_PLACES = 4;

  /**
   * How long a place is kept at most, by what has been heard of the peer.
   *
   * @param unreached nothing yet, not even that its socket has taken the connection
   * @param doubted the same, and nothing the last time either
   * @param silent its socket has, since the beginning of the attempt
   * @param longest it has answered
   */
  public record Waits(Duration unreached, Duration doubted, Duration silent, Duration longest) {
    /**
     * A peer that is there takes a connection within a round trip, however busy it or this machine
     * is, since its kernel does. 32 places of 50 ms are 640 attempts a second: of 5,000 peers that
     * are gone each is tried as often as its own backoff has it.
     */
    static final Waits USUAL =
        new Waits(
            Duration.ofMillis(250),
            Duration.ofMillis(50),
            Duration.ofSeconds(1),
            Duration.ofSeconds(10));
  }

  /** Places, and those who wait for one. Belongs to the turnstile's lock. */
  private static final class Lane {
    private final Queue<Pass> waiting = new ArrayDeque<>();
    private int places;
    private int free;

    private Lane(int places) {
      this.places = places;
      free = places;
    }

    private boolean hasOneToSpare() {
      return free > 0 && waiting.isEmpty();
    }
  }

  private final Waits waits;
  private final int most;
  private final Lane trusted;
  private final Lane doubted;

  /**
   * Has all places free.
   *
   * @param places how many may begin at once
   * @param doubted how many more may of those that did not answer the last time
   */
  public Turnstile(int places, int doubted, Waits waits) {
    this(places, places, doubted, waits);
  }

  /**
   * The same, with one place more for each peer that answers.
   *
   * @param first how many may begin at once at first
   * @param most how many may in the end
   */
  Turnstile(int first, int most, int doubted, Waits waits) {
    this.most = most;
    this.trusted = new Lane(first);
    this.doubted = new Lane(doubted);
    this.waits = waits;
  }

  /** For a connector's sessions: some ten milliseconds of work each, and places by the dozen. */
  public static Turnstile ofConnector() {
    return new Turnstile(PLACES, DOUBTED_PLACES, Waits.USUAL);
  }

  /**
   * For a connector's sessions that begin with TLS: more than the processors can work on at once
   * would only have each of them take longer than it may.
   */
  public static Turnstile ofTls() {
    int most = TLS_PLACES_FOR_EACH_PROCESSOR * Runtime.getRuntime().availableProcessors();
    return new Turnstile(FIRST_TLS_PLACES, Math.min(PLACES, most), DOUBTED_PLACES, Waits.USUAL);
  }

  /** For a session that begins by itself: it has its place at once. */
  public static Turnstile open() {
    return new Turnstile(Integer.MAX_VALUE, Integer.MAX_VALUE, Waits.USUAL);
  }

  /**
   * One that begins connections, one after the other.
   *
   * @param loop where what it begins is run
   */
  public Peer peer(EventLoop loop) {
    return new Peer(loop);
  }

  /** Who wants to pass, again and again. Any thread. */
  public final class Peer {
    private final EventLoop loop;

    /** These two belong to the turnstile's lock. */
    private @Nullable Pass pass;

    private boolean silentLastTime;

    private Peer(EventLoop loop) {
      this.loop = loop;
    }

    /**
     * Has a task run on the event loop as soon as there is a place; gives up the place before, if
     * there is one. To be left when what the task has begun is done with.
     */
    public void enter(Runnable begin) {
      leave();
      Lane lane;
      synchronized (Turnstile.this) {
        lane = silentLastTime ? doubted : trusted;
        pass = new Pass(this, begin, lane);
        lane.waiting.add(pass);
      }
      beginNext(lane);
    }

    /** The peer's socket has taken the connection. */
    public void reached() {
      Pass now = pass();
      if (now != null) {
        now.reached = true;
      }
    }

    /** The peer is there: what takes its time now is most likely this machine. */
    public void answered() {
      Pass now = pass();
      if (now != null) {
        Turnstile.this.answered(now);
      }
    }

    /** Gives the place to the next, or waits no more; nothing happens if that has been done. */
    public void leave() {
      Pass now = pass();
      if (now != null) {
        Turnstile.this.leave(now);
      }
    }

    private @Nullable Pass pass() {
      synchronized (Turnstile.this) {
        return pass;
      }
    }
  }

  /** A place, held or waited for. But for the flags, it belongs to the turnstile's lock. */
  private static final class Pass {
    private final Peer peer;
    private final Runnable begin;
    private Lane lane;
    private boolean begun;
    private boolean over;
    private volatile boolean reached;
    private volatile boolean answered;

    private Pass(Peer peer, Runnable begin, Lane lane) {
      this.peer = peer;
      this.begin = begin;
      this.lane = lane;
    }
  }

  private void answered(Pass pass) {
    Lane left = null;
    synchronized (this) {
      boolean first = !pass.answered;
      pass.reached = true;
      pass.answered = true;
      pass.peer.silentLastTime = false;
      if (pass.lane == doubted && pass.begun && !pass.over && trusted.hasOneToSpare()) {
        // It is one of the others again.
        trusted.free--;
        doubted.free++;
        pass.lane = trusted;
        left = doubted;
      } else if (first && trusted.places < most) {
        trusted.places++;
        trusted.free++;
        left = trusted;
      }
    }
    if (left != null) {
      beginNext(left);
    }
  }

  private void leave(Pass pass) {
    Lane left;
    synchronized (this) {
      if (pass.over) {
        return;
      }
      pass.over = true;
      if (!pass.begun) {
        // Its turn will be passed over.
        return;
      }
      left = pass.lane;
      left.free++;
    }
    beginNext(left);
  }

  private void beginNext(Lane lane) {
    Pass next;
    boolean wasSilent;
    synchronized (this) {
      do {
        next = lane.free > 0 ? lane.waiting.poll() : null;
      } while (next != null && next.over);
      if (next == null) {
        return;
      }
      lane.free--;
      next.begun = true;
      wasSilent = next.peer.silentLastTime;
      // Until it answers.
      next.peer.silentLastTime = true;
    }
    begin(next, wasSilent ? waits.doubted : waits.unreached);
  }

  private void begin(Pass next, Duration unreached) {
    EventLoop loop = next.peer.loop;
    if (loop.isShuttingDown()) {
      // It is the end, for the others too.
      return;
    }
    loop.execute(
        () -> {
          after(unreached, next, () -> onUnreached(next, unreached));
          next.begin.run();
        });
  }

  private void onUnreached(Pass which, Duration since) {
    if (which.reached) {
      after(waits.silent.minus(since), which, () -> onSilence(which));
    } else {
      leave(which);
    }
  }

  private void onSilence(Pass which) {
    if (which.answered) {
      after(waits.longest.minus(waits.silent), which, () -> leave(which));
    } else {
      leave(which);
    }
  }

  private static void after(Duration wait, Pass pass, Runnable task) {
    pass.peer.loop.schedule(task, wait.toNanos(), TimeUnit.NANOSECONDS);
  }
}
