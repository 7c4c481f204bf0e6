// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.base.Ticker;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.controller.kubernetes.ClusterView.Choice;
import io.flowmirror.controller.kubernetes.ClusterView.Requests;
import io.flowmirror.topology.PodInterface;
import io.flowmirror.topology.PodName;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Statuses, with an API that takes merge patches and tells of them at once. */
final class MirrorReportsTest {
  private static final Instant NOW = Instant.parse("2030-01-01T12:00:00Z");

  /** One Mirror, as the API has it. */
  private MirrorView mirror = MirrorsOfViewTest.mirror("m", "1", 1, Map.of("pod", "web"));

  private @Nullable Object stored;
  private int writes;
  private boolean taking = true;
  private boolean hearing = true;
  private long nanos = 1;

  private final Ticker ticker =
      new Ticker() {
        @Override
        public long read() {
          return nanos;
        }
      };

  private MirrorReports controller(boolean complete) {
    return new MirrorReports(this::patch, ticker, complete, new Random(1));
  }

  private boolean patch(MirrorView of, Map<String, Object> patch) {
    if (taking) {
      writes++;
      assertThat(of.uid()).isEqualTo(mirror.uid());
      assertThat(patch).containsOnlyKeys("status");
      stored = merged(stored, patch.get("status"));
      if (hearing) {
        hear();
      }
    }
    return taking;
  }

  private void hear() {
    mirror = with(MirrorStatus.of(stored));
  }

  private MirrorView with(MirrorStatus status) {
    return new MirrorView(
        mirror.namespace(),
        mirror.name(),
        mirror.uid(),
        mirror.generation(),
        mirror.deleted(),
        mirror.spec(),
        mirror.problem(),
        mirror.askedBy(),
        status);
  }

  /** RFC 7396. */
  private static @Nullable Object merged(@Nullable Object target, @Nullable Object patch) {
    if (!(patch instanceof Map<?, ?> changes)) {
      return patch;
    }
    Map<Object, @Nullable Object> result = new LinkedHashMap<>();
    if (target instanceof Map<?, ?> before) {
      result.putAll(before);
    }
    changes.forEach(
        (key, value) -> {
          if (value == null) {
            result.remove(key);
          } else {
            result.put(key, merged(result.get(key), value));
          }
        });
    return result;
  }

  private static PodInterface at(String pod) {
    return PodInterface.primary(new PodName("ns", pod));
  }

  private static void choose(MirrorReports reports, String node, String... pods) {
    List<Choice> choices = new ArrayList<>();
    for (String pod : pods) {
      choices.add(
          new Choice(
              "ns/m",
              new PodView(
                  "ns",
                  pod,
                  pod,
                  node,
                  pod.startsWith("host"),
                  false,
                  ImmutableMap.of(),
                  "",
                  Optional.empty(),
                  ImmutableMap.of()),
              pod.startsWith("host") ? ImmutableSet.of() : ImmutableSet.of(at(pod))));
    }
    reports.asked(
        node, new Requests(ImmutableList.of(), ImmutableMap.of(), ImmutableList.copyOf(choices)));
  }

  private static void stands(MirrorReports reports, String node, long packets, String... pods) {
    ImmutableSet.Builder<PodInterface> mirrored = ImmutableSet.builder();
    ImmutableMap.Builder<PodName, Copies> copies = ImmutableMap.builder();
    for (String pod : pods) {
      mirrored.add(at(pod));
      copies.put(new PodName("ns", pod), new Copies(packets, packets * 100));
    }
    ImmutableMap.Builder<PodInterface, Trouble> troubles = ImmutableMap.builder();
    for (String pod : List.of("web", "db", "far", "far2", "a", "b", "c")) {
      troubles.put(at(pod), new Trouble("OpenFlow: it is away", false));
    }
    reports.stands(
        node,
        new NodeStand(
            true,
            mirrored.build(),
            mirrored.build(),
            copies.buildOrThrow(),
            troubles.buildOrThrow()));
  }

