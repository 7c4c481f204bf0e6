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
    Optional<Node> after = node(fact.node()).after(fact);
    if (after.equals(Optional.ofNullable(nodes.get(fact.node())))) {
      return this;
    }
    ImmutableMap.Builder<String, Node> next = ImmutableMap.builder();
    next.putAll(Maps.filterKeys(nodes, name -> !name.equals(fact.node())));
    after.ifPresent(node -> next.put(node.name(), node));
    return new Topology(next.buildOrThrow());
  }
}
