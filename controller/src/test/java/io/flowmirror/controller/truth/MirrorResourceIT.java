// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.dsl.base.ResourceDefinitionContext;
import io.flowmirror.config.Overrides;
import io.flowmirror.config.Settings;
import io.flowmirror.config.SettingsReader;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.controller.truth.Capture.Side;
import io.flowmirror.topology.PodInterface;
import io.flowmirror.topology.PodName;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Mirrors in a real API server turn mirrors of a real OVN's pods on and off, and say what has
 * become of them. The controller has the rights that are shipped with it, and no others.
 */
@ExtendWith({SharedCluster.class, SharedKube.class})
final class MirrorResourceIT {
  private static final ResourceDefinitionContext MIRRORS =
      new ResourceDefinitionContext.Builder()
          .withGroup("flowmirror.io")
          .withVersion("v1alpha1")
          .withKind("Mirror")
          .withPlural("mirrors")
          .withNamespaced(true)
          .build();

  private static final String ANNOTATION = "ovn.kubernetes.io/mirror";

  /** E0, and E1, E2 and E3 of one pod. */
  private static final int ONE_POD = 4;

  private static final int TWO_PODS = 7;

  private final Cluster cluster;
  private final Kube kube;
  private final KubernetesClient api;
  private final BrInt brInt;
  private RunningController controller;

  MirrorResourceIT(Cluster cluster, Kube kube) {
    this.cluster = cluster;
    this.kube = kube;
    this.api = kube.admin();
    this.brInt = cluster.brInt(Cluster.NODE);
    // A list without any pod would be no answer.
    create("db", Map.of("app", "db"));
    this.controller = start();
  }

  private Settings settings(String kubernetes) {
    String yaml = Intent.NOTHING.yaml(cluster) + "kubernetes: {" + kubernetes + "}\n";
    return SettingsReader.parse("test", yaml, Overrides.none());
  }

  private RunningController start() {
    return RunningController.started(settings("mirror-resources: true"), kube);
  }

  @BeforeEach
  void begin() {
    create("web", Map.of("app", "web"));
    controller.await("n1 to be settled", Cluster.NODE, NodeStatus::settled);
  }

  @AfterEach
  void end() {
    controller.close();
    for (String pod : List.of("web", "db", "host")) {
      api.pods().inNamespace(Pod.NAMESPACE).withName(pod).withGracePeriod(0).delete();
    }
    api.genericKubernetesResources(MIRRORS).inNamespace(Pod.NAMESPACE).delete();
    api.v1().events().inNamespace(Pod.NAMESPACE).delete();
    RunningController.clean(cluster);
  }

  private void create(String name, Map<String, String> labels) {
    api.resource(
            new PodBuilder()
                .withNewMetadata()
                .withNamespace(Pod.NAMESPACE)
                .withName(name)
                .withLabels(labels)
                .endMetadata()
                .withNewSpec()
                .withNodeName(Cluster.NODE)
                .withHostNetwork(name.equals("host"))
                .addNewContainer()
                .withName("c")
                .withImage("none")
                .endContainer()
                .endSpec()
                .build())
        .create();
  }

  private static GenericKubernetesResource mirror(Map<String, Object> spec) {
    GenericKubernetesResource mirror = new GenericKubernetesResource();
    mirror.setApiVersion("flowmirror.io/v1alpha1");
    mirror.setKind("Mirror");
    mirror.setMetadata(new ObjectMetaBuilder().withNamespace(Pod.NAMESPACE).withName("m").build());
    mirror.setAdditionalProperty("spec", spec);
    return mirror;
  }

  private void ask(Map<String, Object> spec) {
    api.genericKubernetesResources(MIRRORS).resource(mirror(spec)).create();
  }

  private Resource<GenericKubernetesResource> there() {
    return api.genericKubernetesResources(MIRRORS).inNamespace(Pod.NAMESPACE).withName("m");
  }

  private void change(String patch) {
    there().patch(PatchContext.of(PatchType.JSON_MERGE), patch);
  }

  private void awaitEntries(Predicate<ImmutableList<String>> wanted) {
    Wait.until("entries", () -> wanted.test(brInt.ourEntries()), () -> brInt.ourEntries() + "");
  }

