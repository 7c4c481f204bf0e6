// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Iterables;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.flowmirror.config.Direction;
import io.flowmirror.config.KubernetesSettings;
import io.flowmirror.topology.PodInterface;
import io.flowmirror.topology.PodName;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What Mirrors ask for, beside annotations. */
final class MirrorsOfViewTest {
  private static final String ANNOTATION = "ovn.kubernetes.io/mirror";
  private static final PodInterface WEB = PodInterface.primary(new PodName("ns", "web"));
  private static final PodInterface DB = PodInterface.primary(new PodName("ns", "db"));
  private static final Instant NOON = Instant.parse("2030-01-01T12:00:00Z");

  private final ClusterView view = view();

  private static ClusterView view() {
    ClusterView view =
        new ClusterView(
            new KubernetesSettings(
                true,
                Direction.BOTH,
                // Annotations do not count but in one namespace: Mirrors do.
                Optional.of(ImmutableSet.of("ns")),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                true));
    view.passTo(NOON);
    return view;
  }

  private static PodView pod(String name, String node, ImmutableMap<String, String> labels) {
    return new PodView(
        "ns",
        name,
        "uid-" + name,
        node,
        false,
        false,
        ImmutableMap.of(),
        "",
        Optional.empty(),
        labels);
  }

  private static PodView annotated(String name, String node) {
    return new PodView(
        "ns",
        name,
        "uid-" + name,
        node,
        false,
        false,
        ImmutableMap.of(ANNOTATION, "true", "ovn.kubernetes.io/mirror-direction", "from-pod"),
        "kubectl-annotate",
        Optional.empty(),
        ImmutableMap.of());
  }

  static MirrorView mirror(String name, String uid, long generation, Map<String, Object> spec) {
    GenericKubernetesResource mirror = new GenericKubernetesResource();
    mirror.setMetadata(
        new ObjectMetaBuilder()
            .withNamespace("ns")
            .withName(name)
            .withUid(uid)
            .withGeneration(generation)
            .build());
    mirror.setAdditionalProperty("spec", spec);
    return MirrorView.of(mirror);
  }

  private static MirrorView mirror(String name, Map<String, Object> spec) {
    return mirror(name, "uid-" + name, 1, spec);
  }

  private ImmutableMap<PodInterface, Direction> asked(String node) {
    return view.requests(node).askers().directions();
  }

  @Test
  void aMirrorAsksForOnePodOfItsNamespace() {
    view.put(pod("web", "n1", ImmutableMap.of()));
    view.put(pod("db", "n1", ImmutableMap.of()));
    view.takeChanged();
    MirrorView web = mirror("m", ImmutableMap.of("pod", "web", "direction", "to-pod"));
    view.put(web);
    assertThat(view.takeChanged()).containsExactly("n1");
    assertThat(asked("n1")).containsExactly(Map.entry(WEB, Direction.TO_POD));
    // The same once more is no news.
    view.put(web);
    assertThat(view.takeChanged()).isEmpty();
    view.remove(web);
    assertThat(view.takeChanged()).containsExactly("n1");
    assertThat(asked("n1")).isEmpty();
  }

  /** A pod whose labels change is chosen or not any more, whoever came first. */
  @Test
  void aSelectorFollowsLabels() {
    view.put(
        mirror(
            "m",
            ImmutableMap.of("selector", ImmutableMap.of("matchLabels", Map.of("app", "web")))));
    view.put(pod("web", "n1", ImmutableMap.of("app", "web")));
    view.put(pod("db", "n2", ImmutableMap.of("app", "db")));
    assertThat(view.takeChanged()).contains("n1");
    assertThat(asked("n1")).containsOnlyKeys(WEB);
    assertThat(asked("n2")).isEmpty();
    view.put(pod("db", "n2", ImmutableMap.of("app", "web")));
    assertThat(view.takeChanged()).containsExactly("n2");
    assertThat(asked("n2")).containsOnlyKeys(DB);
    view.put(pod("web", "n1", ImmutableMap.of()));
    assertThat(asked("n1")).isEmpty();
  }

