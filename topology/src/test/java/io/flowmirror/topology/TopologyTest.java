// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.topology;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Maps;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

final class TopologyTest {
  private static final PodName WEB = new PodName("default", "web");
  private static final ImmutableMap<String, String> NOBODY = ImmutableMap.of();
  private static final LogicalPort KEYS = new LogicalPort(5, 2, 3, true);

  @Test
  void theNewestFactsCountAndNotTheirOrder() {
    Fact bridge = bridge(row("web_h", 5, WEB));
    Fact datapath = datapath(1, List.of(KEYS), new Port(5, "web_h", false, false));
    Topology there = Topology.empty().with(bridge).with(datapath);
    assertThat(Topology.empty().with(datapath).with(bridge)).isEqualTo(there);
    assertThat(there.with(bridge)).isSameAs(there);
    assertThat(Topology.empty().with(bridge(row("old", 9, WEB))).with(datapath).with(bridge))
        .isEqualTo(there);
    assertThat(there.node("n1").podPorts())
        .containsExactly(new PodPort(WEB, "", "web_h", 5, Optional.of(KEYS)));
    assertThat(there.node("n2")).isEqualTo(Node.unobserved("n2"));
  }

  /** Promise 5: what OVSDB said last still stands; that it says so no longer is known. */
  @Test
  void ovsdbsWordOutlivesItsConnectionAndOpenFlowsDoesNot() {
    Topology topology =
        Topology.empty()
            .with(bridge(row("web_h", 5, WEB)))
            .with(datapath(1, List.of(KEYS), new Port(5, "web_h", false, false)))
            .with(new Fact.BridgeObserved("n1", Optional.empty()));
    assertThat(topology.node("n1").bridgeConfirmed()).isFalse();
    assertThat(topology.node("n1").podPorts()).hasSize(1);
    topology = topology.with(new Fact.DatapathObserved("n1", Optional.empty()));
    assertThat(topology.node("n1").podPorts()).isEmpty();
    assertThat(topology.node("n1").port("web_h")).isEmpty();
  }

  /** Another machine may answer at a node's new address: nothing of the old one is true of it. */
  @Test
  void aForgottenNodeIsAsIfItHadNeverBeenObserved() {
    Topology before = Topology.empty().with(bridge(row("web_h", 5, WEB)));
    assertThat(before.with(new Fact.NodeForgotten("n1"))).isEqualTo(Topology.empty());
    assertThat(before.with(new Fact.NodeForgotten("n2"))).isSameAs(before);
  }

  /** Promise 3: two views that are not of one moment tap nobody. */
  @Test
  void aPodPortNeedsBothViews() {
    Port port = new Port(5, "web_h", false, false);
    assertThat(pods(bridge(row("web_h", 5, WEB)), datapath(1, List.of(), port))).hasSize(1);
    assertThat(pods(bridge(row("web_h", 4, WEB)), datapath(1, List.of(), port))).isEmpty();
    assertThat(pods(bridge(row("web_h", -1, WEB)), datapath(1, List.of(), port))).isEmpty();
    assertThat(pods(bridge(row("web_h", 0, WEB)), datapath(1, List.of(), port))).isEmpty();
    assertThat(pods(bridge(row("other", 5, WEB)), datapath(1, List.of(), port))).isEmpty();
  }

  @Test
  void onlyAPortOfWhichOvsdbSaysNothingIsUndecided() {
    Port port = new Port(5, "web_h", false, false);
    assertThat(undecided(bridge(), port)).containsExactly(5);
    assertThat(undecided(bridge(row("web_h", 4, WEB)), port)).isEmpty();
    assertThat(undecided(bridge(row("other", 5, WEB)), port)).isEmpty();
    assertThat(undecided(bridge(row("web_h", 5, WEB)), port)).isEmpty();
  }

