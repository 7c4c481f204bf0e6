// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableSet;
import io.flowmirror.config.Overrides;
import io.flowmirror.config.SettingsReader;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.flows.InstalledEntry;
import java.time.Duration;
import java.util.function.ToLongFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Entries are renewed while a controller is there, and end by themselves when none is. */
@ExtendWith(SharedCluster.class)
final class HoldIT {
  private static final Duration HOLD = Duration.ofSeconds(10);

  @Test
  void entriesOutliveTheirHoldWithTheControllerAndNotWithoutIt(Cluster cluster) {
    BrInt brInt = cluster.brInt(Cluster.NODE);
    String yaml = Intent.ONE_POD.yaml(cluster).replace("hold: 30m", "hold: 10s");
    RunningController controller =
        RunningController.started(SettingsReader.parse("test", yaml, Overrides.none()));
    try (Probe probe = Probe.start(cluster.pod("web"), cluster.pod("db"))) {
      controller.await("n1 to be settled", Cluster.NODE, NodeStatus::settled);
      ImmutableSet<String> entries = brInt.ourEntriesWithAges().keySet();
      probe.awaitAnswers(500);
      Wait.sample(
          HOLD.plusSeconds(2),
          () -> {
            assertThat(brInt.ourEntriesWithAges().keySet()).isEqualTo(entries);
            assertThat(brInt.ourEntriesWithAges().values())
                .as("renewed at a third")
                .allMatch(age -> age < HOLD.toSeconds() * 0.75);
          });
      controller.await(
          "counters that are kept",
          Cluster.NODE,
          status -> most(status, InstalledEntry::packets) > 5_000);
      probe.awaitAnswers(1);

      controller.close();
      long closed = System.nanoTime();
      Wait.until("the end of our entries", () -> brInt.ourEntries().isEmpty(), () -> "");
      assertThat(Duration.ofNanos(System.nanoTime() - closed)).isLessThan(HOLD.plusSeconds(3));
      probe.awaitAnswers(50);
      assertThat(probe.lost()).isZero();
    } finally {
      controller.close();
      RunningController.clean(cluster);
    }
  }

  private static long most(NodeStatus status, ToLongFunction<InstalledEntry> count) {
    return status.installed().stream()
        .filter(InstalledEntry::isOurs)
        .mapToLong(count)
        .max()
        .orElse(0);
  }
}
