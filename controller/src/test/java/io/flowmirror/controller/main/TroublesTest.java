// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import static io.flowmirror.controller.main.OneNode.DB;
import static io.flowmirror.controller.main.OneNode.WEB;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableSet;
import io.flowmirror.controller.kubernetes.Trouble;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.topology.PodInterface;
import io.flowmirror.topology.PodName;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** What a pod's own people may read of why it is not mirrored: nothing of other pods. */
final class TroublesTest {
  private static final PodInterface OTHER_NIC = new PodInterface(WEB.pod(), "lan.default.ovn");

  private static Trouble of(NodeStatus status, PodInterface at) {
    Trouble trouble = Objects.requireNonNull(Troubles.of(status, ImmutableSet.of(at)).get(at));
    assertThat(trouble.words()).doesNotContain("secret", "db");
    return trouble;
  }

  /** Whoever asks for what there is not reads that, and not who else is mirrored. */
  @Test
  void anInterfaceThatThereIsNot() {
    NodeStatus status = OneNode.wanting(DB, OTHER_NIC).done();
    assertThat(status.complaints().toString()).contains("Doubled by Mirror m0", "secret/db");
    assertThat(of(status, OTHER_NIC))
        .isEqualTo(
            new Trouble(
                "no such interface: br-int has none of this pod's by the provider"
                    + " lan.default.ovn",
                false));
  }

  @Test
  void aPodThatHasNoneYet() {
    PodInterface soon = PodInterface.primary(new PodName("default", "soon"));
    assertThat(of(OneNode.wanting(DB, soon).done(), soon))
        .isEqualTo(new Trouble("br-int has no interface of this pod", true));
  }

  @Test
  void entriesThatTheSwitchRefuses() {
    NodeStatus status = OneNode.wanting(DB, WEB).refused("table is full");
    assertThat(status.complaints().toString()).contains("refused an entry of secret/db");
    assertThat(of(status, WEB).words())
        .isEqualTo("the switch refused an entry of its: table is full");
  }

  @Test
  void aNodeThatIsAway() {
    assertThat(of(OneNode.wanting(DB, WEB).lost("no OpenFlow: connection refused").done(), WEB))
        .isEqualTo(new Trouble("no OpenFlow: connection refused", false));
  }

  /** Rows of br-int name pods' interfaces. */
  @Test
  void rowsThatTheDatabaseDoesNotTake() {
    OneNode node = OneNode.wanting(DB, WEB).waitingFor("OVSDB refused [take db_h out of m0]: no");
    assertThat(of(node.after(OneNode.quiet()), WEB).words())
        .isEqualTo("OVSDB does not do what is wanted of br-int's ports");
  }
}
