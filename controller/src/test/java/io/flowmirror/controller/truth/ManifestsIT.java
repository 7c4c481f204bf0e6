// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.flowmirror.config.KubernetesSettings.NodesOfApi;
import io.flowmirror.config.Overrides;
import io.flowmirror.config.Settings;
import io.flowmirror.config.SettingsReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is deployed, against a real API server, which is asked and changes nothing. */
@ExtendWith(SharedKube.class)
final class ManifestsIT {
  private static final Path CONFIG = Sandbox.root().resolve("config");

  private final Kube kube;

  @TempDir private Path folder;

  ManifestsIT(Kube kube) {
    this.kube = kube;
  }

  /**
   * The overlay as this kubectl can read it: kustomize before 3.0 wants folders under {@code bases}
   * and JSON patches under a name of their own, and this API server is older than policy/v1.
   */
  private String kustomize(String overlay) throws IOException {
    try (Stream<Path> files = Files.walk(CONFIG)) {
      for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
        if (!file.toString().contains("/target/") && !file.toString().contains("/src/")) {
          Path copy = folder.resolve(CONFIG.relativize(file));
          Files.createDirectories(copy.getParent());
          String text = Files.readString(file);
          if (file.endsWith("kustomization.yaml")) {
            StringBuilder kept = new StringBuilder();
            StringBuilder bases = new StringBuilder();
            text.lines()
                .forEach(
                    line -> (line.startsWith("  - ../") ? bases : kept).append(line).append('\n'));
            text = bases.isEmpty() ? kept.toString() : kept + "bases:\n" + bases;
            text = text.replace("\npatches:\n", "\npatchesJson6902:\n");
          }
          Files.writeString(copy, text.replace("policy/v1\n", "policy/v1beta1\n"));
        }
      }
    }
    return kube.kubectl("kustomize", folder.resolve("kubernetes").resolve(overlay).toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"central", "central-tls", "per-node"})
  void theServerTakesThem(String overlay) throws IOException {
    Path all = folder.resolve("all.yaml");
    Files.writeString(all, kustomize(overlay));
    String answer = kube.kubectl("apply", "--dry-run=server", "--validate=true", "-f", all + "");
    assertThat(answer.lines())
        .allMatch(line -> line.endsWith("(server dry run)"))
        .anyMatch(line -> line.startsWith("clusterrole.rbac.authorization.k8s.io/flowmirror "))
        .anyMatch(
            line -> line.startsWith("clusterrole.rbac.authorization.k8s.io/flowmirror-mirror "))
        .anyMatch(
            line ->
                line.startsWith(
                    "customresourcedefinition.apiextensions.k8s.io/mirrors.flowmirror.io "));
  }

  /** The server's own word on the schema, and what kubectl explains of it. */
  @Test
  void theDefinitionIsStructural() {
    String conditions =
        kube.kubectl("get", "crd", "mirrors.flowmirror.io", "-o", "jsonpath={.status.conditions}");
    assertThat(conditions)
        .contains("\"type\":\"Established\"")
        .doesNotContain("NonStructuralSchema")
        .doesNotContain("\"status\":\"False\"");
    Wait.until(
        "what kubectl explains",
        () -> kube.kubectl("explain", "mirrors.spec.until").contains("clock of the controller"),
        () -> kube.kubectl("explain", "mirrors.spec.until"));
  }

  /**
   * Whoever may tap is who may write Mirrors: admins of a namespace, and neither views nor edits.
   */
  @Test
  void rolesOnMirrors() {
    assertThat(roleOf("flowmirror-mirror"))
        .contains("aggregate-to-admin")
        .doesNotContain("aggregate-to-edit")
        .doesNotContain("mirrors/status");
    assertThat(roleOf("flowmirror-mirror-view"))
        .contains("aggregate-to-view")
        .doesNotContain("create")
        .doesNotContain("patch")
        .doesNotContain("update");
  }

  private String roleOf(String name) {
    return kube.kubectl("get", "clusterrole", name, "-o", "jsonpath={.metadata.labels}{.rules}");
  }

  /** The arguments and the configuration in the manifests are ones that the program takes. */
  @ParameterizedTest
  @ValueSource(strings = {"central", "central-tls", "per-node"})
  void theProgramTakesItsConfiguration(String overlay) throws IOException {
    Path file = CONFIG.resolve("kubernetes").resolve(overlay).resolve("flowmirror.yaml");
    boolean perNode = overlay.equals("per-node");
    Settings settings =
        SettingsReader.read(
            file,
            new Overrides(
                Optional.empty(),
                Optional.empty(),
                perNode ? Optional.of("n1") : Optional.empty()));
    assertThat(settings.kubernetes()).isPresent();
    assertThat(settings.kubernetes().orElseThrow().leases().isPresent()).isEqualTo(!perNode);
    assertThat(settings.kubernetes().orElseThrow().mirrorResources()).isTrue();
    String manifest = kustomize(overlay);
    boolean tls = overlay.endsWith("-tls");
    assertThat(settings.kubernetes().orElseThrow().nodes().flatMap(NodesOfApi::tls).isPresent())
        .isEqualTo(tls);
    assertThat(manifest.contains("- --tls\n")).isEqualTo(tls);
    assertThat(manifest.contains("secretName: flowmirror-tls")).isEqualTo(tls);
    assertThat(manifest.contains("- --insecure\n")).isEqualTo(overlay.equals("central"));
    // A NetworkPolicy would mean nothing, which docs/operations.md says.
    assertThat(manifest.split("\n *hostNetwork: true\n", -1))
        .hasSameSizeAs(manifest.split("\n *containers:\n", -1));
    assertThat(manifest)
        .contains("readOnlyRootFilesystem: true")
        .contains("--config=/etc/flowmirror/flowmirror.yaml")
        .contains(perNode ? "--node-name=$(NODE_NAME)" : "--name=$(POD_NAME)");
  }

  /** What takes everything away from the nodes again. */
  @Test
  void theServerTakesWhatRemovesEverything() throws IOException {
    Path all = folder.resolve("all.yaml");
    String manifest = kustomize("remove");
    Files.writeString(all, manifest);
    assertThat(kube.kubectl("apply", "--dry-run=server", "--validate=true", "-f", all + "").lines())
        .allMatch(line -> line.endsWith("(server dry run)"))
        .anyMatch(line -> line.startsWith("daemonset.apps/flowmirror-remove "));
    assertThat(manifest)
        .contains("- clean\n")
        .contains("- --node-name=$(NODE_NAME)")
        .contains("- --undo\n");
    Settings settings =
        SettingsReader.read(
            CONFIG.resolve("kubernetes/remove/flowmirror.yaml"),
            new Overrides(Optional.empty(), Optional.empty(), Optional.of("n1")));
    assertThat(settings.nodes()).hasSize(1);
    assertThat(settings.kubernetes()).isEmpty();
  }

  /** This API server is older than the policy's kind: its fields are held against the model. */
  @Test
  void thePolicyHasNoFieldsButTheKindsOwn() throws Exception {
    Path file = CONFIG.resolve("kubernetes/policy/who-may-mirror.yaml");
    TreeSet<String> kinds = new TreeSet<>();
    for (HasMetadata document : kube.admin().load(Files.newInputStream(file)).items()) {
      kinds.add(document.getKind());
      assertNothingUnknown(document);
    }
    assertThat(kinds)
        .containsExactly("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding");
    String wrong = Files.readString(file).replace("messageExpression:", "messageExpresion:");
    HasMetadata policy =
        kube.admin()
            .load(new ByteArrayInputStream(wrong.getBytes(StandardCharsets.UTF_8)))
            .items()
            .get(0);
    assertThatThrownBy(() -> assertNothingUnknown(policy)).hasMessageContaining("messageExpresion");
  }

  /** By what the policy has to look at beside pods, since annotations come by it. */
  @Test
  void annotationsComeByAStatusAndByABindingToo() {
    var pods = kube.admin().pods().inNamespace(Pod.NAMESPACE);
    var pod = pods.withName("bound");
    kube.admin()
        .resource(
            new PodBuilder()
                .withNewMetadata()
                .withNamespace(Pod.NAMESPACE)
                .withName("bound")
                .endMetadata()
                .withNewSpec()
                .addNewContainer()
                .withName("c")
                .withImage("none")
                .endContainer()
                .endSpec()
                .build())
        .create();
    try {
      kube.admin()
          .raw(
              "/api/v1/namespaces/" + Pod.NAMESPACE + "/pods/bound/binding",
              "POST",
              Map.of(
                  "apiVersion",
                  "v1",
                  "kind",
                  "Binding",
                  "metadata",
                  Map.of("name", "bound", "annotations", Map.of("by", "binding")),
                  "target",
                  Map.of("apiVersion", "v1", "kind", "Node", "name", "n1")));
      assertThat(pod.get().getMetadata().getAnnotations()).containsEntry("by", "binding");
      pod.subresource("status")
          .patch(
              PatchContext.of(PatchType.JSON_MERGE),
              "{\"metadata\":{\"annotations\":{\"by\":\"status\"}}}");
      assertThat(pod.get().getMetadata().getAnnotations()).containsEntry("by", "status");
    } finally {
      pod.withGracePeriod(0).delete();
    }
  }

  /** What the model does not know it keeps apart. */
  private static void assertNothingUnknown(Object model) throws ReflectiveOperationException {
    if (model instanceof Iterable<?> list) {
      for (Object element : list) {
        assertNothingUnknown(element);
      }
    } else if (model.getClass().getName().startsWith("io.fabric8.")) {
      for (Method getter : model.getClass().getMethods()) {
        if (getter.getName().equals("getAdditionalProperties")) {
          assertThat((Map<?, ?>) getter.invoke(model)).as(model.toString()).isEmpty();
        } else if (getter.getName().startsWith("get")
            && getter.getParameterCount() == 0
            && getter.getDeclaringClass() != Object.class) {
          Object value = getter.invoke(model);
          if (value != null) {
            assertNothingUnknown(value);
          }
        }
      }
    }
  }
}
