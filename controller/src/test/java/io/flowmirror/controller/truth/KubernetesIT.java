// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.Watch;
import io.fabric8.kubernetes.client.Watcher;
import io.fabric8.kubernetes.client.WatcherException;
import io.flowmirror.config.Overrides;
import io.flowmirror.config.Settings;
import io.flowmirror.config.SettingsReader;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.controller.truth.Capture.Side;
import io.flowmirror.controller.truth.PcapReader.Captured;
import io.flowmirror.topology.PodInterface;
import io.flowmirror.topology.PodName;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Annotations on pods of a real API server turn mirrors of a real OVN's pods on and off. The
 * controller has the rights that are shipped with it, and no others.
 *
 * <p>{@code -Dkubernetes.toggles=N} turns a mirror on and off so many times.
 */
@ExtendWith({SharedCluster.class, SharedKube.class})
final class KubernetesIT {
  private static final int TOGGLES = Integer.getInteger("kubernetes.toggles", 20);
  private static final String MIRROR = "ovn.kubernetes.io/mirror";
  private static final String DIRECTION = "ovn.kubernetes.io/mirror-direction";

  /** Copies that are on their way, and cached flows, are gone after this. */
  private static final Duration WINDOW = Duration.ofSeconds(1);

  private final Cluster cluster;
  private final Kube kube;
  private final KubernetesClient api;
  private final BrInt brInt;
  private final Pod web;
  private final Pod db;
  private RunningController controller;

  KubernetesIT(Cluster cluster, Kube kube) {
    this.cluster = cluster;
    this.kube = kube;
    this.api = kube.admin();
    this.brInt = cluster.brInt(Cluster.NODE);
    this.web = cluster.pod("web");
    this.db = cluster.pod("db");
    // A list without any pod would be no answer.
    create("db", pod -> pod);
    this.controller = start();
  }

  private Settings settings(String more) {
    String yaml = Intent.NOTHING.yaml(cluster) + "kubernetes: {" + more + "}\n";
    return SettingsReader.parse("test", yaml, Overrides.none());
  }

  private RunningController start() {
    return RunningController.started(settings(""), kube);
  }

  @BeforeEach
  void begin() {
    create("web", pod -> pod);
    controller.await("n1 to be settled", Cluster.NODE, NodeStatus::settled);
  }

  @AfterEach
  void end() {
    controller.close();
    for (String pod : List.of("web", "db", "host")) {
      delete(pod);
    }
    api.v1().events().inNamespace(Pod.NAMESPACE).delete();
    RunningController.clean(cluster);
  }

  private void create(String name, UnaryOperator<PodBuilder> more) {
    PodBuilder pod =
        new PodBuilder()
            .withNewMetadata()
            .withNamespace(Pod.NAMESPACE)
            .withName(name)
            .endMetadata()
            .withNewSpec()
            .withNodeName(Cluster.NODE)
            .addNewContainer()
            .withName("c")
            .withImage("none")
            .endContainer()
            .endSpec();
    api.resource(more.apply(pod).build()).create();
  }

  private void delete(String name) {
    api.pods().inNamespace(Pod.NAMESPACE).withName(name).withGracePeriod(0).delete();
  }

  private void annotate(String pod, String key, Optional<String> value) {
    api.pods()
        .inNamespace(Pod.NAMESPACE)
        .withName(pod)
        .edit(
            there -> {
              PodBuilder builder = new PodBuilder(there);
              return value.isPresent()
                  ? builder.editMetadata().addToAnnotations(key, value.get()).endMetadata().build()
                  : builder.editMetadata().removeFromAnnotations(key).endMetadata().build();
            });
  }

  private void awaitEntries(Predicate<ImmutableList<String>> wanted) {
    Wait.until("entries", () -> wanted.test(brInt.ourEntries()), () -> brInt.ourEntries() + "");
  }

  private void awaitMirrored() {
    awaitEntries(entries -> entries.size() == ONE_POD);
  }

  private void awaitNothing() {
    awaitEntries(ImmutableList::isEmpty);
  }

  private ImmutableList<String> events(String pod) {
    return api.v1().events().inNamespace(Pod.NAMESPACE).list().getItems().stream()
        .filter(event -> event.getInvolvedObject().getName().equals(pod))
        .map(KubernetesIT::text)
        .collect(ImmutableList.toImmutableList());
  }

