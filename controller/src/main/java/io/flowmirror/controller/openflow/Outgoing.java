// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import io.flowmirror.flows.FlowChange;
import io.flowmirror.flows.Match;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import java.util.function.Consumer;
import org.opendaylight.openflowjava.protocol.api.extensibility.OFSerializer;
import org.opendaylight.openflowjava.protocol.api.util.EncodeConstants;
import org.opendaylight.yang.gen.v1.urn.opendaylight.openflow.protocol.rev130731.OfHeader;
import org.opendaylight.yangtools.yang.common.Uint32;
import org.opendaylight.yangtools.yang.common.Uint8;

/**
 * A message that OpenFlowJava has no class for, or none that can carry what we send. It goes
 * through OpenFlowJava's encoder and registry like every other, by the serializer here.
 *
 * @param number the transaction id
 * @param type the message's type
 * @param body writes what comes after the header
 */
record Outgoing(int number, int type, Consumer<ByteBuf> body) implements OfHeader {

  @Override
  public Class<Outgoing> implementedInterface() {
    return Outgoing.class;
  }

  @Override
  public Uint8 getVersion() {
    return EncodeConstants.OF_VERSION_1_3;
  }

  @Override
  public Uint32 getXid() {
    return Uint32.fromIntBits(number);
  }

  /** Writes a message of this kind, with its length. */
  static final class Serializer implements OFSerializer<Outgoing> {
    @Override
    public void serialize(Outgoing message, ByteBuf out) {
      int start = out.writerIndex();
      out.writeByte(Ofp.VERSION_13).writeByte(message.type()).writeShort(0);
      out.writeInt(message.number());
      message.body().accept(out);
      out.setShort(start + 2, out.writerIndex() - start);
    }
  }

  /** OFPT_ECHO_REPLY (section 7.5.3). */
  static Outgoing echoReply(int xid, ByteBuf body) {
    return new Outgoing(xid, Ofp.OFPT_ECHO_REPLY, out -> out.writeBytes(body));
  }

  /** A multipart request with an empty body. */
  static Outgoing multipart(int xid, int type) {
    return new Outgoing(xid, Ofp.OFPT_MULTIPART_REQUEST, out -> multipartHeader(type, out));
  }

  /**
   * OFPMP_FLOW (section 7.3.5.2).
   *
   * @param table a table's number, or OFPTT_ALL
   * @param outPort the port that entries must output to, or OFPP_ANY
   * @param match writes the match
   */
  static Outgoing flowStats(
      int xid, int table, int outPort, long cookie, long cookieMask, Consumer<ByteBuf> match) {
    return new Outgoing(
        xid,
        Ofp.OFPT_MULTIPART_REQUEST,
        out -> {
          multipartHeader(Ofp.OFPMP_FLOW, out);
          out.writeByte(table).writeZero(3).writeInt(outPort).writeInt(Ofp.OFPG_ANY).writeInt(0);
          out.writeLong(cookie).writeLong(cookieMask);
          match.accept(out);
        });
  }

  /** A match on no field. */
  static void anyMatch(ByteBuf out) {
    FlowEncoder.match(Match.ANY, out);
  }

  /** A match on bit 1 of ct_label, where OVN before 22.06 kept "natted" (NXM_NX_CT_LABEL, 108). */
  static void natInLabelMatch(ByteBuf out) {
    out.writeShort(Ofp.OFPMT_OXM).writeShort(4 + 4 + 32);
    out.writeShort(0x0001).writeByte(108 << 1 | 1).writeByte(32);
    out.writeLong(0).writeLong(2).writeLong(0).writeLong(2);
  }

  /** ONF flow monitor of one table, changes only (struct onf_flow_monitor_request). */
  static Outgoing flowMonitor(int xid, int table) {
    return new Outgoing(
        xid,
        Ofp.OFPT_MULTIPART_REQUEST,
        out -> {
          multipartHeader(Ofp.OFPMP_EXPERIMENTER, out);
          out.writeInt(Ofp.ONF_EXPERIMENTER_ID).writeInt(Ofp.ONF_FLOW_MONITOR);
          out.writeInt(table + 1).writeShort(Ofp.ONFFMF_CHANGES).writeShort(8);
          out.writeInt(Ofp.OFPP_ANY).writeByte(table).writeZero(3);
          anyMatch(out);
        });
  }

  /**
   * OFPT_SET_ASYNC (section 7.3.10): no packet-in, every port status, every flow removed, in both
   * roles.
   */
  static Outgoing setAsync(int xid) {
    return new Outgoing(
        xid,
        Ofp.OFPT_SET_ASYNC,
        out -> {
          out.writeInt(0).writeInt(0);
          out.writeInt(0b111).writeInt(0b111);
          out.writeInt(0b1111).writeInt(0b1111);
        });
  }

  /** OFPT_PORT_MOD (section 7.3.4.3) that clears OFPPC_PORT_DOWN and leaves all else. */
  static Outgoing bringUp(int xid, PortDescription port) {
    return new Outgoing(
        xid,
        Ofp.OFPT_PORT_MOD,
        out -> {
          out.writeInt(port.number()).writeInt(0);
          out.writeBytes(ByteBufUtil.decodeHexDump(port.hardwareAddress())).writeShort(0);
          out.writeInt(0).writeInt(Ofp.OFPPC_PORT_DOWN).writeInt(0).writeInt(0);
        });
  }

  /** OFPT_ROLE_REQUEST (section 7.3.9) for the role MASTER. */
  static Outgoing claim(int xid, long generation) {
    return new Outgoing(
        xid,
        Ofp.OFPT_ROLE_REQUEST,
        out -> out.writeInt(Ofp.OFPCR_ROLE_MASTER).writeInt(0).writeLong(generation));
  }

  /** ONF extension 230, bundle control. */
  static Outgoing bundleControl(int xid, int bundle, int type) {
    return new Outgoing(
        xid,
        Ofp.OFPT_EXPERIMENTER,
        out -> {
          out.writeInt(Ofp.ONF_EXPERIMENTER_ID).writeInt(Ofp.ONF_BUNDLE_CONTROL);
          out.writeInt(bundle).writeShort(type).writeShort(Ofp.OFPBF_ATOMIC_ORDERED);
        });
  }

  /** ONF extension 230, bundle add; the message within must have the same xid. */
  static Outgoing bundleAdd(int xid, int bundle, FlowChange change) {
    return new Outgoing(
        xid,
        Ofp.OFPT_EXPERIMENTER,
        out -> {
          out.writeInt(Ofp.ONF_EXPERIMENTER_ID).writeInt(Ofp.ONF_BUNDLE_ADD_MESSAGE);
          out.writeInt(bundle).writeShort(0).writeShort(Ofp.OFPBF_ATOMIC_ORDERED);
          FlowEncoder.flowMod(change, xid, out);
        });
  }

  private static void multipartHeader(int type, ByteBuf out) {
    out.writeShort(type).writeShort(0).writeInt(0);
  }
}
