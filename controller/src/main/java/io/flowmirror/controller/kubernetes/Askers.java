// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Maps;
import io.flowmirror.config.Direction;
import io.flowmirror.topology.PodInterface;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Who asks in the API for which frames on one node. What one of them asks for is kept apart, so
 * that it can end without the others.
 *
 * @param all for each interface that is asked for, by who asks: {@code annotation[:MANAGER]} or
 *     {@code mirror:NAMESPACE/NAME[:MANAGER]}, with the field manager as far as the API shows it
 */
public record Askers(ImmutableMap<PodInterface, ImmutableMap<String, Direction>> all) {
  /** Nobody asks. */
  public static final Askers NOBODY = new Askers(ImmutableMap.of());

  /** What is asked for of each interface: what all who ask want together. */
  public ImmutableMap<PodInterface, Direction> directions() {
    return ImmutableMap.copyOf(Maps.transformValues(all, Askers::together));
  }

  /** Who asks for each interface. */
  public ImmutableMap<PodInterface, ImmutableSet<String>> names() {
    return ImmutableMap.copyOf(Maps.transformValues(all, ImmutableMap::keySet));
  }

  /** What these want together; they are at least one. */
  static Direction together(ImmutableMap<String, Direction> asks) {
    Optional<Direction> direction = asks.values().stream().reduce(Direction::and);
    return direction.orElseThrow();
  }

  static ImmutableMap<String, Direction> united(
      ImmutableMap<String, Direction> some, ImmutableMap<String, Direction> more) {
    return Stream.of(some, more)
        .flatMap(asks -> asks.entrySet().stream())
        .collect(
            ImmutableMap.toImmutableMap(Map.Entry::getKey, Map.Entry::getValue, Direction::and));
  }
}
