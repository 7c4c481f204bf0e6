// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

import com.google.common.base.Strings;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.client.dsl.base.ResourceDefinitionContext;
import io.flowmirror.controller.kubernetes.MirrorSpec.WrongSpecException;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What of a {@code Mirror} matters here. It is read by hand, not into a class of its shape: one
 * that is not as the schema wants it (stored before the schema was) then harms no other.
 *
 * @param namespace its namespace, and that of the pods that it may ask for
 * @param name its name
 * @param uid which of those that bear this name, one after the other, it is
 * @param generation grows with each change of its spec
 * @param deleted whether it has been deleted, and is only kept by a finalizer
 * @param spec what it asks for; empty if that is wrong
 * @param problem what is wrong, in words; empty if nothing is
 * @param askedBy who has written its spec, as far as the API shows: the field manager
 * @param status what its status says
 */
record MirrorView(
    String namespace,
    String name,
    String uid,
    long generation,
    boolean deleted,
    Optional<MirrorSpec> spec,
    String problem,
    String askedBy,
    MirrorStatus status) {
  static final String GROUP = "flowmirror.io";
  static final String VERSION = "v1alpha1";
  static final String KIND = "Mirror";

  /** Where they are in the API. */
  static final ResourceDefinitionContext RESOURCE =
      new ResourceDefinitionContext.Builder()
          .withGroup(GROUP)
          .withVersion(VERSION)
          .withKind(KIND)
          .withPlural("mirrors")
          .withNamespaced(true)
          .build();

  /** What an informer has to keep of one. */
  static final String[] FIELDS = {
    "metadata.uid", "metadata.generation", "metadata.deletionTimestamp", "spec", "status"
  };

  static MirrorView of(GenericKubernetesResource mirror) {
    ObjectMeta metadata = mirror.getMetadata();
    Optional<MirrorSpec> spec = Optional.empty();
    String problem = "";
    try {
      spec = Optional.of(MirrorSpec.of(mirror.getAdditionalProperties().get("spec")));
    } catch (WrongSpecException e) {
      problem = Strings.nullToEmpty(e.getMessage());
    }
    return new MirrorView(
        metadata.getNamespace(),
        metadata.getName(),
        Strings.nullToEmpty(metadata.getUid()),
        metadata.getGeneration() == null ? 0 : metadata.getGeneration(),
        metadata.getDeletionTimestamp() != null,
        spec,
        problem,
        askedBy(metadata),
        MirrorStatus.of(mirror.getAdditionalProperties().get("status")));
  }

  private static String askedBy(ObjectMeta metadata) {
    return metadata.getManagedFields() == null
        ? ""
        : metadata.getManagedFields().stream()
            .filter(
                fields ->
                    fields.getFieldsV1() != null
                        && fields.getFieldsV1().getAdditionalProperties().get("f:spec")
                            instanceof Map<?, ?>)
            .map(fields -> Strings.nullToEmpty(fields.getManager()))
            .distinct()
            .collect(Collectors.joining(","));
  }

  /** As kubectl writes it. */
  String key() {
    return namespace + "/" + name;
  }

  /** Who asks, as the audit log writes it. */
  String asker() {
    return "mirror:" + key() + (askedBy.isEmpty() ? "" : ":" + askedBy);
  }

  /** Whether it asks for the same as another one. */
  boolean asksAs(MirrorView other) {
    return uid.equals(other.uid)
        && generation == other.generation
        && deleted == other.deleted
        && spec.equals(other.spec)
        && askedBy.equals(other.askedBy);
  }
}
