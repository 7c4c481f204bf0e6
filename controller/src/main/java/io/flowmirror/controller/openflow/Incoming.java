// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import io.flowmirror.flows.FlowKey;
import io.netty.buffer.ByteBuf;
import java.util.OptionalInt;
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
   * OFPT_HELLO (OpenFlow 1.3.5, section 7.5.1).
   *
   * @param version the header's
   * @param bitmap the versions 0 to 31, a bit for each, if the switch names them
   */
  record Hello(int version, OptionalInt bitmap) implements Incoming {}

  /**
   * OFPT_ECHO_REQUEST (section 7.5.2).
   *
   * @param body what is to be sent back; a buffer that nobody needs to release
   */
  record EchoRequest(int xid, ByteBuf body) implements Incoming {}

  /**
   * One part of a multipart reply (section 7.3.5).
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

  /**
   * A reply to ONF_BUNDLE_CONTROL (ONF extension 230).
   *
   * @param type one of OFPBCT_
   */
  record BundleControl(int xid, int bundle, int type) implements Incoming {}

  /** Any other OFPT_EXPERIMENTER (section 7.5.4). */
  record Experimenter(int xid, int experimenter, int subtype) implements Incoming {}

  /** OFPT_FLOW_REMOVED (section 7.4.2), as much of it as tells which entry is gone. */
  record FlowRemoved(long cookie, FlowKey key) implements Incoming {}

  /** OFPT_PORT_STATUS (section 7.4.3). */
  record PortStatus(int reason, PortDescription port) implements Incoming {}

  /** OFPT_PACKET_IN, which nobody waits for. */
  record PacketIn() implements Incoming {}

  /** A reply to what is never asked. */
  record UnaskedReply() implements Incoming {}

  /** The switch has sent what none may send, in words. */
  record Broken(String reason) implements Incoming {}

  /** The socket has failed, in words. */
  record Failed(String reason) implements Incoming {}
}
