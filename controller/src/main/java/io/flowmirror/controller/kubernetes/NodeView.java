// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

import com.google.common.collect.ImmutableMap;
import io.fabric8.kubernetes.api.model.Node;
import io.flowmirror.config.KubernetesSettings;
import java.util.Map;
import java.util.Optional;

/**
 * What of a node matters here.
 *
 * @param name its name
 * @param address its first InternalIP
 * @param labels its labels
 * @param mirrorIface the mirror port's interface, if an annotation names it
 */
record NodeView(
    String name,
    Optional<String> address,
    ImmutableMap<String, String> labels,
    Optional<String> mirrorIface) {

  static NodeView of(Node node) {
    Map<String, String> annotations = node.getMetadata().getAnnotations();
    Map<String, String> labels = node.getMetadata().getLabels();
    return new NodeView(
        node.getMetadata().getName(),
        node.getStatus() == null
            ? Optional.empty()
            : node.getStatus().getAddresses().stream()
                .filter(address -> "InternalIP".equals(address.getType()))
                .map(address -> address.getAddress())
                .findFirst(),
        labels == null ? ImmutableMap.of() : ImmutableMap.copyOf(labels),
        Optional.ofNullable(annotations)
            .map(all -> all.get(KubernetesSettings.MIRROR_IFACE_ANNOTATION)));
  }
}
