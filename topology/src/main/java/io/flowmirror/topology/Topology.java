// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.topology;

import com.google.common.collect.ImmutableMap;
import com.google.common.collect.Maps;
import java.util.Optional;

/** Every node as observed; immutable, the next state is made by {@link #with}. */
public record Topology(ImmutableMap<String, Node> nodes) {

  /** Nothing observed yet. */
  public static Topology empty() {
    return new Topology(ImmutableMap.of());
  }

  /** The node of this name, unobserved if there has been no fact of it. */
  public Node node(String name) {
    Node known = nodes.get(name);
    return known == null ? Node.unobserved(name) : known;
  }

  /** The topology after one more fact. The result depends on the newest facts, not on the order. */
  public Topology with(Fact fact) {
    Node before = node(fact.node());
    Optional<Node> after =
        switch (fact) {
          case Fact.BridgeObserved observed ->
              Optional.of(
                  new Node(
                      before.name(),
                      observed.bridge().or(before::bridge),
                      observed.bridge().isPresent(),
                      before.datapath()));
          case Fact.DatapathObserved observed ->
              Optional.of(
                  new Node(
                      before.name(),
                      before.bridge(),
                      before.bridgeConfirmed(),
                      observed.datapath()));
          case Fact.NodeForgotten forgotten -> Optional.empty();
        };
    if (after.equals(Optional.ofNullable(nodes.get(fact.node())))) {
      return this;
    }
    ImmutableMap.Builder<String, Node> next = ImmutableMap.builder();
    next.putAll(Maps.filterKeys(nodes, name -> !name.equals(fact.node())));
    after.ifPresent(node -> next.put(node.name(), node));
    return new Topology(next.buildOrThrow());
  }
}
