// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.topology;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import java.util.Comparator;
import java.util.Optional;

/**
 * One node, as far as it has been observed.
 *
 * @param name the node's name
 * @param bridge OVSDB's last word. It outlives the OVSDB connection: an interface does not become
 *     another pod's because the database is away.
 * @param bridgeConfirmed whether OVSDB is connected and says so now
 * @param datapath the live OpenFlow connection's word; empty while there is none
 */
public record Node(
    String name, Optional<Bridge> bridge, boolean bridgeConfirmed, Optional<Datapath> datapath) {

  /** A node of which nothing is known yet. */
  public static Node unobserved(String name) {
    return new Node(name, Optional.empty(), false, Optional.empty());
  }

  /** Pods' ports on which OVSDB and OpenFlow agree, in the order of pod, then interface. */
  public ImmutableList<PodPort> podPorts() {
    if (bridge.isEmpty() || datapath.isEmpty()) {
      return ImmutableList.of();
    }
    ImmutableList.Builder<PodPort> ports = ImmutableList.builder();
    for (Interface row : bridge.get().interfaces().values()) {
      Port port = datapath.get().ports().get(row.name());
      if (port != null && row.pod().isPresent() && agrees(row, port)) {
        ports.add(
            new PodPort(
                row.pod().get(),
                row.provider(),
                row.name(),
                port.ofport(),
                datapath.get().logicalPort(port.ofport())));
      }
    }
    return ImmutableList.sortedCopyOf(
        Comparator.comparing(PodPort::pod).thenComparing(PodPort::interfaceName), ports.build());
  }

  /**
   * Numbers of live ports of which OVSDB says nothing (yet, or any more) or something of another
   * moment. What is installed for them is neither confirmed nor refuted.
   */
  public ImmutableSet<Integer> undecidedPorts() {
    if (datapath.isEmpty()) {
      return ImmutableSet.of();
    }
    ImmutableSet.Builder<Integer> undecided = ImmutableSet.builder();
    for (Port port : datapath.get().ports().values()) {
      Interface row = bridge.map(known -> known.interfaces().get(port.name())).orElse(null);
      if (row == null) {
        undecided.add(port.ofport());
      }
    }
    return undecided.build();
  }

  /** The live port with this name. */
  public Optional<Port> port(String name) {
    return datapath.map(live -> live.ports().get(name));
  }

  private static boolean agrees(Interface row, Port port) {
    return row.ofport().isEmpty() || row.ofport().getAsInt() == port.ofport();
  }
}
