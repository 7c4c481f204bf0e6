// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.flowmirror.controller.truth.Capture.Side;
import io.flowmirror.controller.truth.PcapReader.Captured;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Turning a mirror off ends the copies and leaves br-int just as it was.
 *
 * <p>The barrier's reply says that the flow tables have changed. ovs-vswitchd's datapath works from
 * a cache of them, which revalidator threads then bring up to date (ofproto/ofproto-dpif-upcall.c);
 * the reply does not wait for that, and nothing in OpenFlow tells of it. {@code revalidator/wait}
 * does: a round that began after the change has come to its end when it has returned twice, as the
 * first of the two may end a round that was under way. From then on there must be no copy at all.
 */
@ExtendWith(SharedCluster.class)
final class TurnOffIT {
  /** Frames that the pod sends after the mirror was turned off; none of them may be copied. */
  private static final int FRAMES_AFTERWARDS = 500;

  private final Cluster cluster;

  TurnOffIT(Cluster cluster) {
    this.cluster = cluster;
  }

  static List<Intent> intents() {
    return List.of(Intent.ONE_POD, Intent.THREE_PODS, Intent.EVERYTHING);
  }

  @ParameterizedTest
  @MethodSource("intents")
  void noCopyComesAfterwards(Intent intent) {
    ImmutableList<ImmutableList<String>> before = entries();
    Pod web = cluster.pod("web");
    RunningController.settled(cluster, intent).close();
    String node = cluster.path(Cluster.NODE + ".netns");
    try (Capture pod = Capture.start(web.netns(), web.device(), Side.OUT);
        Capture copies = Capture.start(node, "mirror0", Side.IN);
        Program flood = web.start("exec ping -q -i 0.001 -c 60000 " + cluster.pod("db").ip4())) {
      Wait.until("copies", () -> copies.count() > 200, flood::output);
      Instant read;
      Instant off;
      try (RunningController controller = RunningController.settled(cluster, Intent.NOTHING)) {
        read = controller.settledAt(Cluster.NODE);
        cluster.brInt(Cluster.NODE).awaitRevalidation();
        off = Instant.now();
        int mark = pod.count();
        Wait.until(
            "frames afterwards", () -> pod.count() - mark > FRAMES_AFTERWARDS, flood::output);
      }
      List<Captured> all = copies.since(0);
      Instant last = all.getLast().time();
      System.out.printf(
          "turned off, %s: the last of %d copies came %d us after br-int was found right%n",
          intent, all.size(), Duration.between(read, last).toNanos() / 1000);
      assertThat(all.stream().filter(copy -> copy.time().isAfter(off))).isEmpty();
    } finally {
      RunningController.clean(cluster);
    }
    assertThat(entries()).isEqualTo(before);
  }

  private ImmutableList<ImmutableList<String>> entries() {
    return Cluster.NODES.stream()
        .map(node -> cluster.brInt(node).entries())
        .collect(ImmutableList.toImmutableList());
  }
}
