// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import com.google.common.collect.ImmutableList;
import io.flowmirror.flows.Action;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.FlowKey;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * One packet's way through the tables, from table 0 on (OpenFlow 1.3.5, section 5.1), with the
 * limits of Open vSwitch (ofproto/ofproto-dpif-xlate.c). An action that is not modelled is an
 * exception and not a wrong answer.
 */
final class Translation {
  /** MAX_DEPTH: so many resubmits within each other, of those that do not go to a later table. */
  static final int MAX_DEPTH = 64;

  /** MAX_RESUBMITS: so many in all. */
  static final int MAX_RESUBMITS = MAX_DEPTH * MAX_DEPTH;

  /**
   * What becomes of a packet.
   *
   * @param ports what it is output to, in order
   * @param selected the entries that were selected for it, in order
   */
  record Outcome(ImmutableList<Integer> ports, ImmutableList<FlowKey> selected) {}

  private final FlowTables tables;
  private final Set<Integer> ports;
  private final PacketFields packet;
  private final List<Integer> outputs = new ArrayList<>();
  private final List<FlowKey> selected = new ArrayList<>();
  private int depth;
  private int resubmits;
  private boolean failed;

  private Translation(FlowTables tables, Set<Integer> ports, PacketFields packet) {
    this.tables = tables;
    this.ports = ports;
    this.packet = packet;
  }

  /** Runs a packet through the tables of a switch with these ports. */
  static Outcome of(FlowTables tables, Set<Integer> ports, Packet packet) {
    Translation translation = new Translation(tables, ports, new PacketFields(packet));
    translation.lookUp(0);
    // A translation that goes too far loses what it had output before (xlate_actions).
    return new Outcome(
        translation.failed ? ImmutableList.of() : ImmutableList.copyOf(translation.outputs),
        ImmutableList.copyOf(translation.selected));
  }

  private void lookUp(int table) {
    Optional<FlowEntry> entry = tables.select(table, packet);
    if (entry.isEmpty()) {
      return;
    }
    selected.add(entry.get().key());
    // Section 5.11: actions of a list are executed in its order, at once.
    for (Action action : entry.get().actions()) {
      if (failed) {
        return;
      }
      switch (action) {
        case Action.Output(int port) -> output(port);
        case Action.SetField(var field, long value) -> packet.set(field, value);
        case Action.Load load -> packet.load(load);
        case Action.Resubmit(int next) -> resubmit(table, next);
        case Action.Other other -> packet.act(other);
      }
    }
  }

  /**
   * Only OFPP_IN_PORT sends a packet back to where it came from (section 4.5; xlate_output_action),
   * and an output to a port that is not there is left out (check_output_prerequisites). One to a
   * port that is down is made: its device swallows it.
   */
  private void output(int port) {
    if (port != packet.inPort() && ports.contains(port)) {
      outputs.add(port);
    }
  }

  /** Only a way back, or to the same table, makes it deeper (xlate_table_action). */
  private void resubmit(int from, int to) {
    if (to > FlowTables.HIDDEN_TABLE) {
      throw new UnsupportedOperationException("a resubmit that is not modelled: to table " + to);
    }
    if (depth >= MAX_DEPTH || resubmits >= MAX_RESUBMITS) {
      failed = true;
      return;
    }
    int deeper = to <= from ? 1 : 0;
    resubmits++;
    depth += deeper;
    lookUp(to);
    depth -= deeper;
  }
}
