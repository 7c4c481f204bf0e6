// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import com.google.common.collect.ImmutableList;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.FlowKey;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * The other side of a session: a switch, and everybody else who is at it. Its calls take effect
 * before they return; what sessions say of it comes later.
 */
interface OtherSide {
  /** Opens a session with the switch. */
  DatapathSession open(Consumer<DatapathReport> reports);

  /** Adds a port with a device that is down, and returns its number. */
  int addPort(String name);

  /** Adds a port with a device that is down, under this number. */
  void addPort(String name, int ofport);

  void removePort(String name);

  /** Takes a port's device up or down. */
  void setUp(String name, boolean up);

  /** Adds entries, each as {@code ovs-ofctl add-flow} takes it. */
  void plant(String... entries);

  /** Deletes the entry of this identity, whosever it is. */
  void uproot(FlowKey key);

  /** Deletes all entries. */
  void wipe();

  /** All entries of all tables. */
  ImmutableList<FlowEntry> entries();

  /** The numbers of the ports that the switch would output a packet to, in order. */
  ImmutableList<Integer> reach(Packet packet);

  /** Sends a packet through the tables in earnest. */
  void send(Packet packet);

  /** Lets time pass for the switch, unless it passes by itself. */
  void elapse(Duration time);

  /** Cuts the sessions' connections; the switch goes on. */
  void cut();

  /** Lets sessions connect again. */
  void mend();

  /** Ends the switch and its connections, and with it its entries. */
  void crash();

  /** Starts the switch after a crash. */
  void restart();
}
