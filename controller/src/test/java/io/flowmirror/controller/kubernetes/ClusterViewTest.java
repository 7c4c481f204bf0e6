// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Iterables;
import io.flowmirror.config.Direction;
import io.flowmirror.config.KubernetesSettings;
import io.flowmirror.config.LabelSelector;
import io.flowmirror.config.NodeSettings;
import io.flowmirror.topology.PodInterface;
import io.flowmirror.topology.PodName;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class ClusterViewTest {
  private static final String MIRROR = "ovn.kubernetes.io/mirror";
  private static final String DIRECTION = "ovn.kubernetes.io/mirror-direction";
  private static final PodInterface WEB = PodInterface.primary(new PodName("ns", "web"));

  private static KubernetesSettings settings(
      Optional<ImmutableSet<String>> namespaces, Optional<LabelSelector> selector) {
    return new KubernetesSettings(
        true,
        Direction.BOTH,
        namespaces,
        selector,
        Optional.of(new KubernetesSettings.NodesOfApi(LabelSelector.parse("os=linux"), 6640, 6653)),
        Optional.empty(),
        Optional.empty(),
        true);
  }

  private final ClusterView view = new ClusterView(settings(Optional.empty(), Optional.empty()));

  private static PodView pod(String name, String uid, String node, String... annotations) {
    ImmutableMap.Builder<String, String> all = ImmutableMap.builder();
    for (int i = 0; i < annotations.length; i += 2) {
      all.put(annotations[i], annotations[i + 1]);
    }
    return new PodView(
        "ns",
        name,
        uid,
        node,
        false,
        false,
        all.buildOrThrow(),
        "kubectl",
        Optional.empty(),
        ImmutableMap.of());
  }

  private static PodView vm(String pod, String uid, String node, String vm) {
    return new PodView(
        "ns",
        pod,
        uid,
        node,
        false,
        false,
        ImmutableMap.of(MIRROR, "true"),
        "",
        Optional.of(vm),
        ImmutableMap.of());
  }

  private ImmutableMap<PodInterface, Direction> asked(String node) {
    return view.requests(node).askers().directions();
  }

  @Test
  void anAnnotationAsksOnItsPodsNode() {
    view.put(pod("web", "1", "n1", MIRROR, "true"));
    view.put(pod("db", "2", "n1"));
    assertThat(view.takeChanged()).containsExactly("n1");
    assertThat(asked("n1")).containsExactly(java.util.Map.entry(WEB, Direction.BOTH));
    assertThat(asked("n2")).isEmpty();
    // The same once more is no news.
    view.put(pod("web", "1", "n1", MIRROR, "true"));
    assertThat(view.takeChanged()).isEmpty();
    view.put(pod("web", "1", "n1", MIRROR, "false"));
    assertThat(view.takeChanged()).containsExactly("n1");
    assertThat(asked("n1")).isEmpty();
  }

  @Test
  void attachedInterfacesAndDirections() {
    view.put(
        pod(
            "web",
            "1",
            "n1",
            MIRROR,
            "true",
            DIRECTION,
            "to-pod",
            "lan.other.ovn.kubernetes.io/mirror",
            "true",
            "lan.other.ovn.kubernetes.io/mirror-direction",
            "from-pod",
            "lan.other.kubernetes.io/mirror",
            "true"));
    assertThat(asked("n1"))
        .containsOnly(
            java.util.Map.entry(WEB, Direction.TO_POD),
            java.util.Map.entry(
                new PodInterface(new PodName("ns", "web"), "lan.other.ovn"), Direction.FROM_POD));
  }

  /** A bad value changes nothing, over a fresh list either; of a new pod it says nothing. */
  @Test
  void aBadDirectionLeavesTheMirrorAsItWas() {
    view.put(pod("web", "1", "n1", MIRROR, "true", DIRECTION, "to-pod"));
    assertThat(asked("n1")).containsEntry(WEB, Direction.TO_POD);
    PodView bad = pod("web", "1", "n1", MIRROR, "true", DIRECTION, "in");
    view.put(bad);
    assertThat(asked("n1")).containsEntry(WEB, Direction.TO_POD);
    assertThat(view.requests("n1").refused()).containsKey(bad);
    assertThat(view.requests("n1").refused().get(bad))
        .contains(DIRECTION + ": found \"in\"")
        .contains("stays as it was");

    ClusterView fresh = new ClusterView(settings(Optional.empty(), Optional.empty()));
    fresh.put(bad);
    fresh.remember(view);
    assertThat(fresh.requests("n1").askers().directions()).containsEntry(WEB, Direction.TO_POD);

    view.put(pod("web", "2", "n1", MIRROR, "true", DIRECTION, "in"));
    assertThat(asked("n1")).isEmpty();
  }

  /** One pod's annotations have room for thousands: then its mirror stays as it was. */
  @Test
  void aPodThatAsksForTooManyInterfaces() {
    view.put(pod("web", "1", "n1", MIRROR, "true"));
    assertThat(asked("n1")).containsOnlyKeys(WEB);
    String[] many = new String[2 * 17];
    for (int i = 0; i < 17; i++) {
      many[2 * i] = i == 0 ? MIRROR : "nad" + i + ".ns.ovn.kubernetes.io/mirror";
      many[2 * i + 1] = "true";
    }
    PodView greedy = pod("web", "1", "n1", many);
    view.put(greedy);
    assertThat(asked("n1")).containsOnlyKeys(WEB);
    assertThat(view.requests("n1").refused().get(greedy))
        .contains("found 17 interfaces; expected at most 16", "stays as it was");
    many[33] = "false";
    view.put(pod("web", "1", "n1", many));
    assertThat(asked("n1")).hasSize(16);
    assertThat(view.requests("n1").refused()).isEmpty();
  }

  /** Without the API, other settings judge what was heard: they can close, and begin nothing. */
  @Test
  void otherSettingsJudgeWhatWasHeard() {
    view.put(pod("web", "1", "n1", MIRROR, "true"));
    view.put(pod("db", "2", "n1", MIRROR, "true", DIRECTION, "to-pod"));
    ImmutableMap<PodInterface, Direction> before = asked("n1");
    assertThat(ClusterView.of(view, settings(Optional.empty(), Optional.empty())).requests("n1"))
        .isEqualTo(view.requests("n1"));
    assertThat(
            ClusterView.of(view, settings(Optional.of(ImmutableSet.of("a")), Optional.empty()))
                .requests("n1")
                .askers()
                .directions())
        .isEmpty();
    // What its labels are is not known: nobody can say that it may go on.
    assertThat(
            ClusterView.of(
                    view,
                    settings(Optional.empty(), Optional.of(LabelSelector.parse("closed!=yes"))))
                .requests("n1")
                .askers()
                .directions())
        .isEmpty();
    assertThat(view.requests("n1").within(ImmutableMap.of()).granted()).isEmpty();
    view.put(pod("db", "2", "n1", MIRROR, "true"));
    view.put(pod("web", "1", "n1", MIRROR, "true", DIRECTION, "from-pod"));
    assertThat(view.requests("n1").within(before).askers().directions())
        .containsEntry(WEB, Direction.FROM_POD)
        .containsEntry(PodInterface.primary(new PodName("ns", "db")), Direction.TO_POD);
    view.put(pod("db", "2", "n1", MIRROR, "true", DIRECTION, "from-pod"));
    assertThat(view.requests("n1").within(before).askers().directions()).containsOnlyKeys(WEB);
  }

  /** The deletion of a pod may be told after its successor has come. */
  @Test
  void aSuccessorIsNotRemovedWithItsPredecessor() {
    view.put(pod("web", "1", "n1", MIRROR, "true"));
    view.put(pod("web", "2", "n2", MIRROR, "true"));
    assertThat(view.takeChanged()).containsExactlyInAnyOrder("n1", "n2");
    view.removePod("ns/web", "1");
    assertThat(asked("n1")).isEmpty();
    assertThat(asked("n2")).containsKey(WEB);
    view.removePod("ns/web", "2");
    assertThat(view.takeChanged()).containsExactly("n2");
    assertThat(asked("n2")).isEmpty();
  }

  @Test
  void podsThatHaveEndedOrHaveNoInterface() {
    PodView over =
        new PodView(
            "ns",
            "job",
            "1",
            "n1",
            false,
            true,
            ImmutableMap.of(MIRROR, "true"),
            "",
            Optional.empty(),
            ImmutableMap.of());
    PodView host =
        new PodView(
            "ns",
            "host",
            "2",
            "n1",
            true,
            false,
            ImmutableMap.of(MIRROR, "true"),
            "",
            Optional.empty(),
            ImmutableMap.of());
    view.put(over);
    view.put(host);
    view.put(pod("pending", "3", "", MIRROR, "true"));
    assertThat(asked("n1")).isEmpty();
    assertThat(asked("")).isEmpty();
    assertThat(view.requests("n1").refused()).containsOnlyKeys(host);
  }

  @Test
  void aVmIsMirroredUnderItsNameAsLongAsNoPodHasIt() {
    PodInterface own = PodInterface.primary(new PodName("ns", "launcher"));
    PodInterface named = PodInterface.primary(new PodName("ns", "vm1"));
    view.put(vm("launcher", "1", "n1", "vm1"));
    assertThat(asked("n1")).containsOnlyKeys(own, named);
    view.takeChanged();
    view.put(pod("vm1", "2", "n2"));
    assertThat(view.takeChanged()).contains("n1");
    assertThat(asked("n1")).containsOnlyKeys(own);
    view.removePod("ns/vm1", "2");
    assertThat(view.takeChanged()).contains("n1");
    assertThat(asked("n1")).containsOnlyKeys(own, named);
  }

  @Test
  void namespacesThatMayAsk() {
    ClusterView some =
        new ClusterView(
            settings(
                Optional.of(ImmutableSet.of("other")),
                Optional.of(LabelSelector.parse("mirror=allowed"))));
    some.put(pod("web", "1", "n1", MIRROR, "true"));
    assertThat(some.requests("n1").granted()).isEmpty();
    assertThat(some.requests("n1").refused()).hasSize(1);
    some.takeChanged();
    some.put(new NamespaceView("ns", ImmutableMap.of("mirror", "allowed")));
    assertThat(some.takeChanged()).containsExactly("n1");
    assertThat(some.requests("n1").granted()).hasSize(1);
    some.removeNamespace("ns");
    assertThat(some.requests("n1").granted()).isEmpty();
  }

  @Test
  void nodesOfTheApi() {
    ImmutableMap<String, String> linux = ImmutableMap.of("os", "linux");
    view.put(new NodeView("n2", Optional.of("10.0.0.2"), linux, Optional.of("m1")));
    view.put(new NodeView("n1", Optional.of("fd00::1"), linux, Optional.empty()));
    view.put(new NodeView("w", Optional.of("10.0.0.3"), ImmutableMap.of(), Optional.empty()));
    view.put(new NodeView("x", Optional.empty(), linux, Optional.empty()));
    view.put(new NodeView("y", Optional.of("10.0.0.4"), linux, Optional.of("a/b")));
    assertThat(view.takeNodesChanged()).isTrue();
    assertThat(view.takeNodesChanged()).isFalse();
    ClusterView.Nodes nodes = view.nodes();
    assertThat(Iterables.transform(nodes.settings(), NodeSettings::name))
        .containsExactly("n1", "n2");
    assertThat(nodes.settings().get(0).ovsdb()).hasToString("tcp:[fd00::1]:6640");
    assertThat(nodes.settings().get(1).mirrorIface()).contains("m1");
    assertThat(nodes.leftOut()).containsOnlyKeys("x", "y");
    assertThat(view.missing()).isEqualTo("pod");
    view.removeNode("n1");
    assertThat(view.takeNodesChanged()).isTrue();
  }

  /**
   * Only a node that is gone, or not meant any more, is cleaned; what is said of it may be wrong.
   */
  @Test
  void aNodeOfWhichNonsenseIsSaidIsReachedAsBefore() {
    ImmutableMap<String, String> linux = ImmutableMap.of("os", "linux");
    view.put(new NodeView("n1", Optional.of("10.0.0.1"), linux, Optional.of("m1")));
    view.put(new NodeView("n2", Optional.of("10.0.0.2"), linux, Optional.empty()));
    ImmutableList<NodeSettings> good = view.nodes().settings();
    assertThat(good).hasSize(2);

    view.put(new NodeView("n1", Optional.of("10.0.0.1"), linux, Optional.of("a/b")));
    view.put(new NodeView("n2", Optional.empty(), linux, Optional.empty()));
    assertThat(view.nodes().settings()).isEqualTo(good);
    assertThat(view.nodes().asBefore()).containsOnlyKeys("n1", "n2");
    assertThat(view.nodes().leftOut()).isEmpty();

    // A fresh list says the same, and does not know how it was before.
    ClusterView fresh = new ClusterView(settings(Optional.empty(), Optional.empty()));
    fresh.put(new NodeView("n1", Optional.of("10.0.0.1"), linux, Optional.of("a/b")));
    fresh.remember(view);
    assertThat(fresh.nodes().settings()).containsExactly(good.get(0));

    view.put(new NodeView("n1", Optional.of("10.0.0.1"), ImmutableMap.of(), Optional.of("a/b")));
    view.removeNode("n2");
    assertThat(view.nodes().settings()).isEmpty();
    view.put(new NodeView("n2", Optional.empty(), linux, Optional.empty()));
    assertThat(view.nodes().settings()).isEmpty();
    assertThat(view.nodes().leftOut()).containsOnlyKeys("n2");
  }
}
