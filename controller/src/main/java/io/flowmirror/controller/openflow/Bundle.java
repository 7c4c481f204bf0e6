// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import com.google.common.collect.ImmutableMap;
import io.flowmirror.controller.openflow.Incoming.BundleControl;
import io.flowmirror.controller.openflow.Incoming.SwitchError;
import io.flowmirror.controller.openflow.Requests.RefusedException;
import io.flowmirror.flows.FlowChange;
import io.flowmirror.flows.FlowKey;
import java.time.Duration;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/**
 * One round of changes as an atomic, ordered bundle (ONF extension 230; Open vSwitch,
 * ofproto/bundles.c), on the connection's event loop.
 *
 * <p>The switch leaves out a message that it refuses to add and commits the others all the same, so
 * nothing is committed before a barrier has shown that all were added; unless the switch has taken
 * the very same before.
 *
 * <p>No more than {@link #WINDOW} messages are ahead of the switch's last barrier reply, and none
 * is made before the socket takes it: the memory that a round needs does not grow with its size.
 */
final class Bundle {
  private static final int BATCH = 500;
  private static final int WINDOW = 4 * BATCH;

  /** So many refused entries are enough to know that the rest is not worth sending. */
  private static final int MAX_REFUSED = 1000;

  /** What the switch may need to commit, for each change, beyond a request's timeout. */
  private static final Duration COMMIT_PER_CHANGE = Duration.ofNanos(100_000);

  private final Connection connection;
  private final List<FlowChange> changes;
  private final int id;
  private final int openXid;
  private final int firstXid;
  private final Map<FlowKey, String> refused = new LinkedHashMap<>();
  private final BitSet refusedIndices = new BitSet();
  private final CompletableFuture<BundleControl> ended = new CompletableFuture<>();
  private final boolean proven;
  private boolean open;
  private boolean pumping;
  private boolean ending;
  private boolean dropped;
  private String impossible = "";
  private int next;
  private int unanswered;

  /**
   * Prepares a bundle.
   *
   * @param proven whether the switch has taken all of it before: then it is committed without
   *     waiting for what it says to each, which saves a round trip
   */
  Bundle(Connection connection, List<FlowChange> changes, boolean proven) {
    this.connection = connection;
    this.proven = proven;
    this.changes = changes;
    this.openXid = connection.nextXid();
    this.id = openXid;
    this.firstXid = connection.nextXids(changes.size());
  }

  /**
   * Sends the bundle. The future completes when the switch has committed it, or with what was
   * refused; then nothing of the round was applied, unless it was proven and the switch, having
   * taken the same before, refused some of it only after the commit was on its way: then the others
   * are made. It fails if the connection is of no further use.
   */
  CompletableFuture<ImmutableMap<FlowKey, String>> apply() {
    for (FlowChange change : changes) {
      FlowEncoder.refusal(change).ifPresent(reason -> refused.put(change.key(), reason));
    }
    if (!refused.isEmpty() || changes.isEmpty()) {
      return Handshake.barrier(connection).thenApply(done -> ImmutableMap.copyOf(refused));
    }
    CompletableFuture<BundleControl> opened =
        control(openXid, Ofp.OFPBCT_OPEN_REQUEST, "OFPBCT_OPEN_REQUEST", connection.timeout());
    // What is added does not wait for that reply: a repair is as fast as its round trips are few.
    open = true;
    pump();
    return opened
        .whenComplete((reply, failure) -> noteIfImpossible(failure))
        .thenCompose(reply -> ended)
        .handle((reply, failure) -> outcome(failure));
  }

  private void noteIfImpossible(@Nullable Throwable failure) {
    if (failure != null && Requests.cause(failure) instanceof RefusedException refusal) {
      impossible = String.valueOf(refusal.getMessage());
      ending = true;
    }
  }

