// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Maps;
import io.flowmirror.config.Direction;
import io.flowmirror.config.KubeOvnMirror;
import io.flowmirror.config.Mirror;
import io.flowmirror.config.NodeSettings;
import io.flowmirror.config.Settings;
import io.flowmirror.topology.PodInterface;
import io.flowmirror.topology.PodName;
import io.flowmirror.topology.PodPort;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

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

  /** What the settings say of pods, wherever they are: the same for every node. */
  public static ImmutableMap<PodInterface, Direction> pods(Settings settings) {
    Map<PodInterface, Direction> pods = new LinkedHashMap<>();
    for (Mirror mirror : settings.mirrors()) {
      pods.merge(
          PodInterface.primary(new PodName(mirror.namespace(), mirror.pod())),
          mirror.direction(),
          Direction::and);
    }
    return ImmutableMap.copyOf(pods);
  }

  /**
   * What the settings say of one node, and what has been asked for beside them. Whoever asks for
   * less does not take from who asks for more: what any of them wants is mirrored.
   *
   * @param everywhere what {@link #pods} says of the settings; where nothing else has been asked
   *     for, the node's pods are this very object, so that thousands of nodes share it
   */
  public static NodeIntent of(
      Settings settings,
      NodeSettings node,
      ImmutableMap<PodInterface, Direction> everywhere,
      Map<PodInterface, Direction> asked,
      ImmutableMap<PodInterface, ImmutableSet<String>> only) {
    ImmutableMap<PodInterface, Direction> pods = everywhere;
    if (!asked.isEmpty()) {
      Map<PodInterface, Direction> all = new LinkedHashMap<>(asked);
      everywhere.forEach((pod, direction) -> all.merge(pod, direction, Direction::and));
      pods = ImmutableMap.copyOf(all);
    }
    return new NodeIntent(
        Optional.of(settings.mirrorIface(node)),
        settings.enableMirror(),
        Math.toIntExact(settings.hold().toSeconds()),
        settings.kubeOvnMirror(),
        pods,
        ImmutableMap.copyOf(Maps.filterKeys(only, pod -> !everywhere.containsKey(pod))));
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

  /** Whether both want the same of a node that has these ports of pods. */
  boolean wantsTheSame(NodeIntent other, Collection<PodPort> ports) {
    return mirrorIface.equals(other.mirrorIface)
        && everything == other.everything
        && holdSeconds == other.holdSeconds
        && kubeOvnMirror == other.kubeOvnMirror
        && only.equals(other.only)
        && ports.stream()
            .map(PodPort::podInterface)
            .allMatch(pod -> Objects.equals(pods.get(pod), other.pods.get(pod)));
  }

  /** Whether this interface of br-int is mirrored if it is this interface of a pod. */
  boolean includes(PodInterface pod, String interfaceName) {
    ImmutableSet<String> bound = only.get(pod);
    return pods.containsKey(pod) && (bound == null || bound.contains(interfaceName));
  }
}
