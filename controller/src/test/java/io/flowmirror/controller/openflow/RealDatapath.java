// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.flowmirror.controller.transport.Endpoint;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.FlowKey;
import io.flowmirror.flows.FlowText;
import java.time.Duration;
import java.util.function.Consumer;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * A real switch, by Open vSwitch's own tools, and sessions with it over a cable that can be cut.
 */
final class RealDatapath implements OtherSide, AutoCloseable {
  private static final Pattern DATAPATH_ACTIONS = Pattern.compile("(?m)^Datapath actions: (.*)$");

  /** A port as {@code dpif/show} prints it: its name, OpenFlow's number and the datapath's. */
  private static final Pattern PORT = Pattern.compile("(?m)^ +\\S+ (\\d+)/(\\d+): ");

  private final RealSwitch ovs;
  private final OpenFlowConnector connector;
  private final Cable cable;

  /** OpenFlow's numbers by the datapath's, until a port comes or goes. */
  private ImmutableMap<Integer, Integer> ofports = ImmutableMap.of();

  /** Takes over a switch whose br-int is empty. */
  RealDatapath(RealSwitch ovs, OpenFlowConnector connector) {
    this.ovs = ovs;
    this.connector = connector;
    this.cable = new Cable(ovs.socket());
  }

  @Override
  public DatapathSession open(Consumer<DatapathReport> reports) {
    // What is told unasked must not come from an audit.
    return connector.open(
        OpenFlowOptions.of("node", Endpoint.unix(cable.socket())).withAudit(Duration.ofMinutes(10)),
        reports);
  }

  @Override
  public int addPort(String name) {
    ofports = ImmutableMap.of();
    ovs.addPort(name);
    return ovs.ofport(name);
  }

  @Override
  public void addPort(String name, int ofport) {
    ofports = ImmutableMap.of();
    ovs.addPort(name, ofport);
  }

  @Override
  public void removePort(String name) {
    ofports = ImmutableMap.of();
    ovs.removePort(name);
  }

  @Override
  public void setUp(String name, boolean up) {
    ovs.setUp(name, up);
  }

  @Override
  public void plant(String... entries) {
    ovs.addFlows(ImmutableList.copyOf(entries));
  }

  @Override
  public void uproot(FlowKey key) {
    ovs.ofctl("--strict", "del-flows", ovs.bridge(), FlowText.format(key));
  }

  @Override
  public void wipe() {
    ovs.ofctl("del-flows", ovs.bridge());
  }

  @Override
  public ImmutableList<FlowEntry> entries() {
    return ovs.flows().stream().map(OvnText::parse).collect(ImmutableList.toImmutableList());
  }

  /**
   * What {@code ofproto/trace} says that the datapath would do; anything but outputs is a fault.
   */
  @Override
  public ImmutableList<Integer> reach(Packet packet) {
    String trace = ovs.appctl("ofproto/trace", "br-int", packet.flow());
    String actions =
        DATAPATH_ACTIONS
            .matcher(trace)
            .results()
            .map(found -> found.group(1).strip())
            .findFirst()
            .orElseThrow(() -> new IllegalStateException(trace));
    if (actions.equals("drop")) {
      return ImmutableList.of();
    }
    if (ofports.isEmpty()) {
      ofports =
          PORT.matcher(ovs.appctl("dpif/show"))
              .results()
              .collect(
                  ImmutableMap.toImmutableMap(port -> number(port, 2), port -> number(port, 1)));
    }
    return Splitter.on(',')
        .splitToStream(actions)
        .map(action -> ofports.get(Integer.valueOf(action)))
        .collect(ImmutableList.toImmutableList());
  }

  private static int number(MatchResult found, int group) {
    return Integer.parseInt(found.group(group));
  }

  @Override
  public void send(Packet packet) {
    ovs.ofctl(
        "packet-out",
        ovs.bridge(),
        "in_port=" + packet.inPort() + ",packet=" + packet.hex() + ",actions=resubmit(,0)");
  }

  /** It passes by itself. */
  @Override
  public void elapse(Duration time) {}

  @Override
  public void cut() {
    cable.cut();
  }

  @Override
  public void mend() {
    cable.mend();
  }

  @Override
  public void crash() {
    ovs.killDaemon();
  }

  @Override
  public void restart() {
    ofports = ImmutableMap.of();
    ovs.startDaemon();
  }

  @Override
  public void close() {
    cable.close();
  }
}
