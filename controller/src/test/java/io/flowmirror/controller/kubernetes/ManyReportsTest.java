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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A controller on each of many nodes, and one Mirror that chooses a pod on each. They look every 2
 * s, each at a moment of its own, and hear of each other's writes a tenth of a second later. The
 * clock is the test's.
 */
final class ManyReportsTest {
  private static final Duration STEP = Duration.ofMillis(100);
  private static final int STEPS_A_LOOK = 20;
  private static final int STEPS_A_SECOND = 10;
  private static final Instant NOW = Instant.parse("2030-01-01T12:00:00Z");

  private MirrorView heard = MirrorsOfViewTest.mirror("m", "1", 1, Map.of("selector", Map.of()));

  /** The parts that the API has, and what was written along with the last. */
  private final Map<String, Object> nodes = new LinkedHashMap<>();

  private Map<String, Object> rest = Map.of();
  private final List<Integer> writes = new ArrayList<>();
  private int step;
  private long nanos = 1;

  private final Ticker ticker =
      new Ticker() {
        @Override
        public long read() {
          return nanos;
        }
      };

  private boolean patch(MirrorView mirror, Map<String, Object> patch) {
    Map<String, Object> status = new LinkedHashMap<>(map(patch.get("status")));
    map(status.remove("nodes"))
        .forEach(
            (node, part) -> {
              if (part == null) {
                nodes.remove(node);
              } else {
                nodes.put(node, part);
              }
            });
    rest = status;
    writes.set(step, writes.get(step) + 1);
    return true;
  }

  @SuppressWarnings("unchecked")
  private static Map<String, Object> map(Object json) {
    return (Map<String, Object>) json;
  }

  private void hear() {
    Map<String, Object> status = new LinkedHashMap<>(rest);
    status.put("nodes", nodes);
    heard =
        new MirrorView(
            heard.namespace(),
            heard.name(),
            heard.uid(),
            heard.generation(),
            heard.deleted(),
            heard.spec(),
            heard.problem(),
            heard.askedBy(),
            MirrorStatus.of(status));
  }

  private static MirrorReports choosing(MirrorReports reports, int node, boolean mirrored) {
    PodInterface at = PodInterface.primary(new PodName("ns", "p" + node));
    PodView pod =
        new PodView(
            "ns",
            "p" + node,
            "p" + node,
            "n" + node,
            false,
            false,
            ImmutableMap.of(),
            "",
            Optional.empty(),
            ImmutableMap.of());
    reports.asked(
        "n" + node,
        new Requests(
            ImmutableList.of(),
            ImmutableMap.of(),
            ImmutableList.of(new Choice("ns/m", pod, ImmutableSet.of(at)))));
    reports.stands(
        "n" + node,
        new NodeStand(
            true,
            mirrored ? ImmutableSet.of(at) : ImmutableSet.of(),
            mirrored ? ImmutableSet.of(at) : ImmutableSet.of(),
            ImmutableMap.of(),
            ImmutableMap.of()));
    return reports;
  }

  /** Lets time pass until nothing has been written for 10 s; says how many writes there were. */
  private int run(List<MirrorReports> all) {
    int before = writes.stream().mapToInt(Integer::intValue).sum();
    for (int quiet = 0; quiet < 10 * STEPS_A_SECOND; step++) {
      nanos += STEP.toNanos();
      writes.add(0);
      for (int node = step % STEPS_A_LOOK; node < all.size(); node += STEPS_A_LOOK) {
        all.get(node).tick(ImmutableList.of(heard), NOW);
      }
      hear();
      quiet = writes.get(step) == 0 ? quiet + 1 : 0;
      assertThat(step).as("steps").isLessThan(100_000);
    }
    return writes.stream().mapToInt(Integer::intValue).sum() - before;
  }

  private int mostInASecond(int from) {
    int most = 0;
    for (int i = from; i + STEPS_A_SECOND <= writes.size(); i++) {
      most =
          Math.max(
              most,
              writes.subList(i, i + STEPS_A_SECOND).stream().mapToInt(Integer::intValue).sum());
    }
    return most;
  }

  @ParameterizedTest
  @CsvSource({"10, 10, 20", "100, 60, 130", "200, 60, 240"})
  void manyNodesDoNotWriteAtOnce(int count, int inASecond, int inAll) {
    List<MirrorReports> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      all.add(choosing(new MirrorReports(this::patch, ticker, false, new Random(i)), i, true));
    }
    int written = run(all);
    // Nothing is lost: every part is there, and what follows from them.
    assertThat(heard.status().nodes()).hasSize(count);
    assertThat(heard.status().state()).isEqualTo(MirrorStatus.MIRRORING);
    assertThat(rest).containsEntry("pods", count).containsEntry("mirrored", count);
    assertThat(written).isBetween(count, inAll);
    assertThat(mostInASecond(0)).isLessThanOrEqualTo(inASecond);

    // One alone does not wait for its turn.
    int mark = step;
    choosing(all.get(count / 2), count / 2, false);
    assertThat(run(all)).isEqualTo(1);
    assertThat(writes.subList(mark, mark + STEPS_A_LOOK + 1)).contains(1);
    assertThat(rest).containsEntry("mirrored", count - 1);
  }
}
