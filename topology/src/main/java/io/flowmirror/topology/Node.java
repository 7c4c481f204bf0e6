// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.topology;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

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
      Optional<Port> port = port(row);
      if (port.isPresent() && row.pod().isPresent()) {
        int ofport = port.get().ofport();
        ports.add(
            new PodPort(
                row.pod().get(),
                row.provider(),
                row.name(),
                ofport,
                datapath.get().logicalPort(ofport)));
      }
    }
    return ImmutableList.sortedCopyOf(
        Comparator.comparing(PodPort::pod).thenComparing(PodPort::interfaceName), ports.build());
  }

  /**
   * Numbers of live ports of which OVSDB says nothing: no interface has their name, and none claims
   * their number. What is installed for them is neither confirmed nor refuted. A port on which the
   * two contradict each other is not undecided: one of them speaks of another pod.
   */
  public ImmutableSet<Integer> undecidedPorts() {
    if (datapath.isEmpty()) {
      return ImmutableSet.of();
    }
    Set<Integer> claimed = new HashSet<>();
    Set<String> named = new HashSet<>();
    bridge.ifPresent(
        known ->
            known
                .interfaces()
                .values()
                .forEach(
                    row -> {
                      row.ofport().ifPresent(claimed::add);
                      named.add(Port.cut(row.name()));
                    }));
    ImmutableSet.Builder<Integer> undecided = ImmutableSet.builder();
    for (Port port : datapath.get().ports().values()) {
      if (!claimed.contains(port.ofport()) && !named.contains(port.name())) {
        undecided.add(port.ofport());
      }
    }
    return undecided.build();
  }

  /**
   * Whether OVSDB and OpenFlow speak of one switch, as far as both have said which: they are
   * configured apart, and a name or number of one node's says nothing of another's.
   */
  public boolean isOneSwitch() {
    String known = bridge.map(Bridge::datapathId).orElse("");
    return known.isEmpty() || datapath.isEmpty() || datapath.get().dpidText().equals(known);
  }

  /** The live port with this name. */
  public Optional<Port> port(String name) {
    return datapath.flatMap(live -> live.port(name));
  }

  /**
   * The live port that an interface is: the port description has its name, and OVSDB does not have
   * another number for it, or none yet.
   */
  public Optional<Port> port(Interface row) {
    return row.ofport().isEmpty()
        ? Optional.empty()
        : datapath
            .map(live -> live.ports().get(row.ofport().getAsInt()))
            .filter(port -> port.isNamed(row.name()));
  }

  /** The interface that a live port is. */
  public Optional<Interface> row(Port port) {
    return bridge.stream()
        .flatMap(known -> known.interfaces().values().stream())
        .filter(row -> claims(row, port) && port.isNamed(row.name()))
        .findFirst();
  }

  private static boolean claims(Interface row, Port port) {
    return row.ofport().isPresent() && row.ofport().getAsInt() == port.ofport();
  }
}
