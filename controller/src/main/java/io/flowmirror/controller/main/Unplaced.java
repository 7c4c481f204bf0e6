// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.google.common.collect.HashMultiset;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Multiset;
import com.google.common.collect.Sets;
import io.flowmirror.config.Direction;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.topology.Datapath;
import io.flowmirror.topology.Interface;
import io.flowmirror.topology.Node;
import io.flowmirror.topology.PodInterface;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which pods that are to be mirrored are on none of the nodes. Counted, so that a node that has
 * changed costs what it has itself, however many others there are. Confined to one thread.
 */
final class Unplaced {

  /** What one node says: who is wanted there, and who of them is there. */
  private record Word(NodeStatus status, ImmutableSet<PodInterface> here, boolean isKnown) {
    ImmutableMap<PodInterface, Direction> wanted() {
      return status.intent().pods();
    }

    /**
     * Whether another status says the same: an idle node's is made anew with each audit, and that
     * of one with hundreds of pods many times while its entries go and come back.
     */
    boolean isOf(NodeStatus other) {
      Node one = status.node();
      Node two = other.node();
      return status.intent().equals(other.intent())
          && one.bridge().equals(two.bridge())
          && one.datapath().map(Datapath::ports).equals(two.datapath().map(Datapath::ports))
          && one.podPorts().equals(two.podPorts());
    }
  }

  private final Map<String, Word> words = new HashMap<>();
  private final Multiset<PodInterface> wanted = HashMultiset.create();
  private final Multiset<PodInterface> placed = HashMultiset.create();

  /** Those of which something has changed since they were told last. */
  private final Set<PodInterface> doubtful = new LinkedHashSet<>();

  private Change lastChange =
      new Change(ImmutableMap.of(), ImmutableMap.of(), ImmutableSet.of(), ImmutableSet.of());

  /** How many nodes have not said who is there. */
  private int unknown;

  /** Takes where a node stands; says whether who is wanted, or there, may have changed by that. */
  boolean put(String node, NodeStatus status) {
    @Nullable Word before = words.get(node);
    if (before != null && before.isOf(status)) {
      return false;
    }
    ImmutableMap<PodInterface, Direction> wants = status.intent().pods();
    ImmutableSet<PodInterface> here =
        interfaces(status.node()).stream()
            .filter(wants::containsKey)
            .collect(ImmutableSet.toImmutableSet());
    Word now = new Word(status, here, status.node().bridge().isPresent());
    words.put(node, now);
    if (before == null) {
      wanted.addAll(wants.keySet());
      doubtful.addAll(wants.keySet());
    } else {
      Change change = change(before.wanted(), wants);
      change.gone().forEach(wanted::remove);
      wanted.addAll(change.come());
      doubtful.addAll(change.gone());
      doubtful.addAll(change.come());
      before.here().forEach(placed::remove);
      doubtful.addAll(Sets.symmetricDifference(before.here(), here));
      unknown -= before.isKnown() ? 0 : 1;
    }
    placed.addAll(here);
    unknown += now.isKnown() ? 0 : 1;
    return true;
  }

  /** Who is wanted now and was not, and the other way round. */
  private record Change(
      ImmutableMap<PodInterface, Direction> from,
      ImmutableMap<PodInterface, Direction> to,
      ImmutableSet<PodInterface> come,
      ImmutableSet<PodInterface> gone) {
    @SuppressWarnings("ReferenceEquality") // Nodes share them.
    private boolean isOf(
        ImmutableMap<PodInterface, Direction> otherFrom,
        ImmutableMap<PodInterface, Direction> otherTo) {
      return from == otherFrom && to == otherTo;
    }
  }

  /** Thousands of nodes want the same in turn: it is found out once. */
  private Change change(
      ImmutableMap<PodInterface, Direction> from, ImmutableMap<PodInterface, Direction> to) {
    if (!lastChange.isOf(from, to)) {
      lastChange =
          new Change(
              from,
              to,
              Sets.difference(to.keySet(), from.keySet()).immutableCopy(),
              Sets.difference(from.keySet(), to.keySet()).immutableCopy());
    }
    return lastChange;
  }

  /** The node is gone. */
  void remove(String node) {
    @Nullable Word before = words.remove(node);
    if (before != null) {
      before.wanted().keySet().forEach(wanted::remove);
      before.here().forEach(placed::remove);
      doubtful.addAll(before.wanted().keySet());
      unknown -= before.isKnown() ? 0 : 1;
    }
  }

  /** Those of the wanted that br-int's rows of this node know. */
  ImmutableSet<PodInterface> on(String node) {
    @Nullable Word word = words.get(node);
    return word == null ? ImmutableSet.of() : word.here();
  }

  /**
   * Takes those of which something has changed since the last time: whether each is wanted, and on
   * no node. Nothing as long as some node has not said who is there.
   */
  ImmutableMap<PodInterface, Boolean> take() {
    if (unknown > 0 || doubtful.isEmpty()) {
      return ImmutableMap.of();
    }
    ImmutableMap.Builder<PodInterface, Boolean> taken = ImmutableMap.builder();
    doubtful.forEach(pod -> taken.put(pod, wanted.contains(pod) && !placed.contains(pod)));
    doubtful.clear();
    return taken.buildOrThrow();
  }

  private static ImmutableSet<PodInterface> interfaces(Node node) {
    return node.bridge().stream()
        .flatMap(bridge -> bridge.interfaces().values().stream())
        .map(Interface::podInterface)
        .flatMap(Optional::stream)
        .collect(ImmutableSet.toImmutableSet());
  }
}
