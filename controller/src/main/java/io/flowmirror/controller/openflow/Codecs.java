// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import io.flowmirror.controller.openflow.Incoming.BundleControl;
import io.flowmirror.controller.openflow.Incoming.EchoRequest;
import io.flowmirror.controller.openflow.Incoming.Experimenter;
import io.flowmirror.controller.openflow.Incoming.FlowRemoved;
import io.flowmirror.controller.openflow.Incoming.MultipartPart;
import io.flowmirror.controller.openflow.Incoming.PortStatus;
import io.flowmirror.controller.openflow.Incoming.SwitchError;
import io.flowmirror.flows.FlowKey;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.Function;
import org.opendaylight.openflowjava.protocol.api.extensibility.OFDeserializer;
import org.opendaylight.openflowjava.protocol.api.keys.MessageCodeKey;
import org.opendaylight.openflowjava.protocol.api.keys.MessageTypeKey;
import org.opendaylight.openflowjava.protocol.api.keys.TypeToClassKey;
import org.opendaylight.openflowjava.protocol.api.util.EncodeConstants;
import org.opendaylight.openflowjava.protocol.impl.deserialization.DeserializationFactory;
import org.opendaylight.openflowjava.protocol.impl.deserialization.DeserializerRegistryImpl;
import org.opendaylight.openflowjava.protocol.impl.serialization.SerializationFactory;
import org.opendaylight.openflowjava.protocol.impl.serialization.SerializerRegistryImpl;
import org.opendaylight.yang.gen.v1.urn.opendaylight.openflow.protocol.rev130731.BarrierOutput;
import org.opendaylight.yang.gen.v1.urn.opendaylight.openflow.protocol.rev130731.EchoOutput;
import org.opendaylight.yang.gen.v1.urn.opendaylight.openflow.protocol.rev130731.GetConfigOutput;
import org.opendaylight.yang.gen.v1.urn.opendaylight.openflow.protocol.rev130731.GetFeaturesOutput;
import org.opendaylight.yangtools.binding.DataObject;
import org.opendaylight.yangtools.yang.common.Uint8;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * OpenFlowJava's registries of codecs, with ours in place of those that lose what they do not know:
 * OpenFlowJava's own drop a whole multipart reply, and say nothing to the caller, when an entry in
 * it has a Nicira action or an NXM_1 field, as nearly all of OVN's have. They drop a hello of a
 * version that they do not know likewise, and every message that is too short; so each length is
 * checked here, and what is wrong becomes {@link Incoming.Broken}.
 *
 * <p>Made once and shared by all connections: the registries only read after this.
 */
final class Codecs {
  private static final Logger LOG = LoggerFactory.getLogger(Codecs.class);

  /** The largest ofp_header.length. */
  private static final int MAX_BYTES = 0xffff;

  private final DeserializerRegistryImpl deserializers = new DeserializerRegistryImpl();
  private final SerializationFactory serialization;
  private final DeserializationFactory deserialization;

  Codecs() {
    SerializerRegistryImpl serializers = new SerializerRegistryImpl();
    serializers.init();
    serializers.registerSerializer(
        new MessageTypeKey<>(EncodeConstants.OF_VERSION_1_3, Outgoing.class),
        new Outgoing.Serializer());
    serialization = new SerializationFactory(serializers);

    deserializers.init();
    deserialization = new DeserializationFactory(deserializers);
    theirs(Ofp.OFPT_ECHO_REPLY, EchoOutput.class, Ofp.HEADER_BYTES, MAX_BYTES);
    theirs(Ofp.OFPT_FEATURES_REPLY, GetFeaturesOutput.class, 32, 32);
    theirs(Ofp.OFPT_GET_CONFIG_REPLY, GetConfigOutput.class, 12, 12);
    theirs(Ofp.OFPT_BARRIER_REPLY, BarrierOutput.class, Ofp.HEADER_BYTES, Ofp.HEADER_BYTES);
    ours(Ofp.OFPT_ECHO_REQUEST, Ofp.HEADER_BYTES, MAX_BYTES, Codecs::echo);
    ours(Ofp.OFPT_ERROR, 12, MAX_BYTES, Codecs::error);
    ours(Ofp.OFPT_EXPERIMENTER, 16, MAX_BYTES, Codecs::experimenter);
    ours(Ofp.OFPT_PACKET_IN, Ofp.HEADER_BYTES, MAX_BYTES, in -> new Incoming.PacketIn());
    ours(Ofp.OFPT_FLOW_REMOVED, 56, MAX_BYTES, Codecs::flowRemoved);
    ours(Ofp.OFPT_PORT_STATUS, 80, 80, Codecs::portStatus);
    ours(Ofp.OFPT_MULTIPART_REPLY, 16, MAX_BYTES, Codecs::part);
    for (int type :
        List.of(Ofp.OFPT_QUEUE_GET_CONFIG_REPLY, Ofp.OFPT_ROLE_REPLY, Ofp.OFPT_GET_ASYNC_REPLY)) {
      ours(type, Ofp.HEADER_BYTES, MAX_BYTES, in -> new Incoming.UnaskedReply());
    }
    for (int i = 0; i <= Uint8.MAX_VALUE.intValue(); i++) {
      int version = i;
      put(Uint8.valueOf(i), Ofp.OFPT_HELLO, Ofp.HEADER_BYTES, MAX_BYTES, in -> hello(version, in));
    }
  }

