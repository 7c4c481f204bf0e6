// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.timeout.IdleState;
import io.netty.handler.timeout.IdleStateEvent;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A service connection of one node's br-int, which answers as Open vSwitch 3.1 does as far as
 * Flowmirror asks. Its messages come whole; on one event loop.
 */
final class SwarmSwitch extends ChannelInboundHandlerAdapter {
  static final int ALL_TABLES = 0xff;

  /** How long OVN's entries are away in a wipe. */
  private static final int HOLE_MILLIS = 40;

  private static final int PART_BYTES = 32_000;
  private static final int ONF = 0x4f4e4600;
  private static final int FLOW_MONITOR = 1870;
  private static final int ADDED = 0;
  private static final int DELETED = 1;

  private final Swarm swarm;
  private final Set<Integer> monitored = new HashSet<>();
  private final List<byte[]> bundle = new ArrayList<>();
  private @Nullable SwarmNode node;
  private volatile @Nullable Channel channel;
  private boolean asked;

  SwarmSwitch(Swarm swarm) {
    this.swarm = swarm;
  }

  void close() {
    Channel live = channel;
    if (live != null) {
      live.close();
    }
  }

  @Override
  public void channelActive(ChannelHandlerContext ctx) {
    channel = ctx.channel();
    swarm.counts().opened.increment();
    SwarmNode mine = swarm.node(ctx.channel());
    node = mine;
    mine.connected(this);
    send(ctx, message(0, 0).writeShort(1).writeShort(8).writeInt(1 << 4));
    ctx.flush();
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    asked = false;
    ByteBuf in = (ByteBuf) message;
    try {
      answer(ctx, in, in.getUnsignedByte(1), in.getInt(4));
    } finally {
      in.release();
    }
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext ctx) {
    ctx.flush();
  }

  private void answer(ChannelHandlerContext ctx, ByteBuf in, int type, int xid) {
    switch (type) {
      case 2 -> send(ctx, message(3, xid).writeBytes(in, 8, in.readableBytes() - 8));
      case 4 -> experimenter(ctx, in, xid);
      case 5 ->
          send(
              ctx,
              message(6, xid)
                  .writeLong(swarm.dpid(mine()))
                  .writeInt(0)
                  .writeByte(254)
                  .writeZero(3)
                  .writeInt(0x4f)
                  .writeInt(0));
      // A service connection begins with a miss_send_len of 0 (ofproto/connmgr.c).
      case 7 -> send(ctx, message(8, xid).writeShort(0).writeShort(0));
      case 18 -> multipart(ctx, in, xid);
      case 20 -> send(ctx, message(21, xid));
      case 24 -> send(ctx, message(25, xid).writeBytes(in, 8, 16));
      // Hello, echo reply, SET_CONFIG, PORT_MOD, SET_ASYNC: no answer.
      case 0, 3, 9, 16, 28 -> {}
      default -> throw new IllegalStateException("a message of type " + type + " is not expected");
    }
  }

  private SwarmNode mine() {
    SwarmNode mine = node;
    if (mine == null) {
      throw new IllegalStateException("not connected");
    }
    return mine;
  }

  private void experimenter(ChannelHandlerContext ctx, ByteBuf in, int xid) {
    if (in.getInt(12) == 2301) {
      byte[] flowMod = new byte[in.getUnsignedShort(24 + 2)];
      in.getBytes(24, flowMod);
      bundle.add(flowMod);
      return;
    }
    int control = in.getUnsignedShort(20);
    if (control == 4) {
      mine().commit(bundle);
      // ONFFMF_OWN is not asked for, so that one abbreviated update stands for the whole.
      send(
          ctx,
          message(19, 0)
              .writeShort(0xffff)
              .writeShort(0)
              .writeInt(0)
              .writeInt(ONF)
              .writeInt(FLOW_MONITOR)
              .writeShort(8)
              .writeShort(3)
              .writeInt(xid));
    }
    bundle.clear();
    ByteBuf reply = message(4, xid).writeInt(ONF).writeInt(2300).writeInt(in.getInt(16));
    send(ctx, reply.writeShort(control + 1).writeShort(in.getUnsignedShort(22)));
  }

  private void multipart(ChannelHandlerContext ctx, ByteBuf in, int xid) {
    int type = in.getUnsignedShort(8);
    switch (type) {
      case 0 -> {
        ByteBuf reply = part(xid, 0, false);
        text(reply, "Nicira, Inc.", 256);
        text(reply, "Open vSwitch", 256);
        text(reply, "3.1.0", 256);
        text(reply, "None", 32);
        text(reply, "None", 256);
        send(ctx, reply);
      }
      case 1 -> flowStats(ctx, in, xid);
      case 13 -> ports(ctx, xid);
      default -> {
        monitored.add((int) in.getUnsignedByte(16 + 8 + 12));
        send(ctx, part(xid, type, false).writeInt(ONF).writeInt(FLOW_MONITOR));
      }
    }
  }