  /** Goes on sending, as far as the window and the socket allow. */
  void pump() {
    if (!open || pumping || ending) {
      return;
    }
    // A flush may make the channel writable, and call back, before it returns.
    pumping = true;
    while (!isSent() && unanswered < WINDOW && connection.isWritable()) {
      writeBatch();
      connection.flush();
    }
    pumping = false;
    if (isSent()) {
      ending = true;
      if (proven && refused.isEmpty() && impossible.isEmpty()) {
        end(commit());
      } else {
        end(
            Handshake.barrier(connection)
                .thenCompose(
                    reply -> impossible.isEmpty() && refused.isEmpty() ? commit() : discard()));
      }
    }
  }

  private void end(CompletableFuture<BundleControl> last) {
    Requests.whenDone(
        connection::close,
        last,
        (reply, failure) -> {
          if (failure == null) {
            ended.complete(reply);
          } else {
            ended.completeExceptionally(failure);
          }
        });
  }

  private void writeBatch() {
    while (!isSent() && unanswered < WINDOW && connection.isWritable()) {
      connection.write(Outgoing.bundleAdd(firstXid + next, id, changes.get(next)));
      next++;
      unanswered++;
      if (next % BATCH == 0) {
        Requests.whenDone(
            connection::close, Handshake.barrier(connection), (reply, failure) -> onBatch(failure));
      }
    }
  }

  /**
   * Takes an error that refers to one of this bundle's messages, and one for each; returns false
   * for any other.
   */
  boolean refuse(SwitchError error) {
    if (error.xid() == openXid && !dropped) {
      // The switch has dropped the bundle (OFPBFC_TIMEOUT, ofproto/connmgr.c).
      dropped = true;
      ending = true;
      ended.completeExceptionally(new RefusedException("bundle dropped: " + ErrorText.of(error)));
      return true;
    }
    int index = error.xid() - firstXid;
    if (index < 0 || index >= next || refusedIndices.get(index)) {
      return false;
    }
    refusedIndices.set(index);
    refused.put(changes.get(index).key(), ErrorText.of(error));
    return true;
  }

  private boolean isSent() {
    return next == changes.size() || refused.size() >= MAX_REFUSED;
  }

  private void onBatch(@Nullable Throwable failure) {
    if (failure == null) {
      unanswered -= BATCH;
      pump();
    } else {
      ended.completeExceptionally(failure);
    }
  }

  private CompletableFuture<BundleControl> commit() {
    Duration within = connection.timeout().plus(COMMIT_PER_CHANGE.multipliedBy(changes.size()));
    return control(
        connection.nextXid(), Ofp.OFPBCT_COMMIT_REQUEST, "OFPBCT_COMMIT_REQUEST", within);
  }

  private CompletableFuture<BundleControl> discard() {
    return control(
        connection.nextXid(),
        Ofp.OFPBCT_DISCARD_REQUEST,
        "OFPBCT_DISCARD_REQUEST",
        connection.timeout());
  }

  private CompletableFuture<BundleControl> control(
      int xid, int type, String name, Duration within) {
    return connection
        .request(Outgoing.bundleControl(xid, id, type), name, BundleControl.class, within)
        .thenApply(
            reply -> {
              if (reply.bundle() != id || reply.type() != type + 1) {
                throw new MisbehaviourException(
                    "the switch answered %s of bundle %d with type %d of bundle %d"
                        .formatted(name, id, reply.type(), reply.bundle()));
              }
              return reply;
            });
  }

  /** A refusal that names no entry concerns them all. */
  private ImmutableMap<FlowKey, String> outcome(@Nullable Throwable failure) {
    Throwable cause = failure == null ? null : Requests.cause(failure);
    if (cause != null && !(cause instanceof RefusedException)) {
      throw new CompletionException(cause);
    }
    // Without a bundle, each message to be added was refused as well, for no reason of its own.
    if (cause != null && (refused.isEmpty() || !impossible.isEmpty())) {
      refused.clear();
      for (FlowChange change : changes) {
        refused.put(change.key(), String.valueOf(cause.getMessage()));
      }
    }
    return ImmutableMap.copyOf(refused);
  }
}
