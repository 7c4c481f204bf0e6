// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import static org.awaitility.Awaitility.await;

import io.flowmirror.flows.FlowChange;
import io.flowmirror.topology.Datapath;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;

/** Sessions with a real ovs-vswitchd, whose br-int is empty before each test. */
abstract class RealSwitchTests {
  static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final AtomicLong ROUNDS = new AtomicLong();

  static RealSwitch ovs;
  private static OpenFlowConnector connector;

  final List<DatapathReport> reports = new CopyOnWriteArrayList<>();
  final List<OpenFlowSession> sessions = new ArrayList<>();

  @BeforeAll
  static void start() {
    ovs = RealSwitch.start();
    connector = new OpenFlowConnector(2);
  }

  @AfterAll
  static void stop() {
    if (connector != null) {
      connector.close();
    }
    if (ovs != null) {
      ovs.close();
    }
  }

  @BeforeEach
  void clean() {
    ovs.empty();
  }

  @AfterEach
  void close() {
    sessions.forEach(OpenFlowSession::close);
  }

  OpenFlowSession open() {
    return open(OpenFlowOptions.of("node", ovs.endpoint()));
  }

  OpenFlowSession open(OpenFlowOptions options) {
    OpenFlowSession session = connector.open(options, reports::add);
    sessions.add(session);
    return session;
  }

  DatapathReport report(Predicate<DatapathReport> wanted) {
    await().atMost(PATIENCE).pollInterval(Duration.ofMillis(2)).until(() -> last(wanted));
    return reports.get(reports.size() - 1);
  }

  private boolean last(Predicate<DatapathReport> wanted) {
    return !reports.isEmpty() && wanted.test(reports.get(reports.size() - 1));
  }

  Datapath connected() {
    return report(report -> report.datapath().isPresent()).datapath().orElseThrow();
  }

  /** Applies changes and waits for the report that includes their outcome. */
  DatapathReport apply(OpenFlowSession session, FlowChange... changes) {
    return apply(session, Arrays.asList(changes));
  }

  DatapathReport apply(OpenFlowSession session, List<FlowChange> changes) {
    long round = ROUNDS.incrementAndGet();
    session.apply(connected().connection(), round, changes, false);
    return report(report -> report.round() == round);
  }
}
