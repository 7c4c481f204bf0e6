// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Iterables;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.controller.reconcile.Repair;
import io.flowmirror.flows.FlowDiff.Drift;
import io.flowmirror.topology.PodInterface;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Logs one line for each change that a person would want to know of. On the loop's thread. */
final class StatusLog implements Consumer<ImmutableMap<String, NodeStatus>> {
  private static final Logger log = LoggerFactory.getLogger(StatusLog.class);

  /** In place of a node's name, which has no such letters. */
  private static final String NOWHERE = "(NOWHERE)";

  private final Map<String, List<String>> complaints = new HashMap<>();
  private final Map<String, String> said = new HashMap<>();
  private ImmutableMap<String, NodeStatus> last = ImmutableMap.of();

  @Override
  public void accept(ImmutableMap<String, NodeStatus> statuses) {
    complaints.keySet().retainAll(statuses.keySet());
    said.keySet().removeIf(key -> !isOf(key, statuses));
    statuses.forEach(
        (node, status) -> {
          // Of hundreds of nodes one has reported: the others' are the same objects.
          if (!status.equals(last.get(node))) {
            logPods(node, status);
            logComplaints(node, status);
            logRepairs(node, status);
            logProgress(node, status);
          }
        });
    last = statuses;
    logPodsOnNoNode(statuses);
  }

  /** Whether what was said is of a node, and a pod, that is still configured. */
  private static boolean isOf(String key, ImmutableMap<String, NodeStatus> statuses) {
    int blank = key.indexOf(' ');
    String node = blank < 0 ? key : key.substring(0, blank);
    if (node.equals(NOWHERE)) {
      return true;
    }
    NodeStatus status = statuses.get(node);
    return status != null
        && (blank < 0
            || status.intent().pods().keySet().stream().anyMatch(pod -> key.endsWith(" " + pod)));
  }

  private void logPods(String node, NodeStatus status) {
    for (PodInterface pod : status.intent().pods().keySet()) {
      boolean here = Whereabouts.isOn(status.node(), pod);
      String key = node + " " + pod;
      if (here || said.containsKey(key)) {
        say(key, node, "pod " + pod + " " + String.join(", ", Whereabouts.of(status.node(), pod)));
      }
      if (!here) {
        said.remove(key);
      }
    }
  }

  private void logPodsOnNoNode(ImmutableMap<String, NodeStatus> statuses) {
    if (statuses.values().stream().anyMatch(status -> status.node().bridge().isEmpty())) {
      return;
    }
    ImmutableSet<PodInterface> wanted =
        statuses.values().stream()
            .flatMap(status -> status.intent().pods().keySet().stream())
            .collect(ImmutableSet.toImmutableSet());
    for (PodInterface pod : wanted) {
      boolean somewhere =
          statuses.values().stream().anyMatch(status -> Whereabouts.isOn(status.node(), pod));
      String key = NOWHERE + " " + pod;
      if (somewhere) {
        said.remove(key);
      } else {
        say(key, "all nodes", "pod " + pod + " is on none of them; it is mirrored when it comes");
      }
    }
  }

  private void logComplaints(String node, NodeStatus status) {
    List<String> before = complaints.getOrDefault(node, List.of());
    List<String> now = status.complaints();
    if (!now.equals(before)) {
      now.stream()
          .filter(line -> !before.contains(line))
          .forEach(line -> log.warn("{}: {}", node, line));
      before.stream()
          .filter(line -> now.stream().noneMatch(other -> subject(other).equals(subject(line))))
          .forEach(line -> log.info("{}: over: {}", node, line));
      complaints.put(node, now);
    }
  }

  /** "no OpenFlow" is not over because its reason is another one now. */
  private static String subject(String complaint) {
    int colon = complaint.indexOf(": ");
    return colon < 0 ? complaint : complaint.substring(0, colon);
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
    if (status.node().datapath().isEmpty()) {
      // That it is in sync is news again when it comes back.
      said.remove(node);
    } else if (status.settled()) {
      say(
          node,
          node,
          String.format(
              "in sync: %d entries, %d held",
              status.plan().entries().size(), status.diff().held().size()));
    } else if (status.writer() == NodeStatus.Writer.US
        && status.node().bridgeConfirmed()
        && status.diff().drift().values().stream().anyMatch(drift -> drift != Drift.DUE)) {
      say(node, node, "repairing: " + Summary.of(status.diff()));
    }
  }

  /** Says it, unless it is what was said last under this key. */
  private void say(String key, String node, String line) {
    if (!line.equals(said.put(key, line))) {
      log.info("{}: {}", node, line);
    }
  }
}
