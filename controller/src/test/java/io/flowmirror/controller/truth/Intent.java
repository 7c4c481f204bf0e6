// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableMultiset;
import io.flowmirror.config.Direction;
import io.flowmirror.config.Overrides;
import io.flowmirror.config.Settings;
import io.flowmirror.config.SettingsReader;

/**
 * What the controller is asked to mirror.
 *
 * @param name the table's column
 * @param everything whether it is all of br-int
 * @param pods the mirrored pods otherwise; in the truth table all of them are on n1
 */
record Intent(String name, boolean everything, ImmutableMap<String, Direction> pods) {
  static final Intent NOTHING = new Intent("nothing", false, ImmutableMap.of());
  static final Intent ONE_POD = pods("web", ImmutableMap.of("web", Direction.BOTH));
  static final Intent ONE_POD_OUT =
      pods("web from-pod", ImmutableMap.of("web", Direction.FROM_POD));
  static final Intent ONE_POD_IN = pods("web to-pod", ImmutableMap.of("web", Direction.TO_POD));
  static final Intent THREE_PODS =
      pods(
          "web db other",
          ImmutableMap.of("web", Direction.BOTH, "db", Direction.BOTH, "other", Direction.BOTH));
  static final Intent MIXED =
      pods(
          "mixed",
          ImmutableMap.of(
              "web", Direction.FROM_POD, "db", Direction.TO_POD, "other", Direction.BOTH));
  static final Intent ON_BOTH_NODES =
      pods("web far", ImmutableMap.of("web", Direction.BOTH, "far", Direction.BOTH));
  static final Intent OTHERS_ON_BOTH_NODES =
      pods("db far2", ImmutableMap.of("db", Direction.BOTH, "far2", Direction.TO_POD));
  static final Intent EVERYTHING = new Intent("everything", true, ImmutableMap.of());

  private static Intent pods(String name, ImmutableMap<String, Direction> pods) {
    return new Intent(name, false, pods);
  }

  /** The same, and both directions of one more pod. */
  Intent with(String pod) {
    return pods(
        name + " " + pod,
        ImmutableMap.<String, Direction>builder()
            .putAll(pods)
            .put(pod, Direction.BOTH)
            .buildOrThrow());
  }

  /** The copies that there must be. */
  ImmutableMultiset<Frame> expected(Observed observed) {
    return everything ? Truth.ofEverything(observed) : Truth.ofPods(pods, observed);
  }

  /** The configuration file that asks for this, on both nodes, by their unix sockets. */
  String yaml(Cluster cluster) {
    return yaml(
        Cluster.NODES.stream()
            .map(node -> NodeAddress.unix(cluster, node))
            .collect(ImmutableList.toImmutableList()));
  }

  /** The configuration file that asks for this, on these nodes. */
  String yaml(ImmutableList<NodeAddress> nodes) {
    StringBuilder yaml = new StringBuilder();
    yaml.append("enable-mirror: ").append(everything).append('\n');
    yaml.append("hold: 30m\n");
    yaml.append("insecure: ").append(nodes.stream().anyMatch(NodeAddress::isTcp)).append('\n');
    yaml.append("nodes:\n");
    nodes.forEach(node -> yaml.append(node.yaml()));
    yaml.append(pods.isEmpty() ? "mirrors: []\n" : "mirrors:\n");
    pods.forEach(
        (pod, direction) -> {
          yaml.append("  - pod: ").append(Pod.NAMESPACE).append('/').append(pod).append('\n');
          yaml.append("    direction: ").append(direction).append('\n');
        });
    return yaml.toString();
  }

  Settings settings(Cluster cluster) {
    return SettingsReader.parse(name, yaml(cluster), Overrides.none());
  }

  @Override
  public String toString() {
    return name;
  }
}
