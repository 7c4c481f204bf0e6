// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.config.Settings;
import io.flowmirror.controller.northbound.RequestBook;
import io.flowmirror.controller.northbound.World;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.controller.reconcile.Reconciler;
import io.flowmirror.flows.EntryFilter;
import io.flowmirror.flows.InstalledEntry;
import io.flowmirror.topology.InterfaceCounters;
import io.flowmirror.topology.PodInterface;
import io.flowmirror.topology.PodName;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The running controller, for the northbound. From whatever thread. */
final class LiveWorld implements World {
  private final Reconciler reconciler;
  private final Supplier<Settings> settings;
  private final RequestBook book;
  private final KubernetesLink link;

  LiveWorld(
      Reconciler reconciler, KubernetesLink link, Supplier<Settings> settings, RequestBook book) {
    this.reconciler = reconciler;
    this.link = link;
    this.settings = settings;
    this.book = book;
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

  /** What is neither the configuration's nor REST's. */
  @Override
  public ImmutableList<String> askedByApi(String node, PodInterface at) {
    @Nullable NodeStatus status = reconciler.statuses().get(node);
    if (status == null || !status.intent().pods().containsKey(at)) {
      return ImmutableList.of();
    }
    String pod = at.pod().toString();
    boolean otherwise =
        at.isPrimary()
            && (book.asksFor(pod)
                || settings.get().mirrors().stream()
                    .anyMatch(mirror -> mirror.namespacedPod().equals(pod)));
    return otherwise ? ImmutableList.of() : ImmutableList.of("the Kubernetes API");
  }

  @Override
  public Optional<String> refusedByApi(PodName pod) {
    return Optional.empty();
  }
}