  private void awaitEntries(int count) {
    awaitEntries(entries -> entries.size() == count);
  }

  private void awaitNothing() {
    awaitEntries(ImmutableList::isEmpty);
  }

  private String status() {
    return String.valueOf(there().get().getAdditionalProperties().get("status"));
  }

  private void awaitStatus(String... texts) {
    Wait.until(
        "status " + List.of(texts),
        () -> {
          String status = status();
          return List.of(texts).stream().allMatch(status::contains);
        },
        this::status);
  }

  /** It copies what it is asked to, says so, and ends when it is deleted. */
  @Test
  void aMirrorTurnsCopiesOnAndOff() {
    Pod web = cluster.pod("web");
    try (Capture copies = Capture.start(cluster.path(Cluster.NODE + ".netns"), "mirror0", Side.IN);
        Probe probe = Probe.start(cluster.pod("db"), web)) {
      int mark = copies.count();
      ask(ImmutableMap.of("pod", "web"));
      Wait.until("a copy", () -> copies.count() > mark, this::status);
      awaitEntries(ONE_POD);
      awaitStatus("state=Mirroring", "pods=1", "mirrored=1", "observedGeneration=1", "nodes={n1=");
      // How many there are is told with a table that has been read since, once a minute.
      assertThat(status()).contains("packets=", "bytes=").doesNotContain("reason");
      probe.awaitAnswers(20);
      there().delete();
      awaitNothing();
      assertThat(copies.since(0))
          .filteredOn(copy -> !copy.frame().isOf(web.mac()) && !copy.frame().isToMany())
          .isEmpty();
    }
  }

  @Test
  void aSelectorFollowsThePodsLabels() {
    ask(
        ImmutableMap.of(
            "selector",
            ImmutableMap.of(
                "matchExpressions",
                List.of(
                    ImmutableMap.of("key", "app", "operator", "In", "values", List.of("web"))))));
    awaitEntries(ONE_POD);
    kube.kubectl("-n", Pod.NAMESPACE, "label", "pod", "db", "--overwrite", "app=web");
    awaitEntries(TWO_PODS);
    awaitStatus("state=Mirroring", "pods=2", "mirrored=2");
    kube.kubectl("-n", Pod.NAMESPACE, "label", "pod", "db", "web", "app-");
    awaitNothing();
    awaitStatus("state=Pending", "no pod that it chooses", "nodes={}");
    // One that has no interface is chosen, and said not to be mirrored.
    create("host", Map.of("app", "web"));
    awaitStatus("state=Pending", "demo/host is in its node's network", "pods=1");
    assertThat(brInt.ourEntries()).isEmpty();
  }

  /** Annotation and Mirror add up, and each goes on when the other ends. */
  @Test
  void besideAnAnnotation() {
    ask(ImmutableMap.of("pod", "web", "direction", "to-pod"));
    awaitEntries(entries -> !entries.isEmpty());
    int toPod = brInt.ourEntries().size();
    kube.kubectl(
        "-n",
        Pod.NAMESPACE,
        "annotate",
        "pod",
        "web",
        ANNOTATION + "=true",
        ANNOTATION + "-direction=from-pod");
    awaitEntries(ONE_POD);
    assertThat(controller.askedBy(Cluster.NODE))
        .containsOnly(
            Map.entry(
                PodInterface.primary(new PodName(Pod.NAMESPACE, "web")),
                ImmutableSet.of(
                    "annotation:kubectl-annotate", "mirror:demo/m:fabric8-kubernetes-client")));
    there().delete();
    awaitEntries(entries -> entries.size() < ONE_POD && !entries.isEmpty());
    assertThat(brInt.ourEntries().toString()).contains("metadata=0").doesNotContain("reg15");
    ask(ImmutableMap.of("pod", "web", "direction", "to-pod"));
    awaitEntries(ONE_POD);
    kube.kubectl("-n", Pod.NAMESPACE, "annotate", "pod", "web", ANNOTATION + "-");
    awaitEntries(toPod);
    // Closed: Mirrors do not count any more.
    controller.configure(settings("mirror-resources: false"));
    awaitNothing();
  }

