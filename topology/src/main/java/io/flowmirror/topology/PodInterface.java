// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.topology;

import java.util.Comparator;

/**
 * One of a pod's interfaces.
 *
 * @param pod the pod
 * @param provider Kube-OVN's provider of an attached interface, {@code NAD.NAMESPACE.ovn}; empty
 *     for the primary one
 */
public record PodInterface(PodName pod, String provider) implements Comparable<PodInterface> {
  private static final Comparator<PodInterface> ORDER =
      Comparator.comparing(PodInterface::pod).thenComparing(PodInterface::provider);

  /** The pod's primary interface. */
  public static PodInterface primary(PodName pod) {
    return new PodInterface(pod, "");
  }

  /** Whether it is the primary one. */
  public boolean isPrimary() {
    return provider.isEmpty();
  }

  @Override
  public int compareTo(PodInterface other) {
    return ORDER.compare(this, other);
  }

  /** {@code namespace/name}, and the provider behind it if it is an attached one. */
  @Override
  public String toString() {
    return isPrimary() ? pod.toString() : pod + " " + provider;
  }
}
