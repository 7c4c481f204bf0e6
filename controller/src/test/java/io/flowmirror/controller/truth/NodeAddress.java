// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

/**
 * How a controller reaches a node.
 *
 * @param ovsdb the connection method of its database
 * @param openflow that of its br-int
 */
record NodeAddress(String node, String ovsdb, String openflow) {
  /** By its unix sockets: files are the same in every network namespace. */
  static NodeAddress unix(Cluster cluster, String node) {
    return new NodeAddress(
        node, cluster.path(node + ".ovsdb"), "unix:" + cluster.path(node + ".br_int_mgmt"));
  }

  /** By these two ports of a host. */
  static NodeAddress tcp(String node, String host, int ovsdbPort, int openflowPort) {
    return new NodeAddress(
        node, "tcp:" + host + ":" + ovsdbPort, "tcp:" + host + ":" + openflowPort);
  }

  boolean isTcp() {
    return ovsdb.startsWith("tcp:") || openflow.startsWith("tcp:");
  }

  /** As an element of the configuration's {@code nodes}. */
  String yaml() {
    return "  - name: " + node + "\n    ovsdb: " + ovsdb + "\n    openflow: " + openflow + "\n";
  }
}
