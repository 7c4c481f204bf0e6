// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.reconcile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.util.concurrent.Uninterruptibles;
import io.flowmirror.config.Direction;
import io.flowmirror.config.NodeSettings;
import io.flowmirror.config.Overrides;
import io.flowmirror.config.Settings;
import io.flowmirror.config.SettingsReader;
import io.flowmirror.controller.openflow.DatapathReport;
import io.flowmirror.controller.openflow.DatapathSession;
import io.flowmirror.controller.ovsdb.BridgeReport;
import io.flowmirror.controller.ovsdb.BridgeSession;
import io.flowmirror.controller.ovsdb.Lock;
import io.flowmirror.controller.reconcile.Reconciler.Mode;
import io.flowmirror.flows.Asked;
import io.flowmirror.flows.EntryFilter;
import io.flowmirror.flows.InstalledEntry;
import io.flowmirror.topology.PodInterface;
import io.flowmirror.topology.PodName;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A configuration that changes while the controller runs. */
final class ReloadTest {
  private static final String WEB = "mirrors: [{pod: default/web}]";
  private static final String BOTH = "mirrors: [{pod: default/web}, {pod: default/db}]";

  private final FakeCluster cluster = new FakeCluster();
  private final FakeNode n1 =
      cluster.node("n1").pod("default", "web", 5, 2, 3).pod("default", "api", 7, 2, 5);
  private final FakeNode n2 = cluster.node("n2").pod("default", "db", 6, 2, 4);
  private final AtomicReference<Runnable> whenTold = new AtomicReference<>(() -> {});
  private final Reconciler reconciler =
      Reconciler.start(
          settings(WEB, "n1"), Mode.MIRROR, true, cluster, statuses -> whenTold.get().run());

  @AfterEach
  void close() {
    reconciler.close();
  }

  private static Settings settings(String more, String... nodes) {
    StringBuilder yaml = new StringBuilder(more + "\nnodes:\n");
    for (String node : nodes) {
      yaml.append(
          "  - {name: %s, ovsdb: 'unix:/%s/db', openflow: 'unix:/%s/of'}\n"
              .formatted(node, node, node));
    }
    return SettingsReader.parse("f.yaml", yaml.toString(), Overrides.none());
  }

  private void awaitSettled(String node) {
    await()
        .until(
            () -> {
              NodeStatus status = reconciler.statuses().get(node);
              return status != null && status.settled();
            });
  }

  @Test
  void whatMeansTheSameChangesNothing() {
    awaitSettled("n1");
    int mods = n1.flowMods().size();
    reconciler.update(settings("mirror-iface: mirror0\n" + WEB, "n1"));
    reconciler.update(settings(WEB, "n1", "n2"));
    awaitSettled("n2");
    assertThat(n1.flowMods()).hasSize(mods);
    assertThat(cluster.opened).containsExactly("n1", "n2");
  }

  @Test
  void aMirrorMoreAddsItsEntriesAndTouchesNoOthers() {
    awaitSettled("n1");
    int mods = n1.flowMods().size();
    var before = n1.entries();
    reconciler.update(settings("mirrors: [{pod: default/web}, {pod: default/api}]", "n1"));
    await().until(() -> n1.entries().size() == 7);
    assertThat(n1.entries()).containsAll(before);
    assertThat(n1.flowMods()).hasSize(mods + 3);
    awaitSettled("n1");
    // Change, revert, and the table is equal again.
    reconciler.update(settings(WEB, "n1"));
    await().until(() -> n1.entries().size() == 4);
    assertThat(n1.entries()).containsExactlyInAnyOrderElementsOf(before);
    assertThat(cluster.opened).containsExactly("n1");
  }

