// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import io.flowmirror.controller.openflow.Incoming.MultipartPart;
import io.flowmirror.controller.openflow.Incoming.SwitchError;
import io.netty.buffer.ByteBuf;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.ScheduledFuture;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.opendaylight.yangtools.binding.DataObject;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The requests of one connection that wait for their reply, by xid. A reply completes the request's
 * future; an error of the switch fails it with {@link RefusedException}; silence fails it with
 * {@link LostException}; a reply that is none to it is a {@link MisbehaviourException}. Used on the
 * connection's event loop only, and futures complete there.
 */
final class Requests {
  private static final Logger LOG = LoggerFactory.getLogger(Requests.class);

  /** The switch answered a request with an error. */
  static final class RefusedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    RefusedException(String message) {
      super(message, null, false, false);
    }
  }

  /** The connection is of no further use, in words. */
  static final class LostException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    LostException(String message) {
      super(message, null, false, false);
    }
  }

  /** What made a future of this class's fail. */
  static Throwable cause(Throwable failure) {
    Throwable cause = failure;
    while (cause instanceof CompletionException && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause;
  }

  /** What made a future of this class's fail, in words. */
  static String words(Throwable failure) {
    Throwable cause = cause(failure);
    return cause.getMessage() == null ? cause.toString() : cause.getMessage();
  }

  /**
   * Goes on when a future is done. A future would keep an exception of what comes next to itself,
   * and the connection would stay up without anybody reading its tables: it is given up instead.
   *
   * @param giveUp closes the connection, for a reason in words
   */
  static <T> void whenDone(
      Consumer<String> giveUp,
      CompletableFuture<T> future,
      BiConsumer<? super T, ? super @Nullable Throwable> next) {
    var unused =
        future.whenComplete(
            (done, failure) -> {
              try {
                next.accept(done, failure);
              } catch (RuntimeException | Error e) {
                LOG.error("a fault of ours; the connection is given up", e);
                giveUp.accept("a fault of ours: " + e);
              }
            });
  }

  /** One request. */
  private static class Pending<T extends DataObject> {
    final String name;
    final Class<T> kind;
    final Duration timeout;
    final CompletableFuture<T> reply = new CompletableFuture<>();
    ScheduledFuture<?> deadline;

    Pending(String name, Class<T> kind, Duration timeout, ScheduledFuture<?> deadline) {
      this.name = name;
      this.kind = kind;
      this.timeout = timeout;
      this.deadline = deadline;
    }

    void complete(DataObject message) {
      deadline.cancel(false);
      reply.complete(kind.cast(message));
    }
  }

  /** One request that has a multipart reply, and how much of that has come. */
  private static final class PendingParts extends Pending<MultipartPart> {
    final Multipart multipart;
    final Consumer<ByteBuf> parts;
    final long startNanos = System.nanoTime();
    long bytes;
    int empty;

    PendingParts(
        String name,
        Multipart multipart,
        Duration timeout,
        Consumer<ByteBuf> parts,
        ScheduledFuture<?> deadline) {
      super(name, MultipartPart.class, timeout, deadline);
      this.multipart = multipart;
      this.parts = parts;
    }
  }

  /** So many parts without anything in them are no reply any more; Open vSwitch sends none. */
  private static final int MAX_EMPTY = 1000;

  private final EventLoop loop;
  private final Duration wholeReply;
  private final Supplier<String> stoppedAt;
  private final Map<Integer, Pending<?>> pending = new HashMap<>();

  /**
   * Begins without requests.
   *
   * @param wholeReply how long a multipart reply may take in all
   * @param stoppedAt where the switch has stopped within a message, in words, or empty
   */
  Requests(EventLoop loop, Duration wholeReply, Supplier<String> stoppedAt) {
    this.loop = loop;
    this.wholeReply = wholeReply;
    this.stoppedAt = stoppedAt;
  }

  /** Expects one reply, of this class, to the request that is sent with this xid. */
  <T extends DataObject> CompletableFuture<T> expect(
      int xid, String name, Class<T> kind, Duration timeout) {
    Pending<T> request = new Pending<>(name, kind, timeout, deadline(xid, timeout));
    pending.put(xid, request);
    return request.reply;
  }

  /**
   * Expects a multipart reply. Each part gives the switch the whole timeout anew, up to the limit
   * for the whole reply.
   *
   * @param parts is given the body of each part
   */
  CompletableFuture<MultipartPart> expectParts(
      int xid, String name, Multipart multipart, Duration timeout, Consumer<ByteBuf> parts) {
    PendingParts request =
        new PendingParts(name, multipart, timeout, parts, deadline(xid, timeout));
    pending.put(xid, request);
    return request.reply;
  }

  /**
   * Hands a reply to the request that waits for it.
   *
   * @return false if there is none
   * @throws MisbehaviourException if the reply is not one to this request
   */
  boolean complete(int xid, DataObject reply) {
    Pending<?> request = pending.get(xid);
    if (request == null) {
      return false;
    }
    if (!request.kind.isInstance(reply) || request instanceof PendingParts) {
      throw new MisbehaviourException(
          "the switch answered " + request.name + " with a reply to something else");
    }
    pending.remove(xid);
    request.complete(reply);
    return true;
  }

  /**
   * Hands on one part of a multipart reply.
   *
   * @return false if no request waits for it
   * @throws MisbehaviourException if it is not a part of the reply, or the reply becomes too large
   */
  boolean part(MultipartPart part) {
    Pending<?> request = pending.get(part.xid());
    if (request == null) {
      return false;
    }
    if (!(request instanceof PendingParts whole) || whole.multipart.type() != part.type()) {
      throw new MisbehaviourException(
          "the switch answered " + request.name + " with a part of multipart type " + part.type());
    }
    check(whole, part);
    whole.parts.accept(part.body());
    if (part.more()) {
      whole.deadline.cancel(false);
      whole.deadline = deadline(part.xid(), whole.timeout);
    } else {
      pending.remove(part.xid());
      whole.complete(part);
    }
    return true;
  }

  private void check(PendingParts whole, MultipartPart part) {
    int bytes = part.body().readableBytes();
    whole.bytes += bytes;
    if (whole.bytes > whole.multipart.maxBytes()) {
      throw new MisbehaviourException(
          "the reply to " + whole.name + " exceeds " + whole.multipart.maxBytes() + " bytes");
    }
    if (bytes == 0 && part.more() && ++whole.empty > MAX_EMPTY) {
      throw new MisbehaviourException(
          "the reply to " + whole.name + " has more than " + MAX_EMPTY + " empty parts");
    }
    if (part.more() && System.nanoTime() - whole.startNanos > wholeReply.toNanos()) {
      throw new MisbehaviourException(
          "the reply to " + whole.name + " has no end within " + seconds(wholeReply));
    }
  }

  /** Fails the request that an error refers to; returns false if there is none. */
  boolean refuse(SwitchError error) {
    Pending<?> request = pending.remove(error.xid());
    if (request == null) {
      return false;
    }
    request.deadline.cancel(false);
    request.reply.completeExceptionally(
        new RefusedException(request.name + " refused: " + ErrorText.of(error)));
    return true;
  }

  /** Fails all requests: the connection is gone. */
  void abandon(String reason) {
    List<Pending<?>> abandoned = new ArrayList<>(pending.values());
    pending.clear();
    for (Pending<?> request : abandoned) {
      request.deadline.cancel(false);
      request.reply.completeExceptionally(new LostException(reason));
    }
  }

  private ScheduledFuture<?> deadline(int xid, Duration timeout) {
    return loop.schedule(() -> expire(xid), timeout.toMillis(), TimeUnit.MILLISECONDS);
  }

  private void expire(int xid) {
    Pending<?> request = pending.remove(xid);
    if (request != null) {
      request.reply.completeExceptionally(
          new LostException(
              "no reply to "
                  + request.name
                  + " within "
                  + seconds(request.timeout)
                  + stoppedAt.get()));
    }
  }

  /** A duration in words. */
  static String seconds(Duration duration) {
    return duration.toMillis() % 1000 == 0
        ? duration.toSeconds() + " s"
        : duration.toMillis() + " ms";
  }
}
