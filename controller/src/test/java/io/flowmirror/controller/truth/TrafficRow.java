// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Sets;

/**
 * The kinds of traffic: the eight of the table that Kube-OVN publishes, and two between pods that
 * are not mirrored. The mirrored pod is always the same one, on n1; it is at one end of every row
 * but 3, 9 and 10.
 */
enum TrafficRow {
  SAME_NODE(1, "pod to pod, same node", true, 1, TrafficLoad.MESSAGES),
  OTHER_NODE(2, "pod to pod, different nodes", true, 1, TrafficLoad.MESSAGES),
  NODE_TO_NODE(3, "node to node", false, 0, TrafficLoad.MESSAGES),
  OWN_NODE(4, "pod to its own node", true, 2, TrafficLoad.MESSAGES),
  ANOTHER_NODE(5, "pod to another node", true, 1, TrafficLoad.MESSAGES),
  CLUSTER_IP(6, "pod to a ClusterIP service", true, 2, TrafficLoad.ALL),
  REMOTE_NODE_PORT(
      7, "host to a NodePort whose pod is not on that node", true, 1, TrafficLoad.REQUESTS),
  LOCAL_NODE_PORT(8, "host to a NodePort whose pod is on that node", true, 2, TrafficLoad.REQUESTS),
  ONE_OF_TEN(9, "between two other pods, 1 of 10 pods mirrored", false, 1, TrafficLoad.BYSTANDERS),
  ONE_OF_HUNDRED(
      10, "between two other pods, 1 of 100 pods mirrored", false, 1, TrafficLoad.BYSTANDERS);

  final int number;
  final String words;

  /** Whether the mirrored pod is at one end. */
  final boolean mirroredPod;

  /**
   * How often each frame is due when everything is mirrored. A frame that OVN routes or translates
   * on n1, and delivers there, was seen in two forms; node to node traffic is not on br-int.
   */
  final int formsOfAll;

  final ImmutableSet<TrafficLoad> loads;

  TrafficRow(
      int number,
      String words,
      boolean mirroredPod,
      int formsOfAll,
      ImmutableSet<TrafficLoad> loads) {
    this.number = number;
    this.words = words;
    this.mirroredPod = mirroredPod;
    this.formsOfAll = formsOfAll;
    this.loads = loads;
  }

  static TrafficRow of(int number) {
    return values()[number - 1];
  }

  /** How many copies are due for each frame that the switch of n1 took in. */
  int copiesDue(TrafficMode mode) {
    if (!mode.mirrors) {
      return 0;
    }
    return mode.everything ? formsOfAll : mirroredPod ? 1 : 0;
  }

  /** How many pods n1 must have at least. */
  int population() {
    return switch (this) {
      case ONE_OF_TEN -> 10;
      case ONE_OF_HUNDRED -> 100;
      default -> 0;
    };
  }

  ImmutableSet<TrafficLoad> loads(ImmutableSet<TrafficLoad> wanted) {
    return Sets.intersection(loads, wanted).immutableCopy();
  }
}
