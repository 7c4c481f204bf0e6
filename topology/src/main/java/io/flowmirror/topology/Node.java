// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.topology;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One node, as far as it has been observed: a value, that remembers what has been concluded of it.
 */
public final class Node {
  private final String name;
  private final Optional<Bridge> bridge;
  private final boolean bridgeConfirmed;
  private final Optional<Datapath> datapath;

  /** Concluded when it is first asked for, which is several times a round; any thread may do it. */
  private @Nullable ImmutableList<PodPort> podPorts;

  /**
   * A node of which this has been observed.
   *
   * @param name the node's name
   * @param bridge OVSDB's last word. It outlives the OVSDB connection: an interface does not become
   *     another pod's because the database is away.
   * @param bridgeConfirmed whether OVSDB is connected and says so now
   * @param datapath the live OpenFlow connection's word; empty while there is none
   */
  public Node(
      String name, Optional<Bridge> bridge, boolean bridgeConfirmed, Optional<Datapath> datapath) {
    this.name = name;
    this.bridge = bridge;
    this.bridgeConfirmed = bridgeConfirmed;
    this.datapath = datapath;
  }

  /** The node's name. */
  public String name() {
    return name;
  }

  /** OVSDB's last word, be the connection live or not. */
  public Optional<Bridge> bridge() {
    return bridge;
  }

  /** Whether OVSDB is connected and says so now. */
  public boolean bridgeConfirmed() {
    return bridgeConfirmed;
  }

  /** The live OpenFlow connection's word; empty while there is none. */
  public Optional<Datapath> datapath() {
    return datapath;
  }

  /**
   * The node after one more fact of it; empty if it is forgotten. What the fact does not change is
   * the same object.
   */
  public Optional<Node> after(Fact fact) {
    Node after =
        switch (fact) {
          case Fact.BridgeObserved observed ->
              new Node(
                  name,
                  observed.bridge().or(() -> bridge),
                  observed.bridge().isPresent(),
                  datapath);
          case Fact.DatapathObserved observed ->
              new Node(name, bridge, bridgeConfirmed, observed.datapath());
          case Fact.NodeForgotten forgotten -> null;
        };
    return after == null ? Optional.empty() : Optional.of(equals(after) ? this : after);
  }

  /** A node of which nothing is known yet. */
  public static Node unobserved(String name) {
    return new Node(name, Optional.empty(), false, Optional.empty());
  }

  /** Pods' ports on which OVSDB and OpenFlow agree, in the order of pod, then interface. */
  public ImmutableList<PodPort> podPorts() {
    ImmutableList<PodPort> known = podPorts;
    if (known == null) {
      known =
          bridge.isEmpty() || datapath.isEmpty()
              ? ImmutableList.of()
              : podPorts(bridge.get(), datapath.get());
      podPorts = known;
    }
    return known;
  }

  private ImmutableList<PodPort> podPorts(Bridge known, Datapath live) {
    Map<Integer, LogicalPort> bound = live.plainLogicalPorts();
    List<PodPort> ports = new ArrayList<>();
    for (Interface row : known.interfaces().values()) {
      Optional<PodName> pod = row.pod();
      Optional<Port> port = pod.isEmpty() ? Optional.empty() : port(row);
      if (port.isPresent()) {
        int ofport = port.get().ofport();
        ports.add(
            new PodPort(
                pod.get(),
                row.provider(),
                row.name(),
                ofport,
                Optional.ofNullable(bound.get(ofport))));
      }
    }
    return ImmutableList.sortedCopyOf(
        Comparator.comparing(PodPort::pod).thenComparing(PodPort::interfaceName), ports);
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

  /** The interface that each live port is, by the port's number, where there is one. */
  public Map<Integer, Interface> rows() {
    Map<Integer, Interface> rows = new HashMap<>();
    if (bridge.isPresent()) {
      for (Interface row : bridge.get().interfaces().values()) {
        port(row).ifPresent(port -> rows.putIfAbsent(port.ofport(), row));
      }
    }
    return rows;
  }

  @Override
  public boolean equals(@Nullable Object object) {
    return object == this
        || (object instanceof Node other
            && name.equals(other.name)
            && bridgeConfirmed == other.bridgeConfirmed
            && bridge.equals(other.bridge)
            && datapath.equals(other.datapath));
  }

  @Override
  public int hashCode() {
    return Objects.hash(name, bridge, bridgeConfirmed, datapath);
  }

  @Override
  public String toString() {
    return "Node[name=%s, bridge=%s, bridgeConfirmed=%s, datapath=%s]"
        .formatted(name, bridge, bridgeConfirmed, datapath);
  }
}
