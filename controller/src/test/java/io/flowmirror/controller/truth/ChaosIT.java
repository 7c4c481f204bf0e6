// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static org.assertj.core.api.Assertions.assertThat;

import io.flowmirror.controller.truth.Ordeal.Cost;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Faults by chance, one after the other and under traffic, for {@code -Dchaos.minutes} (2). A seed
 * is printed, and {@code -Dchaos.seed} replays it. With {@code -Dchaos.report=FILE} what happened
 * is written there.
 */
@ExtendWith(SharedCluster.class)
final class ChaosIT {
  @Test
  void everythingIsRightAgainAfterEachFault(Cluster cluster) throws IOException {
    long seed = Long.getLong("chaos.seed", new Random().nextInt(1_000_000));
    Duration time = Duration.ofMinutes(Long.getLong("chaos.minutes", 2));
    String replay = "replay with -Dchaos.seed=" + seed;
    System.out.println("chaos: " + replay);
    ChaosReport report = new ChaosReport(seed, cluster);
    Random random = new Random(seed);
    long begin = System.nanoTime();
    try (Stage stage = new Stage(cluster, Intent.ONE_POD, random)) {
      stage.startController();
      while (System.nanoTime() - begin < time.toNanos()) {
        Fault fault = Faults.ALL.get(random.nextInt(Faults.ALL.size()));
        long start = System.nanoTime();
        Cost cost = new Ordeal(stage).of(fault);
        report.add(fault, cost, Duration.ofNanos(System.nanoTime() - start));
        assertThat(cost.strangers()).as("%s: strangers; %s", fault, replay).isEmpty();
        assertThat(cost.doubled()).as("%s: doubled; %s", fault, replay).isEmpty();
        if (fault.wipes()) {
          stage.plant();
        }
        assertThat(stage.foreignChanged())
            .as("%s: entries of somebody else's; %s", fault, replay)
            .isEmpty();
      }
      Cost calm = new Ordeal(stage).of(Fault.harmless("nothing", quiet -> {}));
      assertThat(calm.missed()).as("copies missed when all is calm; %s", replay).isZero();
      assertThat(calm.doubled()).isEmpty();
      assertThat(calm.strangers()).isEmpty();
    } finally {
      String file = System.getProperty("chaos.report", "");
      if (!file.isEmpty()) {
        Files.writeString(Path.of(file), report.text());
      }
      System.out.println(report.summary());
    }
  }
}
