// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

import com.google.common.collect.ImmutableMap;
import io.flowmirror.config.Direction;
import io.flowmirror.config.KubeOvnMirror;
import io.flowmirror.config.Mirror;
import io.flowmirror.config.NodeSettings;
import io.flowmirror.config.Settings;
import io.flowmirror.topology.PodName;
import java.util.Optional;

/**
 * What is wanted of one node.
 *
 * @param mirrorIface the mirror port's interface, or empty if nothing of ours shall remain
 * @param everything whether every frame on br-int is copied, whatever {@code pods} says
 * @param holdSeconds the hard timeout of entries
 * @param kubeOvnMirror what is done about Open vSwitch's own Mirror into the same port
 * @param pods the mirrored pods
 */
public record NodeIntent(
    Optional<String> mirrorIface,
    boolean everything,
    int holdSeconds,
    KubeOvnMirror kubeOvnMirror,
    ImmutableMap<PodName, Direction> pods) {

  /** What the settings say of one node. */
  public static NodeIntent of(Settings settings, NodeSettings node) {
    ImmutableMap.Builder<PodName, Direction> pods = ImmutableMap.builder();
    for (Mirror mirror : settings.mirrors()) {
      pods.put(new PodName(mirror.namespace(), mirror.pod()), mirror.direction());
    }
    return new NodeIntent(
        Optional.of(settings.mirrorIface(node)),
        settings.enableMirror(),
        Math.toIntExact(settings.hold().toSeconds()),
        settings.kubeOvnMirror(),
        pods.buildOrThrow());
  }

  /** Nothing at all: neither entries nor the port. */
  public static NodeIntent nothing() {
    return new NodeIntent(Optional.empty(), false, 0, KubeOvnMirror.REPORT, ImmutableMap.of());
  }
}
