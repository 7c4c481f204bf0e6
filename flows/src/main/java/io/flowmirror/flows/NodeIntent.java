// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.config.Direction;
import io.flowmirror.config.KubeOvnMirror;
import io.flowmirror.config.Mirror;
import io.flowmirror.config.NodeSettings;
import io.flowmirror.config.Settings;
import io.flowmirror.topology.PodInterface;
import io.flowmirror.topology.PodName;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * What is wanted of one node.
 *
 * @param mirrorIface the mirror port's interface, or empty if nothing of ours shall remain
 * @param everything whether every frame on br-int is copied, whatever {@code pods} says
 * @param holdSeconds the hard timeout of entries
 * @param kubeOvnMirror what is done about Open vSwitch's own Mirror into the same port
 * @param pods the mirrored interfaces of pods
 * @param only where it is not certain any more that a pod of this name is the one that was meant:
 *     the interfaces of br-int that it has been mirrored at, and no others
 */
public record NodeIntent(
    Optional<String> mirrorIface,
    boolean everything,
    int holdSeconds,
    KubeOvnMirror kubeOvnMirror,
    ImmutableMap<PodInterface, Direction> pods,
    ImmutableMap<PodInterface, ImmutableSet<String>> only) {

  /**
   * What the settings say of one node, and what has been asked for beside them. Whoever asks for
   * less does not take from who asks for more: what any of them wants is mirrored.
   */
  public static NodeIntent of(
      Settings settings,
      NodeSettings node,
      Map<PodInterface, Direction> asked,
      ImmutableMap<PodInterface, ImmutableSet<String>> only) {
    Map<PodInterface, Direction> pods = new LinkedHashMap<>(asked);
    for (Mirror mirror : settings.mirrors()) {
      pods.merge(
          PodInterface.primary(new PodName(mirror.namespace(), mirror.pod())),
          mirror.direction(),
          Direction::and);
    }
    return new NodeIntent(
        Optional.of(settings.mirrorIface(node)),
        settings.enableMirror(),
        Math.toIntExact(settings.hold().toSeconds()),
        settings.kubeOvnMirror(),
        ImmutableMap.copyOf(pods),
        only.entrySet().stream()
            .filter(entry -> settings.mirrors().stream().noneMatch(isOf(entry.getKey())))
            .collect(ImmutableMap.toImmutableMap(Map.Entry::getKey, Map.Entry::getValue)));
  }

  /** Nothing at all: neither entries nor the port. */
  public static NodeIntent nothing() {
    return new NodeIntent(
        Optional.empty(), false, 0, KubeOvnMirror.REPORT, ImmutableMap.of(), ImmutableMap.of());
  }

  /** The same, with everything mirrored or not. */
  public NodeIntent withEverything(boolean all) {
    return all == everything
        ? this
        : new NodeIntent(mirrorIface, all, holdSeconds, kubeOvnMirror, pods, only);
  }

  private static Predicate<Mirror> isOf(PodInterface wanted) {
    return mirror ->
        wanted.equals(PodInterface.primary(new PodName(mirror.namespace(), mirror.pod())));
  }

  /** Whether this interface of br-int is mirrored if it is this interface of a pod. */
  boolean includes(PodInterface pod, String interfaceName) {
    ImmutableSet<String> bound = only.get(pod);
    return pods.containsKey(pod) && (bound == null || bound.contains(interfaceName));
  }
}
