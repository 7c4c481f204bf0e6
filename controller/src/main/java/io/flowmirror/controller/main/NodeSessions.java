// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.google.inject.Inject;
import io.flowmirror.config.ConnectionMethod;
import io.flowmirror.config.NodeSettings;
import io.flowmirror.controller.openflow.DatapathReport;
import io.flowmirror.controller.openflow.DatapathSession;
import io.flowmirror.controller.openflow.OpenFlowConnector;
import io.flowmirror.controller.openflow.OpenFlowOptions;
import io.flowmirror.controller.ovsdb.BridgeReport;
import io.flowmirror.controller.ovsdb.BridgeSession;
import io.flowmirror.controller.ovsdb.Lock;
import io.flowmirror.controller.ovsdb.OvsdbConnector;
import io.flowmirror.controller.reconcile.Sessions;
import io.flowmirror.controller.transport.Endpoint;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.Consumer;

/** Real sessions, to the addresses that a node's settings name. */
final class NodeSessions implements Sessions {
  /** Kube-OVN's, and OVN's, name of the integration bridge. */
  private static final String BRIDGE = "br-int";

  private final OpenFlowConnector openflow;
  private final OvsdbConnector ovsdb;

  @Inject
  NodeSessions(OpenFlowConnector openflow, OvsdbConnector ovsdb) {
    this.openflow = openflow;
    this.ovsdb = ovsdb;
  }

  @Override
  public DatapathSession openDatapath(
      NodeSettings node, Duration audit, Consumer<DatapathReport> reports) {
    return openflow.open(
        OpenFlowOptions.of(node.name(), endpoint(node.openflow())).withAudit(audit), reports);
  }

  @Override
  public BridgeSession openBridge(
      NodeSettings node, Lock.Wish lock, Consumer<BridgeReport> reports) {
    return ovsdb.open(node.name(), endpoint(node.ovsdb()), BRIDGE, lock, reports);
  }

  private static Endpoint endpoint(ConnectionMethod method) {
    return switch (method) {
      case ConnectionMethod.Unix(String path) -> Endpoint.unix(Path.of(path));
      case ConnectionMethod.Tcp(String host, int port) -> Endpoint.tcp(host, port);
    };
  }

  @Override
  public void close() {
    openflow.close();
    ovsdb.close();
  }
}
