// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.topology;

import com.google.common.collect.ImmutableMap;

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
    Node after =
        switch (fact) {
          case Fact.BridgeObserved observed ->
              new Node(
                  before.name(),
                  observed.bridge().or(before::bridge),
                  observed.bridge().isPresent(),
                  before.datapath());
          case Fact.DatapathObserved observed ->
              new Node(
                  before.name(), before.bridge(), before.bridgeConfirmed(), observed.datapath());
        };
    if (after.equals(before) && nodes.containsKey(fact.node())) {
      return this;
    }
    return new Topology(
        ImmutableMap.<String, Node>builder()
            .putAll(nodes)
            .put(after.name(), after)
            .buildKeepingLast());
  }
}
