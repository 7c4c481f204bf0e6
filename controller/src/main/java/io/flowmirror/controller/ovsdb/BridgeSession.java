// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.ovsdb;

import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.controller.transport.UnansweredException;
import io.flowmirror.flows.RowChange;
import io.flowmirror.topology.InterfaceCounters;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * A session with one node's OVSDB: it owns its connection and its reconnects and reports br-int to
 * the consumer it was opened with, each time it has changed; changes in a rush are one.
 *
 * <p>All methods return at once and may be called from any thread. Reports come from the session's
 * own thread, in order.
 */
public interface BridgeSession extends AutoCloseable {
  /** So many interfaces may be asked about at once. */
  int MAX_INTERFACES = 1000;

  /**
   * Applies changes in one transaction (RFC 7047, section 4.1.3), by {@code mutate} of the bridge's
   * ports and of what a Mirror selects. A change that is already true is no error.
   *
   * @param round the caller's number of this round, larger than any before
   */
  void apply(long round, List<RowChange> changes);

  /**
   * Changes what is done about the lock: to take it from whoever has it, once more, to wait for it,
   * to let others have it first, or to give it up.
   */
  void lock(Lock.Wish wish);

  /**
   * Reads what the database says of these interfaces now (RFC 7047, section 5.2.2, {@code select}).
   * None of it is followed: an interface's counters change every 5 s.
   *
   * @param interfaces the names, at most {@value #MAX_INTERFACES}
   * @return by name, those that there are; fails with {@link UnansweredException}
   */
  CompletableFuture<ImmutableMap<String, InterfaceCounters>> counters(
      ImmutableSet<String> interfaces);

  /** Closes the connection for good. No report comes afterwards. */
  @Override
  void close();
}
