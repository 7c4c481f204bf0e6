// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import com.google.common.collect.ImmutableList;
import io.flowmirror.controller.transport.UnansweredException;
import io.flowmirror.flows.EntryFilter;
import io.flowmirror.flows.FlowChange;
import io.flowmirror.flows.InstalledEntry;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * A session with one datapath: it owns its connection and its reconnects, reports what it sees to
 * the consumer it was opened with, and applies differences.
 *
 * <p>All methods return at once and may be called from any thread. Reports come from the session's
 * own thread, in order; a report follows every change of the port description, every removal or
 * change of entries in the tables that are watched, every round applied, and the loss of the
 * connection.
 */
public interface DatapathSession extends AutoCloseable {

  /**
   * Applies a difference as one ordered, atomic bundle, and reports when the switch has made it, or
   * has refused it. Only one round may be in flight; the caller waits for a report of this round.
   *
   * <p>If the switch refuses an entry, the report names it, and nothing of the round is applied
   * unless it was {@code proven}. A round that was asked for on another connection than the live
   * one is dropped.
   *
   * @param connection the {@link io.flowmirror.topology.Datapath#connection} that the difference
   *     was computed from
   * @param round the caller's number of this round, larger than any before
   * @param changes deletions and additions, in the order in which they are to be made
   * @param proven whether the switch has taken the same on this connection before: then it is not
   *     waited for before the round is committed, and if it refuses one nevertheless, the others
   *     are made
   */
  void apply(long connection, long round, List<FlowChange> changes, boolean proven);

  /**
   * Claims the role MASTER (section 7.3.9): whoever was it is a SLAVE from then on, and its changes
   * are refused; connections that claimed nothing, such as ovn-controller's, are not concerned. If
   * the switch knows a newer generation, every round on this connection is refused from then on.
   *
   * @param generation grows with each change of who writes; an equal one may claim again
   */
  void claim(long connection, long generation);

  /** Brings a port up (OFPT_PORT_MOD that clears OFPPC_PORT_DOWN). */
  void bringUp(long connection, int ofport);

  /** Reads the tables again and reports. */
  void read();

  /**
   * The same, for whoever waits for it.
   *
   * @return done when a report that includes the whole of this reading, which began after the call,
   *     has been given to the consumer; fails with {@link UnansweredException} if there is no
   *     connection on which the tables have been read before, or it is lost meanwhile
   */
  CompletableFuture<Void> audit();

  /**
   * Reads entries from the switch, now, without any effect on what is reported. The session's own
   * readings and rounds come first, and others' demands have their turn after each table, so that
   * what is told of several tables is not of one moment.
   *
   * <p>The future is done when the consumer has had the last batch, and says how many entries there
   * were. It fails with {@link UnansweredException}; or with what the consumer has thrown. Then,
   * and when somebody else completes or cancels it, the consumer gets no further batch.
   *
   * @param batches gets the entries, in the order in which the switch tells them, of some hundred
   *     at most at a time; on a thread of its own, one batch after the other. It may wait: if it
   *     does so while more than 64 MiB of the switch's words wait for it, or 128 MiB for all such
   *     consumers, the reading fails
   */
  CompletableFuture<Long> dump(EntryFilter filter, Consumer<ImmutableList<InstalledEntry>> batches);

  /** Closes the connection for good; entries stay as they are. No report comes afterwards. */
  @Override
  void close();
}
