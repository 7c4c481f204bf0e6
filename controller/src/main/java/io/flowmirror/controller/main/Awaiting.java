// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.google.common.collect.ImmutableMap;
import com.google.inject.Guice;
import io.flowmirror.config.Settings;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.controller.reconcile.Reconciler;
import io.flowmirror.controller.reconcile.Sessions;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;

/** Runs the loop until every node is where a command wants it, or time is up. */
final class Awaiting {
  private Awaiting() {}

  /**
   * Runs the loop over these nodes.
   *
   * @param force whether to write to nodes on which another controller is at work
   * @param arrived whether a node is where it should be; then the loop need not go on for it
   * @return where every node stood in the end
   */
  static ImmutableMap<String, NodeStatus> run(
      Settings settings,
      Reconciler.Mode mode,
      boolean force,
      Duration timeout,
      Predicate<NodeStatus> arrived)
      throws InterruptedException {
    CompletableFuture<ImmutableMap<String, NodeStatus>> all = new CompletableFuture<>();
    try (Sessions sessions =
            Guice.createInjector(new ControllerModule()).getInstance(Sessions.class);
        Reconciler reconciler =
            Reconciler.start(
                settings,
                mode,
                force,
                sessions,
                statuses -> {
                  if (statuses.values().stream().allMatch(arrived)) {
                    all.complete(statuses);
                  }
                })) {
      try {
        return all.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        return reconciler.statuses();
      } catch (ExecutionException e) {
        throw new IllegalStateException(e.getCause());
      }
    }
  }
}
