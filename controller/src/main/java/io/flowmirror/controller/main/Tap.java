// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.ImmutableSetMultimap;
import io.flowmirror.config.Direction;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.flows.Field;
import io.flowmirror.flows.FlowKey;
import io.flowmirror.flows.Match;
import io.flowmirror.topology.PodInterface;
import io.flowmirror.topology.PodName;
import io.flowmirror.topology.PodPort;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * A pod's interface at one of br-int's: a pod of the same name that comes later has another one.
 *
 * @param at the interface of the pod
 * @param interfaceName that of br-int
 */
record Tap(PodInterface at, String interfaceName) {
  private static Tap of(PodPort port) {
    return new Tap(port.podInterface(), port.interfaceName());
  }

  /** Whether a node can be told of at all: what is not known is not over. */
  static boolean isKnown(NodeStatus status) {
    return status.node().datapath().isPresent() && status.node().bridge().isPresent();
  }

  /** What is there and wanted by anybody, and in which direction. */
  static ImmutableMap<Tap, Direction> wanted(NodeStatus status) {
    Map<Tap, Direction> wanted = new LinkedHashMap<>();
    for (PodPort port : status.node().podPorts()) {
      ImmutableSet<String> only = status.intent().only().get(port.podInterface());
      if (status.intent().everything()) {
        wanted.put(of(port), Direction.BOTH);
      } else if (status.intent().pods().containsKey(port.podInterface())
          && (only == null || only.contains(port.interfaceName()))) {
        wanted.put(
            of(port), status.intent().pods().getOrDefault(port.podInterface(), Direction.BOTH));
      }
    }
    return ImmutableMap.copyOf(wanted);
  }

  static ImmutableSet<PodInterface> interfaces(Set<Tap> taps) {
    return taps.stream().map(Tap::at).collect(ImmutableSet.toImmutableSet());
  }

  /**
   * The interfaces of which anything is copied, or may be: those that are wanted, and those that
   * have entries still.
   */
  static ImmutableSet<PodInterface> tapped(NodeStatus status, ImmutableMap<Tap, Direction> wanted) {
    ImmutableSet.Builder<PodInterface> tapped = ImmutableSet.builder();
    wanted.keySet().forEach(tap -> tapped.add(tap.at()));
    ImmutableList<Match> left =
        status.installed().stream()
            .filter(there -> there.isOurs() && !isPlanned(status, there.entry().key()))
            .map(there -> there.entry().key().match())
            .collect(ImmutableList.toImmutableList());
    if (left.isEmpty()) {
      // Nearly always; and a node may have hundreds of pods that nobody wants.
      return tapped.build();
    }
    for (PodPort port : status.node().podPorts()) {
      if (!wanted.containsKey(of(port)) && left.stream().anyMatch(match -> isOf(match, port))) {
        tapped.add(port.podInterface());
      }
    }
    return tapped.build();
  }

  /** By pod, where its entries are planned. */
  static ImmutableSetMultimap<PodName, FlowKey> keys(NodeStatus status) {
    ImmutableSetMultimap.Builder<PodName, FlowKey> keys = ImmutableSetMultimap.builder();
    status
        .plan()
        .entries()
        .forEach((key, planned) -> planned.pod().ifPresent(pod -> keys.put(pod, key)));
    return keys.build();
  }

  /** Whether an entry of ours is there still that was at one of these, and is not wanted. */
  static boolean isLeft(NodeStatus status, ImmutableSet<FlowKey> keys) {
    return status.installed().stream()
        .anyMatch(
            there ->
                there.isOurs()
                    && keys.contains(there.entry().key())
                    && !isPlanned(status, there.entry().key()));
  }

  private static boolean isOf(Match match, PodPort port) {
    return match.exact(Field.IN_PORT).orElse(-1) == port.ofport()
        || port.keys()
            .filter(
                keys ->
                    match.exact(Field.REG15).orElse(-1) == keys.portKey()
                        && match.exact(Field.METADATA).orElse(-1) == keys.datapathKey())
            .isPresent();
  }

  private static boolean isPlanned(NodeStatus status, FlowKey key) {
    return status.plan().entries().containsKey(key);
  }
}
