// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import com.google.common.base.Strings;
import com.google.common.collect.ImmutableSortedMap;
import io.flowmirror.flows.Field;

/**
 * A frame as a datapath gets it, with what may be known of it by then.
 *
 * @param inPort the port that it comes in by
 * @param destination its destination MAC address
 * @param fields metadata, registers and what else is not 0 from the beginning
 */
public record Packet(int inPort, String destination, ImmutableSortedMap<Field, Long> fields) {
  /** The destination of a flood. */
  public static final String BROADCAST = "ff:ff:ff:ff:ff:ff";

  /** The shortest frame that Ethernet has, without its checksum. */
  static final int BYTES = 60;

  /** A broadcast that comes in by a port. */
  public static Packet from(int inPort) {
    return new Packet(inPort, BROADCAST, ImmutableSortedMap.of());
  }

  /** The same, to one address. */
  public Packet to(String address) {
    return new Packet(inPort, address, fields);
  }

  /** The same, with one field that is not 0. */
  public Packet with(Field field, long value) {
    return new Packet(
        inPort,
        destination,
        ImmutableSortedMap.<Field, Long>naturalOrder()
            .putAll(fields)
            .put(field, value)
            .buildOrThrow());
  }

  /** As {@code ofproto/trace} takes it (ovs-vswitchd(8)). */
  String flow() {
    StringBuilder flow = new StringBuilder("in_port=" + inPort + ",dl_dst=" + destination);
    fields.forEach((field, value) -> flow.append("," + field.text() + "=" + value));
    return flow.toString();
  }

  /** Its bytes in hexadecimal, as {@code packet-out} takes them; of an experimental ethertype. */
  String hex() {
    return Strings.padEnd(destination.replace(":", "") + "020000000001" + "88b5", 2 * BYTES, '0');
  }
}