  private void tick(MirrorReports reports) {
    nanos += Duration.ofSeconds(2).toNanos();
    reports.tick(ImmutableList.of(mirror), NOW);
  }

  private int taken() {
    int taken = writes;
    writes = 0;
    return taken;
  }

  private String status() {
    return mirror.status().state() + ": " + mirror.status().reason();
  }

  @Test
  void whatIsSoIsWrittenOnce() {
    MirrorReports reports = controller(true);
    tick(reports);
    assertThat(status()).startsWith("Pending: no pod that it chooses");
    assertThat(mirror.status().observedGeneration()).isEqualTo(1);
    choose(reports, "n1", "web", "db", "host");
    stands(reports, "n1", 3, "web");
    tick(reports);
    tick(reports);
    assertThat(taken()).isEqualTo(2);
    assertThat(status()).isEqualTo("Partial: n1: OpenFlow: it is away");
    assertThat(mirror.status().nodes().get("n1"))
        .isEqualTo(new MirrorStatus.Part(3, 1, "OpenFlow: it is away", new Copies(3, 300)));
    choose(reports, "n1", "web", "db");
    stands(reports, "n1", 3, "web", "db");
    tick(reports);
    assertThat(status()).isEqualTo("Mirroring: ");
    choose(reports, "n1");
    tick(reports);
    assertThat(mirror.status().nodes()).isEmpty();
    assertThat(status()).startsWith("Pending");
    assertThat(stored.toString()).contains("packets=0");
    assertThat(taken()).isEqualTo(2);
    // A controller that was started anew finds it said.
    tick(controller(true));
    assertThat(taken()).isEqualTo(0);
  }

  @Test
  void aPodInItsNodesNetworkIsSaidToBe() {
    MirrorReports reports = controller(true);
    choose(reports, "n1", "host");
    stands(reports, "n1", 0);
    tick(reports);
    assertThat(status())
        .isEqualTo("Pending: n1: ns/host is in its node's network: it has no interface on br-int");
  }

  @Test
  void wrongOrOver() {
    MirrorReports reports = controller(true);
    mirror = MirrorsOfViewTest.mirror("m", "1", 2, Map.of("pod", "web", "until", "soon"));
    tick(reports);
    assertThat(status()).startsWith("Invalid: spec.until: found \"soon\"");
    assertThat(status()).endsWith("; nothing is mirrored");
    choose(reports, "n1", "web");
    stands(reports, "n1", 0, "web");
    tick(reports);
    assertThat(status()).endsWith("; what was in force before stays");
    MirrorStatus before = mirror.status();
    mirror = MirrorsOfViewTest.mirror("m", "1", 3, Map.of("pod", "web", "until", NOW.toString()));
    mirror = with(before);
    choose(reports, "n1");
    tick(reports);
    assertThat(status()).isEqualTo("Ended: spec.until has passed");
    assertThat(mirror.status().observedGeneration()).isEqualTo(3);
  }

  /** Each writes its own node's part; they agree on the rest, and then nobody writes. */
  @Test
  void severalControllersDoNotFight() {
    MirrorReports one = controller(true);
    MirrorReports other = controller(true);
    for (MirrorReports each : List.of(one, other)) {
      choose(each, "n1", "web");
      choose(each, "n2", "far", "far2");
    }
    stands(one, "n1", 0, "web");
    stands(other, "n2", 0, "far");
    for (int i = 0; i < 3; i++) {
      tick(one);
      tick(other);
    }
    assertThat(taken()).isEqualTo(2);
    assertThat(mirror.status().nodes().keySet()).containsExactly("n1", "n2");
    assertThat(status()).isEqualTo("Partial: n2: OpenFlow: it is away");
    assertThat(stored.toString()).contains("pods=3, mirrored=2");
    // A hand-over: the other has both now, and finds the same.
    one.leave("n1");
    stands(other, "n1", 0, "web");
    tick(one);
    tick(other);
    assertThat(taken()).isEqualTo(0);
    stands(other, "n2", 0, "far", "far2");
    tick(one);
    tick(other);
    tick(one);
    assertThat(taken()).isEqualTo(1);
    assertThat(status()).isEqualTo("Mirroring: ");
  }

