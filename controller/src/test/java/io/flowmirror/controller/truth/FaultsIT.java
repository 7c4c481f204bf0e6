// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.flowmirror.controller.truth.Ordeal.Cost;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Whatever happens to a node, its entries are right again by themselves, and nobody else pays. */
@ExtendWith(SharedCluster.class)
final class FaultsIT {
  private static @Nullable Stage stage;

  static ImmutableList<Fault> faults() {
    return Faults.wanted();
  }

  @AfterAll
  static void close() {
    if (stage != null) {
      stage.close();
      stage = null;
    }
  }

  @ParameterizedTest
  @MethodSource("faults")
  void isSurvived(Fault fault, Cluster cluster) {
    Stage set = stage(cluster);
    Cost cost = new Ordeal(set).of(fault);
    System.out.printf("%s: %s%n", fault, cost);
    assertThat(cost.strangers()).as("copies of what is not the pod's").isEmpty();
    assertThat(cost.doubled()).as("frames that were copied twice").isEmpty();
    if (!fault.cutsOff()) {
      assertThat(cost.undelivered()).as("copies of what the pod did not get").isZero();
      assertThat(cost.lost()).as("packets of pods").isZero();
    }
    if (Faults.WITHOUT_A_GAP.contains(fault)) {
      assertThat(cost.missed()).as("frames that were not copied").isZero();
    }
    if (fault.wipes()) {
      set.plant();
    }
    assertThat(set.foreignChanged()).as("entries of somebody else's").isEmpty();
  }

  private static Stage stage(Cluster cluster) {
    if (stage == null) {
      stage = new Stage(cluster, Intent.ONE_POD, new Random(1));
      stage.startController();
    }
    return stage;
  }
}
