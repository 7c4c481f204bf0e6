// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static org.assertj.core.api.Assertions.assertThat;

import io.flowmirror.controller.truth.Capture.Side;
import io.flowmirror.controller.truth.PcapReader.Captured;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A connection that is there already, and busy, is copied as soon as its pod is mirrored. */
@ExtendWith(SharedCluster.class)
final class WarmConnectionIT {
  private static final Duration LIMIT = Duration.ofSeconds(1);

  @Test
  void isCopiedWithinASecond(Cluster cluster) {
    Pod web = cluster.pod("web");
    Pod far = cluster.pod("far");
    RunningController.settled(cluster, Intent.NOTHING).close();
    // A line every 10 ms, and its echo.
    String talk =
        String.format(
            "timeout 60 ping -n -i 0.01 127.0.0.1 | socat - TCP4:%s:%d >/dev/null",
            far.ip4(), Cluster.TCP_PORT);
    try (Capture pod = Capture.start(web.netns(), web.device(), Side.IN, "tcp");
        Capture copies = Capture.start(cluster.path(Cluster.NODE + ".netns"), "mirror0", Side.IN);
        Program connection = web.start(talk)) {
      Wait.until("a warm connection", () -> pod.count() > 100, connection::output);
      assertThat(copies.count()).isZero();

      Instant start = Instant.now();
      try (RunningController controller = RunningController.settled(cluster, Intent.ONE_POD)) {
        Instant effect = controller.settledAt(Cluster.NODE);
        Wait.within(Duration.ofSeconds(5), () -> sees(copies, web, far) && sees(copies, far, web));
        check(first(copies, web, far), start, effect);
        check(first(copies, far, web), start, effect);
      }
    } finally {
      RunningController.clean(cluster);
    }
  }

  private static void check(Optional<Instant> first, Instant start, Instant effect) {
    assertThat(first).as("a copy of what one side says").isPresent();
    System.out.printf(
        "warm connection: copied %d ms after the start, %d ms after settling%n",
        Duration.between(start, first.orElseThrow()).toMillis(),
        Duration.between(effect, first.orElseThrow()).toMillis());
    assertThat(first.orElseThrow()).isBefore(effect.plus(LIMIT));
  }

  private static boolean sees(Capture copies, Pod from, Pod to) {
    return first(copies, from, to).isPresent();
  }

  private static Optional<Instant> first(Capture copies, Pod from, Pod to) {
    String words = from.ip4() + " > " + to.ip4() + " ";
    return copies.since(0).stream()
        .filter(copy -> copy.frame().toString().contains(words))
        .map(Captured::time)
        .findFirst();
  }
}
