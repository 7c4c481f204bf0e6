// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufInputStream;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.netty.handler.timeout.IdleState;
import io.netty.handler.timeout.IdleStateEvent;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A connection to one node's ovsdb-server, which answers as RFC 7047 has it as far as Flowmirror
 * asks: the rows of br-int, and a lock that is free. On one event loop.
 */
final class SwarmDatabase extends ChannelInboundHandlerAdapter {
  private static final JsonMapper JSON = new JsonMapper();

  private final Swarm swarm;
  private @Nullable SwarmNode node;
  private volatile @Nullable Channel channel;
  private boolean asked;

  SwarmDatabase(Swarm swarm) {
    this.swarm = swarm;
  }

  /** Cuts a stream into the objects that requests are. */
  static final class Framing extends ByteToMessageDecoder {
    private int scanned;
    private int depth;
    private boolean inText;
    private boolean escaped;

    @Override
    protected void decode(ChannelHandlerContext ctx, ByteBuf in, List<Object> out) {
      while (scanned < in.readableBytes()) {
        byte next = in.getByte(in.readerIndex() + scanned++);
        if (inText) {
          inText = escaped || next != '"';
          escaped = !escaped && next == '\\';
        } else if (next == '"') {
          inText = true;
        } else if (next == '{') {
          depth++;
        } else if (next == '}' && --depth == 0) {
          out.add(in.readRetainedSlice(scanned));
          scanned = 0;
          return;
        }
      }
    }
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
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) throws IOException {
    asked = false;
    JsonNode request;
    try (InputStream in = new ByteBufInputStream((ByteBuf) message, true)) {
      request = JSON.readTree(in);
    }
    String id = request.path("id").toString();
    switch (request.path("method").asText()) {
      case "lock", "steal" -> answer(ctx, id, "{\"locked\":true}");
      case "echo" -> answer(ctx, id, request.path("params").toString());
      case "monitor" -> {
        SwarmNode mine = node;
        if (mine != null) {
          answer(ctx, id, rows(mine));
          mine.followed(this);
        }
      }
      case "unlock" -> answer(ctx, id, "{}");
      // An answer to our own echo.
      case "" -> {}
      default -> throw new IOException("the request is not expected: " + request);
    }
  }

  private static void answer(ChannelHandlerContext ctx, String id, String result) {
    String answer = "{\"id\":" + id + ",\"result\":" + result + ",\"error\":null}";
    ctx.write(Unpooled.wrappedBuffer(answer.getBytes(UTF_8)));
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext ctx) {
    ctx.flush();
  }

  /** The rows that a monitor of all of br-int tells first. */
  private String rows(SwarmNode mine) {
    SwarmShape shape = swarm.shape();
    StringBuilder ports = new StringBuilder();
    StringBuilder interfaces = new StringBuilder();
    StringBuilder references = new StringBuilder();
    for (int ofport = 0; ofport <= shape.ports(); ofport++) {
      String name = ofport == 0 ? "br-int" : shape.portName(ofport);
      String comma = ofport == 0 ? "" : ",";
      references.append(comma).append(reference('a', ofport));
      ports.append(comma).append(key('a', ofport)).append("{\"new\":{\"name\":\"").append(name);
      ports.append("\",\"interfaces\":").append(reference('b', ofport));
      ports.append(",\"external_ids\":[\"map\",[]]}}");
      int pod = ofport - SwarmShape.FIRST_POD;
      String type = ofport < SwarmShape.FIRST_POD ? "internal" : pod < shape.pods() ? "" : "geneve";
      interfaces.append(comma).append(key('b', ofport)).append("{\"new\":{\"name\":\"");
      interfaces.append(name).append("\",\"type\":\"").append(type).append("\",\"ofport\":");
      interfaces.append(ofport == 0 ? 65534 : ofport).append(",\"error\":[\"set\",[]],");
      interfaces.append("\"external_ids\":[\"map\",[");
      if (type.isEmpty()) {
        ids(interfaces, mine.index, pod, swarm.plan().pod(mine.index, pod));
      }
      interfaces.append("]]}}");
    }
    return "{\"Open_vSwitch\":{"
        + key('c', 0)
        + "{\"new\":{\"other_config\":[\"map\",[]]}}},\"Bridge\":{"
        + key('d', 0)
        + "{\"new\":{\"name\":\"br-int\",\"datapath_id\":\""
        + String.format("%016x", swarm.dpid(mine))
        + "\",\"mirrors\":[\"set\",[]],\"ports\":[\"set\",["
        + references
        + "]]}}},\"Port\":{"
        + ports
        + "},\"Interface\":{"
        + interfaces
        + "}}";
  }

  /** As Kube-OVN writes them (pkg/daemon/ovs.go, configureContainerNic). */
  private static void ids(StringBuilder out, int node, int pod, String name) {
    pair(out, "iface-id", name + ".default").append(',');
    pair(out, "ip", "10." + (16 + node / 250) + "." + node % 250 + "." + pod).append(',');
    pair(out, "pod_name", name).append(',');
    pair(out, "pod_namespace", "default").append(',');
    pair(out, "pod_netns", "/var/run/netns/cni-00000000-" + node + "-" + pod).append(',');
    pair(out, "vendor", "kube-ovn");
  }

  private static StringBuilder pair(StringBuilder out, String key, String value) {
    return out.append("[\"").append(key).append("\",\"").append(value).append("\"]");
  }

  private static String reference(char table, int row) {
    return "[\"uuid\",\"" + uuid(table, row) + "\"]";
  }

  private static String key(char table, int row) {
    return "\"" + uuid(table, row) + "\":";
  }

  private static String uuid(char table, int row) {
    return String.format("%c0000000-0000-4000-8000-%012x", table, row);
  }

  /** ovsdb-server's probe. */
  @Override
  public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
    if (event instanceof IdleStateEvent idle && idle.state() == IdleState.READER_IDLE) {
      if (asked) {
        swarm.counts().probesMissed.increment();
        ctx.close();
      } else {
        asked = true;
        ctx.writeAndFlush(
            Unpooled.wrappedBuffer(
                "{\"id\":\"echo\",\"method\":\"echo\",\"params\":[]}".getBytes(UTF_8)));
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