  private static String text(Event event) {
    return event.getType()
        + " "
        + event.getReason()
        + " "
        + event.getCount()
        + ": "
        + event.getMessage();
  }

  private void awaitEvent(String pod, String text) {
    Wait.until(
        "event " + text,
        () -> events(pod).stream().anyMatch(event -> event.contains(text)),
        () -> events(pod).toString());
  }

  /** E0, and E1, E2 and E3 of one pod. */
  private static final int ONE_POD = 4;

  /** On and off under traffic: when after the watch's own word the copies come, and end. */
  @Test
  void annotationsTurnAMirrorOnAndOff() {
    Map<String, Instant> heard = new ConcurrentHashMap<>();
    Toggles toggles =
        new Toggles(Cluster.NODE, PodInterface.primary(new PodName(Pod.NAMESPACE, "web")));
    controller.onStatuses(toggles::note);
    Map<String, Instant> heardElsewhere = new ConcurrentHashMap<>();
    KubernetesClient other = kube.asController();
    Watch listening = api.pods().inNamespace(Pod.NAMESPACE).watch(hearing(heard));
    Watch listeningElsewhere = other.pods().inAnyNamespace().watch(hearing(heardElsewhere));
    try (Capture copies = Capture.start(cluster.path(Cluster.NODE + ".netns"), "mirror0", Side.IN);
        Probe probe = Probe.start(db, web)) {
      for (int i = 0; i < TOGGLES; i++) {
        probe.awaitAnswers(20);
        int mark = copies.count();
        toggles.begin();
        Instant begin = Instant.now();
        annotate("web", MIRROR, Optional.of("true"));
        Wait.until("a copy", () -> copies.count() > mark, () -> events("web").toString());
        Wait.until("the watch", () -> heard.containsKey("true"), heard::toString);
        Wait.until(
            "another watch", () -> heardElsewhere.containsKey("true"), heardElsewhere::toString);
        Wait.until("the switch", () -> toggles.confirmed().isPresent(), () -> "");
        toggles.on(
            begin,
            Objects.requireNonNull(heard.remove("true")),
            Objects.requireNonNull(heardElsewhere.remove("true")),
            copies.since(mark).get(0).time());
        awaitMirrored();
        probe.awaitAnswers(20);

        annotate("web", MIRROR, Optional.empty());
        Wait.until("the watch", () -> heard.containsKey(""), heard::toString);
        Instant toldOff = Objects.requireNonNull(heard.remove(""));
        awaitNothing();
        probe.awaitAnswers(20);
        List<Captured> all = copies.since(mark);
        toggles.off(toldOff, all.get(all.size() - 1).time());
      }
      Wait.until("the window", after(Instant.now()), () -> "");
      int mark = copies.count();
      probe.awaitAnswers(100);
      assertThat(copies.since(mark)).isEmpty();
      assertThat(copies.since(0))
          .filteredOn(copy -> !copy.frame().isOf(web.mac()) && !copy.frame().isToMany())
          .isEmpty();
    } finally {
      listening.close();
      listeningElsewhere.close();
      other.close();
    }
    System.out.print(toggles);
  }

  private static Watcher<io.fabric8.kubernetes.api.model.Pod> hearing(Map<String, Instant> heard) {
    return new Watcher<>() {
      @Override
      public void eventReceived(Action action, io.fabric8.kubernetes.api.model.Pod pod) {
        if (pod.getMetadata().getName().equals("web") && action == Action.MODIFIED) {
          Map<String, String> annotations = pod.getMetadata().getAnnotations();
          heard.put(annotations == null ? "" : annotations.getOrDefault(MIRROR, ""), Instant.now());
        }
      }

      @Override
      public void onClose(WatcherException cause) {}
    };
  }

  private static java.util.function.BooleanSupplier after(Instant time) {
    return () -> Instant.now().isAfter(time.plus(WINDOW));
  }

