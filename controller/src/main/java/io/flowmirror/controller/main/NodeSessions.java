// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.google.inject.Inject;
import io.flowmirror.config.ConnectionMethod;
import io.flowmirror.config.NodeSettings;
import io.flowmirror.config.TlsSettings;
import io.flowmirror.controller.openflow.DatapathReport;
import io.flowmirror.controller.openflow.DatapathSession;
import io.flowmirror.controller.openflow.OpenFlowConnector;
import io.flowmirror.controller.openflow.OpenFlowOptions;
import io.flowmirror.controller.ovsdb.BridgeReport;
import io.flowmirror.controller.ovsdb.BridgeSession;
import io.flowmirror.controller.ovsdb.Lock;
import io.flowmirror.controller.ovsdb.OvsdbConnector;
import io.flowmirror.controller.reconcile.Sessions;
import io.flowmirror.controller.transport.CredentialWatch;
import io.flowmirror.controller.transport.Credentials;
import io.flowmirror.controller.transport.Endpoint;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/** Real sessions, to the addresses that a node's settings name. */
final class NodeSessions implements Sessions {
  /** Kube-OVN's, and OVN's, name of the integration bridge. */
  private static final String BRIDGE = "br-int";

  private final OpenFlowConnector openflow;
  private final OvsdbConnector ovsdb;

  /** Few: one, and those of configurations of before. */
  private final Map<TlsSettings, CredentialWatch> credentials = new ConcurrentHashMap<>();

  @Inject
  NodeSessions(OpenFlowConnector openflow, OvsdbConnector ovsdb) {
    this.openflow = openflow;
    this.ovsdb = ovsdb;
  }

  @Override
  public DatapathSession openDatapath(
      NodeSettings node, Duration audit, Consumer<DatapathReport> reports) {
    return openflow.open(
        OpenFlowOptions.of(node.name(), endpoint(node, node.openflow())).withAudit(audit), reports);
  }

  @Override
  public BridgeSession openBridge(
      NodeSettings node, Lock.Wish lock, Consumer<BridgeReport> reports) {
    return ovsdb.open(node.name(), endpoint(node, node.ovsdb()), BRIDGE, lock, reports);
  }

  private Endpoint endpoint(NodeSettings node, ConnectionMethod method) {
    return switch (method) {
      case ConnectionMethod.Unix(String path) -> Endpoint.unix(Path.of(path));
      case ConnectionMethod.Tcp(String host, int port) -> Endpoint.tcp(host, port);
      case ConnectionMethod.Ssl(String host, int port) ->
          Endpoint.tls(host, port, node.name(), credentials(node.tls().orElseThrow()));
    };
  }

  private Credentials.Source credentials(TlsSettings tls) {
    return credentials.computeIfAbsent(
        tls,
        files ->
            new CredentialWatch(files.privateKey(), files.certificate(), files.caCertificate()));
  }

  @Override
  public void close() {
    openflow.close();
    ovsdb.close();
    credentials.values().forEach(CredentialWatch::close);
  }
}
