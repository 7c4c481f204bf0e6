// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

import com.google.common.collect.ImmutableMap;
import io.fabric8.kubernetes.api.model.Namespace;

/** What of a namespace matters here: its name and its labels. */
record NamespaceView(String name, ImmutableMap<String, String> labels) {
  static NamespaceView of(Namespace namespace) {
    var labels = namespace.getMetadata().getLabels();
    return new NamespaceView(
        namespace.getMetadata().getName(),
        labels == null ? ImmutableMap.of() : ImmutableMap.copyOf(labels));
  }
}
