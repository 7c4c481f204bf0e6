// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

import com.google.common.collect.ImmutableList;
import io.flowmirror.topology.Bridge;
import io.flowmirror.topology.Interface;
import io.flowmirror.topology.Node;
import io.flowmirror.topology.Port;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Which port copies go to, and what is to be done about it.
 *
 * @param port the port, if there is one that may be used
 * @param rows rows of br-int to be made at once
 * @param removableRows rows that go when no entry outputs to them any more
 * @param bringUp a port of ours that is down, by its number
 * @param refusals why the wanted port is not used, or swallows copies
 */
record MirrorPort(
    Optional<Port> port,
    ImmutableList<RowChange> rows,
    ImmutableList<RowChange> removableRows,
    OptionalInt bringUp,
    ImmutableList<String> refusals) {

  /** Whether the controller made this port. */
  static boolean isOurs(Interface row) {
    return RowChange.OWNER_VALUE.equals(row.portExternalIds().get(RowChange.OWNER_KEY));
  }

  /** Whether config/node/attach made this port. */
  private static boolean isAttached(Interface row) {
    return RowChange.ATTACHED_VALUE.equals(row.portExternalIds().get(RowChange.OWNER_KEY));
  }

  /** What the observed node has for the wanted interface. */
  static MirrorPort of(NodeIntent intent, Node node, Bridge bridge) {
    ImmutableList.Builder<RowChange> rows = ImmutableList.builder();
    ImmutableList.Builder<RowChange> removable = ImmutableList.builder();
    ImmutableList.Builder<String> refusals = ImmutableList.builder();
    OptionalInt bringUp = OptionalInt.empty();
    Optional<Port> port = Optional.empty();
    boolean isUsable = true;

    if (intent.mirrorIface().isPresent()) {
      String name = intent.mirrorIface().get();
      Interface row = bridge.interfaces().get(name);
      Optional<String> objection = row == null ? objectionToName(name, bridge) : objectionTo(row);
      objection.ifPresent(words -> refusals.add("mirror-iface " + name + " " + words));
      isUsable = objection.isEmpty();
      if (isUsable) {
        port = node.port(name);
        // Both channels must say that it is not there: an empty answer of one is not a missing
        // port.
        if (row == null && node.datapath().isPresent() && port.isEmpty()) {
          rows.add(new RowChange.AddInternalPort(name));
        }
      }
      if (port.isPresent() && port.get().adminDown()) {
        if (row != null && isOurs(row)) {
          bringUp = OptionalInt.of(port.get().ofport());
        } else if (row != null) {
          refusals.add(
              String.format(
                  "mirror-iface %s is down and swallows every copy: ip link set %s up",
                  name, name));
        }
      }
    }
    for (Interface row : bridge.interfaces().values()) {
      if (isOurs(row) && !intent.mirrorIface().equals(Optional.of(row.name()))) {
        removable.add(new RowChange.RemovePort(row.portName()));
      }
    }
    // While the wanted port is not there, copies stay on the one of ours that is: a change of
    // mirror-iface then moves them in one step, with no gap between the two.
    if (intent.mirrorIface().isPresent() && port.isEmpty()) {
      port = earlier(node, bridge, isUsable);
    }
    boolean mayChangeRows = node.bridgeConfirmed();
    return new MirrorPort(
        port,
        mayChangeRows ? rows.build() : ImmutableList.of(),
        mayChangeRows ? removable.build() : ImmutableList.of(),
        bringUp,
        refusals.build());
  }

  /** One that attach made stays when it is not wanted: it counts only while another is coming. */
  private static Optional<Port> earlier(Node node, Bridge bridge, boolean isComing) {
    return bridge.interfaces().values().stream()
        .filter(row -> isOurs(row) || (isComing && isAttached(row)))
        .filter(row -> objectionTo(row).isEmpty())
        .flatMap(row -> node.port(row).stream())
        .findFirst();
  }

  private static Optional<String> objectionToName(String name, Bridge bridge) {
    return bridge.interfaces().values().stream().anyMatch(row -> row.portName().equals(name))
        ? Optional.of("is a port (a bond) that has no interface of that name")
        : Optional.empty();
  }

  private static Optional<String> objectionTo(Interface row) {
    if (!row.error().isEmpty()) {
      return Optional.of(
          "could not be opened by the switch: "
              + row.error()
              + (isOurs(row)
                  ? "; an existing NIC is bridged by config/node/attach on the node"
                  : ""));
    }
    if (row.pod().isPresent() || row.ifaceId().isPresent()) {
      return Optional.of(
          "is the interface of " + row.ifaceId().orElseGet(() -> row.pod().get().toString()));
    }
    if (Encapsulation.of(row).isPresent() || row.type().equals("patch")) {
      return Optional.of("is a port of OVN's, of type " + row.type());
    }
    return Optional.empty();
  }
}
