// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.config.Settings;
import io.flowmirror.controller.northbound.World;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.controller.reconcile.Reconciler;
import io.flowmirror.flows.EntryFilter;
import io.flowmirror.flows.InstalledEntry;
import io.flowmirror.topology.InterfaceCounters;
import io.flowmirror.topology.PodInterface;
import io.flowmirror.topology.PodName;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** The running controller, for the northbound. From whatever thread. */
final class LiveWorld implements World {
  private final Reconciler reconciler;
  private final Supplier<Settings> settings;
  private final KubernetesLink link;

  LiveWorld(Reconciler reconciler, KubernetesLink link, Supplier<Settings> settings) {
    this.reconciler = reconciler;
    this.link = link;
    this.settings = settings;
  }

  @Override
  public ImmutableMap<String, NodeStatus> statuses() {
    return reconciler.statuses();
  }

  @Override
  public Settings settings() {
    return settings.get();
  }

  @Override
  public CompletableFuture<Void> turn() {
    return reconciler.turn();
  }

  @Override
  public ImmutableList<String> unready() {
    return link.unready().stream().collect(ImmutableList.toImmutableList());
  }

  @Override
  public ImmutableMap<String, Integer> queues() {
    ImmutableMap.Builder<String, Integer> queues = ImmutableMap.builder();
    queues.put("loop", reconciler.waiting());
    link.waitingEvents().ifPresent(waiting -> queues.put("kubernetes_events", waiting));
    return queues.buildOrThrow();
  }

  @Override
  public Optional<Duration> apiSilence() {
    return link.silence();
  }

  @Override
  public void share(String text) {
    try {
      link.share(text);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("the server is being stopped", e);
    }
  }

  @Override
  public CompletableFuture<Void> audit(String node) {
    return reconciler.audit(node);
  }

  @Override
  public CompletableFuture<Long> dump(
      String node, EntryFilter filter, Consumer<ImmutableList<InstalledEntry>> batches) {
    return reconciler.dump(node, filter, batches);
  }

  @Override
  public CompletableFuture<ImmutableMap<String, InterfaceCounters>> counters(
      String node, ImmutableSet<String> interfaces) {
    return reconciler.counters(node, interfaces);
  }

  @Override
  public ImmutableMap<PodInterface, ImmutableList<String>> askedByApi(String node) {
    return link.askedByApi(node).entrySet().stream()
        .collect(
            ImmutableMap.toImmutableMap(
                Map.Entry::getKey, entry -> ImmutableList.copyOf(entry.getValue())));
  }

  @Override
  public ImmutableMap<String, Instant> endsByApi(String node) {
    return link.endsByApi(node);
  }

  @Override
  public Optional<String> refusedByApi(PodName pod) {
    return link.refused(pod);
  }
}