  SerializationFactory serialization() {
    return serialization;
  }

  DeserializationFactory deserialization() {
    return deserialization;
  }

  /** OpenFlowJava's own deserializer of a message of this class. */
  private void theirs(int type, Class<? extends DataObject> message, int least, int most) {
    OFDeserializer<DataObject> own =
        deserializers.getDeserializer(
            new MessageCodeKey(EncodeConstants.OF_VERSION_1_3, type, message));
    put(EncodeConstants.OF_VERSION_1_3, type, least, most, own::deserialize);
  }

  private void ours(int type, int least, int most, Function<ByteBuf, Incoming> decoder) {
    put(EncodeConstants.OF_VERSION_1_3, type, least, most, decoder);
  }

  private void put(
      Uint8 version,
      int type,
      int least,
      int most,
      Function<ByteBuf, ? extends DataObject> decoder) {
    OFDeserializer<DataObject> deserializer = in -> orBroken(type, least, most, decoder, in);
    deserializers.registerDeserializer(
        new MessageCodeKey(version, type, Incoming.class), deserializer);
    deserialization.registerMapping(new TypeToClassKey(version, type), Incoming.class);
  }

  /** OpenFlowJava's decoder swallows what a deserializer throws, so nothing may be thrown. */
  private static DataObject orBroken(
      int type, int least, int most, Function<ByteBuf, ? extends DataObject> decoder, ByteBuf in) {
    // The version, the type and the length have been read.
    int length = in.readableBytes() + 4;
    if (length < least || length > most) {
      String limit = least == most ? "not " : length < least ? "less than " : "more than ";
      return new Incoming.Broken(
          String.format(
              "malformed message: %s has %d bytes, %s%d",
              Ofp.message(type), length, limit, length < least ? least : most));
    }
    try {
      return decoder.apply(in);
    } catch (MalformedException e) {
      return new Incoming.Broken("malformed message: " + e.getMessage());
    } catch (IndexOutOfBoundsException e) {
      return new Incoming.Broken(
          "malformed message: a length within " + Ofp.message(type) + " is too large");
    } catch (RuntimeException e) {
      LOG.error("a fault of ours; the connection is given up", e);
      return new Incoming.Failed("a fault of ours: " + e);
    }
  }

  private static Incoming hello(int version, ByteBuf in) {
    in.skipBytes(4);
    OptionalInt bitmap = OptionalInt.empty();
    // Before OpenFlow 1.3 a hello has no elements, and what it has instead means nothing.
    while (version >= Ofp.VERSION_13 && in.isReadable()) {
      MalformedException.checkedLength("ofp_hello_elem_header", 4, 4, in.readableBytes());
      int type = in.readUnsignedShort();
      int least = type == Ofp.OFPHET_VERSIONBITMAP ? 8 : 4;
      int length =
          MalformedException.checkedLength(
              "ofp_hello_elem_header.length",
              in.readUnsignedShort(),
              least,
              in.readableBytes() + 4);
      ByteBuf element = in.readSlice(length - 4);
      // Padded to 8 bytes, except that the last need not be.
      in.skipBytes(Math.min(-length & 7, in.readableBytes()));
      if (type == Ofp.OFPHET_VERSIONBITMAP && bitmap.isEmpty()) {
        bitmap = OptionalInt.of(element.readInt());
      }
    }
    return new Incoming.Hello(version, bitmap);
  }

  private static Incoming echo(ByteBuf in) {
    return new EchoRequest(in.readInt(), rest(in));
  }

  private static Incoming part(ByteBuf in) {
    int xid = in.readInt();
    int type = in.readUnsignedShort();
    boolean more = (in.readUnsignedShort() & Ofp.OFPMPF_REPLY_MORE) != 0;
    in.skipBytes(4);
    return new MultipartPart(xid, type, more, rest(in));
  }

  /** A copy, for OpenFlowJava releases its buffer before the message reaches anybody. */
  private static ByteBuf rest(ByteBuf in) {
    byte[] rest = new byte[in.readableBytes()];
    in.readBytes(rest);
    return Unpooled.wrappedBuffer(rest);
  }

  private static Incoming error(ByteBuf in) {
    int xid = in.readInt();
    int type = in.readUnsignedShort();
    int code = in.readUnsignedShort();
    return new SwitchError(xid, type, code, type == 0xffff ? in.readInt() : 0);
  }

  private static Incoming experimenter(ByteBuf in) {
    int xid = in.readInt();
    int experimenter = in.readInt();
    int subtype = in.readInt();
    return experimenter == Ofp.ONF_EXPERIMENTER_ID && subtype == Ofp.ONF_BUNDLE_CONTROL
        ? new BundleControl(xid, in.readInt(), in.readUnsignedShort())
        : new Experimenter(xid, experimenter, subtype);
  }

  private static Incoming flowRemoved(ByteBuf in) {
    in.skipBytes(4);
    long cookie = in.readLong();
    int priority = in.readUnsignedShort();
    in.skipBytes(1);
    int table = in.readUnsignedByte();
    in.skipBytes(28);
    return new FlowRemoved(cookie, new FlowKey(table, priority, FlowDecoder.match(in)));
  }

  private static Incoming portStatus(ByteBuf in) {
    in.skipBytes(4);
    int reason = in.readUnsignedByte();
    in.skipBytes(7);
    return new PortStatus(reason, PortDescription.decode(in));
  }
}
