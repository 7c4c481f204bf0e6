// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

import com.google.common.collect.ImmutableMap;
import io.flowmirror.config.Direction;
import io.flowmirror.topology.PodInterface;
import java.util.Optional;

/**
 * What a session had heard when it was closed. The next one, by other settings, judges it anew: so
 * what those close ends at once, whether the API answers or not; a Mirror's {@code until} counts;
 * and {@code hold} does not begin anew. It is read by one thread, after the session's has ended.
 */
public final class Heard {
  /** Of a first session. */
  public static final Heard NOTHING = new Heard(Optional.empty(), ImmutableMap.of(), 0);

  private final Optional<ClusterView> view;
  private final ImmutableMap<String, ImmutableMap<PodInterface, Direction>> told;
  private final long nanos;

  Heard(
      Optional<ClusterView> view,
      ImmutableMap<String, ImmutableMap<PodInterface, Direction>> told,
      long nanos) {
    this.view = view;
    this.told = told;
    this.nanos = nanos;
  }

  /** What the API has said, if it has said anything. */
  Optional<ClusterView> view() {
    return view;
  }

  /** By node, what the listener was told of it last. */
  ImmutableMap<String, ImmutableMap<PodInterface, Direction>> told() {
    return told;
  }

  /** When it was so for certain, by {@link System#nanoTime}. */
  long nanos() {
    return nanos;
  }
}
