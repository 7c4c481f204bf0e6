// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.config;

import com.google.common.collect.ImmutableList;
import java.time.Duration;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/**
 * The whole configuration.
 *
 * @param enableMirror whether everything on br-int is copied; the mirrors then add nothing
 * @param mirrorIface the mirror port's interface, for nodes that do not name their own
 * @param hold how long entries stay when no controller refreshes them, in whole seconds, {@link
 *     #MIN_HOLD} to {@link #MAX_HOLD}
 * @param audit how often a node's tables are read, at least, although nothing has been heard of
 *     them; in whole seconds, {@link #MIN_AUDIT} to {@link #MAX_AUDIT}
 * @param kubeOvnMirror what is done about Open vSwitch's own Mirror into the same port
 * @param insecure whether nodes may be reached over a network without encryption
 * @param nodes the nodes, in the file's order; at least one, unless they are those of the API
 * @param mirrors the pods, in the file's order; each pod once
 * @param kubernetes what is taken from the Kubernetes API, if anything is
 * @param northbound how others ask and tell it, if they may
 */
public record Settings(
    boolean enableMirror,
    String mirrorIface,
    Duration hold,
    Duration audit,
    KubeOvnMirror kubeOvnMirror,
    boolean insecure,
    ImmutableList<NodeSettings> nodes,
    ImmutableList<Mirror> mirrors,
    Optional<KubernetesSettings> kubernetes,
    Optional<NorthboundSettings> northbound) {
  /** What {@code mirror-iface} is when nobody sets it; Kube-OVN's default. */
  public static final String DEFAULT_MIRROR_IFACE = "mirror0";

  /** What {@code hold} is when nobody sets it. */
  public static final Duration DEFAULT_HOLD = Duration.ofMinutes(30);

  /** Shorter, and a refresh that is a few seconds late would interrupt the mirror. */
  public static final Duration MIN_HOLD = Duration.ofSeconds(10);

  /**
   * OpenFlow's hard_timeout has 16 bits of seconds (OpenFlow 1.3.5, section 7.3.4.1): 65,535 s are
   * 18 h 12 min.
   */
  public static final Duration MAX_HOLD = Duration.ofHours(18);

  /** What {@code audit} is when nobody sets it. */
  public static final Duration DEFAULT_AUDIT = Duration.ofSeconds(30);

  /** Tables that are read more often are hardly ever not being read. */
  public static final Duration MIN_AUDIT = Duration.ofSeconds(1);

  /** The audit is what finds out when the other alarms fail. */
  public static final Duration MAX_AUDIT = Duration.ofMinutes(5);

  /**
   * Throws {@link IllegalArgumentException} for a value that is out of bounds, no nodes, two nodes
   * or mirrors that contradict each other, or an address that only {@code insecure} allows. {@link
   * SettingsReader} says all of that with lines.
   */
  public Settings {
    Syntax.interfaceName(mirrorIface);
    Syntax.holdInBounds(hold, hold.toString());
    Syntax.auditInBounds(audit, audit.toString());
    if (nodes.isEmpty() && kubernetes.flatMap(KubernetesSettings::nodes).isEmpty()) {
      throw new IllegalArgumentException("no nodes");
    }
    Set<String> names = new HashSet<>();
    Set<ConnectionMethod> addresses = new HashSet<>();
    for (NodeSettings node : nodes) {
      if (!names.add(node.name())) {
        throw new IllegalArgumentException("node " + node.name() + ": its name is taken");
      }
      for (ConnectionMethod method : ImmutableList.of(node.ovsdb(), node.openflow())) {
        if (!addresses.add(method)) {
          throw new IllegalArgumentException("node " + node.name() + ": " + method + " is taken");
        }
        if (!insecure && !method.isLoopback() && !method.isTls()) {
          throw new IllegalArgumentException(
              "node " + node.name() + ": " + method + " is not encrypted");
        }
      }
    }
    Set<String> pods = new HashSet<>();
    for (Mirror mirror : mirrors) {
      if (!pods.add(mirror.namespacedPod())) {
        throw new IllegalArgumentException("pod " + mirror.namespacedPod() + " is mirrored twice");
      }
    }
  }

  /** The same, for one of the nodes; empty if there is none of this name. */
  public Optional<Settings> only(String node) {
    return nodes.stream()
        .filter(each -> each.name().equals(node))
        .findFirst()
        .map(
            found ->
                new Settings(
                    enableMirror,
                    mirrorIface,
                    hold,
                    audit,
                    kubeOvnMirror,
                    insecure,
                    ImmutableList.of(found),
                    mirrors,
                    kubernetes,
                    northbound));
  }

  /** The same, with other nodes. */
  public Settings withNodes(ImmutableList<NodeSettings> others) {
    return new Settings(
        enableMirror,
        mirrorIface,
        hold,
        audit,
        kubeOvnMirror,
        insecure,
        others,
        mirrors,
        kubernetes,
        northbound);
  }

  /** The same, with other mirrors. */
  public Settings withMirrors(ImmutableList<Mirror> others) {
    return new Settings(
        enableMirror,
        mirrorIface,
        hold,
        audit,
        kubeOvnMirror,
        insecure,
        nodes,
        others,
        kubernetes,
        northbound);
  }

  /** The mirror port's interface on this node: the node's own, or else everybody's. */
  public String mirrorIface(NodeSettings node) {
    return node.mirrorIface().orElse(mirrorIface);
  }
}
