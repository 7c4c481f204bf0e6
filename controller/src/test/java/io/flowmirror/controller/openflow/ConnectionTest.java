// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.base.Ticker;
import com.google.common.primitives.Bytes;
import io.flowmirror.controller.openflow.Incoming.PortStatus;
import io.flowmirror.controller.openflow.Incoming.SwitchError;
import io.flowmirror.controller.openflow.Unasked.Kind;
import io.flowmirror.controller.transport.Endpoint;
import io.flowmirror.flows.FlowKey;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.embedded.EmbeddedChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ConnectionTest {
  private static final Ticker ALWAYS_NOW =
      new Ticker() {
        @Override
        public long read() {
          return 0;
        }
      };

  private final List<String> told = new ArrayList<>();
  private final Connection[] connection = new Connection[1];

  private final EmbeddedChannel channel =
      new EmbeddedChannel(
          new ChannelInitializer<Channel>() {
            @Override
            protected void initChannel(Channel channel) {
              OpenFlowOptions options =
                  OpenFlowOptions.of("node", Endpoint.unix(Path.of("/nowhere")));
              Unasked unasked = new Unasked(ALWAYS_NOW);
              connection[0] = new Connection(channel, new Codecs(), options, unasked, new Teller());
            }
          });

  private final class Teller implements Connection.Listener {
    @Override
    public void onPortStatus(PortStatus status) {
      if (status.reason() != Ofp.OFPPR_DELETE) {
        throw new IllegalStateException("port " + status.port().number());
      }
    }

    @Override
    public void onFlowUpdate(FlowUpdate update) {
      told.add((update.gone() ? "gone from " : "put into ") + update.entry().key().table());
    }

    @Override
    public void onMonitorPaused() {
      told.add("paused");
    }

    @Override
    public void onMonitorResumed() {
      told.add("resumed");
    }

    @Override
    public void onFlowRemoved(FlowKey key) {
      told.add("removed from " + key.table());
    }

    @Override
    public boolean onError(SwitchError error) {
      return false;
    }

    @Override
    public void onStrayError(SwitchError error, int count) {
      told.add("error " + error.xid() + ", " + count);
    }

    @Override
    public void onBatchEnd() {
      told.add("end");
    }

    @Override
    public void onWritable() {}

    @Override
    public void onClosed(String reason, boolean misbehaved) {
      told.add((misbehaved ? "misbehaved: " : "closed: ") + reason);
    }
  }

  @AfterEach
  void close() {
    channel.finishAndReleaseAll();
  }

  private void receive(byte[]... messages) {
    channel.writeInbound(Unpooled.wrappedBuffer(messages));
  }

  private static final byte[] HELLO = Frames.message(0, 1);

  @Test
  void tellsTheEndOfATurnAfterAllThatCameWithIt() {
    receive(HELLO, HostilePeer.flowRemoved(), Frames.error(7, 1, 1), Frames.error(8, 1, 1));
    receive(Frames.error(9, 1, 1));
    assertThat(told)
        .containsExactly("removed from 0", "error 7, 1", "error 8, 2", "end", "error 9, 3", "end");
  }

  @Test
  void tellsWhatTheMonitorTells() {
    receive(
        HELLO,
        HostilePeer.flowUpdate(0, Entries.e1(1, 2)),
        HostilePeer.flowUpdate(1, Entries.e2(65, 3, 7, 2)),
        HostilePeer.experimenter(Ofp.ONF_FLOW_MONITOR_PAUSED),
        HostilePeer.experimenter(Ofp.ONF_FLOW_MONITOR_RESUMED));
    assertThat(told).containsExactly("put into 0", "gone from 65", "paused", "resumed", "end");
  }

  @Test
  void aFaultOfOursClosesTheConnectionAndIsNotBlamedOnTheSwitch() {
    byte[] added = Frames.message(Ofp.OFPT_PORT_STATUS, 0, new byte[72]);
    receive(HELLO, added, HostilePeer.flowRemoved());
    assertThat(told)
        .containsExactly("closed: a fault of ours: java.lang.IllegalStateException: port 0");
    assertThat(channel.isOpen()).isFalse();
  }

  static Stream<Arguments> floods() {
    return Stream.of(
        Arguments.of(Kind.PACKET_IN, Frames.message(Ofp.OFPT_PACKET_IN, 0, new byte[26])),
        Arguments.of(Kind.ECHO_REQUEST, Frames.message(Ofp.OFPT_ECHO_REQUEST, 0)),
        Arguments.of(Kind.PORT_STATUS, HostilePeer.portStatus(5)),
        Arguments.of(Kind.FLOW_REMOVED, HostilePeer.flowRemoved()),
        Arguments.of(Kind.FLOW_UPDATE, HostilePeer.flowUpdate()),
        Arguments.of(Kind.ERROR, Frames.error(-1, 1, 1)),
        Arguments.of(Kind.REPLY, Frames.message(Ofp.OFPT_BARRIER_REPLY, -1)),
        Arguments.of(Kind.EXPERIMENTER, Frames.message(Ofp.OFPT_EXPERIMENTER, 0, new byte[8])));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("floods")
  void aFloodIsTakenUpToItsLimit(Kind kind, byte[] message) {
    receive(HELLO);
    byte[] many = Bytes.concat(Collections.nCopies(1_000, message).toArray(byte[][]::new));
    for (int i = 0; i < kind.limit(); i += 1_000) {
      receive(many);
      channel.releaseOutbound();
    }
    assertThat(channel.isOpen()).isTrue();
    receive(message);
    assertThat(told.getLast()).startsWith("misbehaved: the switch floods: more than ");
    assertThat(channel.isOpen()).isFalse();
  }

  @Test
  void nothingIsToldAfterTheEnd() {
    receive(HELLO, Frames.message(99, 1), HostilePeer.flowRemoved());
    connection[0].close("closed again");
    assertThat(told)
        .containsExactly("misbehaved: the switch sent a message of type 99, which no switch sends");
  }

  @Test
  void transactionIdsBeginAnewBeforeTheyWouldBeNegative() {
    assertThat(connection[0].nextXid()).isEqualTo(1);
    assertThat(connection[0].nextXids(Integer.MAX_VALUE - 2)).isEqualTo(2);
    assertThat(connection[0].nextXid()).isEqualTo(Integer.MAX_VALUE);
    assertThat(connection[0].nextXid()).isEqualTo(1);
    connection[0].nextXids(Integer.MAX_VALUE - 10);
    assertThat(connection[0].nextXids(100)).isEqualTo(1);
  }

  @Test
  void anEchoIsAnsweredWithinTheTurn() {
    receive(HELLO, Frames.message(Ofp.OFPT_ECHO_REQUEST, 7, new byte[] {5, 6}));
    ByteBuf reply = channel.readOutbound();
    assertThat(ByteBufUtil.getBytes(reply))
        .isEqualTo(Frames.message(Ofp.OFPT_ECHO_REPLY, 7, new byte[] {5, 6}));
    reply.release();
  }
}