  @Test
  void onlyTheExactWordAndTheDirectionThatIsAsked() {
    for (String word : List.of("True", "TRUE", "1", "yes", "", " true")) {
      annotate("web", MIRROR, Optional.of(word));
    }
    annotate("web", DIRECTION, Optional.of("from-pod"));
    annotate("db", MIRROR, Optional.of("true"));
    awaitMirrored();
    annotate("db", MIRROR, Optional.empty());
    awaitNothing();
    annotate("web", MIRROR, Optional.of("true"));
    awaitEntries(entries -> entries.size() == 2);
    awaitEvent("web", "Normal MirrorStarted 1: What it sends is copied on node n1");
    // A bad value: the mirror stays as it was, and the pod says what is wrong.
    annotate("web", DIRECTION, Optional.of("sideways"));
    awaitEvent("web", "MirrorRefused");
    assertThat(events("web").toString())
        .contains(DIRECTION + ": found \"sideways\"; expected both, from-pod or to-pod");
    assertThat(brInt.ourEntries()).hasSize(2);
    annotate("web", DIRECTION, Optional.of("both"));
    awaitMirrored();
    annotate("web", MIRROR, Optional.of("false"));
    awaitNothing();
    awaitEvent("web", "MirrorStopped");
  }

  @Test
  void ourRestartChangesNothingAndTellsNothingAgain() {
    annotate("web", MIRROR, Optional.of("true"));
    awaitMirrored();
    awaitEvent("web", "MirrorStarted 1");
    var before = brInt.ourEntriesWithAges();
    controller.close();
    controller = start();
    controller.await("n1 to be settled", Cluster.NODE, NodeStatus::settled);
    var after = brInt.ourEntriesWithAges();
    assertThat(after.keySet()).isEqualTo(before.keySet());
    before.forEach((entry, age) -> assertThat(after.get(entry)).isGreaterThan(age));
    annotate("web", "other", Optional.of("x"));
    assertThat(events("web")).hasSize(1).allMatch(event -> event.contains("MirrorStarted 1"));
  }

  /** A StatefulSet's pod that comes back is another one, with annotations of its own. */
  @Test
  void aPodThatComesBackUnderItsName() {
    annotate("web", MIRROR, Optional.of("true"));
    awaitMirrored();
    delete("web");
    awaitNothing();
    create("web", pod -> pod);
    controller.await("n1 to be settled", Cluster.NODE, NodeStatus::settled);
    assertThat(brInt.ourEntries()).isEmpty();
    delete("web");
    create("web", pod -> pod.editMetadata().addToAnnotations(MIRROR, "true").endMetadata());
    awaitMirrored();
    // It has ended, and is still listed.
    api.pods()
        .inNamespace(Pod.NAMESPACE)
        .withName("web")
        .editStatus(
            there ->
                new PodBuilder(there).editOrNewStatus().withPhase("Succeeded").endStatus().build());
    awaitNothing();
  }

  @Test
  void aPodInItsNodesNetworkIsRefused() {
    create(
        "host",
        pod ->
            pod.editMetadata()
                .addToAnnotations(MIRROR, "true")
                .endMetadata()
                .editSpec()
                .withHostNetwork(true)
                .endSpec());
    awaitEvent("host", "Warning MirrorRefused 1: It is not mirrored as asked: it is in its node's");
    assertThat(brInt.ourEntries()).isEmpty();
  }

  @Test
  void namespacesThatMayNotAsk() {
    controller.configure(settings("namespaces: [other], namespace-selector: mirror=allowed"));
    annotate("web", MIRROR, Optional.of("true"));
    awaitEvent("web", "annotations on pods of namespace demo do not count here");
    assertThat(brInt.ourEntries()).isEmpty();
    kube.kubectl("label", "namespace", Pod.NAMESPACE, "mirror=allowed");
    awaitMirrored();
    kube.kubectl("label", "namespace", Pod.NAMESPACE, "mirror-");
    awaitNothing();
    controller.configure(settings("namespaces: [demo]"));
    awaitMirrored();
    controller.configure(settings("annotations: false"));
    awaitNothing();
  }

