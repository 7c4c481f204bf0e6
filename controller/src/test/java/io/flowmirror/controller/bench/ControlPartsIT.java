// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.bench;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * What {@code bench/control} measures beside the swarm's start, wipe and cut, with little of each.
 * Nothing here depends on how fast.
 */
final class ControlPartsIT {
  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

  @Test
  void everyChangeThatIsAskedForByRestComesToItsNode() throws Exception {
    SwarmPlan plan = SwarmPlan.of(4, SwarmShape.of(10, 0)).withNames();
    try (ChangesBench bench = new ChangesBench(ROOT, plan, false)) {
      // Fewer than there are pods, so that none is asked for twice.
      ObjectNode phase = bench.phase(30, Duration.ofSeconds(1));
      assertThat(phase.get("confirmed").asInt()).as(bench.tail()).isEqualTo(30);
      assertThat(phase.get("refused").asInt()).isZero();
      assertThat(phase.get("missing").asInt()).isZero();
    }
  }

  @Test
  void aRealSwitchIsRepairedAndOvsOfctlAddsTheSame() throws Exception {
    ObjectNode result = RepairBench.run(ROOT, 31, 1, "-Xmx128m");
    assertThat(result.get("entries").asInt()).isEqualTo(31);
    for (String each : List.of("repair", "back", "ofctl")) {
      assertThat(result.get(each).get("median").asDouble()).as(each).isPositive();
    }
  }

  /** Whoever tells of another number of entries than there are fails. */
  @Test
  void aRealSwitchIsDumpedInThreeWays() throws Exception {
    ObjectNode result = DumpBench.run(ROOT, 1000, 1, "-Xmx128m");
    for (String each : List.of("rest", "command", "ofctl")) {
      assertThat(result.get(each).get("median").asDouble()).as(each).isPositive();
    }
  }
}
