// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.topology;

import com.google.common.collect.ImmutableMap;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * One row of OVSDB's Interface table that belongs to br-int. It says which pod an interface is; it
 * does not decide which number the interface has (see {@link Port}).
 *
 * @param name the interface's name, the key to the port description of OpenFlow
 * @param type OVSDB's {@code type}: empty for a system device, {@code internal}, {@code geneve} …
 * @param portName the row of the Port table that holds it
 * @param ofport OVSDB's idea of the number. Used only as a veto: while it disagrees with OpenFlow,
 *     the two views are not of one moment and nobody may be tapped on the strength of them.
 * @param error OVSDB's {@code error} column, empty when the switch could make the interface
 * @param externalIds the interface's {@code external_ids}
 * @param portExternalIds the {@code external_ids} of the Port row, where the owner's mark is
 */
public record Interface(
    String name,
    String type,
    String portName,
    OptionalInt ofport,
    String error,
    ImmutableMap<String, String> externalIds,
    ImmutableMap<String, String> portExternalIds) {

  /** The pod that this interface is the host end of, if it is one. */
  public Optional<PodName> pod() {
    String namespace = externalIds.getOrDefault("pod_namespace", "");
    String name = externalIds.getOrDefault("pod_name", "");
    return namespace.isEmpty() || name.isEmpty()
        ? Optional.empty()
        : Optional.of(new PodName(namespace, name));
  }

  /** Which of a pod's interfaces this is the host end of, if it is one. */
  public Optional<PodInterface> podInterface() {
    return pod().map(pod -> new PodInterface(pod, provider()));
  }

  /** The logical port that OVN binds to this interface, or empty. */
  public Optional<String> ifaceId() {
    return Optional.ofNullable(externalIds.get("iface-id"));
  }

  /**
   * Kube-OVN's provider of an attached interface: what follows {@code pod.namespace.} in {@code
   * iface-id}; empty for a pod's primary interface.
   */
  public String provider() {
    return pod()
        .flatMap(
            pod ->
                ifaceId()
                    .map(
                        id -> {
                          String primary = pod.name() + "." + pod.namespace() + ".";
                          return id.startsWith(primary) ? id.substring(primary.length()) : "";
                        }))
        .orElse("");
  }
}
