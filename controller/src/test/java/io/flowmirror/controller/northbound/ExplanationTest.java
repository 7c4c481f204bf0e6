// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.Iterables;
import io.flowmirror.config.KubernetesSettings;
import io.flowmirror.config.Overrides;
import io.flowmirror.config.SettingsReader;
import io.flowmirror.controller.northbound.Explanation.Link;
import io.flowmirror.controller.northbound.Explanation.Verdict;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.controller.reconcile.Obstacle;
import io.flowmirror.controller.reconcile.Obstacle.On;
import io.flowmirror.topology.PodName;
import java.time.InstantSource;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which link is named for what is in the way, and what is advised. */
final class ExplanationTest {
  private static Optional<KubernetesSettings> kubernetes(String flow) {
    return SettingsReader.parse("f.yaml", FakeWorld.YAML + "kubernetes: " + flow, Overrides.none())
        .kubernetes();
  }

  private static Explanation explain(
      PodName pod,
      NodeStatus status,
      Optional<KubernetesSettings> kubernetes,
      ImmutableList<String> unready) {
    FakeWorld world = new FakeWorld();
    world.becomes(ImmutableMap.of("n1", status));
    RequestBook book = new RequestBook(Optional.empty(), InstantSource.system());
    return Explanation.of(
        new Explanation.Evidence(
            pod,
            new Pods(world, book).of(pod),
            world.statuses(),
            kubernetes,
            unready,
            Optional.empty(),
            ImmutableMap.of()));
  }

  private static String brokenOf(Explanation explanation) {
    return explanation
        .firstBroken()
        .filter(link -> link.verdict() == Verdict.BROKEN)
        .map(Link::name)
        .orElse("none");
  }

  @ParameterizedTest
  @CsvSource({
    "ADDRESSES, node-attached",
    "SWITCH, node-attached",
    "MIRROR_PORT, mirror-port",
    "OVN, logical-port",
    "WRITER, writer"
  })
  void anObstacleIsAtTheLinkThatItIsAbout(On on, String link) {
    Explanation explanation =
        explain(
            FakeWorld.WEB,
            FakeWorld.there(ImmutableList.of(new Obstacle(on, "in the way"))),
            Optional.empty(),
            ImmutableList.of());
    assertThat(brokenOf(explanation)).isEqualTo(link);
    assertThat(explanation.firstBroken().orElseThrow().says()).isEqualTo("in the way");
    assertThat(explanation.firstBroken().orElseThrow().advice()).isNotEmpty();
    // Nobody else is blamed.
    assertThat(explanation.links()).filteredOn(each -> each.verdict() == Verdict.BROKEN).hasSize(1);
  }

  @Test
  void aPodWhoseEntriesOvnHasPutBackIsNotBlamedForAnothers() {
    Explanation explanation =
        explain(
            FakeWorld.DB,
            FakeWorld.there(ImmutableList.of(new Obstacle(On.OVN, "in the way"))),
            Optional.empty(),
            ImmutableList.of());
    assertThat(explanation.links())
        .filteredOn(link -> link.name().equals("logical-port"))
        .extracting(Link::verdict)
        .containsExactly(Verdict.OK);
  }

  @Test
  void whatTheApiHasNotSaidIsNotTakenForNobodysAsking() {
    Explanation explanation =
        explain(
            FakeWorld.DB,
            FakeWorld.there(),
            kubernetes("{}"),
            ImmutableList.of("the Kubernetes API has not said yet what is asked for"));
    assertThat(brokenOf(explanation)).isEqualTo("api-heard");

    Explanation waiting =
        explain(
            FakeWorld.WEB,
            FakeWorld.there(ImmutableList.of(new Obstacle(On.INTENT, "nothing is written"))),
            kubernetes("{}"),
            ImmutableList.of());
    assertThat(brokenOf(waiting)).isEqualTo("api-heard");
    assertThat(waiting.firstBroken().orElseThrow().says()).isEqualTo("nothing is written");
  }

  @Test
  void whatIsAdvisedCountsHere() {
    assertThat(adviceFor(Optional.empty()))
        .isEqualTo("flowmirror mirror on demo/db, or mirrors in the configuration");
    assertThat(adviceFor(kubernetes("{}")))
        .isEqualTo(
            "kubectl -n demo annotate pod db ovn.kubernetes.io/mirror=true; or flowmirror mirror on"
                + " demo/db");
    assertThat(adviceFor(kubernetes("{annotations: false, mirror-resources: true}")))
        .isEqualTo("flowmirror mirror on demo/db, which makes a Mirror");
    // With several controllers, one of them alone would know.
    assertThat(adviceFor(kubernetes("{leases: kube-system}")))
        .isEqualTo("kubectl -n demo annotate pod db ovn.kubernetes.io/mirror=true");
  }

  private static String adviceFor(Optional<KubernetesSettings> kubernetes) {
    Explanation explanation =
        explain(FakeWorld.DB, FakeWorld.there(), kubernetes, ImmutableList.of());
    assertThat(brokenOf(explanation)).isEqualTo("asked-for");
    assertThat(Iterables.getFirst(explanation.links(), null))
        .extracting(Link::name)
        .isEqualTo(kubernetes.isPresent() ? "api-heard" : "asked-for");
    return explanation.firstBroken().orElseThrow().advice();
  }
}
