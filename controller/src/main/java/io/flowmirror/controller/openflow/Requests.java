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
import org.jspecify.annotations.Nullable;
import org.opendaylight.yangtools.binding.DataObject;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The requests of one connection that wait for their reply, by xid. A reply completes the request's
 * future; an error of the switch fails it with {@link RefusedException}; silence fails it with
 * {@link LostException}. Used on the connection's event loop only, and futures complete there.
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

  /** What made a future of this class's fail, in words. */
  static String words(Throwable failure) {
    Throwable cause = failure;
    while (cause instanceof CompletionException && cause.getCause() != null) {
      cause = cause.getCause();
    }
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

  private static final class Pending {
    final String name;
    final Duration timeout;
    final Consumer<ByteBuf> parts;
    final CompletableFuture<DataObject> reply = new CompletableFuture<>();
    ScheduledFuture<?> deadline;

    Pending(String name, Duration timeout, Consumer<ByteBuf> parts, ScheduledFuture<?> deadline) {
      this.name = name;
      this.timeout = timeout;
      this.parts = parts;
      this.deadline = deadline;
    }
  }

  private final EventLoop loop;
  private final Map<Integer, Pending> pending = new HashMap<>();

  Requests(EventLoop loop) {
    this.loop = loop;
  }

  /** Expects one reply to the request that is sent with this xid. */
  CompletableFuture<DataObject> expect(int xid, String name, Duration timeout) {
    return expectParts(xid, name, timeout, part -> {});
  }

  /**
   * Expects a multipart reply. Each part gives the switch the whole timeout anew.
   *
   * @param parts is given the body of each part
   */
  CompletableFuture<DataObject> expectParts(
      int xid, String name, Duration timeout, Consumer<ByteBuf> parts) {
    Pending request = new Pending(name, timeout, parts, deadline(xid, timeout));
    pending.put(xid, request);
    return request.reply;
  }

  /** Hands a reply to the request that waits for it; one that nobody waits for is dropped. */
  void complete(int xid, DataObject reply) {
    Pending request = pending.remove(xid);
    if (request != null) {
      request.deadline.cancel(false);
      request.reply.complete(reply);
    }
  }

  /** Hands on one part of a multipart reply. */
  void part(MultipartPart part) {
    Pending request = pending.get(part.xid());
    if (request == null) {
      return;
    }
    request.parts.accept(part.body());
    if (part.more()) {
      request.deadline.cancel(false);
      request.deadline = deadline(part.xid(), request.timeout);
    } else {
      complete(part.xid(), part);
    }
  }

  /** Fails the request that an error refers to; returns false if there is none. */
  boolean refuse(SwitchError error) {
    Pending request = pending.remove(error.xid());
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
    List<Pending> abandoned = new ArrayList<>(pending.values());
    pending.clear();
    for (Pending request : abandoned) {
      request.deadline.cancel(false);
      request.reply.completeExceptionally(new LostException(reason));
    }
  }

  private ScheduledFuture<?> deadline(int xid, Duration timeout) {
    return loop.schedule(() -> expire(xid), timeout.toMillis(), TimeUnit.MILLISECONDS);
  }

  private void expire(int xid) {
    Pending request = pending.remove(xid);
    if (request != null) {
      request.reply.completeExceptionally(
          new LostException("no reply to " + request.name + " within " + seconds(request.timeout)));
    }
  }

  private static String seconds(Duration duration) {
    return duration.toMillis() % 1000 == 0
        ? duration.toSeconds() + " s"
        : duration.toMillis() + " ms";
  }
}
