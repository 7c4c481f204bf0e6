// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** A connection to a switch that hands out what comes as it is on the wire. */
final class SwitchClient implements AutoCloseable {
  private final SocketChannel channel;
  private final Frames.Reader reader;
  private int lastXid;

  private SwitchClient(SocketChannel channel) {
    this.channel = channel;
    this.reader = new Frames.Reader(channel);
  }

  static SwitchClient connect(Path socket) {
    try {
      SwitchClient client =
          new SwitchClient(SocketChannel.open(UnixDomainSocketAddress.of(socket)));
      client.send(Frames.message(Ofp.OFPT_HELLO, 0));
      return client;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The reply to OFPMP_FLOW of every table: whole messages, with their headers. */
  void flows(Consumer<byte[]> messages) {
    int xid = ++lastXid;
    send(Outgoing.flowStats(xid, Ofp.OFPTT_ALL, Ofp.OFPP_ANY, 0, 0, Outgoing::anyMatch));
    byte[] message;
    do {
      message = receive(Ofp.OFPT_MULTIPART_REPLY, xid);
      messages.accept(message);
    } while ((Frames.uint16(message, 10) & Ofp.OFPMPF_REPLY_MORE) != 0);
  }

  /** As {@link #flows(Consumer)}, all at once. */
  List<byte[]> flows() {
    List<byte[]> messages = new ArrayList<>();
    flows(messages::add);
    return messages;
  }

  /** Sends whole FLOW_MOD messages with xid 0, all in one bundle; fails if one is refused. */
  void flowMods(List<byte[]> messages) {
    int xid = ++lastXid;
    send(Outgoing.bundleControl(xid, xid, Ofp.OFPBCT_OPEN_REQUEST));
    receive(Ofp.OFPT_EXPERIMENTER, xid);
    for (byte[] message : messages) {
      send(
          new Outgoing(
              0,
              Ofp.OFPT_EXPERIMENTER,
              out ->
                  out.writeInt(Ofp.ONF_EXPERIMENTER_ID)
                      .writeInt(Ofp.ONF_BUNDLE_ADD_MESSAGE)
                      .writeInt(xid)
                      .writeInt(Ofp.OFPBF_ATOMIC_ORDERED)
                      .writeBytes(message)));
    }
    send(Outgoing.bundleControl(xid, xid, Ofp.OFPBCT_COMMIT_REQUEST));
    receive(Ofp.OFPT_EXPERIMENTER, xid);
  }

  private void send(Outgoing message) {
    ByteBuf out = Unpooled.buffer();
    new Outgoing.Serializer().serialize(message, out);
    send(ByteBufUtil.getBytes(out));
  }

  private void send(byte[] message) {
    try {
      Frames.write(channel, message);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private byte[] receive(int type, int xid) {
    try {
      while (true) {
        byte[] message = reader.read();
        if (message == null) {
          throw new AssertionError("the switch closed the connection");
        }
        if (Frames.type(message) == Ofp.OFPT_ERROR) {
          throw new AssertionError("refused: " + ByteBufUtil.hexDump(message));
        }
        if (Frames.type(message) == type && Frames.xid(message) == xid) {
          return message;
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
