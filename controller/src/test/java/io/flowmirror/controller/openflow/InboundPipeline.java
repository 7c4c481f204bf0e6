// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import io.flowmirror.flows.InstalledEntry;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import java.util.ArrayList;
import java.util.List;
import org.opendaylight.openflowjava.protocol.impl.core.OFDecoder;
import org.opendaylight.openflowjava.protocol.impl.core.OFVersionDetector;
import org.opendaylight.yangtools.binding.DataObject;

/** What a connection's pipeline does with bytes until they are messages, without a socket. */
final class InboundPipeline implements AutoCloseable {
  private static final Codecs CODECS = new Codecs();

  private final EmbeddedChannel channel;

  /** A pipeline that has had the switch's hello. */
  InboundPipeline() {
    OFDecoder decoder = new OFDecoder();
    decoder.setDeserializationFactory(CODECS.deserialization());
    channel = new EmbeddedChannel(new StrictFrameDecoder(), new OFVersionDetector(), decoder);
    receive(Frames.message(Ofp.OFPT_HELLO, 1));
  }

  /** The messages that these bytes complete; fails with whatever is thrown on the way. */
  List<DataObject> receive(byte[] bytes) {
    channel.writeInbound(Unpooled.wrappedBuffer(bytes));
    channel.checkException();
    List<DataObject> messages = new ArrayList<>();
    DataObject message;
    while ((message = channel.readInbound()) != null) {
      messages.add(message);
    }
    return messages;
  }

  /** The flow entries of one whole OFPMP_FLOW reply. */
  List<InstalledEntry> flows(byte[] message) {
    List<InstalledEntry> entries = new ArrayList<>();
    for (DataObject received : receive(message)) {
      FlowDecoder.decode(((Incoming.MultipartPart) received).body(), entries::add);
    }
    return entries;
  }

  @Override
  public void close() {
    channel.finishAndReleaseAll();
  }
}
