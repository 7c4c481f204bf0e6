// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.reconcile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.common.collect.ImmutableMap;
import io.flowmirror.config.Direction;
import io.flowmirror.config.Overrides;
import io.flowmirror.config.Settings;
import io.flowmirror.config.SettingsReader;
import io.flowmirror.controller.reconcile.Reconciler.Mode;
import io.flowmirror.flows.Asked;
import io.flowmirror.flows.Asked.Standing;
import io.flowmirror.topology.PodInterface;
import io.flowmirror.topology.PodName;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What is asked for beside the settings. */
final class AskTest {
  private static final PodInterface WEB = PodInterface.primary(new PodName("default", "web"));
  private static final PodInterface API = PodInterface.primary(new PodName("default", "api"));

  private static final String NOT_YET = "Kubernetes API has not said yet";

  /** E0, and E1, E2 and E3 of one pod. */
  private static final int ONE_POD = 4;

  private final FakeNode node =
      new FakeNode().pod("default", "web", 5, 2, 3).pod("default", "api", 7, 2, 5);
  private final Reconciler reconciler =
      Reconciler.start(settings("mirrors: []"), Mode.MIRROR, true, node, statuses -> {});

  @AfterEach
  void close() {
    reconciler.close();
  }

  private static Settings settings(String mirrors) {
    return SettingsReader.parse(
        "f.yaml",
        mirrors
            + """

            kubernetes: {annotations: true}
            nodes: [{name: n1, ovsdb: 'unix:/db', openflow: 'unix:/of'}]
            """,
        Overrides.none());
  }

  private void ask(Standing standing, PodInterface... pods) {
    reconciler.ask("n1", asked(standing, pods));
  }

  private static Asked asked(Standing standing, PodInterface... pods) {
    ImmutableMap.Builder<PodInterface, Direction> wanted = ImmutableMap.builder();
    for (PodInterface pod : pods) {
      wanted.put(pod, Direction.BOTH);
    }
    return new Asked(wanted.buildOrThrow(), standing);
  }

  private void awaitStatus(Predicate<NodeStatus> arrived) {
    await().until(() -> says(reconciler, arrived));
  }

  private void awaitEntries(int count) {
    awaitStatus(NodeStatus::settled);
    await().until(() -> node.entries().size() == count);
  }

  @Test
  void beforeAnythingIsKnownNothingIsWritten() {
    awaitStatus(status -> status.complaints().toString().contains(NOT_YET));
    ask(Standing.LAST, WEB);
    ask(Standing.UNKNOWN, WEB);
    awaitStatus(status -> !status.plan().entries().isEmpty() || status.node().bridge().isPresent());
    assertThat(node.flowMods()).isEmpty();
    assertThat(node.rowChanges()).isEmpty();
    ask(Standing.CURRENT, WEB);
    awaitEntries(ONE_POD);
  }

  @Test
  void whatIsAskedForComesAndGoes() {
    ask(Standing.CURRENT, WEB);
    awaitEntries(ONE_POD);
    ask(Standing.CURRENT, WEB, API);
    awaitEntries(2 * ONE_POD - 1);
    awaitStatus(
        status ->
            status.repairs().reversed().stream()
                .findFirst()
                .filter(repair -> repair.cause() == Repair.Cause.KUBERNETES)
                .isPresent());
    ask(Standing.CURRENT);
    awaitEntries(0);
  }

  @Test
  void whatTheFileAsksForStays() {
    reconciler.update(settings("mirrors: [{pod: default/web, direction: from-pod}]"));
    ask(Standing.CURRENT);
    awaitEntries(2);
    ask(Standing.CURRENT, WEB);
    awaitEntries(ONE_POD);
    ask(Standing.CURRENT);
    awaitEntries(2);
  }

  /** Before there is a bridge, none of its interfaces is known to be meant, and none not to be. */
  @Test
  void whatIsThereStaysIfTheApiGoesAwayBeforeTheNodeHasAnswered() {
    ask(Standing.CURRENT, WEB);
    awaitEntries(ONE_POD);
    reconciler.close();
    int mods = node.flowMods().size();
    node.ovsdb(false);
    try (Reconciler next =
        Reconciler.start(settings("mirrors: []"), Mode.MIRROR, true, node, statuses -> {})) {
      next.ask("n1", asked(Standing.CURRENT, WEB));
      await().until(() -> says(next, status -> !status.intent().pods().isEmpty()));
      next.ask("n1", asked(Standing.LAST, WEB));
      await().until(() -> says(next, status -> status.complaints().toString().contains(NOT_YET)));
      node.ovsdb(true);
      await().until(() -> says(next, NodeStatus::settled));
      assertThat(node.flowMods()).hasSize(mods);
      assertThat(node.entries()).hasSize(ONE_POD);
      // From now on, it is those that were there.
      node.podIsMadeAnew("web", "fe3c");
      await().until(() -> node.entries().isEmpty());
    }
  }

