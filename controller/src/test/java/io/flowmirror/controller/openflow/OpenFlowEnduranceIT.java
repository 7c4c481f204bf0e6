// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import static io.flowmirror.controller.openflow.Entries.add;
import static io.flowmirror.controller.openflow.Entries.delete;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.flowmirror.flows.FlowChange;
import io.flowmirror.topology.Datapath;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sessions when the switch stands still, and when there is very much to do. */
class OpenFlowEnduranceIT extends RealSwitchTests {

  @Test
  void givesUpAFrozenSwitchWithAReason() {
    OpenFlowSession session =
        open(
            OpenFlowOptions.of("node", ovs.endpoint())
                .withRequestTimeout(Duration.ofMillis(700))
                .withEchoAfter(Duration.ofMillis(300)));
    Datapath before = connected();
    ovs.freeze(true);
    try {
      DatapathReport lost = report(r -> r.datapath().isEmpty());
      assertThat(lost.reason()).isEqualTo("no reply to OFPT_ECHO_REQUEST within 700 ms");
      report(r -> r.reason().startsWith("no OFPT_HELLO within"));
      session.read();
    } finally {
      ovs.freeze(false);
    }
    assertThat(connected().connection()).isGreaterThan(before.connection());
  }

  @ParameterizedTest
  @ValueSource(ints = {10_000, 100_000})
  void appliesVeryManyInOneRound(int count) {
    OpenFlowSession session =
        open(OpenFlowOptions.of("node", ovs.endpoint()).withAudit(Duration.ofMinutes(10)));
    connected();
    List<FlowChange> changes = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      changes.add(add(Entries.e2(0, 1 + i / 30_000, 1 + i % 30_000, 9)));
    }
    long start = System.nanoTime();
    DatapathReport report = apply(session, changes);
    long millis = (System.nanoTime() - start) / 1_000_000;
    assertThat(report.refused()).isEmpty();
    assertThat(report.entries()).hasSize(count);
    assertThat(Entries.in(report)).containsAll(List.of(Entries.e2(0, 1, 1, 9)));
    start = System.nanoTime();
    int reportsBefore = reports.size();
    session.read();
    await().pollInterval(Duration.ofMillis(2)).until(() -> reports.size() > reportsBefore);
    long readMillis = (System.nanoTime() - start) / 1_000_000;
    assertThat(ovs.ofctl("dump-aggregate", ovs.bridge())).contains("flow_count=" + count);
    List<FlowChange> deletions =
        report.entries().stream().map(installed -> delete(installed.entry())).toList();
    assertThat(apply(session, deletions).entries()).isEmpty();
    assertThat(ovs.flows()).isEmpty();
    // Seconds would do; the limits are a busy machine's.
    assertThat(millis).isLessThan(30_000);
    assertThat(readMillis).isLessThan(15_000);
  }

  @Test
  void manySessionsShareTheThreads() {
    int count = 50;
    for (int i = 0; i < count; i++) {
      open();
    }
    await()
        .atMost(PATIENCE)
        .until(() -> sessions.stream().allMatch(s -> s.state() == OpenFlowSession.State.LIVE));
    ovs.addPort("p1");
    await()
        .atMost(PATIENCE)
        .until(
            () ->
                reports.stream()
                        .flatMap(report -> report.datapath().stream())
                        .filter(datapath -> datapath.port("p1").isPresent())
                        .map(Datapath::connection)
                        .distinct()
                        .count()
                    == count);
  }
}
