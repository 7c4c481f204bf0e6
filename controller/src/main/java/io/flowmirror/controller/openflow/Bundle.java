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
import org.opendaylight.yang.gen.v1.urn.opendaylight.openflow.protocol.rev130731.BarrierOutput;

/**
 * One round of changes as an atomic, ordered bundle (ONF extension 230; Open vSwitch,
 * ofproto/bundles.c), on the connection's event loop.
 *
 * <p>The switch leaves out a message that it refuses to add and commits the others all the same, so
 * nothing is committed before a barrier has shown that all were added.
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
  private final CompletableFuture<BarrierOutput> added = new CompletableFuture<>();
  private boolean open;
  private boolean pumping;
  private boolean ending;
  private boolean dropped;
  private int next;
  private int unanswered;

  Bundle(Connection connection, List<FlowChange> changes) {
    this.connection = connection;
    this.changes = changes;
    this.openXid = connection.nextXid();
    this.id = openXid;
    this.firstXid = connection.nextXids(changes.size());
  }

  /**
   * Sends the bundle. The future completes when the switch has committed it, or with what was
   * refused; then nothing of the round was applied. It fails if the connection is of no further
   * use.
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
        .thenCompose(done -> added)
        .thenCompose(done -> refused.isEmpty() ? commit() : discard())
        .handle((done, failure) -> orRefused(failure));
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
      Requests.whenDone(
          connection::close,
          Handshake.barrier(connection),
          (reply, failure) -> {
            if (failure == null) {
              added.complete(reply);
            } else {
              added.completeExceptionally(failure);
            }
          });
    }
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
      added.completeExceptionally(new RefusedException("bundle dropped: " + ErrorText.of(error)));
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
      added.completeExceptionally(failure);
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
  private ImmutableMap<FlowKey, String> orRefused(@Nullable Throwable failure) {
    Throwable cause = failure == null ? null : Requests.cause(failure);
    if (cause instanceof RefusedException) {
      ending = true;
      // Without a bundle, each message to be added was refused as well, for no reason of its own.
      if (refused.isEmpty() || !added.isDone()) {
        refused.clear();
        for (FlowChange change : changes) {
          refused.put(change.key(), cause.getMessage());
        }
      }
    } else if (cause != null) {
      throw new CompletionException(cause);
    }
    return ImmutableMap.copyOf(refused);
  }
}
