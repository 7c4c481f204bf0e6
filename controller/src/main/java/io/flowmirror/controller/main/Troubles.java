// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.flowmirror.config.Direction;
import io.flowmirror.controller.kubernetes.Trouble;
import io.flowmirror.controller.northbound.Whereabouts;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.controller.reconcile.Obstacle;
import io.flowmirror.flows.FlowDiff.Drift;
import io.flowmirror.flows.FlowKey;
import io.flowmirror.flows.Plan;
import io.flowmirror.flows.PlannedEntry;
import io.flowmirror.topology.PodInterface;
import io.flowmirror.topology.PodPort;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Why interfaces of pods are not mirrored, each in words that are about it or about its node. A
 * node's complaints name pods of all namespaces; what is said here is read by a pod's own people.
 */
final class Troubles {
  private Troubles() {}

  /** Of those interfaces that are wanted, what is known to be amiss. */
  static ImmutableMap<PodInterface, Trouble> of(NodeStatus status, Set<PodInterface> wanted) {
    return wanted.stream()
        .filter(status.intent().pods()::containsKey)
        .collect(ImmutableMap.toImmutableMap(at -> at, at -> of(status, at)));
  }

  private static Trouble of(NodeStatus status, PodInterface at) {
    if (status.node().datapath().isEmpty() || status.node().bridge().isEmpty()) {
      return nodes(status, "the node has not said yet what there is");
    }
    if (!Whereabouts.isOn(status.node(), at)) {
      boolean attached = !at.isPrimary();
      return new Trouble(
          attached
              ? "no such interface: br-int has none of this pod's by the provider " + at.provider()
              : "br-int has no interface of this pod",
          // Where the primary one is, the others are, too.
          !attached || !Whereabouts.isOn(status.node(), PodInterface.primary(at.pod())));
    }
    Optional<PodPort> port =
        status.node().podPorts().stream()
            .filter(found -> found.podInterface().equals(at))
            .findFirst();
    if (port.isEmpty()) {
      return said("it " + String.join(", ", Whereabouts.of(status.node(), at)));
    }
    Optional<String> own =
        status.plan().entries().entrySet().stream()
            .filter(planned -> planned.getValue().pod().equals(Optional.of(at.pod())))
            .flatMap(planned -> amiss(status, planned).stream())
            .findFirst();
    if (own.isPresent()) {
      return said(own.get());
    }
    Direction direction = status.intent().pods().getOrDefault(at, Direction.BOTH);
    return nodes(
        status,
        port.get().keys().isEmpty() && direction.toPod()
            ? "OVN has not bound its port: what it receives cannot be copied yet"
            : "its entries are not there yet");
  }

  private static Trouble said(String words) {
    return new Trouble(words, false);
  }

  private static Optional<String> amiss(
      NodeStatus status, Map.Entry<FlowKey, PlannedEntry> planned) {
    FlowKey key = planned.getKey();
    @Nullable String refused = status.refused().get(key);
    if (refused != null) {
      return Optional.of("the switch refused an entry of its: " + refused);
    }
    if (status.diff().conflicts().containsKey(key)) {
      return Optional.of("an entry of somebody else's stands where one of its would");
    }
    if (status.diff().hidden().containsKey(key)) {
      return Optional.of("an entry of somebody else's hides one of its");
    }
    @Nullable Drift drift = status.diff().drift().get(key);
    return drift == null || drift == Drift.DUE || status.writer() != NodeStatus.Writer.US
        ? Optional.empty()
        : waiting(status).isEmpty()
            ? Optional.of("the entry that " + planned.getValue().purpose() + " is not there yet")
            : Optional.empty();
  }

  /** What is amiss with the node, without what names pods or their interfaces. */
  private static Trouble nodes(NodeStatus status, String otherwise) {
    String words =
        Stream.of(
                waiting(status).stream(),
                status.contested().stream(),
                status.plan().refusals().stream().filter(line -> !Plan.namesPods(line)))
            .flatMap(lines -> lines)
            .collect(Collectors.joining("; "));
    return said(words.isEmpty() ? otherwise : words);
  }

  private static ImmutableList<String> waiting(NodeStatus status) {
    return status.waiting().stream()
        .map(Obstacle::words)
        .map(
            line ->
                line.startsWith("OVSDB ")
                    ? "OVSDB does not do what is wanted of br-int's ports"
                    : line)
        .distinct()
        .collect(ImmutableList.toImmutableList());
  }
}