  /** A pod of that name that has come meanwhile may be one that nobody asked for. */
  @Test
  void nothingBeginsIfTheApiGoesAwayBeforeTheNodeHasAnswered() {
    ask(Standing.CURRENT, WEB, API);
    awaitEntries(2 * ONE_POD - 1);
    reconciler.close();
    node.ovsdb(false);
    node.connectionLost();
    try (Reconciler next =
        Reconciler.start(settings("mirrors: []"), Mode.MIRROR, true, node, statuses -> {})) {
      next.ask("n1", asked(Standing.CURRENT, WEB, API));
      next.turn().join();
      next.ask("n1", asked(Standing.LAST, WEB, API));
      next.turn().join();
      node.podDeleted("web");
      node.pod("default", "web", 9, 2, 9);
      node.ovsdb(true);
      await().until(() -> says(next, status -> status.node().bridge().isPresent()));
      node.connected();
      await().until(() -> says(next, NodeStatus::settled));
      assertThat(node.entries()).hasSize(ONE_POD);
      assertThat(node.reach("api", "web")).containsExactly("mirror0", "web_h");
      assertThat(node.flood("web")).containsExactlyInAnyOrder("mirror0", "api_h");
    }
  }

  /** The sessions are others then; what was known of what is asked for is not. */
  @Test
  void repairsGoOnAfterAReloadWhileTheApiIsAway() {
    ask(Standing.CURRENT, WEB);
    awaitEntries(ONE_POD);
    ask(Standing.LAST, WEB);
    reconciler.update(settings("audit: 1s\nmirrors: []"));
    await().until(() -> node.wishes().size() == 2);
    node.wipe();
    await().until(() -> node.entries().size() == ONE_POD);
    awaitStatus(NodeStatus::settled);
    // Its name is known, and its interface is not the one that was meant.
    node.podIsMadeAnew("web", "fe3c");
    awaitEntries(0);
  }

  /** Nobody can want the entries of a port that is gone, whatever the API will say. */
  @Test
  void aPodThatGoesBeforeTheApiHasSpokenTakesItsEntriesWithIt() {
    ask(Standing.CURRENT, WEB, API);
    awaitEntries(2 * ONE_POD - 1);
    reconciler.close();
    try (Reconciler next =
        Reconciler.start(settings("mirrors: []"), Mode.MIRROR, true, node, statuses -> {})) {
      await().until(() -> says(next, status -> status.complaints().toString().contains(NOT_YET)));
      next.turn().join();
      assertThat(node.entries()).hasSize(2 * ONE_POD - 1);
      node.podDeleted("web");
      await().until(() -> node.entries().size() == ONE_POD);
      // northd gives its keys to the next one on that switch.
      node.pod("default", "next", 9, 2, 3);
      next.turn().join();
      assertThat(node.reach("api", "next")).containsExactly("mirror0", "next_h");
      assertThat(node.entries()).hasSize(ONE_POD);
      next.ask("n1", asked(Standing.CURRENT, API));
      await().until(() -> says(next, NodeStatus::settled));
      assertThat(node.entries()).hasSize(ONE_POD);
    }
  }

  private static boolean says(Reconciler of, Predicate<NodeStatus> wanted) {
    NodeStatus status = of.statuses().get("n1");
    return status != null && wanted.test(status);
  }

  /** The new pod of the same name may be one that nobody asked for. */
  @Test
  void whileTheApiIsAwayWhatIsMirroredStaysAndNothingBegins() {
    ask(Standing.CURRENT, WEB);
    awaitEntries(ONE_POD);
    ask(Standing.LAST, WEB);
    int mods = node.flowMods().size();
    node.pod("default", "db", 9, 2, 7);
    awaitStatus(status -> status.node().podPorts().size() == 3);
    awaitStatus(NodeStatus::settled);
    assertThat(node.flowMods()).hasSize(mods);
    // Its interface's name is made of its container's id.
    node.podIsMadeAnew("web", "fe3c");
    awaitEntries(0);
    ask(Standing.CURRENT, WEB);
    awaitEntries(ONE_POD);
  }
}
