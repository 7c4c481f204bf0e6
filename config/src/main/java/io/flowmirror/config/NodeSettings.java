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
 */
public record NodeSettings(
    String name, ConnectionMethod ovsdb, ConnectionMethod openflow, Optional<String> mirrorIface) {
  /**
   * Throws {@link IllegalArgumentException} for a bad name, or if one address is named for both
   * connections.
   */
  public NodeSettings {
    Syntax.nodeName(name);
    mirrorIface.ifPresent(Syntax::interfaceName);
    if (ovsdb.equals(openflow)) {
      throw new IllegalArgumentException("node " + name + ": ovsdb and openflow are both " + ovsdb);
    }
  }
}
