// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.google.common.base.Ascii;
import com.google.common.collect.ImmutableList;
import io.flowmirror.controller.northbound.Caller.Verb;
import io.helidon.http.HeaderNames;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * {@code /livez}, {@code /readyz}, {@code /startupz}, each 200 or 503 with the reason, and {@code
 * /metrics}.
 *
 * <p>Live: the loop turns; if not, only a restart helps. Ready: it is known what is asked for. That
 * nodes are in sync is neither: a node that is away is no reason to restart anything.
 */
final class HealthRoutes {
  private static final String PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8";
  private static final String OPENMETRICS =
      "application/openmetrics-text; version=1.0.0; charset=utf-8";
  private static final Duration TURN = Duration.ofSeconds(5);

  private final World world;
  private final Metrics metrics;
  private final AtomicReference<@Nullable CompletableFuture<Void>> turning =
      new AtomicReference<>();

  HealthRoutes(World world, Metrics metrics) {
    this.world = world;
    this.metrics = metrics;
  }

  void register(Routes routes) {
    probes(routes);
    routes.addOther("GET", "/metrics", this::metrics);
  }

  /** What a kubelet asks for. */
  void probes(Routes routes) {
    routes.addOpen("GET", "/livez", exchange -> answer(exchange, live()));
    routes.addOpen("GET", "/readyz", exchange -> answer(exchange, ready()));
    routes.addOpen("GET", "/startupz", exchange -> answer(exchange, started()));
  }

  private static void answer(Exchange exchange, ImmutableList<String> reasons) {
    exchange.allowQuery();
    if (!reasons.isEmpty()) {
      throw Problem.unavailable(String.join("; ", reasons));
    }
    exchange.text(ImmutableList.of("ok"));
  }

  private ImmutableList<String> live() {
    // One question of the loop for all who ask at once, however many they are.
    CompletableFuture<Void> turn =
        turning.updateAndGet(asked -> asked != null && !asked.isDone() ? asked : world.turn());
    try {
      turn.get(TURN.toMillis(), TimeUnit.MILLISECONDS);
      return ImmutableList.of();
    } catch (TimeoutException | ExecutionException e) {
      return ImmutableList.of("the loop has not turned for " + TURN.toSeconds() + " s");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return ImmutableList.of("the server is being stopped");
    }
  }

  private ImmutableList<String> ready() {
    ImmutableList<String> reasons = live();
    return reasons.isEmpty() ? world.unready() : reasons;
  }

  /** Every node has said something, or why it cannot. */
  private ImmutableList<String> started() {
    long silent =
        world.statuses().values().stream()
            .filter(
                status ->
                    status.node().datapath().isEmpty()
                        && status.node().bridge().isEmpty()
                        && status.waiting().isEmpty())
            .count();
    return silent == 0
        ? ready()
        : ImmutableList.of(silent + " nodes have not been heard of, nor why");
  }

  private void metrics(Exchange exchange) throws IOException {
    exchange.allowQuery();
    exchange.caller().demand(Verb.GET, "");
    boolean open =
        exchange.request().headers().values(HeaderNames.ACCEPT).stream()
            .anyMatch(line -> Ascii.toLowerCase(line).contains("application/openmetrics-text"));
    String mediaType = open ? OPENMETRICS : PROMETHEUS;
    if (exchange.isHead(mediaType)) {
      return;
    }
    try (OutputStream out = exchange.stream(mediaType)) {
      metrics.scrape(out, mediaType);
    }
  }
}