  @Test
  void aNodeThatIsNotConfiguredAnyMoreIsCleanedAndLeft() {
    reconciler.update(settings(BOTH, "n1", "n2"));
    awaitSettled("n2");
    assertThat(n2.entries()).hasSize(4);
    reconciler.update(settings(BOTH, "n1"));
    await().until(() -> !reconciler.statuses().containsKey("n2"));
    assertThat(n2.entries()).isEmpty();
    assertThat(n2.portNames()).doesNotContain("mirror0");
    assertThat(cluster.closed).containsExactly("n2");
    awaitSettled("n1");
    assertThat(n1.entries()).hasSize(4);
  }

  @Test
  void aNodeThatComesBackWhileItLeavesStays() {
    reconciler.update(settings(BOTH, "n1", "n2"));
    awaitSettled("n2");
    n2.withholdAnswers();
    reconciler.update(settings(BOTH, "n1"));
    await().until(() -> n2.entries().isEmpty());
    reconciler.update(settings(BOTH, "n1", "n2"));
    n2.answer();
    await().until(() -> n2.entries().size() == 4);
    awaitSettled("n2");
    assertThat(cluster.closed).isEmpty();
  }

  /** Its entries are right as they are: there is nothing to clean and nothing to install. */
  @Test
  void aNodeUnderAnotherNameIsTheSameDatapath() {
    awaitSettled("n1");
    int mods = n1.flowMods().size();
    cluster.alias("other", n1);
    Settings before = settings(WEB, "n1");
    NodeSettings node = before.nodes().get(0);
    reconciler.update(
        SettingsReader.parse(
            "f.yaml",
            WEB
                + "\nnodes: [{name: other, ovsdb: '"
                + node.ovsdb()
                + "', openflow: '"
                + node.openflow()
                + "'}]",
            Overrides.none()));
    awaitSettled("other");
    assertThat(reconciler.statuses()).containsOnlyKeys("other");
    assertThat(n1.flowMods()).hasSize(mods);
  }

  /** Nothing that was observed at the old address is true of the new one. */
  @Test
  void anotherAddressIsAnotherConnection() {
    awaitSettled("n1");
    cluster.alias("n1", n2);
    reconciler.update(
        SettingsReader.parse(
            "f.yaml",
            BOTH + "\nnodes: [{name: n1, ovsdb: 'unix:/x/db', openflow: 'unix:/x/of'}]",
            Overrides.none()));
    await().until(() -> n2.entries().size() == 4);
    assertThat(cluster.opened).containsExactly("n1", "n1");
    assertThat(cluster.closed).containsExactly("n1");
  }

  /** The newcomer does not displace the one that is there, and writes nothing. */
  @Test
  void aSecondWayToOneDatapathIsLeftAlone() {
    awaitSettled("n1");
    n2.dpid(1);
    n1.dpid(1);
    reconciler.update(settings(BOTH, "n1", "n2"));
    await()
        .until(
            () -> {
              NodeStatus status = reconciler.statuses().get("n2");
              return status != null
                  && status.complaints().toString().contains("the datapath of node n1");
            });
    assertThat(n2.flowMods()).isEmpty();
    assertThat(n2.rowChanges()).isEmpty();
    awaitSettled("n1");
    // The one that has it is taken out: as both are one datapath, there is nothing to clean.
    int mods = n1.flowMods().size();
    reconciler.update(settings(BOTH, "n2"));
    await().until(() -> n2.entries().size() == 4);
    assertThat(n1.flowMods()).hasSize(mods);
    assertThat(cluster.closed).containsExactly("n1");
  }

  /** What comes with a message that cannot be taken is taken all the same. */
  @Test
  void aMessageThatFailsTakesNoOtherWithIt() throws InterruptedException {
    awaitSettled("n1");
    CountDownLatch held = new CountDownLatch(1);
    CountDownLatch posted = new CountDownLatch(1);
    whenTold.set(
        () -> {
          held.countDown();
          Uninterruptibles.awaitUninterruptibly(posted);
        });
    n1.foreignPort("x", 50);
    held.await();
    // There is no such node: to open its sessions fails.
    reconciler.update(settings(BOTH, "n1", "unknown"));
    n1.pod("default", "late", 51, 2, 9);
    whenTold.set(() -> {});
    posted.countDown();
    await()
        .until(
            () ->
                Objects.requireNonNull(reconciler.statuses().get("n1")).node().podPorts().size()
                    == 3);
    reconciler.update(settings(WEB, "n1", "n2"));
    awaitSettled("n2");
    assertThat(reconciler.fault()).isNotDone();
  }

