// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static java.util.Objects.requireNonNull;

import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.inject.Guice;
import io.flowmirror.config.Settings;
import io.flowmirror.controller.main.ControllerModule;
import io.flowmirror.controller.main.KubernetesLink;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.controller.reconcile.Reconciler;
import io.flowmirror.controller.reconcile.Sessions;
import io.flowmirror.topology.PodInterface;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The real controller with the real sessions, in this JVM. {@link #close} leaves its entries. */
final class RunningController implements AutoCloseable {
  /** One set of event loops for all controllers that come and go in this JVM. */
  private static final Sessions SESSIONS =
      Guice.createInjector(new ControllerModule()).getInstance(Sessions.class);

  private final Reconciler reconciler;
  private volatile @Nullable KubernetesLink link;
  private volatile Consumer<ImmutableMap<String, NodeStatus>> listener = statuses -> {};
  private final Map<String, Instant> settledAt = new ConcurrentHashMap<>();

  private RunningController(Settings settings, Reconciler.Mode mode) {
    this(settings, mode, Optional.empty());
  }

  private RunningController(Settings settings, Reconciler.Mode mode, Optional<Kube> kube) {
    reconciler = Reconciler.start(settings, mode, false, SESSIONS, this::note);
    link =
        kube.map(
                api ->
                    new KubernetesLink(settings, reconciler, "test", api::asController, text -> {}))
            .orElse(null);
  }

  private RunningController(Cluster cluster, Intent intent, Reconciler.Mode mode) {
    this(intent.settings(cluster), mode);
  }

  /** Starts one by other settings than the intent's own. */
  static RunningController started(Settings settings) {
    return new RunningController(settings, Reconciler.Mode.MIRROR);
  }

  /** Starts one that follows an API server, with the controller's own rights. */
  static RunningController started(Settings settings, Kube kube) {
    return new RunningController(settings, Reconciler.Mode.MIRROR, Optional.of(kube));
  }

  /** Starts it. */
  static RunningController started(Cluster cluster, Intent intent) {
    return new RunningController(cluster, intent, Reconciler.Mode.MIRROR);
  }

  /** Starts one that writes nothing, and only compares the nodes with the intent. */
  static RunningController observing(Cluster cluster, Intent intent) {
    return new RunningController(cluster, intent, Reconciler.Mode.OBSERVE);
  }

  /** Starts it, and waits until every node is as the intent wants it. */
  static RunningController settled(Cluster cluster, Intent intent) {
    RunningController controller = started(cluster, intent);
    controller.awaitSettled();
    return controller;
  }

  /** Removes everything of the controller's from the nodes, as {@code flowmirror clean} does. */
  static void clean(Cluster cluster) {
    RunningController controller =
        new RunningController(cluster, Intent.NOTHING, Reconciler.Mode.CLEAN);
    controller.awaitOrClose("every node to be clean", NodeStatus::isClean);
    controller.close();
  }

  /** Takes other settings. */
  void configure(Settings settings) {
    KubernetesLink linked = link;
    if (linked != null) {
      linked.configured(settings);
    } else {
      reconciler.update(settings);
    }
  }

  /** Waits until every node is as the intent wants it. */
  void awaitSettled() {
    // The mirror port must be up as well: it swallows copies until it is.
    awaitOrClose(
        "every node to be settled",
        status -> status.settled() && status.plan().bringUp().isEmpty());
  }

  /** Waits until one node is in this state. */
  void await(String what, String node, Predicate<NodeStatus> arrived) {
    Wait.until(
        what,
        () -> {
          // The first status comes a moment after the start.
          NodeStatus status = reconciler.statuses().get(node);
          return status != null && arrived.test(status);
        },
        this::state);
  }

  private void awaitOrClose(String what, Predicate<NodeStatus> arrived) {
    try {
      Wait.until(
          what,
          () -> {
            ImmutableMap<String, NodeStatus> statuses = reconciler.statuses();
            return !statuses.isEmpty() && statuses.values().stream().allMatch(arrived);
          },
          this::state);
    } catch (AssertionError e) {
      close();
      throw e;
    }
  }

  private String state() {
    return reconciler.statuses().entrySet().stream()
        .map(
            entry ->
                entry.getKey()
                    + ": complaints "
                    + entry.getValue().complaints()
                    + ", drift "
                    + entry.getValue().diff().drift())
        .collect(Collectors.joining("\n"));
  }

  Reconciler reconciler() {
    return reconciler;
  }

  NodeStatus status(String node) {
    return requireNonNull(reconciler.statuses().get(node), node);
  }

  /** Who asks for what on a node in the API server that it follows. */
  ImmutableMap<PodInterface, ImmutableSet<String>> askedBy(String node) {
    return requireNonNull(link).askedByApi(node);
  }

  /** When this node was first settled. */
  Instant settledAt(String node) {
    // A status can be asked for before the listener has been told of it.
    Wait.until(node + " to be settled", () -> settledAt.containsKey(node), this::state);
    return requireNonNull(settledAt.get(node));
  }

  /** From then until the last of these nodes was first settled. */
  Duration settledAfter(Instant begin, String... nodes) {
    Instant last = Stream.of(nodes).map(this::settledAt).max(Instant::compareTo).orElseThrow();
    return Duration.between(begin, last);
  }

  /** Has somebody told of every snapshot, on the loop's thread. */
  void onStatuses(Consumer<ImmutableMap<String, NodeStatus>> told) {
    listener = told;
  }

  private void note(ImmutableMap<String, NodeStatus> statuses) {
    listener.accept(statuses);
    KubernetesLink linked = link;
    if (linked != null) {
      linked.stand(statuses);
    }
    noteSettled(statuses);
  }

  private void noteSettled(ImmutableMap<String, NodeStatus> statuses) {
    Instant now = Instant.now();
    statuses.forEach(
        (node, status) -> {
          if (status.settled()) {
            settledAt.putIfAbsent(node, now);
          }
        });
  }

  @Override
  public void close() {
    KubernetesLink linked = link;
    if (linked != null) {
      linked.close();
    }
    reconciler.close();
  }
}
