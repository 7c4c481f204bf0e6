// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.topology;

import java.util.Optional;

/**
 * A pod's port of br-int, of which both channels say the same.
 *
 * @param pod the pod
 * @param provider Kube-OVN's provider for an attached interface, empty for the primary one
 * @param interfaceName the host end's name
 * @param ofport N, from the port description of the live connection
 * @param keys OVN's keys of it, once OVN has bound it
 */
public record PodPort(
    PodName pod, String provider, String interfaceName, int ofport, Optional<LogicalPort> keys) {

  /** Which of the pod's interfaces it is. */
  public PodInterface podInterface() {
    return new PodInterface(pod, provider);
  }
}
