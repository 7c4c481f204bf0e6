// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import static io.flowmirror.controller.openflow.MalformedException.checkedLength;

import io.flowmirror.controller.openflow.Requests.RefusedException;
import io.flowmirror.controller.transport.UnansweredException.Why;
import io.flowmirror.flows.EntryFilter;
import io.netty.buffer.ByteBuf;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The dumps of one connection: one request at a time, for one table where all are wanted, and none
 * while the session has work of its own. Each dump has its turn after each table of another; one
 * whose consumer has not caught up lets the others pass. On the connection's event loop.
 */
final class Dumps {
  /** So many may wait. */
  private static final int MAX_WAITING = 64;

  private static final int TABLE_STATS_BYTES = 24;

  private final Connection connection;
  private final BooleanSupplier idle;
  private final Queue<Dump> waiting = new ArrayDeque<>();
  private @Nullable Dump current;

  /**
   * Begins without any.
   *
   * @param idle whether the session has no work of its own
   */
  Dumps(Connection connection, BooleanSupplier idle) {
    this.connection = connection;
    this.idle = idle;
  }

  /** Takes one more. */
  void add(Dump dump) {
    waiting.removeIf(Dump::isOver);
    if (waiting.size() >= MAX_WAITING) {
      dump.fail(Why.BUSY, MAX_WAITING + " dumps of this node wait already");
      return;
    }
    waiting.add(dump);
    next();
  }

  /** Goes on, if that is possible now. */
  void next() {
    while (current == null && idle.getAsBoolean()) {
      Dump dump = ready();
      if (dump == null) {
        return;
      }
      if (dump.needsTables()) {
        askTables(dump);
      } else {
        ask(dump, dump.nextRequest());
      }
    }
  }

  /** The first that can go on; those that nobody waits for are forgotten. */
  private @Nullable Dump ready() {
    for (Iterator<Dump> dumps = waiting.iterator(); dumps.hasNext(); ) {
      Dump dump = dumps.next();
      if (dump.isOver()) {
        dumps.remove();
      } else if (dump.isReady()) {
        dumps.remove();
        return dump;
      }
    }
    return null;
  }

  private void askTables(Dump dump) {
    current = dump;
    List<Integer> tables = new ArrayList<>();
    whenAnswered(
        dump,
        connection.requestParts(
            Outgoing.multipart(connection.nextXid(), Ofp.OFPMP_TABLE),
            "OFPMP_TABLE",
            Multipart.TABLE,
            part -> decodeTables(part, tables)),
        () -> {
          dump.tables(tables);
          if (tables.isEmpty()) {
            dump.finish();
          }
        });
  }

  /** OFPMP_TABLE (OpenFlow 1.3.5, section 7.3.5.4): the tables that have any entry. */
  private static void decodeTables(ByteBuf part, List<Integer> tables) {
    while (part.isReadable()) {
      checkedLength("ofp_table_stats", TABLE_STATS_BYTES, TABLE_STATS_BYTES, part.readableBytes());
      int table = part.readUnsignedByte();
      part.skipBytes(3);
      long active = part.readUnsignedInt();
      part.skipBytes(16);
      if (active > 0 && table <= Ofp.OFPTT_MAX) {
        tables.add(table);
      }
    }
  }

  private void ask(Dump dump, EntryFilter filter) {
    current = dump;
    whenAnswered(
        dump,
        connection.requestParts(
            Outgoing.flowStats(
                connection.nextXid(),
                filter.table().orElse(Ofp.OFPTT_ALL),
                filter.outPort().orElse(Ofp.OFPP_ANY),
                filter.cookie(),
                filter.cookieMask(),
                out -> FlowEncoder.match(filter.match(), out)),
            "OFPMP_FLOW on demand",
            Multipart.FLOW,
            part -> dump.part(part, this::onBad, () -> connection.loop().execute(this::next))),
        () -> {
          if (dump.isAsked()) {
            dump.finish();
          }
        });
  }

  private void onBad(MalformedException bad) {
    connection
        .loop()
        .execute(
            () ->
                connection.giveUp(
                    new MisbehaviourException("malformed message: " + bad.getMessage())));
  }

  private void whenAnswered(Dump dump, CompletableFuture<?> answer, Runnable next) {
    Requests.whenDone(
        connection::close,
        answer,
        (done, failure) -> {
          current = null;
          if (failure != null && Requests.cause(failure) instanceof RefusedException) {
            dump.fail(Why.REFUSED, Requests.words(failure));
          } else if (failure != null) {
            dump.fail(Why.LOST, Requests.words(failure));
            connection.giveUp(failure);
            return;
          } else {
            next.run();
            if (!dump.isOver() && !dump.isAsked()) {
              waiting.add(dump);
            }
          }
          next();
        });
  }

  /** The connection is gone. */
  void abandon(String reason) {
    String why = "the connection was lost before the answer: " + reason;
    waiting.forEach(dump -> dump.fail(Why.LOST, why));
    waiting.clear();
    if (current != null) {
      current.fail(Why.LOST, why);
    }
  }
}
