// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import static org.awaitility.Awaitility.await;

import io.flowmirror.flows.FlowChange;
import io.flowmirror.topology.Datapath;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;

/** One session, and what it has reported. */
final class Conversation implements AutoCloseable {
  static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final AtomicLong ROUNDS = new AtomicLong();

  private final List<DatapathReport> reports = new CopyOnWriteArrayList<>();
  private final DatapathSession session;

  Conversation(Function<Consumer<DatapathReport>, DatapathSession> opener) {
    session = opener.apply(reports::add);
  }

  DatapathSession session() {
    return session;
  }

  /** All reports so far. */
  List<DatapathReport> reports() {
    return reports;
  }

  /** Waits until the newest report is like this, and returns it. */
  DatapathReport report(Predicate<DatapathReport> wanted) {
    return report(wanted, () -> {});
  }

  /** As {@link #report(Predicate)}, of something that no report follows by itself. */
  DatapathReport reading(Predicate<DatapathReport> wanted) {
    return report(wanted, session::read);
  }

  private DatapathReport report(Predicate<DatapathReport> wanted, Runnable before) {
    DatapathReport[] found = new DatapathReport[1];
    await()
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(5))
        .until(
            () -> {
              before.run();
              int count = reports.size();
              if (count == 0 || !wanted.test(reports.get(count - 1))) {
                return false;
              }
              found[0] = reports.get(count - 1);
              return true;
            });
    return found[0];
  }

  /** Waits for a connection, and returns what it says of the datapath. */
  Datapath connected() {
    return report(report -> report.datapath().isPresent()).datapath().orElseThrow();
  }

  /** Waits until there is no connection. */
  DatapathReport lost() {
    return report(report -> report.datapath().isEmpty());
  }

  /** Applies changes and waits for the report that includes their outcome. */
  DatapathReport apply(FlowChange... changes) {
    return apply(Arrays.asList(changes));
  }

  DatapathReport apply(List<FlowChange> changes) {
    long round = begin(connected().connection(), changes);
    return report(report -> report.round() == round);
  }

  /** Claims to be the master. */
  void claim(long generation) {
    session.claim(connected().connection(), generation);
  }

  /** Asks for a round on some connection, waits for nothing, and returns the round's number. */
  long begin(long connection, List<FlowChange> changes) {
    long round = ROUNDS.incrementAndGet();
    session.apply(connection, round, changes, false);
    return round;
  }

  @Override
  public void close() {
    session.close();
  }
}