  /** Nothing is known to be right after that: another is to have the locks. */
  @Test
  void anErrorEndsTheSessions() {
    awaitSettled("n1");
    var entries = n1.entries();
    Error error = new LinkageError("no such class");
    whenTold.set(
        () -> {
          throw error;
        });
    n1.foreignPort("x", 50);
    assertThat(reconciler.fault().orTimeout(60, TimeUnit.SECONDS).join()).isSameAs(error);
    assertThat(cluster.closed).containsExactly("n1");
    assertThat(n1.entries()).isEqualTo(entries);
  }

  /**
   * A node that has gone is not remembered, and one on which nothing is asked for is as any other.
   */
  @Test
  void whatIsAskedForOnANodeThatIsGoneIsForgotten() {
    awaitSettled("n1");
    for (int i = 0; i < 1000; i++) {
      reconciler.ask("gone-" + i, Asked.NOTHING);
    }
    await().until(() -> reconciler.remembered() == 1000);
    reconciler.askElsewhere(Asked.NOTHING);
    reconciler.ask("gone", Asked.NOTHING);
    PodInterface web = PodInterface.primary(new PodName("default", "web"));
    reconciler.ask("n2", new Asked(ImmutableMap.of(web, Direction.BOTH), Asked.Standing.CURRENT));
    await().until(() -> reconciler.remembered() == 1);
  }

  /** Several nodes by name. */
  private static final class FakeCluster implements Sessions {
    final Map<String, FakeNode> nodes = new ConcurrentHashMap<>();
    final List<String> opened = new CopyOnWriteArrayList<>();
    final List<String> closed = new CopyOnWriteArrayList<>();

    FakeNode node(String name) {
      FakeNode node = new FakeNode();
      node.dpid(1 + nodes.size());
      nodes.put(name, node);
      return node;
    }

    void alias(String name, FakeNode node) {
      nodes.put(name, node);
    }

    @Override
    public DatapathSession openDatapath(
        NodeSettings node, Duration audit, Consumer<DatapathReport> reports) {
      opened.add(node.name());
      DatapathSession session =
          Objects.requireNonNull(nodes.get(node.name())).openDatapath(node, audit, reports);
      return new ClosingSession(session, () -> closed.add(node.name()));
    }

    @Override
    public BridgeSession openBridge(
        NodeSettings node, Lock.Wish lock, Consumer<BridgeReport> reports) {
      return Objects.requireNonNull(nodes.get(node.name())).openBridge(node, lock, reports);
    }

    @Override
    public void close() {}
  }

  private record ClosingSession(DatapathSession session, Runnable onClose)
      implements DatapathSession {
    @Override
    public void apply(
        long connection, long round, List<io.flowmirror.flows.FlowChange> changes, boolean proven) {
      session.apply(connection, round, changes, proven);
    }

    @Override
    public void claim(long connection, long generation) {
      session.claim(connection, generation);
    }

    @Override
    public void bringUp(long connection, int ofport) {
      session.bringUp(connection, ofport);
    }

    @Override
    public void read() {
      session.read();
    }

    @Override
    public CompletableFuture<Void> audit() {
      return session.audit();
    }

    @Override
    public CompletableFuture<Long> dump(
        EntryFilter filter, Consumer<ImmutableList<InstalledEntry>> batches) {
      return session.dump(filter, batches);
    }

    @Override
    public void close() {
      session.close();
      onClose.run();
    }
  }
}
