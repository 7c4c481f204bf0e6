// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import io.flowmirror.controller.openflow.Incoming.Experimenter;
import io.flowmirror.controller.openflow.Incoming.FlowRemoved;
import io.flowmirror.controller.openflow.Incoming.Ignored;
import io.flowmirror.controller.openflow.Incoming.MultipartPart;
import io.flowmirror.controller.openflow.Incoming.PortStatus;
import io.flowmirror.controller.openflow.Incoming.SwitchError;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.function.Function;
import org.opendaylight.openflowjava.protocol.api.extensibility.OFDeserializer;
import org.opendaylight.openflowjava.protocol.api.keys.MessageCodeKey;
import org.opendaylight.openflowjava.protocol.api.keys.MessageTypeKey;
import org.opendaylight.openflowjava.protocol.api.util.EncodeConstants;
import org.opendaylight.openflowjava.protocol.impl.deserialization.DeserializationFactory;
import org.opendaylight.openflowjava.protocol.impl.deserialization.DeserializerRegistryImpl;
import org.opendaylight.openflowjava.protocol.impl.serialization.SerializationFactory;
import org.opendaylight.openflowjava.protocol.impl.serialization.SerializerRegistryImpl;
import org.opendaylight.yang.gen.v1.urn.opendaylight.openflow.protocol.rev130731.ErrorMessage;
import org.opendaylight.yang.gen.v1.urn.opendaylight.openflow.protocol.rev130731.ExperimenterMessage;
import org.opendaylight.yang.gen.v1.urn.opendaylight.openflow.protocol.rev130731.FlowRemovedMessage;
import org.opendaylight.yang.gen.v1.urn.opendaylight.openflow.protocol.rev130731.MultipartReplyMessage;
import org.opendaylight.yang.gen.v1.urn.opendaylight.openflow.protocol.rev130731.PacketInMessage;
import org.opendaylight.yang.gen.v1.urn.opendaylight.openflow.protocol.rev130731.PortStatusMessage;
import org.opendaylight.yangtools.binding.DataObject;

/**
 * OpenFlowJava's registries of codecs, with ours in place of those that lose what they do not know:
 * OpenFlowJava's own drop a whole multipart reply, and say nothing to the caller, when an entry in
 * it has a Nicira action or an NXM_1 field, as nearly all of OVN's have.
 *
 * <p>Made once and shared by all connections: the registries only read after this.
 */
final class Codecs {
  private final SerializationFactory serialization;
  private final DeserializationFactory deserialization;

  Codecs() {
    SerializerRegistryImpl serializers = new SerializerRegistryImpl();
    serializers.init();
    serializers.registerSerializer(
        new MessageTypeKey<>(EncodeConstants.OF_VERSION_1_3, Outgoing.class),
        new Outgoing.Serializer());
    serialization = new SerializationFactory(serializers);

    DeserializerRegistryImpl deserializers = new DeserializerRegistryImpl();
    deserializers.init();
    register(deserializers, Ofp.OFPT_ERROR, ErrorMessage.class, Codecs::error);
    register(deserializers, Ofp.OFPT_EXPERIMENTER, ExperimenterMessage.class, Codecs::experimenter);
    register(deserializers, Ofp.OFPT_PACKET_IN, PacketInMessage.class, in -> new Ignored());
    register(deserializers, Ofp.OFPT_FLOW_REMOVED, FlowRemovedMessage.class, Codecs::flowRemoved);
    register(deserializers, Ofp.OFPT_PORT_STATUS, PortStatusMessage.class, Codecs::portStatus);
    register(deserializers, Ofp.OFPT_MULTIPART_REPLY, MultipartReplyMessage.class, Codecs::part);
    deserialization = new DeserializationFactory(deserializers);
  }

  SerializationFactory serialization() {
    return serialization;
  }

  DeserializationFactory deserialization() {
    return deserialization;
  }

  private static void register(
      DeserializerRegistryImpl registry,
      int type,
      Class<? extends DataObject> replaced,
      Function<ByteBuf, Incoming> decoder) {
    OFDeserializer<DataObject> deserializer = in -> orBroken(decoder, in);
    registry.registerDeserializer(
        new MessageCodeKey(EncodeConstants.OF_VERSION_1_3, type, replaced), deserializer);
  }

  /** OpenFlowJava's decoder swallows what a deserializer throws, so nothing may be thrown. */
  private static Incoming orBroken(Function<ByteBuf, Incoming> decoder, ByteBuf in) {
    try {
      return decoder.apply(in);
    } catch (MalformedException e) {
      return new Incoming.Broken("malformed message: " + e.getMessage());
    } catch (IndexOutOfBoundsException e) {
      return new Incoming.Broken("malformed message: ofp_header.length is too small for its type");
    }
  }

  private static Incoming part(ByteBuf in) {
    int xid = in.readInt();
    int type = in.readUnsignedShort();
    boolean more = (in.readUnsignedShort() & Ofp.OFPMPF_REPLY_MORE) != 0;
    in.skipBytes(4);
    // A copy, for OpenFlowJava releases its buffer before the message reaches anybody.
    byte[] body = new byte[in.readableBytes()];
    in.readBytes(body);
    return new MultipartPart(xid, type, more, Unpooled.wrappedBuffer(body));
  }

  private static Incoming error(ByteBuf in) {
    int xid = in.readInt();
    int type = in.readUnsignedShort();
    int code = in.readUnsignedShort();
    return new SwitchError(xid, type, code, type == 0xffff ? in.readInt() : 0);
  }

  private static Incoming experimenter(ByteBuf in) {
    return new Experimenter(in.readInt(), in.readInt(), in.readInt());
  }

  private static Incoming flowRemoved(ByteBuf in) {
    in.skipBytes(4);
    long cookie = in.readLong();
    in.skipBytes(3);
    return new FlowRemoved(cookie, in.readUnsignedByte());
  }

  private static Incoming portStatus(ByteBuf in) {
    in.skipBytes(4);
    int reason = in.readUnsignedByte();
    in.skipBytes(7);
    return new PortStatus(reason, PortDescription.decode(in));
  }
}