  /** Closed is closed, whether the API answers or not; what others ask for goes on. */
  @Test
  void annotationsAreClosedWhileTheApiIsAway() {
    ask(ImmutableMap.of("pod", "web", "direction", "to-pod"));
    awaitEntries(entries -> !entries.isEmpty());
    int toPod = brInt.ourEntries().size();
    kube.kubectl("-n", Pod.NAMESPACE, "annotate", "pod", "web", "db", ANNOTATION + "=true");
    awaitEntries(TWO_PODS);
    kube.run("stop");
    try {
      controller.await(
          "the API to be missed", Cluster.NODE, status -> !status.intent().only().isEmpty());
      controller.configure(settings("mirror-resources: true, annotations: false"));
      awaitEntries(toPod);
      assertThat(controller.askedBy(Cluster.NODE).toString())
          .contains("mirror:demo/m")
          .doesNotContain("annotation");
      controller.configure(settings("mirror-resources: false, annotations: false"));
      awaitNothing();
    } finally {
      kube.run("start");
    }
  }

  /** What is wrong is refused; what the schema cannot see is said, and changes nothing. */
  @Test
  void badSpecs() {
    for (Map<String, Object> bad :
        List.<Map<String, Object>>of(
            ImmutableMap.of(),
            ImmutableMap.of("pod", "web", "selector", ImmutableMap.of()),
            ImmutableMap.of("pod", "Web"),
            ImmutableMap.of("pod", "web", "direction", "in"),
            ImmutableMap.of("pod", "web", "interface", "lan"),
            ImmutableMap.of("pod", "web", "until", "tomorrow"),
            ImmutableMap.of(
                "selector",
                ImmutableMap.of(
                    "matchExpressions",
                    List.of(ImmutableMap.of("key", "app", "operator", "In")))))) {
      assertThatThrownBy(() -> ask(bad))
          .as(bad.toString())
          .isInstanceOf(KubernetesClientException.class)
          .extracting(e -> ((KubernetesClientException) e).getCode())
          .isEqualTo(422);
    }
    ask(ImmutableMap.of("pod", "web"));
    awaitEntries(ONE_POD);
    change("{\"spec\":{\"pod\":\"db\",\"until\":\"2099-01-01T00:00:00+23:00\"}}");
    awaitStatus(
        "state=Invalid",
        "spec.until: found \"2099-01-01T00:00:00+23:00\"; expected a time such as",
        "what was in force before stays",
        "observedGeneration=2");
    assertThat(brInt.ourEntries()).hasSize(ONE_POD);
    controller.await(
        "web to be what is mirrored",
        Cluster.NODE,
        status -> status.intent().pods().toString().contains("demo/web"));
    change("{\"spec\":{\"until\":null}}");
    controller.await(
        "db to be what is mirrored",
        Cluster.NODE,
        status -> status.intent().pods().toString().contains("demo/db"));
    awaitStatus("state=Mirroring", "observedGeneration=3");
  }

  /** It ends by itself: the API says nothing at that time. */
  @Test
  void anEndThatPasses() {
    ask(ImmutableMap.of("pod", "web", "until", in(Duration.ofSeconds(6))));
    awaitEntries(ONE_POD);
    awaitStatus("state=Mirroring");
    kube.run("pause");
    try {
      awaitNothing();
    } finally {
      kube.run("resume");
    }
    awaitStatus("state=Ended", "spec.until has passed", "nodes={}");
  }

  private static String in(Duration time) {
    return Instant.now().plus(time).toString();
  }

  /**
   * While the API is away what is mirrored stays and is repaired; it comes back with all it had.
   */
  @Test
  void theApiIsRestarted() {
    ask(ImmutableMap.of("pod", "web"));
    awaitEntries(ONE_POD);
    kube.run("stop");
    try {
      controller.await(
          "the API to be missed", Cluster.NODE, status -> !status.intent().only().isEmpty());
      brInt.repaired(brInt::removeOurEntries);
    } finally {
      kube.run("start");
    }
    controller.await("the API", Cluster.NODE, status -> status.intent().only().isEmpty());
    assertThat(brInt.ourEntries()).hasSize(ONE_POD);
    awaitStatus("state=Mirroring");
    there().delete();
    awaitNothing();
  }

