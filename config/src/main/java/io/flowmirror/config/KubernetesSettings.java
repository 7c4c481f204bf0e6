// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.config;

import com.google.common.collect.ImmutableSet;
import java.util.Map;
import java.util.Optional;

/**
 * What is taken from the Kubernetes API.
 *
 * @param annotations whether Kube-OVN's annotations on pods count
 * @param podDirection what an annotation means that does not say its direction
 * @param namespaces the namespaces whose pods' annotations count, by name; see {@link #mayAsk}
 * @param namespaceSelector and by their labels
 * @param nodes the nodes, if they are those of the API
 * @param leases the namespace of the Leases by which several controllers share the nodes, if there
 *     may be several
 * @param onlyNode the one node that matters, if it is only one: pods on others are not even read
 * @param mirrorResources whether the custom resources {@code Mirror} count, in any namespace: the
 *     right to write them is the permission
 */
public record KubernetesSettings(
    boolean annotations,
    Direction podDirection,
    Optional<ImmutableSet<String>> namespaces,
    Optional<LabelSelector> namespaceSelector,
    Optional<NodesOfApi> nodes,
    Optional<String> leases,
    Optional<String> onlyNode,
    boolean mirrorResources) {

  /** The annotation on a Node that names its mirror port's interface. */
  public static final String MIRROR_IFACE_ANNOTATION = "flowmirror.io/mirror-iface";

  /**
   * Nodes as the API has them, each reached at its InternalIP.
   *
   * @param selector which of them
   * @param ovsdbPort the port of their databases
   * @param openflowPort the port of their br-int
   * @param tls by which they are reached, if it is by {@code ssl:}
   */
  public record NodesOfApi(
      LabelSelector selector, int ovsdbPort, int openflowPort, Optional<TlsSettings> tls) {
    /** Nodes without TLS. */
    public NodesOfApi(LabelSelector selector, int ovsdbPort, int openflowPort) {
      this(selector, ovsdbPort, openflowPort, Optional.empty());
    }

    /**
     * A node's settings.
     *
     * @throws IllegalArgumentException if its name, address or interface is none
     */
    public NodeSettings node(String name, String address, Optional<String> mirrorIface) {
      return new NodeSettings(
          name, method(address, ovsdbPort), method(address, openflowPort), mirrorIface, tls);
    }

    private ConnectionMethod method(String address, int port) {
      return tls.isPresent()
          ? new ConnectionMethod.Ssl(address, port)
          : new ConnectionMethod.Tcp(address, port);
    }
  }

  /**
   * Whether annotations on this namespace's pods count. Without a word on namespaces all of them
   * do, as with Kube-OVN; otherwise those that are named and those whose labels are meant.
   */
  public boolean mayAsk(String namespace, Map<String, String> labels) {
    return mayAskByName(namespace)
        || (annotations
            && namespaceSelector.filter(selector -> selector.matches(labels)).isPresent());
  }

  /** The same of a namespace whose labels are not known. */
  public boolean mayAskByName(String namespace) {
    return annotations
        && (namespaces.isEmpty()
            ? namespaceSelector.isEmpty()
            : namespaces.get().contains(namespace));
  }
}
