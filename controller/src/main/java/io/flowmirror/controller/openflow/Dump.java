// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import com.google.common.collect.ImmutableList;
import com.google.common.util.concurrent.MoreExecutors;
import io.flowmirror.controller.transport.UnansweredException;
import io.flowmirror.controller.transport.UnansweredException.Why;
import io.flowmirror.flows.EntryFilter;
import io.flowmirror.flows.InstalledEntry;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * One reading of entries on demand. What the switch says is kept as it came until the consumer has
 * time, and is decoded on the consumer's thread: neither can hold up the event loop, on which all
 * else happens.
 */
final class Dump {
  private static final Executor CONSUMERS =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("openflow-dump-", 0).factory());

  /** With more than this waiting for the consumer, no further table is asked for. */
  private static final int ENOUGH_BYTES = 1 << 20;

  /** What may wait for the consumer: a table of some 300,000 entries. */
  private static final int MAX_BYTES = 64 << 20;

  /** What may wait for all consumers of all sessions together. */
  private static final int MAX_ALL_BYTES = 128 << 20;

  private static final AtomicLong ALL_WAITING_BYTES = new AtomicLong();

  private final EntryFilter filter;
  private final Consumer<ImmutableList<InstalledEntry>> batches;
  private final CompletableFuture<Long> outcome;
  private final Executor consumer = MoreExecutors.newSequentialExecutor(CONSUMERS);
  private final AtomicLong waitingBytes = new AtomicLong();
  private final Queue<byte[]> parts = new ConcurrentLinkedQueue<>();
  private final Queue<EntryFilter> requests = new ArrayDeque<>();
  private boolean planned;

  /** On the consumer's thread. */
  private long entries;

  /**
   * Begins without any entry.
   *
   * @param outcome is completed at the end; whoever completes it before ends the dump
   */
  Dump(
      EntryFilter filter,
      Consumer<ImmutableList<InstalledEntry>> batches,
      CompletableFuture<Long> outcome) {
    this.filter = filter;
    this.batches = batches;
    this.outcome = outcome;
    if (filter.table().isPresent() || isSelective()) {
      requests.add(filter);
      planned = true;
    }
    var unused = outcome.whenComplete((count, failure) -> forget());
  }

  private boolean isSelective() {
    return filter.match().size() > 0 || filter.outPort().isPresent() || filter.cookieMask() != 0;
  }

  /** Whether it is not known yet which tables there is anything in. */
  boolean needsTables() {
    return !planned;
  }

  /** Each of these is asked for by itself, lest the session's own work wait for all of them. */
  void tables(Iterable<Integer> tables) {
    planned = true;
    tables.forEach(table -> requests.add(filter.inTable(table)));
  }

  /** Whether nobody waits for it any more. */
  boolean isOver() {
    return outcome.isDone();
  }

  /** Whether the consumer has kept up with what has been read so far. */
  boolean isReady() {
    return waitingBytes.get() <= ENOUGH_BYTES;
  }

  /** Whether all has been asked for. */
  boolean isAsked() {
    return planned && requests.isEmpty();
  }

  /** What is to be asked for next. */
  EntryFilter nextRequest() {
    return requests.remove();
  }

  /**
   * Takes a part of the switch's answer.
   *
   * @param onBad told on the consumer's thread what is wrong with it
   * @param onReady told on the consumer's thread when it has caught up again
   */
  void part(ByteBuf part, Consumer<MalformedException> onBad, Runnable onReady) {
    if (isOver()) {
      return;
    }
    byte[] bytes = ByteBufUtil.getBytes(part);
    parts.add(bytes);
    if (waitingBytes.addAndGet(bytes.length) > MAX_BYTES) {
      fail(
          Why.TOO_LARGE,
          "more than " + MAX_BYTES + " bytes of entries wait for whoever reads them");
    }
    if (ALL_WAITING_BYTES.addAndGet(bytes.length) > MAX_ALL_BYTES) {
      fail(
          Why.BUSY,
          "more than " + MAX_ALL_BYTES + " bytes of entries wait for those who read them");
    }
    if (isOver()) {
      forget();
      return;
    }
    consumer.execute(
        () -> {
          byte[] next = parts.poll();
          if (next != null) {
            consume(next, onBad);
            if (taken(next) <= ENOUGH_BYTES) {
              onReady.run();
            }
          }
        });
  }

  /** What waits for all consumers together. */
  static long allWaitingBytes() {
    return ALL_WAITING_BYTES.get();
  }

  private long taken(byte[] bytes) {
    ALL_WAITING_BYTES.addAndGet(-bytes.length);
    return waitingBytes.addAndGet(-bytes.length);
  }

  /** What waits for a consumer that gets no more, and may never return, is let go. */
  private void forget() {
    byte[] next;
    while ((next = parts.poll()) != null) {
      var unused = taken(next);
    }
  }

  private void consume(byte[] bytes, Consumer<MalformedException> onBad) {
    if (isOver()) {
      return;
    }
    ImmutableList.Builder<InstalledEntry> batch = ImmutableList.builder();
    try {
      FlowDecoder.decode(Unpooled.wrappedBuffer(bytes), batch::add);
    } catch (MalformedException e) {
      onBad.accept(e);
      return;
    } catch (IndexOutOfBoundsException e) {
      onBad.accept(new MalformedException("a length within it is too large"));
      return;
    }
    ImmutableList<InstalledEntry> read = batch.build();
    if (read.isEmpty()) {
      return;
    }
    entries += read.size();
    try {
      batches.accept(read);
    } catch (RuntimeException | Error e) {
      outcome.completeExceptionally(e);
    }
  }

  /** The switch has said all: it is done when the consumer is. */
  void finish() {
    consumer.execute(() -> outcome.complete(entries));
  }

  void fail(Why why, String reason) {
    outcome.completeExceptionally(new UnansweredException(why, reason));
  }
}
