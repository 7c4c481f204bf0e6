// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.config;

/**
 * One pod whose frames are to be copied.
 *
 * @param namespace the pod's namespace: an RFC 1123 label, as Kubernetes demands
 * @param pod the pod's name: an RFC 1123 subdomain, so it may contain dots
 * @param direction which of its frames
 */
public record Mirror(String namespace, String pod, Direction direction) {
  /** Throws {@link IllegalArgumentException} for a name that Kubernetes would refuse. */
  public Mirror {
    Syntax.namespace(namespace);
    Syntax.podName(pod);
  }

  /**
   * A mirror of the pod {@code NAMESPACE/POD}.
   *
   * @throws IllegalArgumentException if the text is not of this form
   */
  public static Mirror of(String namespacedPod, Direction direction) {
    int slash = namespacedPod.indexOf('/');
    if (slash < 0) {
      throw BadValueException.found(namespacedPod, "NAMESPACE/POD");
    }
    return new Mirror(
        namespacedPod.substring(0, slash), namespacedPod.substring(slash + 1), direction);
  }

  /** {@code NAMESPACE/POD}, as kubectl writes it. */
  public String namespacedPod() {
    return namespace + "/" + pod;
  }
}
