// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import io.netty.buffer.ByteBuf;
import org.opendaylight.yangtools.binding.DataObject;

/**
 * What a switch sends, as far as OpenFlowJava's own classes do not carry it without loss.
 * DataObject is what OpenFlowJava's pipeline lets pass.
 */
sealed interface Incoming extends DataObject {
  @Override
  default Class<? extends DataObject> implementedInterface() {
    return getClass();
  }

  /**
   * One part of a multipart reply (OpenFlow 1.3.5, section 7.3.5).
   *
   * @param more OFPMPF_REPLY_MORE: further parts follow
   * @param body a buffer that nobody needs to release
   */
  record MultipartPart(int xid, int type, boolean more, ByteBuf body) implements Incoming {}

  /**
   * OFPT_ERROR (section 7.4.4).
   *
   * @param code the code, or exp_type if {@code type} is OFPET_EXPERIMENTER
   * @param experimenter 0 unless {@code type} is OFPET_EXPERIMENTER
   */
  record SwitchError(int xid, int type, int code, int experimenter) implements Incoming {}

  /** OFPT_EXPERIMENTER (section 7.5.3). */
  record Experimenter(int xid, int experimenter, int subtype) implements Incoming {}

  /** OFPT_FLOW_REMOVED (section 7.4.2), as much of it as tells what to read again. */
  record FlowRemoved(long cookie, int table) implements Incoming {}

  /** OFPT_PORT_STATUS (section 7.4.3). */
  record PortStatus(int reason, PortDescription port) implements Incoming {}

  /** A message that nobody waits for: OFPT_PACKET_IN. */
  record Ignored() implements Incoming {}

  /** The connection cannot go on, in words. */
  record Broken(String reason) implements Incoming {}
}
