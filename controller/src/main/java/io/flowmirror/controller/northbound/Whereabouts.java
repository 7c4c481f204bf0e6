// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.google.common.collect.ImmutableList;
import io.flowmirror.topology.Interface;
import io.flowmirror.topology.Node;
import io.flowmirror.topology.PodInterface;
import io.flowmirror.topology.PodPort;
import io.flowmirror.topology.Port;
import java.util.List;
import java.util.Optional;

/** Where a pod is on a node, or why it is not seen there, in words. */
public final class Whereabouts {
  private Whereabouts() {}

  /** Whether br-int's rows know this interface of a pod. */
  public static boolean isOn(Node node, PodInterface wanted) {
    return !rows(node, wanted).isEmpty();
  }

  /** One line for each of the pod's ports, or one that says why there is none. */
  public static ImmutableList<String> of(Node node, PodInterface wanted) {
    return of(
        node,
        wanted,
        node.podPorts().stream()
            .filter(port -> port.podInterface().equals(wanted))
            .collect(ImmutableList.toImmutableList()));
  }

  /** The same, for who knows which of the node's pod ports are the pod's. */
  public static ImmutableList<String> of(Node node, PodInterface wanted, List<PodPort> ports) {
    return ports.isEmpty()
        ? ImmutableList.of(whyNot(node, wanted))
        : ports.stream().map(Whereabouts::where).collect(ImmutableList.toImmutableList());
  }

  private static String where(PodPort port) {
    return "is "
        + port.interfaceName()
        + ", port "
        + port.ofport()
        + port.keys()
            .map(
                keys ->
                    ", logical datapath " + keys.datapathKey() + ", logical port " + keys.portKey())
            .orElse("; OVN has not bound it: what it receives cannot be copied yet");
  }

  private static String whyNot(Node node, PodInterface wanted) {
    if (node.bridge().isEmpty()) {
      return "may be here or not: OVSDB has not answered";
    }
    ImmutableList<Interface> rows = rows(node, wanted);
    if (rows.isEmpty()) {
      return "is not on this node: no interface of br-int has its pod_namespace and pod_name";
    }
    Interface row = rows.get(0);
    String has = "has " + row.name();
    if (!row.error().isEmpty()) {
      return has + ", which the switch could not open: " + row.error();
    }
    if (node.datapath().isEmpty()) {
      return has + "; its number is unknown without OpenFlow";
    }
    Optional<Port> port = node.port(row.name());
    return has
        + ", which is "
        + (row.ofport().isPresent() ? "port " + row.ofport().getAsInt() : "no port yet")
        + " for OVSDB and "
        + port.map(live -> "port " + live.ofport()).orElse("no port")
        + " for OpenFlow";
  }

  private static ImmutableList<Interface> rows(Node node, PodInterface wanted) {
    return node.bridge().stream()
        .flatMap(bridge -> bridge.interfaces().values().stream())
        .filter(row -> row.podInterface().equals(Optional.of(wanted)))
        .collect(ImmutableList.toImmutableList());
  }
}