  @Test
  void theEndOfAMirrorIsToldByWhoAsks() {
    view.put(pod("web", "n1", ImmutableMap.of()));
    view.put(mirror("one", ImmutableMap.of("pod", "web")));
    view.put(mirror("two", ImmutableMap.of("pod", "web", "until", "2099-01-31T10:00:00+01:00")));
    assertThat(view.ends("n1"))
        .containsExactly(Map.entry("mirror:ns/two", Instant.parse("2099-01-31T09:00:00Z")));
    assertThat(view.ends("n2")).isEmpty();
  }

  /** A pod is mirrored if anyone asks; the directions are united; who asked is kept. */
  @Test
  void whatSeveralAskForAddsUp() {
    view.put(annotated("web", "n1"));
    MirrorView one = mirror("one", ImmutableMap.of("pod", "web", "direction", "to-pod"));
    MirrorView two = mirror("two", ImmutableMap.of("pod", "web", "direction", "to-pod"));
    view.put(one);
    view.put(two);
    assertThat(asked("n1")).containsExactly(Map.entry(WEB, Direction.BOTH));
    assertThat(view.requests("n1").granted()).hasSize(1);
    assertThat(view.requests("n1").askers().names().get(WEB))
        .containsExactlyInAnyOrder("annotation:kubectl-annotate", "mirror:ns/one", "mirror:ns/two");
    assertThat(view.requests("n1").choices()).hasSize(2);
    view.remove(one);
    assertThat(asked("n1")).containsExactly(Map.entry(WEB, Direction.BOTH));
    view.remove(two);
    assertThat(asked("n1")).containsExactly(Map.entry(WEB, Direction.FROM_POD));
  }

  @Test
  void anAttachedInterfaceIsAnotherOne() {
    view.put(annotated("web", "n1"));
    view.put(mirror("m", ImmutableMap.of("pod", "web", "interface", "lan.ns")));
    assertThat(asked("n1"))
        .containsOnly(
            Map.entry(WEB, Direction.FROM_POD),
            Map.entry(new PodInterface(new PodName("ns", "web"), "lan.ns.ovn"), Direction.BOTH));
  }

  /** It is the right to write Mirrors that counts, not whom annotations count for. */
  @Test
  void namespacesOfAnnotationsAreNoLimit() {
    ClusterView closed =
        new ClusterView(
            new KubernetesSettings(
                false,
                Direction.BOTH,
                Optional.of(ImmutableSet.of()),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                true));
    closed.passTo(NOON);
    closed.put(annotated("web", "n1"));
    assertThat(closed.requests("n1").granted()).isEmpty();
    closed.put(mirror("m", ImmutableMap.of("pod", "web")));
    assertThat(closed.requests("n1").askers().directions())
        .containsExactly(Map.entry(WEB, Direction.BOTH));
    assertThat(closed.requests("n1").refused()).as("the annotation still is").hasSize(1);
  }

  @Test
  void anEndThatPasses() {
    view.put(pod("web", "n1", ImmutableMap.of()));
    view.put(mirror("m", ImmutableMap.of("pod", "web", "until", "2030-01-01T12:00:10Z")));
    assertThat(asked("n1")).containsKey(WEB);
    assertThat(view.mirrors().nextEnd()).contains(NOON.plusSeconds(10));
    view.takeChanged();
    view.passTo(NOON.plusSeconds(9));
    assertThat(view.takeChanged()).isEmpty();
    view.passTo(NOON.plusSeconds(10));
    assertThat(view.takeChanged()).containsExactly("n1");
    assertThat(asked("n1")).isEmpty();
    assertThat(view.mirrors().nextEnd()).isEmpty();
    // One that was over when it came never begins.
    view.put(mirror("late", ImmutableMap.of("pod", "web", "until", "2030-01-01T12:00:10Z")));
    assertThat(asked("n1")).isEmpty();
  }

