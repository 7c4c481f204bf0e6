// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.config.KubeOvnMirror;
import io.flowmirror.topology.Bridge;
import io.flowmirror.topology.Datapath;
import io.flowmirror.topology.Interface;
import io.flowmirror.topology.Node;
import io.flowmirror.topology.Port;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** Where copies go while another mirror port is wanted than the one that is there. */
final class MirrorPortTest {
  private static MirrorPort of(String owner, String wanted) {
    Interface there =
        new Interface(
            "mirror0",
            "internal",
            "mirror0",
            OptionalInt.of(7),
            "",
            ImmutableMap.of(),
            owner.isEmpty() ? ImmutableMap.of() : ImmutableMap.of(RowChange.OWNER_KEY, owner));
    Interface pod =
        new Interface(
            "pod_h",
            "",
            "pod_h",
            OptionalInt.of(5),
            "",
            ImmutableMap.of("iface-id", "web.default"),
            ImmutableMap.of());
    Bridge bridge =
        new Bridge(
            "br-int",
            "",
            false,
            ImmutableMap.of("mirror0", there, "pod_h", pod),
            ImmutableList.of());
    Datapath datapath =
        new Datapath(
            1,
            1,
            "3.1.0",
            ImmutableMap.of(
                7, new Port(7, "mirror0", false, false), 5, new Port(5, "pod_h", false, false)),
            OptionalInt.empty(),
            ImmutableList.of(),
            false,
            ImmutableSet.of());
    NodeIntent intent =
        new NodeIntent(
            Optional.of(wanted),
            false,
            60,
            KubeOvnMirror.REPORT,
            ImmutableMap.of(),
            ImmutableMap.of());
    Node node = new Node("n1", Optional.of(bridge), true, Optional.of(datapath));
    return MirrorPort.of(intent, node, bridge);
  }

  @Test
  void copiesStayOnTheOldOneUntilTheNewOneIsThere() {
    for (String owner : ImmutableList.of(RowChange.OWNER_VALUE, RowChange.ATTACHED_VALUE)) {
      MirrorPort port = of(owner, "mir9");
      assertThat(port.port().map(Port::ofport)).as(owner).contains(7);
      assertThat(port.rows()).containsExactly(new RowChange.AddInternalPort("mir9"));
    }
  }

  /** Who made it for something else did not make it for copies. */
  @Test
  void aPortOfSomebodyElsesGetsNone() {
    assertThat(of("", "mir9").port()).isEmpty();
  }

  /** No other is coming: what attach has left there would get copies for ever. */
  @Test
  void attachsPortGetsNoneWhereTheWantedOneCannotBeUsed() {
    assertThat(of(RowChange.ATTACHED_VALUE, "pod_h").port()).isEmpty();
    assertThat(of(RowChange.ATTACHED_VALUE, "pod_h").refusals()).hasSize(1);
  }
}