  private void flowStats(ChannelHandlerContext ctx, ByteBuf in, int xid) {
    int table = in.getUnsignedByte(16);
    int outPort = in.getInt(20);
    boolean byCookie = in.getLong(40) != 0;
    boolean byMatch = in.getUnsignedShort(50) > 4;
    List<byte[]> found =
        byMatch
            ? List.of()
            : outPort != -1 ? mine().delivery(outPort) : mine().entries(table, byCookie);
    ByteBuf reply = part(xid, 1, false);
    for (byte[] stats : found) {
      if (reply.readableBytes() + stats.length > PART_BYTES) {
        send(ctx, reply.setShort(10, 1));
        reply = part(xid, 1, false);
      }
      reply.writeBytes(stats);
    }
    send(ctx, reply);
    if (table == SwarmShape.DELIVERY_TABLE) {
      mine().read(this);
    }
  }

  private void ports(ChannelHandlerContext ctx, int xid) {
    ByteBuf reply = part(xid, 13, false);
    for (int port = 0; port <= swarm.shape().ports(); port++) {
      if (reply.readableBytes() + 64 > PART_BYTES) {
        send(ctx, reply.setShort(10, 1));
        reply = part(xid, 13, false);
      }
      boolean local = port == 0;
      reply.writeInt(local ? 0xfffffffe : port).writeInt(0);
      reply.writeShort(0x0a00).writeInt(port).writeShort(0);
      text(reply, local ? "br-int" : swarm.shape().portName(port), 16);
      // Port and link are up.
      reply.writeInt(0).writeInt(0).writeZero(24);
    }
    send(ctx, reply);
  }

  /**
   * Deletes all, as ovn-controller does when it connects, and puts its own back after a while; or
   * says that nobody is connected who would be told.
   */
  boolean wipe() {
    Channel live = channel;
    if (live == null) {
      return false;
    }
    live.eventLoop().execute(() -> wipe(live));
    return true;
  }

  private void wipe(Channel live) {
    List<byte[]> ours = mine().takeAll();
    swarm.wiped(mine());
    List<byte[]> all = new ArrayList<>(swarm.shape().ingress());
    all.addAll(swarm.shape().delivery());
    all.addAll(ours);
    updates(live, DELETED, all);
    ours.forEach(stats -> live.write(removed(stats)));
    live.flush();
    live.eventLoop()
        .schedule(
            () -> {
              mine().ovnIsBack();
              updates(live, ADDED, swarm.shape().ingress());
              updates(live, ADDED, swarm.shape().delivery());
              live.flush();
            },
            HOLE_MILLIS,
            TimeUnit.MILLISECONDS);
  }

  /** {@code struct nx_flow_update_full} of each, as many in a message as there is room for. */
  private void updates(Channel live, int event, List<byte[]> entries) {
    ByteBuf out = monitorPart();
    for (byte[] stats : entries) {
      if (!monitored.contains((int) stats[2])) {
        continue;
      }
      if (out.readableBytes() + stats.length > PART_BYTES) {
        send(live, out);
        out = monitorPart();
      }
      ByteBuf from = Unpooled.wrappedBuffer(stats);
      out.writeShort(stats.length - 24).writeShort(event).writeShort(event == DELETED ? 2 : 0);
      out.writeShort(from.getShort(12)).writeShort(0).writeShort(from.getShort(16));
      out.writeShort(from.getShort(50)).writeByte(stats[2]).writeByte(0);
      out.writeLong(from.getLong(24)).writeBytes(stats, 48, stats.length - 48);
    }
    send(live, out);
  }

  private static ByteBuf monitorPart() {
    return part(0, 0xffff, false).writeInt(ONF).writeInt(FLOW_MONITOR);
  }

  /** OFPT_FLOW_REMOVED (section 7.4.2), reason OFPRR_DELETE. */
  private static ByteBuf removed(byte[] stats) {
    ByteBuf from = Unpooled.wrappedBuffer(stats);
    ByteBuf out = message(11, 0);
    out.writeLong(from.getLong(24)).writeShort(from.getShort(12)).writeByte(2).writeByte(stats[2]);
    out.writeZero(28).writeBytes(stats, 48, (from.getUnsignedShort(50) + 7) / 8 * 8);
    return out.setShort(2, out.readableBytes());
  }

  private static void send(ChannelHandlerContext ctx, ByteBuf message) {
    ctx.write(message.setShort(2, message.readableBytes()));
  }

  private static void send(Channel live, ByteBuf message) {
    live.write(message.setShort(2, message.readableBytes()));
  }

  private static ByteBuf message(int type, int xid) {
    // 8: the length of a message that nothing is added to.
    return Unpooled.buffer(64).writeByte(4).writeByte(type).writeShort(8).writeInt(xid);
  }

  private static ByteBuf part(int xid, int type, boolean more) {
    return message(19, xid).writeShort(type).writeShort(more ? 1 : 0).writeInt(0);
  }

  private static void text(ByteBuf out, String text, int width) {
    byte[] bytes = text.getBytes(UTF_8);
    out.writeBytes(bytes).writeZero(width - bytes.length);
  }

  /** Open vSwitch's probe: an echo request after 5 s of silence, and the end after 5 s more. */
  @Override
  public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
    if (event instanceof IdleStateEvent idle && idle.state() == IdleState.READER_IDLE) {
      if (asked) {
        swarm.counts().probesMissed.increment();
        ctx.close();
      } else {
        asked = true;
        ctx.writeAndFlush(message(2, 0));
      }
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    swarm.counts().closed.increment();
    channel = null;
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    swarm.failed(cause);
    ctx.close();
  }
}