  /** A bad value changes nothing, over a fresh list either; of a new Mirror it says nothing. */
  @Test
  void aBadSpecLeavesWhatWasInForce() {
    Map<String, Object> bad = ImmutableMap.of("pod", "db", "until", "soon");
    view.put(pod("web", "n1", ImmutableMap.of()));
    view.put(pod("db", "n1", ImmutableMap.of()));
    view.put(mirror("m", "1", 1, ImmutableMap.of("pod", "web")));
    view.put(mirror("m", "1", 2, bad));
    assertThat(asked("n1")).containsOnlyKeys(WEB);
    assertThat(Iterables.getOnlyElement(view.mirrors().all()).problem())
        .contains("spec.until: found \"soon\"");

    ClusterView fresh = view();
    fresh.put(pod("web", "n1", ImmutableMap.of()));
    fresh.put(mirror("m", "1", 2, bad));
    assertThat(fresh.requests("n1").granted()).isEmpty();
    fresh.remember(view);
    assertThat(fresh.requests("n1").askers().directions()).containsOnlyKeys(WEB);

    // Another Mirror of that name has never asked for anything.
    view.put(mirror("m", "2", 1, bad));
    assertThat(asked("n1")).isEmpty();
  }

  /** The deletion of a Mirror may be told after its successor has come. */
  @Test
  void aSuccessorIsNotRemovedWithItsPredecessor() {
    view.put(pod("web", "n1", ImmutableMap.of()));
    MirrorView first = mirror("m", "1", 1, ImmutableMap.of("pod", "web"));
    view.put(first);
    view.put(mirror("m", "2", 1, ImmutableMap.of("pod", "web")));
    view.remove(first);
    assertThat(asked("n1")).containsOnlyKeys(WEB);
  }

  /** A finalizer keeps it in the API, and not in force. */
  @Test
  void oneThatIsBeingDeletedAsksForNothing() {
    view.put(pod("web", "n1", ImmutableMap.of()));
    view.put(mirror("m", "1", 1, ImmutableMap.of("pod", "web")));
    view.takeChanged();
    GenericKubernetesResource deleted = new GenericKubernetesResource();
    deleted.setMetadata(
        new ObjectMetaBuilder()
            .withNamespace("ns")
            .withName("m")
            .withUid("1")
            .withGeneration(1L)
            .withDeletionTimestamp("2030-01-01T12:00:00Z")
            .build());
    deleted.setAdditionalProperty("spec", ImmutableMap.of("pod", "web"));
    view.put(MirrorView.of(deleted));
    assertThat(view.takeChanged()).containsExactly("n1");
    assertThat(asked("n1")).isEmpty();
  }

  @Test
  void podsThatHaveEndedOrHaveNoInterface() {
    view.put(mirror("m", ImmutableMap.of("selector", ImmutableMap.of("matchLabels", Map.of()))));
    view.put(
        new PodView(
            "ns",
            "job",
            "1",
            "n1",
            false,
            true,
            ImmutableMap.of(),
            "",
            Optional.empty(),
            ImmutableMap.of()));
    view.put(
        new PodView(
            "ns",
            "host",
            "2",
            "n1",
            true,
            false,
            ImmutableMap.of(),
            "",
            Optional.empty(),
            ImmutableMap.of()));
    assertThat(asked("n1")).isEmpty();
    assertThat(view.requests("n1").choices())
        .singleElement()
        .matches(choice -> choice.pod().name().equals("host") && choice.at().isEmpty());
    assertThat(view.requests("n1").refused()).isEmpty();
  }

  @Test
  void aVmIsMirroredUnderItsNameToo() {
    view.put(
        new PodView(
            "ns",
            "launcher",
            "1",
            "n1",
            false,
            false,
            ImmutableMap.of(),
            "",
            Optional.of("vm1"),
            ImmutableMap.of()));
    view.put(mirror("m", ImmutableMap.of("pod", "launcher")));
    PodInterface named = PodInterface.primary(new PodName("ns", "vm1"));
    assertThat(asked("n1"))
        .containsOnlyKeys(PodInterface.primary(new PodName("ns", "launcher")), named);
    assertThat(Iterables.getOnlyElement(view.requests("n1").choices()).at()).contains(named);
    view.put(pod("vm1", "n2", ImmutableMap.of()));
    assertThat(asked("n1")).doesNotContainKey(named);
  }
}
