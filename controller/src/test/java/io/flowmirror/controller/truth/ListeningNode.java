// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Sets;

/**
 * A node that a controller may dial over the management network, since {@code config/node/attach}
 * has been run there. {@link #close} takes that back, as a user would, and fails if anything that
 * is not ours is not as it was before.
 */
final class ListeningNode implements AutoCloseable {
  static final int OVSDB_PORT = 6640;
  static final int OPENFLOW_PORT = 6653;

  private final Cluster cluster;
  private final String node;
  private final BrInt brInt;
  private final ImmutableList<String> rows;
  private Bridge bridge;

  private ListeningNode(Cluster cluster, String node) {
    this.cluster = cluster;
    this.node = node;
    this.brInt = cluster.brInt(node);
    this.rows = brInt.rows();
    this.bridge = Bridge.of(brInt);
  }

  /** Makes the node listen. */
  static ListeningNode attached(Cluster cluster, String node) {
    ListeningNode listening = new ListeningNode(cluster, node);
    listening.attach("--listen", cluster.path(node + ".mgmt_ip4"), "--insecure");
    listening.assertUndisturbed();
    return listening;
  }

  /** Makes the node listen by TLS, with these files of its own, and nothing without. */
  static ListeningNode attachedByTls(
      Cluster cluster, String node, String key, String certificate, String caCertificate) {
    ListeningNode listening = new ListeningNode(cluster, node);
    listening.attach(
        "--listen",
        cluster.path(node + ".mgmt_ip4"),
        "--tls",
        "--private-key",
        key,
        "--certificate",
        certificate,
        "--ca-certificate",
        caCertificate);
    listening.assertUndisturbed();
    return listening;
  }

  private void attach(String... arguments) {
    String script = Sandbox.root().resolve("config/node/attach").toString();
    ImmutableList<String> command =
        ImmutableList.<String>builder().add("node-exec", node, "--", script).add(arguments).build();
    cluster.sandbox().run(command.toArray(String[]::new));
  }

  NodeAddress address() {
    return NodeAddress.tcp(node, cluster.path(node + ".mgmt_ip4"), OVSDB_PORT, OPENFLOW_PORT);
  }

  /** That OVN's entries are what they were. */
  void assertUndisturbed() {
    assertSame(brInt.ovnEntries(), bridge.ovnEntries());
    assertSame(brInt.hiddenEntries(), bridge.hiddenEntries());
    assertThat(brInt.fragmentHandling()).isEqualTo(bridge.fragmentHandling());
  }

  private static void assertSame(ImmutableList<String> now, ImmutableList<String> before) {
    assertThat(Sets.symmetricDifference(ImmutableSet.copyOf(before), ImmutableSet.copyOf(now)))
        .isEmpty();
  }

  /**
   * OVN's entries are others by now, and that is not our doing: OVN learns neighbours from traffic,
   * and a restart of ovs-vswitchd gives other numbers to ports.
   */
  void ovnHasChangedItsEntries() {
    bridge =
        new Bridge(
            brInt.ovnEntries(),
            bridge.fragmentHandling(),
            bridge.primaryControllers(),
            bridge.hiddenEntries());
  }

  @Override
  public void close() {
    attach("--undo");
    assertSame(brInt.rows(), rows);
    assertUndisturbed();
    assertThat(brInt.primaryControllers()).isEqualTo(bridge.primaryControllers());
  }
}
