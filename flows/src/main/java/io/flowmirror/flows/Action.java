// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

/** An action of OFPIT_APPLY_ACTIONS (ovs-actions(7)). */
public sealed interface Action {

  /** OFPAT_OUTPUT of the whole packet (max_len is not used: it concerns OFPP_CONTROLLER only). */
  record Output(int port) implements Action {}

  /** OFPAT_SET_FIELD of a whole field. */
  record SetField(Field field, long value) implements Action {}

  /**
   * NXAST_REG_LOAD (7): {@code bits} bits from {@code offset} on of a field.
   *
   * @param offset the lowest bit that is written
   * @param bits how many bits are written, 1..64
   */
  record Load(Field field, int offset, int bits, long value) implements Action {}

  /** NXAST_RESUBMIT_TABLE (14) with the packet's own in_port. */
  record Resubmit(int table) implements Action {}

  /**
   * Anything else, OVN's mostly: never sent by us.
   *
   * @param bytes the action as it is on the wire, header and padding included; or an instruction
   *     other than OFPIT_APPLY_ACTIONS
   */
  record Other(Opaque bytes) implements Action {}
}
