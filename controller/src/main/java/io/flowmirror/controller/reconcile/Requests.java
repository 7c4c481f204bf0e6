// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.reconcile;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.config.Direction;
import io.flowmirror.config.Mirror;
import io.flowmirror.config.Settings;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What is asked for while the controller runs, beside its settings.
 *
 * @param mirrors pods, each once
 * @param global on which nodes everything is mirrored; empty if that is left to the settings
 */
public record Requests(ImmutableList<Mirror> mirrors, Optional<Global> global) {
  /** Nothing. */
  public static final Requests NONE = new Requests(ImmutableList.of(), Optional.empty());

  /**
   * Where everything is mirrored.
   *
   * @param all on every node
   * @param nodes on these nodes, if not on all
   */
  public record Global(boolean all, ImmutableSet<String> nodes) {
    /** Whether it is on this node. */
    public boolean includes(String node) {
      return all || nodes.contains(node);
    }
  }

  /** Whether everything is mirrored on a node. */
  boolean everything(Settings settings, String node) {
    return global.map(asked -> asked.includes(node)).orElse(settings.enableMirror());
  }

  /** The settings with these mirrors; where both name a pod, it gets what either asks for. */
  Settings over(Settings settings) {
    if (mirrors.isEmpty()) {
      return settings;
    }
    Map<String, Mirror> all = new LinkedHashMap<>();
    settings.mirrors().forEach(mirror -> all.put(mirror.namespacedPod(), mirror));
    mirrors.forEach(mirror -> all.merge(mirror.namespacedPod(), mirror, Requests::both));
    return settings.withMirrors(ImmutableList.copyOf(all.values()));
  }

  private static Mirror both(Mirror one, Mirror other) {
    Direction direction = one.direction().and(other.direction());
    return new Mirror(one.namespace(), one.pod(), direction);
  }
}
