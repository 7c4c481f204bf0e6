// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import com.google.common.collect.ImmutableMap;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.topology.PodInterface;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Where the time goes when a mirror is turned on: the loop's own snapshots say when it had taken
 * the wish, sent its round in the same turn, and had the switch's word that the entries are there.
 *
 * <p>{@link #note} is called on the loop's thread, the rest on the test's.
 */
final class Toggles {
  /** A program that has just been started is slower. */
  private static final int WARM = 20;

  private final String node;
  private final PodInterface pod;
  private final Map<String, List<Long>> spans = new LinkedHashMap<>();
  private @Nullable Instant taken;
  private @Nullable Instant confirmed;

  Toggles(String node, PodInterface pod) {
    this.node = node;
    this.pod = pod;
  }

  /** Takes where nodes stand. */
  synchronized void note(ImmutableMap<String, NodeStatus> statuses) {
    NodeStatus status = statuses.get(node);
    if (status != null && status.intent().pods().containsKey(pod)) {
      if (taken == null) {
        taken = Instant.now();
      }
      if (confirmed == null && status.diff().inSync() && !status.plan().entries().isEmpty()) {
        confirmed = Instant.now();
      }
    }
  }

  /** Begins anew. */
  synchronized void begin() {
    taken = null;
    confirmed = null;
  }

  synchronized Optional<Instant> confirmed() {
    return Optional.ofNullable(confirmed);
  }

  /**
   * A mirror has been turned on, and the first copy has come.
   *
   * @param elsewhere when another watcher has heard of it: what lies between the two is the API
   *     server's, and the machine's
   */
  synchronized void on(Instant begin, Instant heard, Instant elsewhere, Instant copied) {
    Instant sent = Objects.requireNonNull(taken);
    Instant there = Objects.requireNonNull(confirmed);
    add("from annotating to the watch's event", begin, heard);
    boolean first = heard.isBefore(elsewhere);
    add(
        "from the event to another watcher's",
        first ? heard : elsewhere,
        first ? elsewhere : heard);
    add("from the event to the loop's round", heard, sent);
    add("from the round to the switch's word", sent, there);
    add("from the event to the switch's word", heard, there);
    add("from the switch's word to the first copy", there, copied);
    add("from the event to the first copy", heard, copied);
  }

  /** A mirror has been turned off, and the last copy has come. */
  synchronized void off(Instant heard, Instant copied) {
    add("from a removal's event to the last copy", heard, copied);
  }

  private void add(String span, Instant from, Instant to) {
    spans
        .computeIfAbsent(span, key -> new ArrayList<>())
        .add(Duration.between(from, to).toNanos() / 1000);
  }

  /** The report, a line for each span, and how busy the machine is. */
  @Override
  public synchronized String toString() {
    return spans.entrySet().stream()
        .map(span -> "kubernetes: " + span.getKey() + ": " + spread(span.getValue()))
        .collect(Collectors.joining("\n", "", "\nkubernetes: load " + load() + "\n"));
  }

  private static String spread(List<Long> values) {
    String all = quantiles(values);
    return values.size() > WARM
        ? all
            + "; without the first "
            + WARM
            + ": "
            + quantiles(values.subList(WARM, values.size()))
        : all;
  }

  private static String quantiles(List<Long> values) {
    List<Long> sorted = values.stream().sorted().toList();
    return "p50 "
        + sorted.get(sorted.size() / 2)
        + ", p99 "
        + sorted.get(Math.min(sorted.size() - 1, sorted.size() * 99 / 100))
        + ", most "
        + sorted.get(sorted.size() - 1)
        + " us of "
        + sorted.size();
  }

  private static String load() {
    try {
      return Files.readString(Path.of("/proc/loadavg")).strip();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
