// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.reconcile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.google.common.collect.ImmutableSet;
import io.flowmirror.config.Overrides;
import io.flowmirror.config.Settings;
import io.flowmirror.config.SettingsReader;
import io.flowmirror.controller.reconcile.Reconciler.Mode;
import io.flowmirror.controller.transport.UnansweredException;
import io.flowmirror.controller.transport.UnansweredException.Why;
import io.flowmirror.flows.EntryFilter;
import io.flowmirror.flows.FlowParser;
import io.flowmirror.flows.InstalledEntry;
import io.flowmirror.flows.OvnPipeline;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is asked of one node on demand. */
final class OnDemandTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final FakeNode node =
      new FakeNode().pod("default", "web", 5, 2, 3).pod("default", "api", 7, 2, 4);
  private final Reconciler reconciler =
      Reconciler.start(settings(), Mode.OBSERVE, true, node, statuses -> {});

  private static Settings settings() {
    return SettingsReader.parse(
        "f.yaml", "nodes: [{name: n1, ovsdb: 'unix:/db', openflow: 'unix:/of'}]", Overrides.none());
  }

  @BeforeEach
  void told() {
    await()
        .atMost(PATIENCE)
        .until(
            () -> {
              NodeStatus status = reconciler.statuses().get("n1");
              return status != null
                  && status.node().bridge().isPresent()
                  && status.node().datapath().isPresent();
            });
  }

  @AfterEach
  void close() {
    reconciler.close();
  }

  /** However many ask at once, each is told, and only when what was read shows. */
  @Test
  void anAuditIsDoneWhenTheStatusHasIt() {
    for (int i = 1; i <= 20; i++) {
      node.install(
          FlowParser.parse("cookie=0x464d100200000001,table=0,priority=" + i + " actions=drop"));
      List<CompletableFuture<Void>> audits = new ArrayList<>();
      for (int j = 0; j < 5; j++) {
        audits.add(reconciler.audit("n1"));
      }
      audits.forEach(OnDemandTest::get);
      assertThat(reconciler.statuses().get("n1").installed()).hasSize(i);
    }
  }

  @Test
  void entriesAreOvnsToo() {
    List<InstalledEntry> mapping =
        get(reconciler.entries("n1", EntryFilter.ALL.inTable(0).withInPort(5)));
    List<InstalledEntry> delivery =
        get(reconciler.entries("n1", EntryFilter.ALL.inTable(65).withOutPort(5)));
    assertThat(mapping).hasSize(1);
    assertThat(delivery).hasSize(1);
    assertThat(OvnPipeline.purpose(mapping.get(0).entry()))
        .hasValue("maps port 5 to logical datapath 2, logical port 3, conntrack zone 3");
    assertThat(OvnPipeline.purpose(delivery.get(0).entry()))
        .hasValue("delivers logical port 3 of datapath 2 to port 5");
    long all = get(reconciler.dump("n1", EntryFilter.ALL, batch -> {}));
    assertThat(all).isEqualTo(node.tables().size());
  }

  @Test
  void countersAreOfTheInterfacesThatThereAre() {
    assertThat(get(reconciler.counters("n1", ImmutableSet.of("web_h", "nosuch"))))
        .containsOnlyKeys("web_h");
  }

  @Test
  void whatCannotBeAnsweredSaysWhy() {
    assertUnanswered(
        reconciler.audit("n2"),
        Why.NO_SUCH_NODE,
        "n2: audit: no such node is configured, or it is another controller's");
    assertUnanswered(reconciler.entries("n2", EntryFilter.ALL), Why.NO_SUCH_NODE, "n2: dump: ");
    assertUnanswered(
        reconciler.counters("n2", ImmutableSet.of("x")), Why.NO_SUCH_NODE, "n2: counters: ");
    node.connectionLost();
    assertUnanswered(
        reconciler.audit("n1"),
        Why.NOT_CONNECTED,
        "n1: audit: no OpenFlow connection: connection reset");
    assertUnanswered(
        reconciler.entries("n1", EntryFilter.ALL),
        Why.NOT_CONNECTED,
        "n1: dump: no OpenFlow connection: connection reset");
    node.ovsdb(false);
    assertUnanswered(
        reconciler.counters("n1", ImmutableSet.of("x")),
        Why.NOT_CONNECTED,
        "n1: counters: no OVSDB connection: connection refused");
  }

  @Test
  void whatTheConsumerThrowsIsTold() {
    CompletableFuture<Long> dump =
        reconciler.dump(
            "n1",
            EntryFilter.ALL,
            batch -> {
              throw new IllegalStateException("enough");
            });
    assertThatThrownBy(() -> get(dump)).hasRootCauseMessage("enough");
  }

  /** Else the next question would have to wait for him. */
  @Test
  void whoGoesOnAtOnceHoldsNobodyUp() {
    CompletableFuture<Void> next =
        reconciler.audit("n1").thenRun(() -> get(reconciler.audit("n1")));
    get(next);
  }

  @Test
  void closingLeavesNobodyWaiting() {
    reconciler.close();
    assertUnanswered(reconciler.audit("n1"), Why.CLOSED, "the controller is being closed");
  }

  private static <T> T get(CompletableFuture<T> answer) {
    return answer.orTimeout(PATIENCE.toSeconds(), TimeUnit.SECONDS).join();
  }

  private static void assertUnanswered(CompletableFuture<?> answer, Why why, String words) {
    assertThatThrownBy(() -> get(answer))
        .cause()
        .isInstanceOfSatisfying(
            UnansweredException.class, failure -> assertThat(failure.why()).isEqualTo(why))
        .hasMessageContaining(words);
  }
}