  @Test
  void namesThatOpenFlowCutsAreToldApartByNumber() {
    String vlan10 = "patch-br-int-to-localnet.vlan10";
    Port first = new Port(7, "patch-br-int-to", false, false);
    Port second = new Port(8, "patch-br-int-to", false, false);
    Node node =
        Topology.empty()
            .with(bridge(row(vlan10, 8, NOBODY)))
            .with(datapath(1, List.of(), first, second))
            .node("n1");
    assertThat(node.port("patch-br-int-to")).isEmpty();
    assertThat(node.port(row(vlan10, 8, NOBODY))).contains(second);
    assertThat(Maps.transformValues(node.rows(), Interface::name))
        .containsExactly(Map.entry(8, vlan10));
  }

  @Test
  void aNumberWithTwoPlainLogicalPortsHasNone() {
    Datapath datapath =
        ((Fact.DatapathObserved)
                datapath(
                    1,
                    List.of(KEYS, new LogicalPort(5, 9, 9, false), new LogicalPort(6, 2, 4, true)),
                    new Port(5, "web_h", false, false)))
            .datapath()
            .orElseThrow();
    assertThat(datapath.plainLogicalPorts())
        .containsOnly(Map.entry(5, KEYS), Map.entry(6, new LogicalPort(6, 2, 4, true)));
    Datapath twice =
        ((Fact.DatapathObserved) datapath(1, List.of(KEYS, new LogicalPort(5, 2, 4, true))))
            .datapath()
            .orElseThrow();
    assertThat(twice.plainLogicalPorts()).isEmpty();
  }

  @Test
  void thePodIsWhatItsOwnKeysSay() {
    PodName dotted = new PodName("ns1", "my.web.pod");
    assertThat(row("h", 5, dotted).pod()).contains(dotted);
    assertThat(row("h", 5, dotted).provider()).isEmpty();
    ImmutableMap<String, String> attached =
        ImmutableMap.of(
            "iface-id", "my.web.pod.ns1.macvlan.ns1.ovn",
            "pod_name", "my.web.pod",
            "pod_namespace", "ns1");
    assertThat(row("h", 5, attached).provider()).isEqualTo("macvlan.ns1.ovn");
    assertThat(row("h", 5, ImmutableMap.of("iface-id", "node-n1")).pod()).isEmpty();
  }

  @Test
  void impossibleValuesAreRefused() {
    assertThatThrownBy(() -> new Port(0xff01, "x", false, false)).hasMessageContaining("65281");
    assertThatThrownBy(() -> new LogicalPort(1, 0, 1, true)).hasMessageContaining("datapath key");
    assertThatThrownBy(() -> new LogicalPort(1, 1, 32768, true)).hasMessageContaining("port key");
    assertThatThrownBy(() -> new PodName("", "x")).hasMessageContaining("namespace");
  }

  private static List<PodPort> pods(Fact bridge, Fact datapath) {
    return Topology.empty().with(bridge).with(datapath).node("n1").podPorts();
  }

  private static Iterable<Integer> undecided(Fact bridge, Port port) {
    return Topology.empty()
        .with(bridge)
        .with(datapath(1, List.of(), port))
        .node("n1")
        .undecidedPorts();
  }

  private static Fact bridge(Interface... rows) {
    return new Fact.BridgeObserved(
        "n1",
        Optional.of(
            new Bridge(
                "br-int",
                "",
                false,
                Maps.uniqueIndex(List.of(rows), Interface::name),
                ImmutableList.of())));
  }

  /** 0 stands for "no number yet". */
  private static Interface row(String name, int ofport, PodName pod) {
    return row(
        name,
        ofport,
        ImmutableMap.of(
            "iface-id", pod.name() + "." + pod.namespace(),
            "pod_name", pod.name(),
            "pod_namespace", pod.namespace()));
  }

  private static Interface row(String name, int ofport, ImmutableMap<String, String> ids) {
    return new Interface(
        name,
        "",
        name,
        ofport == 0 ? OptionalInt.empty() : OptionalInt.of(ofport),
        "",
        ids,
        ImmutableMap.of());
  }

  private static Fact datapath(long connection, List<LogicalPort> keys, Port... ports) {
    return new Fact.DatapathObserved(
        "n1",
        Optional.of(
            new Datapath(
                connection,
                1,
                "3.1.0",
                Maps.uniqueIndex(List.of(ports), Port::ofport),
                OptionalInt.of(65),
                ImmutableList.copyOf(keys),
                false,
                ImmutableSet.of())));
  }
}
