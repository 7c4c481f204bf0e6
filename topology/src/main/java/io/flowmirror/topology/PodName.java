// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.topology;

import static com.google.common.base.Preconditions.checkArgument;

/**
 * A pod (or a KubeVirt VM, whose name Kube-OVN puts in the pod's place).
 *
 * <p>Taken from {@code external_ids:pod_namespace} and {@code pod_name}; never split from {@code
 * iface-id}, since a pod's name may contain dots.
 */
public record PodName(String namespace, String name) implements Comparable<PodName> {
  public PodName {
    checkArgument(!namespace.isEmpty(), "namespace is empty");
    checkArgument(!name.isEmpty(), "pod name is empty");
  }

  @Override
  public int compareTo(PodName other) {
    int byNamespace = namespace.compareTo(other.namespace);
    return byNamespace != 0 ? byNamespace : name.compareTo(other.name);
  }

  /** {@code namespace/name}, as kubectl writes it. */
  @Override
  public String toString() {
    return namespace + "/" + name;
  }
}
