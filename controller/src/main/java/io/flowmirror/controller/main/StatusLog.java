// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Iterables;
import io.flowmirror.controller.kubernetes.Trouble;
import io.flowmirror.controller.northbound.Whereabouts;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.controller.reconcile.Repair;
import io.flowmirror.flows.FlowDiff.Drift;
import io.flowmirror.topology.PodInterface;
import io.flowmirror.topology.PodPort;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Logs one line for each change that a person would want to know of. On the loop's thread, at each
 * of its turns: what has not changed is the same object, which costs next to nothing.
 */
final class StatusLog implements Consumer<ImmutableMap<String, NodeStatus>> {
  private static final Logger log = LoggerFactory.getLogger(StatusLog.class);

  /** The key of what is said of a node itself; a pod's is its interface. */
  private static final Object NODE = new Object();

  private final Map<String, List<String>> complaints = new HashMap<>();

  /** By node, then by what it is about, what was said last. */
  private final Map<String, Map<Object, String>> said = new HashMap<>();

  private final Map<Object, String> saidOfNowhere = new HashMap<>();
  private final Unplaced unplaced = new Unplaced();
  private ImmutableMap<String, NodeStatus> last = ImmutableMap.of();

  @Override
  public void accept(ImmutableMap<String, NodeStatus> statuses) {
    for (String node : last.keySet()) {
      if (!statuses.containsKey(node)) {
        complaints.remove(node);
        said.remove(node);
        unplaced.remove(node);
      }
    }
    statuses.forEach(
        (node, status) -> {
          // Of hundreds of nodes one has reported: the others' are the same objects.
          if (isNew(status, last.get(node))) {
            logPods(node, status);
            logComplaints(node, status);
            logRepairs(node, status);
            logProgress(node, status);
          }
        });
    last = statuses;
    logPodsOnNoNode();
  }

  @SuppressWarnings("ReferenceEquality") // What is not the same may say the same: once each.
  private static boolean isNew(NodeStatus status, @Nullable NodeStatus before) {
    return status != before;
  }

  private void logPods(String node, NodeStatus status) {
    if (!unplaced.put(node, status)) {
      return;
    }
    Map<Object, String> of = said.computeIfAbsent(node, any -> new HashMap<>());
    of.keySet().removeIf(key -> !key.equals(NODE) && !status.intent().pods().containsKey(key));
    NodeStatus before = last.get(node);
    Map<PodInterface, List<PodPort>> had = before == null ? Map.of() : ports(before);
    Map<PodInterface, List<PodPort>> has = ports(status);
    ImmutableSet<PodInterface> on = unplaced.on(node);
    // The others, which may be thousands, are not here and were not: nothing is to be said of them.
    Set<PodInterface> concerned = new LinkedHashSet<>(on);
    of.keySet().stream()
        .filter(PodInterface.class::isInstance)
        .map(PodInterface.class::cast)
        .forEach(concerned::add);
    for (PodInterface pod : concerned) {
      boolean here = on.contains(pod);
      List<PodPort> its = has.getOrDefault(pod, List.of());
      boolean wasSaid = of.containsKey(pod);
      boolean isAsBefore = here && !its.isEmpty() && its.equals(had.get(pod));
      // That the connection is gone is said once, of the node.
      boolean isUnseen = here && status.node().datapath().isEmpty();
      if ((here && !wasSaid) || (wasSaid && !isAsBefore && !isUnseen)) {
        say(
            of,
            pod,
            node,
            "pod " + pod + " " + String.join(", ", Whereabouts.of(status.node(), pod, its)));
      }
      if (!here) {
        of.remove(pod);
      }
    }
  }

  private static Map<PodInterface, List<PodPort>> ports(NodeStatus status) {
    return status.node().podPorts().stream().collect(Collectors.groupingBy(PodPort::podInterface));
  }

  private void logPodsOnNoNode() {
    unplaced
        .take()
        .forEach(
            (pod, nowhere) -> {
              if (nowhere) {
                say(
                    saidOfNowhere,
                    pod,
                    "all nodes",
                    "pod " + pod + " is on none of them; it is mirrored when it comes");
              } else {
                saidOfNowhere.remove(pod);
              }
            });
  }

  private void logComplaints(String node, NodeStatus status) {
    List<String> before = complaints.getOrDefault(node, List.of());
    List<String> now = status.complaints();
    if (!now.equals(before)) {
      now.stream()
          .filter(line -> !before.contains(line))
          .forEach(line -> log.warn("{}: {}", node, line));
      before.stream()
          .filter(
              line -> now.stream().map(Trouble::subject).noneMatch(Trouble.subject(line)::equals))
          .forEach(line -> log.info("{}: over: {}", node, line));
      complaints.put(node, now);
    }
  }

  /** Each once: the list is bounded, and what is new is at its end. */
  private void logRepairs(String node, NodeStatus status) {
    NodeStatus before = last.get(node);
    ImmutableList<Repair> known = before == null ? ImmutableList.of() : before.repairs();
    Repair newest = Iterables.getLast(known, null);
    int from = newest == null ? 0 : status.repairs().lastIndexOf(newest) + 1;
    status
        .repairs()
        .subList(from, status.repairs().size())
        .forEach(repair -> log.info("{}: repaired: {}", node, repair));
  }

  private void logProgress(String node, NodeStatus status) {
    Map<Object, String> of = said.computeIfAbsent(node, any -> new HashMap<>());
    if (status.node().datapath().isEmpty()) {
      // That it is in sync is news again when it comes back.
      of.remove(NODE);
    } else if (status.settled()) {
      say(
          of,
          NODE,
          node,
          String.format(
              "in sync: %d entries, %d held",
              status.plan().entries().size(), status.diff().held().size()));
    } else if (status.writer() == NodeStatus.Writer.US
        && status.node().bridgeConfirmed()
        && status.diff().drift().values().stream().anyMatch(drift -> drift != Drift.DUE)) {
      say(of, NODE, node, "repairing: " + status.diff().words());
    }
  }

  /** Says it, unless it is what was said last under this key. */
  private static void say(Map<Object, String> said, Object key, String node, String line) {
    if (!line.equals(said.put(key, line))) {
      log.info("{}: {}", node, line);
    }
  }
}
