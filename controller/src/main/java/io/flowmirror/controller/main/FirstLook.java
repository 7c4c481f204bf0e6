// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.google.common.base.Ticker;
import com.google.common.collect.ImmutableMap;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.controller.reconcile.NodeStatus.Writer;
import java.time.Duration;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Notices a controller that was started a second time: on every node that can be reached, another
 * one is at work. Where only some nodes are another's, this one has work to do; it goes on, and
 * waits for their locks.
 *
 * <p>On the loop's thread.
 */
final class FirstLook implements Consumer<ImmutableMap<String, NodeStatus>> {
  private static final Logger log = LoggerFactory.getLogger(FirstLook.class);

  /** A node that does not answer is given time for some attempts to connect. */
  static final Duration GRACE = Duration.ofSeconds(10);

  private final Ticker ticker;
  private final long startNanos;
  private final Runnable refuse;
  private boolean over;

  /**
   * Begins to look.
   *
   * @param refuse called once, if there is nothing to do for this controller
   */
  FirstLook(Ticker ticker, Runnable refuse) {
    this.ticker = ticker;
    this.startNanos = ticker.read();
    this.refuse = refuse;
  }

  @Override
  public void accept(ImmutableMap<String, NodeStatus> statuses) {
    if (over) {
      return;
    }
    if (statuses.values().stream().anyMatch(status -> status.writer() == Writer.US)) {
      over = true;
      return;
    }
    boolean somebodyElse =
        statuses.values().stream().anyMatch(status -> status.writer() == Writer.ANOTHER);
    if (somebodyElse && statuses.values().stream().noneMatch(this::mayBeOurs)) {
      over = true;
      log.error("another controller is at work on every node that can be reached: nothing to do");
      refuse.run();
    }
  }

  private boolean mayBeOurs(NodeStatus status) {
    boolean isUnreachable =
        status.node().datapath().isEmpty()
            && !status.waiting().isEmpty()
            && ticker.read() - startNanos > GRACE.toNanos();
    return status.writer() == Writer.UNDECIDED && !isUnreachable;
  }
}
