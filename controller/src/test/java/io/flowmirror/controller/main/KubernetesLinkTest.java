// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.flowmirror.config.NodeSettings;
import io.flowmirror.config.Overrides;
import io.flowmirror.config.Settings;
import io.flowmirror.config.SettingsReader;
import io.flowmirror.controller.openflow.DatapathReport;
import io.flowmirror.controller.openflow.DatapathSession;
import io.flowmirror.controller.openflow.FakeDatapath;
import io.flowmirror.controller.ovsdb.BridgeReport;
import io.flowmirror.controller.ovsdb.BridgeSession;
import io.flowmirror.controller.ovsdb.Lock;
import io.flowmirror.controller.reconcile.Reconciler;
import io.flowmirror.controller.reconcile.Reconciler.Mode;
import io.flowmirror.controller.reconcile.Sessions;
import io.flowmirror.flows.RowChange;
import io.flowmirror.topology.InterfaceCounters;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** The configuration as it changes, while nothing listens where the API should be. */
final class KubernetesLinkTest {
  private static final String FROM_API = "insecure: true\nkubernetes: {nodes-from-api: true}";

  /** The API has not said since that there is such a node. */
  @Test
  void nodesThatWereTheApisOnceAreForgottenWithTheQuestion() {
    Settings fromApi = settings(FROM_API);
    try (Reconciler reconciler =
            Reconciler.start(fromApi, Mode.MIRROR, false, new Switches(), statuses -> {});
        KubernetesLink link =
            new KubernetesLink(
                fromApi,
                reconciler,
                "a",
                () ->
                    new KubernetesClientBuilder()
                        .withConfig(
                            new ConfigBuilder()
                                .withMasterUrl("http://127.0.0.1:1")
                                .withRequestRetryBackoffLimit(0)
                                .build())
                        .build(),
                shared -> {})) {
      link.found(settings(node("old")).nodes());
      await().until(() -> reconciler.statuses().containsKey("old"));
      link.configured(settings("kubernetes: {annotations: true}\n" + node("new")));
      await().until(() -> reconciler.statuses().containsKey("new"));
      assertThat(isServed(reconciler, "old")).isFalse();
      link.configured(fromApi);
      reconciler.turn().join();
      assertThat(isServed(reconciler, "new")).isTrue();
      assertThat(isServed(reconciler, "old")).isFalse();
    }
  }

  /** What is being left is to have no mirror port. */
  private static boolean isServed(Reconciler reconciler, String node) {
    return Optional.ofNullable(reconciler.statuses().get(node))
        .flatMap(status -> status.intent().mirrorIface())
        .isPresent();
  }

  private static String node(String name) {
    return "nodes: [{name: %s, ovsdb: 'unix:/%s/db', openflow: 'unix:/%s/of'}]"
        .formatted(name, name, name);
  }

  private static Settings settings(String yaml) {
    return SettingsReader.parse("f.yaml", yaml, Overrides.none());
  }

  /** A switch for each node, and no database. */
  private static final class Switches implements Sessions {
    @Override
    public DatapathSession openDatapath(
        NodeSettings node, Duration audit, Consumer<DatapathReport> reports) {
      return new FakeDatapath(node.name().hashCode()).open(audit, reports);
    }

    @Override
    public BridgeSession openBridge(
        NodeSettings node, Lock.Wish lock, Consumer<BridgeReport> reports) {
      return new NoDatabase();
    }

    @Override
    public void close() {}
  }

  private static final class NoDatabase implements BridgeSession {
    @Override
    public void apply(long round, List<RowChange> changes) {}

    @Override
    public void lock(Lock.Wish wish) {}

    @Override
    public CompletableFuture<ImmutableMap<String, InterfaceCounters>> counters(
        ImmutableSet<String> interfaces) {
      return CompletableFuture.failedFuture(new IllegalStateException("no database"));
    }

    @Override
    public void close() {}
  }
}
