// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.google.common.collect.ImmutableMap;
import io.flowmirror.controller.reconcile.NodeStatus;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Logs one line for each change of a node's state that a person would want to know of. */
final class StatusLog implements Consumer<ImmutableMap<String, NodeStatus>> {
  private static final Logger log = LoggerFactory.getLogger(StatusLog.class);

  private final Map<String, List<String>> complaints = new HashMap<>();
  private final Map<String, String> said = new HashMap<>();

  /** Confined to the loop's thread. */
  @Override
  public void accept(ImmutableMap<String, NodeStatus> statuses) {
    statuses.forEach(this::logNode);
  }

  private void logNode(String node, NodeStatus status) {
    List<String> before = complaints.getOrDefault(node, List.of());
    List<String> now = status.complaints();
    if (!now.equals(before)) {
      now.stream()
          .filter(line -> !before.contains(line))
          .forEach(line -> log.warn("{}: {}", node, line));
      before.stream()
          .filter(line -> !now.contains(line))
          .forEach(line -> log.info("{}: over: {}", node, line));
      complaints.put(node, now);
    }
    String line =
        status.settled()
            ? String.format(
                "in sync: %d entries, %d held",
                status.plan().entries().size(), status.diff().held().size())
            : status.diff().inSync() ? "" : "repairing: " + Summary.of(status.diff());
    if (!line.isEmpty() && !line.equals(said.put(node, line))) {
      log.info("{}: {}", node, line);
    }
  }
}
