// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.flowmirror.config.KubernetesSettings;
import io.flowmirror.config.NodeSettings;

/**
 * The nodes that the API has at one moment, for a command that follows nothing.
 *
 * @param nodes how each is reached
 * @param leftOut of those that the selector means and that cannot be reached: why
 */
public record NodesNow(ImmutableList<NodeSettings> nodes, ImmutableMap<String, String> leftOut) {
  /** The API has not said which nodes there are. */
  public static final class UnknownException extends Exception {
    private static final long serialVersionUID = 1;

    UnknownException(KubernetesClientException cause) {
      super("the Kubernetes API does not say which nodes there are: " + Reasons.of(cause), cause);
    }
  }

  /** Asks for all nodes, with the right to list them; takes as long as the client allows. */
  public static NodesNow read(KubernetesClient client, KubernetesSettings settings)
      throws UnknownException {
    ClusterView view = new ClusterView(settings);
    try {
      client.nodes().list().getItems().forEach(node -> view.put(NodeView.of(node)));
    } catch (KubernetesClientException e) {
      throw new UnknownException(e);
    }
    ClusterView.Nodes found = view.nodes();
    return new NodesNow(found.settings(), found.leftOut());
  }
}
