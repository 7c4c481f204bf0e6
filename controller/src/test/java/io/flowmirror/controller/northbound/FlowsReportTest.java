// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.config.Direction;
import io.flowmirror.config.KubeOvnMirror;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.flows.FlowDiff;
import io.flowmirror.flows.FlowParser;
import io.flowmirror.flows.FlowText;
import io.flowmirror.flows.InstalledEntry;
import io.flowmirror.flows.MirrorCompiler;
import io.flowmirror.flows.NodeIntent;
import io.flowmirror.flows.Plan;
import io.flowmirror.topology.Bridge;
import io.flowmirror.topology.Datapath;
import io.flowmirror.topology.Interface;
import io.flowmirror.topology.LogicalPort;
import io.flowmirror.topology.Node;
import io.flowmirror.topology.PodInterface;
import io.flowmirror.topology.PodName;
import io.flowmirror.topology.Port;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

final class FlowsReportTest {
  private static final PodName WEB = new PodName("default", "web");
  private static final PodName NOT_THERE = new PodName("default", "not-there");

  private final Node node = new Node("n1", Optional.of(bridge()), true, Optional.of(datapath()));
  private final List<InstalledEntry> installed = new ArrayList<>();

  @Test
  void eachEntryIsThereWithItsPodPurposeAndState() {
    installAll();
    assertThat(report(node, Optional.empty()))
        .contains(
            "# node n1: dpid 0000020000000101, Open vSwitch 3.1.0, OVN delivers in table 65,"
                + " mirror0 is port 3",
            "# 4 wanted, 4 installed: in sync",
            "# pod default/web is web_h, port 5, logical datapath 2, logical port 3",
            "# pod default/not-there is not on this node: no interface of br-int has its"
                + " pod_namespace and pod_name",
            "# default/web: copies what the pod sends [installed, age 7 s, 9 packets, 900 bytes]",
            "cookie=0x464d11006b0b3f4f, hard_timeout=1800, send_flow_rem"
                + " priority=40000,metadata=0,in_port=5"
                + " actions=output:3,set_field:0x1->metadata,resubmit(,0)");
  }

  /** Every line that is not a comment is an entry that ovs-ofctl takes. */
  @Test
  void whatIsNotACommentIsAnEntry() {
    installAll();
    assertThat(report(node, Optional.empty()).stream().filter(line -> !line.startsWith("#")))
        .filteredOn(line -> !line.isEmpty())
        .hasSize(4)
        .allSatisfy(line -> assertThat(FlowText.dump(FlowParser.parse(line))).isEqualTo(line));
  }

  @Test
  void driftIsSaid() {
    install(
        "cookie=0x464d11006b0b3f4f, table=0, hard_timeout=1800, send_flow_rem,"
            + " priority=40000,metadata=0,in_port=5 actions=output:4");
    install(
        "cookie=0x464d1100000000aa, table=0, priority=40000,metadata=0,in_port=9 actions=output:3");
    install(
        "cookie=0x77, table=65, priority=40000,reg14=0/0x1000000,reg15=0x3,metadata=0x2"
            + " actions=drop");
    assertThat(String.join("\n", report(node, Optional.empty())))
        .contains(
            "4 wanted, 2 installed: 2 missing, 1 different, 1 surplus",
            "copies what the pod sends [different, age 7 s",
            "# installed instead: cookie=0x464d11006b0b3f4f, table=0",
            "copies what the pod receives [place taken]",
            "# somebody else's entry: cookie=0x77",
            "# ! an entry of somebody else's (cookie 0x77) stands where ours would",
            "# node: ours, and not wanted (FROM_PORT) [surplus, age 7 s, 9 packets, 900 bytes]\n"
                + "cookie=0x464d1100000000aa");
  }

  @Test
  void onePodsPart() {
    installAll();
    // A pod that is gone has left its entry behind; its interface row is not needed to find it.
    install("cookie=0x464d11006b0b3f4f, table=0, priority=40000,metadata=0,in_port=8 actions=drop");
    List<String> lines = report(node, Optional.of(WEB));
    assertThat(lines)
        .noneMatch(line -> line.contains("not-there") || line.contains("own frames"))
        .anyMatch(line -> line.contains("[surplus, "));
    assertThat(lines.stream().filter(line -> line.startsWith("cookie="))).hasSize(4);
    assertThat(report(node, Optional.of(new PodName("a", "b"))))
        .contains("# nobody asks for pod a/b");
  }

  /** What is not known is not asserted. */
  @Test
  void withoutAnswersNothingIsClaimed() {
    assertThat(report(new Node("n1", Optional.empty(), false, Optional.empty()), Optional.empty()))
        .contains(
            "# node n1: no connection",
            "# nothing is known of its entries",
            "# pod default/web may be here or not: OVSDB has not answered");
    assertThat(
            report(
                new Node("n1", Optional.empty(), false, Optional.of(datapath())), Optional.empty()))
        .contains("# unknown how many wanted, 0 installed: not compared");
    assertThat(
            report(new Node("n1", Optional.of(bridge()), true, Optional.empty()), Optional.empty()))
        .contains("# pod default/web has web_h; its number is unknown without OpenFlow");
  }

  private void install(String entry) {
    installed.add(new InstalledEntry(FlowParser.parse(entry), 7, 9, 900));
  }

  private void installAll() {
    MirrorCompiler.compile(intent(), node)
        .entries()
        .values()
        .forEach(planned -> install(FlowText.format(planned.entry())));
  }

  private List<String> report(Node observed, Optional<PodName> only) {
    Plan plan = MirrorCompiler.compile(intent(), observed);
    FlowDiff diff = FlowDiff.between(plan, installed, ImmutableSet.of(), ImmutableSet.of());
    NodeStatus status =
        new NodeStatus(
            intent(),
            observed,
            plan,
            ImmutableList.copyOf(installed),
            diff,
            ImmutableMap.of(),
            NodeStatus.Writer.US,
            ImmutableList.of(),
            Optional.empty(),
            diff.inSync(),
            ImmutableList.of());
    return FlowsReport.lines("n1", status, only);
  }

  private static NodeIntent intent() {
    return new NodeIntent(
        Optional.of("mirror0"),
        false,
        1800,
        KubeOvnMirror.REPORT,
        ImmutableMap.of(
            PodInterface.primary(WEB),
            Direction.BOTH,
            PodInterface.primary(NOT_THERE),
            Direction.BOTH),
        ImmutableMap.of());
  }

  private static Bridge bridge() {
    return new Bridge(
        "br-int",
        "",
        false,
        ImmutableMap.of(
            "mirror0", row("mirror0", 3, ImmutableMap.of()),
            "web_h",
                row(
                    "web_h",
                    5,
                    ImmutableMap.of(
                        "iface-id", "web.default", "pod_name", "web", "pod_namespace", "default"))),
        ImmutableList.of());
  }

  private static Interface row(String name, int ofport, ImmutableMap<String, String> ids) {
    return new Interface(
        name, "internal", name, OptionalInt.of(ofport), "", ids, ImmutableMap.of());
  }

  private static Datapath datapath() {
    return new Datapath(
        1,
        0x20000000101L,
        "3.1.0",
        ImmutableMap.of(
            3, new Port(3, "mirror0", false, false), 5, new Port(5, "web_h", false, false)),
        OptionalInt.of(65),
        ImmutableList.of(new LogicalPort(5, 2, 3, true)),
        false,
        ImmutableSet.of());
  }
}
