// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.reconcile;

import io.flowmirror.controller.transport.UnansweredException;
import io.flowmirror.controller.transport.UnansweredException.Why;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What is asked of nodes on demand, until it is answered. Any thread may ask; the loop hands each
 * question to the node's session, and whoever asked is told on a thread of its own, so that what he
 * does next holds nobody up.
 */
final class Demands implements AutoCloseable {

  /** What is asked of a node, on the loop's thread. */
  interface Question<T> {
    CompletableFuture<T> ask(NodeLoop loop);
  }

  /**
   * One question on its way to the loop.
   *
   * @param ask what the loop is to call, with the node's seat, or null if there is none
   */
  record Demand(String node, Consumer<@Nullable NodeLoop> ask) {}

  private static final Executor TELLERS =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("answer-", 0).factory());

  private final Consumer<Demand> post;
  private final Map<Object, CompletableFuture<?>> open = new ConcurrentHashMap<>();
  private volatile boolean closed;

  /**
   * Begins without questions.
   *
   * @param post leaves a question for the loop; any thread
   */
  Demands(Consumer<Demand> post) {
    this.post = post;
  }

  /**
   * Asks a node.
   *
   * @param what what is asked for, in words
   */
  <T> CompletableFuture<T> ask(String node, String what, Duration patience, Question<T> question) {
    CompletableFuture<T> answer = new CompletableFuture<>();
    CompletableFuture<T> told = new CompletableFuture<>();
    Object key = new Object();
    open.put(key, answer);
    whenDone(
        answer.orTimeout(patience.toMillis(), TimeUnit.MILLISECONDS),
        (value, failure) -> {
          open.remove(key);
          TELLERS.execute(
              () -> {
                if (failure == null) {
                  told.complete(value);
                } else {
                  told.completeExceptionally(words(node, what, patience, failure));
                }
              });
        });
    // Whoever asked may have lost his interest.
    whenDone(told, (value, failure) -> answer.cancel(false));
    post.accept(new Demand(node, loop -> put(loop, question, answer)));
    if (closed) {
      close();
    }
    return told;
  }

  private static <T> void put(
      @Nullable NodeLoop loop, Question<T> question, CompletableFuture<T> answer) {
    if (loop == null) {
      answer.completeExceptionally(
          new UnansweredException(
              Why.NO_SUCH_NODE, "no such node is configured, or it is another controller's"));
    } else if (!answer.isDone()) {
      CompletableFuture<T> asked;
      try {
        asked = question.ask(loop);
      } catch (RuntimeException e) {
        answer.completeExceptionally(e);
        return;
      }
      whenDone(answer, (value, failure) -> asked.cancel(false));
      whenDone(
          asked,
          (value, failure) -> {
            if (failure == null) {
              answer.complete(value);
            } else {
              answer.completeExceptionally(failure);
            }
          });
    }
  }

  private static <T> void whenDone(
      CompletableFuture<T> future, BiConsumer<? super T, ? super @Nullable Throwable> next) {
    var unused = future.whenComplete(next);
  }

  private static Throwable words(String node, String what, Duration patience, Throwable failure) {
    Throwable cause = failure;
    while (cause instanceof CompletionException && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return switch (cause) {
      case UnansweredException unanswered ->
          new UnansweredException(
              unanswered.why(), node + ": " + what + ": " + unanswered.getMessage());
      case TimeoutException late ->
          new UnansweredException(
              Why.TIMED_OUT,
              node + ": " + what + ": no answer within " + patience.toSeconds() + " s");
      default -> cause;
    };
  }

  /** Lets no question wait any longer. */
  @Override
  public void close() {
    closed = true;
    open.forEach(
        (key, answer) ->
            answer.completeExceptionally(
                new UnansweredException(Why.CLOSED, "the controller is being closed")));
  }
}
