// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.ImmutableSetMultimap;
import io.flowmirror.config.Direction;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.flows.FlowDiff.Drift;
import io.flowmirror.flows.FlowKey;
import io.flowmirror.flows.NodeIntent;
import io.flowmirror.flows.Plan;
import io.flowmirror.flows.PlannedEntry;
import io.flowmirror.topology.PodName;
import io.flowmirror.topology.PodPort;
import java.util.HashSet;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What is concluded of one node's taps from what is wanted and planned there: it is concluded again
 * only of what is new, since a node with hundreds of pods reports many times while it is repaired.
 */
final class Taps {
  private final NodeIntent intent;
  private final ImmutableList<PodPort> ports;
  private final Plan plan;
  private final ImmutableMap<Tap, Direction> wanted;
  private final ImmutableSetMultimap<PodName, FlowKey> keys;

  private Taps(NodeStatus status, @Nullable Taps before) {
    intent = status.intent();
    ports = status.node().podPorts();
    plan = status.plan();
    wanted =
        before != null && isSame(intent, before.intent) && ports.equals(before.ports)
            ? before.wanted
            : Tap.wanted(status);
    keys = before != null && isSame(plan, before.plan) ? before.keys : Tap.keys(status);
  }

  /**
   * Those of a node.
   *
   * @param before what was concluded of the node before, if anything
   */
  static Taps of(NodeStatus status, @Nullable Taps before) {
    return new Taps(status, before);
  }

  /** What is there and wanted by anybody, and in which direction. */
  ImmutableMap<Tap, Direction> wanted() {
    return wanted;
  }

  /** By pod, where its entries are planned. */
  ImmutableSetMultimap<PodName, FlowKey> keys() {
    return keys;
  }

  /** Whether what is wanted, and where its entries are, is what it was before. */
  boolean areAsIn(@Nullable Taps before) {
    return before != null
        && isSame(intent, before.intent)
        && isSame(wanted, before.wanted)
        && isSame(keys, before.keys);
  }

  /** Of the wanted ones those all of whose entries are there. */
  ImmutableSet<Tap> whole(NodeStatus status) {
    Set<PodName> missing = missing(status);
    ImmutableSet.Builder<Tap> whole = ImmutableSet.builder();
    for (Tap tap : wanted.keySet()) {
      PodName pod = tap.at().pod();
      if (keys.containsKey(pod) && !missing.contains(pod)) {
        whole.add(tap);
      }
    }
    return whole.build();
  }

  private Set<PodName> missing(NodeStatus status) {
    Set<PodName> missing = new HashSet<>();
    Consumer<FlowKey> miss =
        key -> {
          @Nullable PlannedEntry planned = plan.entries().get(key);
          if (planned != null) {
            planned.pod().ifPresent(missing::add);
          }
        };
    status
        .diff()
        .drift()
        .forEach(
            (key, drift) -> {
              if (drift != Drift.DUE) {
                miss.accept(key);
              }
            });
    status.diff().conflicts().keySet().forEach(miss);
    status.diff().hidden().keySet().forEach(miss);
    return missing;
  }

  @SuppressWarnings("ReferenceEquality") // What has not changed is the same object.
  private static boolean isSame(Object one, Object other) {
    return one == other;
  }
}
