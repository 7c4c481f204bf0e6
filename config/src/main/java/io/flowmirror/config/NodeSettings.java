// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.config;

import java.util.Optional;

/**
 * One node with a br-int of its own.
 *
 * @param name the node's name: an RFC 1123 subdomain, as Kubernetes demands
 * @param ovsdb the database that br-int is configured in
 * @param openflow br-int's service connection: {@code br-int.mgmt} in Open vSwitch's run directory,
 *     or a Controller row {@code ptcp:} of {@code type=service}; its host may differ from ovsdb's
 * @param mirrorIface this node's mirror port, where it differs from {@link Settings#mirrorIface}
 * @param tls what {@code ssl:} needs; the node's certificate must name {@code name}
 */
public record NodeSettings(
    String name,
    ConnectionMethod ovsdb,
    ConnectionMethod openflow,
    Optional<String> mirrorIface,
    Optional<TlsSettings> tls) {
  /**
   * Throws {@link IllegalArgumentException} for a bad name, if one address is named for both
   * connections, or for {@code ssl:} without certificates.
   */
  public NodeSettings {
    Syntax.nodeName(name);
    mirrorIface.ifPresent(Syntax::interfaceName);
    if (ovsdb.equals(openflow)) {
      throw new IllegalArgumentException("node " + name + ": ovsdb and openflow are both " + ovsdb);
    }
    if (tls.isEmpty() && (ovsdb.isTls() || openflow.isTls())) {
      throw new IllegalArgumentException("node " + name + ": ssl: without tls");
    }
  }

  /** A node without TLS. */
  public NodeSettings(
      String name,
      ConnectionMethod ovsdb,
      ConnectionMethod openflow,
      Optional<String> mirrorIface) {
    this(name, ovsdb, openflow, mirrorIface, Optional.empty());
  }
}
