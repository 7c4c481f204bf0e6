// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import com.google.common.collect.ImmutableList;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * The truth table: whatever the traffic and whatever is mirrored, mirror0 sees each frame that it
 * should see, once, and no other. Truth is what the pods' own eth0 saw.
 */
@ExtendWith(SharedCluster.class)
final class TruthTableIT {
  private static final ImmutableList<Intent> INTENTS =
      ImmutableList.of(
          Intent.ONE_POD,
          Intent.ONE_POD_OUT,
          Intent.ONE_POD_IN,
          Intent.THREE_PODS,
          Intent.MIXED,
          Intent.EVERYTHING);

  /**
   * What entries do does not depend on how they came to br-int; that they come, and go, does. So of
   * one pod only, of pods each in another direction, which takes entries away and adds others, and
   * of everything, whose entries are other ones: 60 cases of each.
   */
  private static final ImmutableList<Intent> INTENTS_OVER_TCP =
      ImmutableList.of(Intent.ONE_POD, Intent.MIXED, Intent.EVERYTHING);

  private final Cluster cluster;

  TruthTableIT(Cluster cluster) {
    this.cluster = cluster;
  }

  @TestFactory
  Stream<DynamicContainer> everyCaseUnderEveryIntent() {
    // The mirror port is made by the first controller; captures need it.
    return table(Controller.inThisJvm(cluster), INTENTS)
        .onClose(() -> RunningController.clean(cluster));
  }

  /** By the program, which reaches n1 over TCP and n2 by its unix sockets, and is told by file. */
  @TestFactory
  Stream<DynamicContainer> everyCaseOverTcpToo() {
    ListeningNode listening = ListeningNode.attached(cluster, Cluster.NODE);
    FlowmirrorProcess program =
        FlowmirrorProcess.started(
            cluster,
            "truth-table",
            ImmutableList.of(listening.address(), NodeAddress.unix(cluster, Cluster.OTHER_NODE)),
            Intent.NOTHING);
    return table(program, INTENTS_OVER_TCP)
        .onClose(() -> RunningController.clean(cluster))
        .onClose(listening::ovnHasChangedItsEntries)
        .onClose(listening::close);
  }

  private Stream<DynamicContainer> table(Controller controller, ImmutableList<Intent> intents) {
    ImmutableList<TrafficCase> cases =
        ImmutableList.<TrafficCase>builder()
            .addAll(ReachCases.of(cluster))
            .addAll(OddCases.of(cluster))
            .build();
    TruthTable table = new TruthTable(cases, intents);
    Watch watch = new Watch(cluster);
    return intents.stream()
        .map(intent -> new TruthColumn(cluster, watch, controller, intent, table).tests(cases))
        .onClose(() -> System.out.println(table.text()))
        .onClose(controller::close)
        .onClose(watch::close);
  }
}