  /** Without the definition nothing is known, so that nothing is done either. */
  @Test
  void whoFollowsMirrorsThatTheApiDoesNotHave() {
    ask(ImmutableMap.of("pod", "web"));
    awaitEntries(ONE_POD);
    controller.close();
    String definition = Sandbox.root().resolve("config/kubernetes/base/mirrors.yaml").toString();
    kube.kubectl("delete", "-f", definition);
    try {
      controller = start();
      controller.await(
          "the API to be missed",
          Cluster.NODE,
          status -> status.complaints().toString().contains("Kubernetes API has not said yet"));
      assertThat(brInt.ourEntries()).hasSize(ONE_POD);
    } finally {
      kube.kubectl("apply", "-f", definition);
      kube.kubectl(
          "wait", "--for=condition=established", "--timeout=60s", "crd/mirrors.flowmirror.io");
    }
    // The definition took its Mirrors along: now nothing is asked for, and that is known.
    awaitNothing();
  }

  /** The verbs on mirrors are the permission to tap. */
  @Test
  void whoMayAsk() {
    kube.kubectl("-n", Pod.NAMESPACE, "create", "serviceaccount", "user");
    try (KubernetesClient user = kube.as(Pod.NAMESPACE + "/user")) {
      var asUser = user.genericKubernetesResources(MIRRORS);
      assertForbidden(() -> asUser.resource(mirror(ImmutableMap.of("pod", "web"))).create());
      bind("flowmirror-mirror-view");
      assertThat(asUser.inNamespace(Pod.NAMESPACE).list().getItems()).isEmpty();
      assertForbidden(() -> asUser.resource(mirror(ImmutableMap.of("pod", "web"))).create());
      bind("flowmirror-mirror");
      asUser.resource(mirror(ImmutableMap.of("pod", "web"))).create();
      awaitEntries(ONE_POD);
      // What has become of it is the controller's word.
      assertForbidden(
          () ->
              asUser
                  .inNamespace(Pod.NAMESPACE)
                  .withName("m")
                  .subresource("status")
                  .patch(PatchContext.of(PatchType.JSON_MERGE), "{\"status\":{\"state\":\"x\"}}"));
      // And in another namespace it has no right.
      assertForbidden(() -> asUser.inNamespace("default").list());
    } finally {
      kube.kubectl("-n", Pod.NAMESPACE, "delete", "rolebinding", "--all");
      kube.kubectl("-n", Pod.NAMESPACE, "delete", "serviceaccount", "user");
    }
  }

  private void bind(String role) {
    kube.kubectl(
        "-n",
        Pod.NAMESPACE,
        "create",
        "rolebinding",
        role,
        "--clusterrole=" + role,
        "--serviceaccount=" + Pod.NAMESPACE + ":user");
  }

  /** What the controller's account may not do with Mirrors is tried. */
  @Test
  void theControllerMayNotAskItself() {
    ask(ImmutableMap.of("pod", "web"));
    awaitEntries(ONE_POD);
    try (KubernetesClient own = kube.asController()) {
      var mirrors = own.genericKubernetesResources(MIRRORS).inNamespace(Pod.NAMESPACE);
      GenericKubernetesResource other = mirror(ImmutableMap.of("pod", "db"));
      other.getMetadata().setName("other");
      assertForbidden(() -> mirrors.resource(other).create());
      assertForbidden(() -> mirrors.withName("m").delete());
      assertForbidden(
          () ->
              mirrors
                  .resource(mirror(ImmutableMap.of("pod", "web")))
                  .patch(PatchContext.of(PatchType.JSON_MERGE), "{\"spec\":{\"pod\":\"db\"}}"));
    }
  }

  private static void assertForbidden(Runnable attempt) {
    assertThatThrownBy(attempt::run)
        .isInstanceOf(KubernetesClientException.class)
        .extracting(e -> ((KubernetesClientException) e).getCode())
        .isEqualTo(403);
  }
}