  /** While the API is away what is mirrored stays, is repaired, and nothing else begins. */
  @Test
  void theApiGoesAway() {
    annotate("web", MIRROR, Optional.of("true"));
    awaitMirrored();
    kube.run("stop");
    try {
      controller.await(
          "that to be noticed", Cluster.NODE, status -> !status.intent().only().isEmpty());
      brInt.repaired(brInt::removeOurEntries);
      controller.close();
      var before = brInt.ourEntriesWithAges().keySet();
      controller = start();
      controller.await(
          "the API to be missed",
          Cluster.NODE,
          status -> status.complaints().toString().contains("Kubernetes API has not said yet"));
      assertThat(brInt.ourEntriesWithAges().keySet()).isEqualTo(before);
    } finally {
      kube.run("start");
    }
    controller.await("n1 to be settled", Cluster.NODE, NodeStatus::settled);
    assertThat(brInt.ourEntries()).hasSize(ONE_POD);
    annotate("web", MIRROR, Optional.empty());
    awaitNothing();
  }

  /** What can be decided by what was heard last is not put off until the API is back. */
  @Test
  void whatIsClosedWhileTheApiIsAwayEndsAtOnce() {
    annotate("web", MIRROR, Optional.of("true"));
    annotate("web", DIRECTION, Optional.of("from-pod"));
    awaitEntries(entries -> entries.size() == 2);
    kube.run("stop");
    try {
      controller.await(
          "that to be noticed", Cluster.NODE, status -> !status.intent().only().isEmpty());
      controller.configure(settings("namespaces: [demo], pod-direction: to-pod"));
      controller.await("that to count", Cluster.NODE, status -> !status.intent().only().isEmpty());
      assertThat(brInt.ourEntries()).hasSize(2);
      controller.configure(settings("namespaces: [other]"));
      awaitNothing();
      // Opened again, nothing begins before the API says so.
      controller.configure(settings("namespaces: [demo]"));
      controller.await("n1 to be settled", Cluster.NODE, NodeStatus::settled);
      assertThat(brInt.ourEntries()).isEmpty();
    } finally {
      kube.run("start");
    }
    awaitEntries(entries -> entries.size() == 2);
  }

  /** Who asks for what there is not is told that, and nothing of other pods. */
  @Test
  void anInterfaceThatThereIsNot() {
    annotate("db", MIRROR, Optional.of("true"));
    annotate("web", "lan.demo." + MIRROR, Optional.of("true"));
    awaitEvent(
        "web",
        "Warning MirrorFailed 1: lan.demo.ovn: no such interface: br-int has none of this pod's");
    assertThat(events("web").toString()).doesNotContain("demo/db");
  }

  /** It neither answers nor ends a connection. */
  @Test
  void theApiFallsSilent() {
    annotate("web", MIRROR, Optional.of("true"));
    awaitMirrored();
    kube.run("pause");
    try {
      controller.await(
          "the silence to be noticed", Cluster.NODE, status -> !status.intent().only().isEmpty());
      brInt.repaired(brInt::removeOurEntries);
    } finally {
      kube.run("resume");
    }
    controller.await("the API", Cluster.NODE, status -> status.intent().only().isEmpty());
    annotate("web", MIRROR, Optional.empty());
    awaitNothing();
  }

  /** What the controller's account may not do is tried. */
  @Test
  void theControllersRightsAreNoWider() {
    ImmutableSet<Runnable> forbidden;
    try (KubernetesClient own = kube.asController()) {
      forbidden =
          ImmutableSet.of(
              () -> own.pods().inNamespace(Pod.NAMESPACE).withName("web").edit(pod -> pod),
              () ->
                  own.pods()
                      .inNamespace(Pod.NAMESPACE)
                      .withName("web")
                      .patch("{\"metadata\":{\"annotations\":{\"x\":\"y\"}}}"),
              () -> own.pods().inNamespace(Pod.NAMESPACE).withName("web").delete(),
              () -> own.secrets().inNamespace("flowmirror").list(),
              () -> own.configMaps().inNamespace(Pod.NAMESPACE).list(),
              () -> own.nodes().withName("n1").patch("{\"metadata\":{\"labels\":{\"x\":\"y\"}}}"),
              () -> own.v1().events().inNamespace(Pod.NAMESPACE).delete(),
              () -> own.serviceAccounts().inNamespace("flowmirror").list());
      for (Runnable attempt : forbidden) {
        assertThatThrownBy(attempt::run)
            .isInstanceOf(KubernetesClientException.class)
            .extracting(e -> ((KubernetesClientException) e).getCode())
            .isEqualTo(403);
      }
    }
  }
}
