// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.reconcile;

import com.google.common.collect.ImmutableList;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BinaryOperator;

/**
 * Keeps the newest message of each key until the loop takes it. Its size is bounded by the number
 * of keys, whatever the rate of messages, and nothing newest is ever lost: what gives way to a
 * newer message may leave its trace in it.
 *
 * <p>Any thread may post; one thread takes.
 */
final class Mailbox<K, M> {
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition posted = lock.newCondition();
  private final Map<K, M> newest = new LinkedHashMap<>();

  private final BinaryOperator<M> merge;

  /**
   * Makes an empty one.
   *
   * @param merge what the newer message, its second argument, becomes in place of the one that
   *     nobody has read, its first
   */
  Mailbox(BinaryOperator<M> merge) {
    this.merge = merge;
  }

  /** Leaves a message in place of the one of the same key that has not been taken yet. */
  void post(K key, M message) {
    lock.lock();
    try {
      newest.merge(key, message, merge);
      posted.signal();
    } finally {
      lock.unlock();
    }
  }

  /** How many messages nobody has taken yet. */
  int size() {
    lock.lock();
    try {
      return newest.size();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Takes every message that is there, in the order in which their keys were first posted; waits
   * for one up to {@code timeout} and returns none if it does not come.
   */
  ImmutableList<M> take(Duration timeout) throws InterruptedException {
    lock.lock();
    try {
      long left = timeout.toNanos();
      while (newest.isEmpty() && left > 0) {
        left = posted.awaitNanos(Math.min(left, TimeUnit.HOURS.toNanos(1)));
      }
      ImmutableList<M> taken = ImmutableList.copyOf(newest.values());
      newest.clear();
      return taken;
    } finally {
      lock.unlock();
    }
  }
}
