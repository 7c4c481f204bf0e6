// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

import com.google.common.base.Strings;
import com.google.common.collect.ImmutableMap;
import io.fabric8.kubernetes.api.model.ManagedFieldsEntry;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What of a pod matters here.
 *
 * @param namespace its namespace
 * @param name its name
 * @param uid which of those that bear this name, one after the other, it is
 * @param node the node that it is bound to, or empty
 * @param hostNetwork whether it has its node's interfaces, and none of its own
 * @param over whether it has ended: then its interfaces are gone, or going
 * @param annotations those that end with {@code kubernetes.io/mirror} or {@code
 *     kubernetes.io/mirror-direction}
 * @param askedBy who has set those, as far as the API shows: the field manager, such as {@code
 *     kubectl-annotate}; empty if it does not
 * @param vm the KubeVirt VM that runs in it, whose name Kube-OVN gives to its interfaces
 * @param labels its labels, if Mirrors may choose by them; otherwise none
 */
record PodView(
    String namespace,
    String name,
    String uid,
    String node,
    boolean hostNetwork,
    boolean over,
    ImmutableMap<String, String> annotations,
    String askedBy,
    Optional<String> vm,
    ImmutableMap<String, String> labels) {
  /** What an informer has to keep of a pod, beside its labels. */
  static final String[] FIELDS = {
    "metadata.uid",
    "metadata.annotations",
    "metadata.ownerReferences",
    "spec.nodeName",
    "spec.hostNetwork",
    "status.phase"
  };

  /** And if Mirrors may choose by them. */
  static final String LABELS = "metadata.labels";

  private static final String VM_INSTANCE = "VirtualMachineInstance";

  static PodView of(Pod pod, boolean labels) {
    ObjectMeta metadata = pod.getMetadata();
    String phase = pod.getStatus() == null ? "" : Strings.nullToEmpty(pod.getStatus().getPhase());
    return new PodView(
        metadata.getNamespace(),
        metadata.getName(),
        Strings.nullToEmpty(metadata.getUid()),
        pod.getSpec() == null ? "" : Strings.nullToEmpty(pod.getSpec().getNodeName()),
        pod.getSpec() != null && Boolean.TRUE.equals(pod.getSpec().getHostNetwork()),
        phase.equals("Succeeded") || phase.equals("Failed"),
        mirrorAnnotations(metadata),
        askedBy(metadata),
        metadata.getOwnerReferences().stream()
            .filter(owner -> Objects.equals(owner.getKind(), VM_INSTANCE))
            .map(owner -> owner.getName())
            .findFirst(),
        labels && metadata.getLabels() != null
            ? ImmutableMap.copyOf(metadata.getLabels())
            : ImmutableMap.of());
  }

  private static ImmutableMap<String, String> mirrorAnnotations(ObjectMeta metadata) {
    Map<String, String> all = metadata.getAnnotations();
    return all == null
        ? ImmutableMap.of()
        : all.entrySet().stream()
            .filter(entry -> MirrorAnnotations.isOne(entry.getKey()))
            .collect(ImmutableMap.toImmutableMap(Map.Entry::getKey, Map.Entry::getValue));
  }

  private static String askedBy(ObjectMeta metadata) {
    return metadata.getManagedFields() == null
        ? ""
        : metadata.getManagedFields().stream()
            .filter(PodView::setsMirror)
            .map(fields -> Strings.nullToEmpty(fields.getManager()))
            .distinct()
            .collect(Collectors.joining(","));
  }

  private static boolean setsMirror(ManagedFieldsEntry fields) {
    return fields.getFieldsV1() != null
        && fields.getFieldsV1().getAdditionalProperties().get("f:metadata")
            instanceof Map<?, ?> meta
        && meta.get("f:annotations") instanceof Map<?, ?> annotations
        && annotations.keySet().stream()
            .anyMatch(
                key ->
                    key instanceof String name
                        && MirrorAnnotations.isOne(name.substring(Math.min(2, name.length()))));
  }

  /** As kubectl writes it. */
  String key() {
    return namespace + "/" + name;
  }
}