  /** They have not heard of each other's write yet when they write. */
  @Test
  void writesThatCrossAreSetRight() {
    MirrorReports one = controller(true);
    MirrorReports other = controller(true);
    choose(one, "n1", "web");
    choose(other, "n2", "far");
    choose(one, "n2", "far");
    choose(other, "n1", "web");
    stands(one, "n1", 0, "web");
    stands(other, "n2", 0);
    hearing = false;
    tick(one);
    tick(other);
    hearing = true;
    hear();
    for (int i = 0; i < 10; i++) {
      tick(one);
      tick(other);
    }
    assertThat(mirror.status().nodes().keySet()).containsExactly("n1", "n2");
    assertThat(status()).isEqualTo("Partial: n2: OpenFlow: it is away");
    assertThat(taken()).isLessThanOrEqualTo(4);
  }

  /** One that sees its own node only leaves others' parts alone. */
  @Test
  void controllersOfOneNodeEach() {
    MirrorReports one = controller(false);
    MirrorReports other = controller(false);
    choose(one, "n1", "web");
    stands(one, "n1", 0, "web");
    stands(other, "n2", 0);
    tick(one);
    tick(other);
    tick(one);
    assertThat(taken()).isEqualTo(1);
    assertThat(mirror.status().nodes().keySet()).containsExactly("n1");
    choose(other, "n2", "far");
    stands(other, "n2", 0, "far");
    tick(other);
    choose(one, "n1");
    tick(one);
    assertThat(mirror.status().nodes().keySet()).containsExactly("n2");
    assertThat(status()).isEqualTo("Mirroring: ");
  }

  /** A node that is gone takes its part along, as soon as somebody sees all pods. */
  @Test
  void aNodeThatIsGone() {
    MirrorReports gone = controller(true);
    choose(gone, "n9", "web");
    stands(gone, "n9", 0, "web");
    tick(gone);
    assertThat(mirror.status().nodes().keySet()).containsExactly("n9");
    taken();
    tick(controller(false));
    assertThat(taken()).isEqualTo(0);
    tick(controller(true));
    assertThat(mirror.status().nodes()).isEmpty();
  }

  @Test
  void numbersOfCopiesAloneAreNewsOnceAMinute() {
    MirrorReports reports = controller(true);
    choose(reports, "n1", "web");
    stands(reports, "n1", 1, "web");
    tick(reports);
    assertThat(taken()).isEqualTo(1);
    for (int i = 0; i < 60; i++) {
      stands(reports, "n1", 2 + i, "web");
      tick(reports);
    }
    assertThat(taken()).isBetween(1, 3);
    // Where many nodes are concerned they are not counted.
    for (int i = 2; i <= MirrorStatus.MOST_COUNTED + 1; i++) {
      choose(reports, "n" + i, "far" + i);
      stands(reports, "n" + i, 5, "far" + i);
    }
    tick(reports);
    assertThat(mirror.status().nodes().values())
        .allMatch(part -> part.copies().equals(Copies.UNCOUNTED));
    assertThat(stored.toString()).doesNotContain("packets");
  }

  /** What could not be written is, later; what is on its way is not written again at once. */
  @Test
  void whatIsNotTakenIsTriedAgain() {
    MirrorReports reports = controller(true);
    taking = false;
    tick(reports);
    taking = true;
    hearing = false;
    tick(reports);
    assertThat(taken()).isEqualTo(1);
    tick(reports);
    assertThat(taken()).isEqualTo(0);
    for (int i = 0; i < 5; i++) {
      tick(reports);
    }
    assertThat(taken()).isEqualTo(1);
  }
}
