// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.flowmirror.flows.Action;
import io.flowmirror.flows.Field;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.Match;
import io.flowmirror.topology.Datapath;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.embedded.EmbeddedChannel;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A datapath behind a channel without a socket, whose turns are made one by one. */
class LiveDatapathTest {
  private static final int PORT = 5;
  private static final int DELIVERY_TABLE = 65;

  private final FakeSwitch fake = new FakeSwitch();
  private final List<DatapathReport> reports = new ArrayList<>();
  private final List<byte[]> asked = new ArrayList<>();
  private final LiveDatapath[] datapath = new LiveDatapath[1];
  private String lost = "";

  private final LiveDatapath.Owner owner =
      new LiveDatapath.Owner() {
        @Override
        public void onState(OpenFlowSession.State state) {}

        @Override
        public void onReport(DatapathReport report) {
          reports.add(report);
        }

        @Override
        public void onLost(String reason, boolean misbehaved) {
          lost = reason;
        }
      };

  private final EmbeddedChannel channel =
      new EmbeddedChannel(
          new ChannelInitializer<Channel>() {
            @Override
            protected void initChannel(Channel channel) {
              OpenFlowOptions options = OpenFlowOptions.of("node", fake.endpoint());
              datapath[0] = new LiveDatapath(1, options, channel, new Codecs(), owner);
            }
          });

  @AfterEach
  void close() {
    channel.finishAndReleaseAll();
    fake.close();
  }

  /** Answers all that is asked, until nothing is. */
  private void answer() {
    ByteBuf out;
    while ((out = channel.readOutbound()) != null) {
      byte[] message = ByteBufUtil.getBytes(out);
      out.release();
      asked.add(message);
      for (byte[] reply : reply(message)) {
        channel.writeInbound(Unpooled.wrappedBuffer(reply));
      }
    }
  }

  private List<byte[]> reply(byte[] message) {
    boolean flows =
        Frames.type(message) == Ofp.OFPT_MULTIPART_REQUEST
            && Frames.uint16(message, 8) == Ofp.OFPMP_FLOW;
    if (!flows) {
      return fake.standard(message);
    }
    int table = message[16] & 0xff;
    ByteBuf body = Unpooled.buffer();
    if (table == 0) {
      FlowStats.write(INGRESS, body);
    } else if (table == DELIVERY_TABLE || Frames.int32(message, 20) == PORT) {
      FlowStats.write(DELIVERY, body);
    }
    return List.of(
        Frames.part(Frames.xid(message), Ofp.OFPMP_FLOW, false, ByteBufUtil.getBytes(body)));
  }

  private static final FlowEntry INGRESS =
      Entries.entry(
          0,
          100,
          Match.ANY.with(Field.IN_PORT, PORT),
          0x12,
          new Action.Load(Field.METADATA, 0, 64, 3),
          new Action.Load(Field.REG14, 0, 32, 7),
          new Action.Resubmit(8));

  private static final FlowEntry DELIVERY =
      Entries.entry(
          DELIVERY_TABLE,
          100,
          Match.ANY.with(Field.REG15, 7).with(Field.METADATA, 3),
          0x12,
          new Action.Output(PORT));

  /** Goes live with one port that OVN knows. */
  private void goLive() {
    datapath[0].start();
    answer();
    receive(portStatus(0, PORT));
    answerTheNextReading();
    assertThat(datapath().logicalPorts()).hasSize(1);
    assertThat(datapath().ports()).containsOnlyKeys(PORT);
  }

  /** A reading that nobody asked for comes a while after the last one. */
  private void answerTheNextReading() {
    asked.clear();
    await()
        .atMost(Duration.ofSeconds(10))
        .pollInterval(Duration.ofMillis(2))
        .until(
            () -> {
              channel.runScheduledPendingTasks();
              answer();
              return !asked.isEmpty();
            });
  }

  private Datapath datapath() {
    assertThat(lost).isEmpty();
    return reports.getLast().datapath().orElseThrow();
  }

  /** All of it in one turn of the socket. */
  private void receive(byte[]... messages) {
    channel.writeInbound(Unpooled.wrappedBuffer(messages));
  }

  private static byte[] portStatus(int reason, int port) {
    return Frames.message(
        Ofp.OFPT_PORT_STATUS,
        0,
        ByteBuffer.allocate(72).put((byte) reason).putInt(8, port).array());
  }

  @Test
  void aStormOfPortsMakesOneReportATurn() {
    goLive();
    byte[][] storm = new byte[5_000][];
    for (int i = 0; i < storm.length; i++) {
      storm[i] = portStatus(0, 1 + i % 1_000);
    }
    int before = reports.size();
    receive(storm);
    assertThat(reports).hasSize(before + 1);
    assertThat(datapath().ports()).hasSize(1_000);
  }

  @Test
  void aDeletedPortIsToldOfBeforeAnythingIsReadAgain() {
    goLive();
    int before = reports.size();
    receive(portStatus(Ofp.OFPPR_DELETE, PORT));
    assertThat(reports).hasSize(before + 1);
    assertThat(datapath().ports()).isEmpty();
    // Its number may be another interface's next.
    assertThat(datapath().logicalPorts()).isEmpty();
  }

  @Test
  void aPortThatWasDeletedAndMadeAgainInOneTurnIsAnother() {
    goLive();
    receive(portStatus(Ofp.OFPPR_DELETE, PORT), portStatus(0, PORT));
    assertThat(datapath().ports()).containsOnlyKeys(PORT);
    assertThat(datapath().logicalPorts()).isEmpty();
    answerTheNextReading();
    assertThat(datapath().logicalPorts()).hasSize(1);
  }

  @Test
  void aPortDeletedInTheTurnInWhichAReadingEndsIsNotKept() {
    goLive();
    datapath[0].read();
    List<byte[]> turn = new ArrayList<>();
    turn.add(portStatus(Ofp.OFPPR_DELETE, PORT));
    ByteBuf out = channel.readOutbound();
    byte[] request = ByteBufUtil.getBytes(out);
    out.release();
    turn.addAll(reply(request));
    receive(turn.toArray(byte[][]::new));
    answer();
    assertThat(datapath().ports()).isEmpty();
    assertThat(datapath().logicalPorts()).isEmpty();
  }

  @Test
  void aStormOfFlowUpdatesAsksForOneReading() {
    goLive();
    byte[] update =
        ByteBuffer.allocate(12)
            .putInt(Ofp.ONF_EXPERIMENTER_ID)
            .putInt(Ofp.ONF_FLOW_MONITOR)
            .putShort((short) 4)
            .array();
    byte[][] storm = new byte[5_000][];
    for (int i = 0; i < storm.length; i++) {
      storm[i] = Frames.part(0, Ofp.OFPMP_EXPERIMENTER, false, update);
    }
    int before = reports.size();
    receive(storm);
    answerTheNextReading();
    assertThat(asked.stream().filter(message -> message[16] == 0)).hasSize(1);
    assertThat(reports).hasSize(before + 1);
  }

  @Test
  void aReadingThatIsRefusedHalfwayEndsTheConnection() {
    goLive();
    datapath[0].read();
    ByteBuf out = channel.readOutbound();
    int xid = out.getInt(4);
    out.release();
    receive(
        Frames.part(xid, Ofp.OFPMP_FLOW, true),
        Frames.error(xid, 1, 13),
        Frames.part(xid, Ofp.OFPMP_FLOW, false, new byte[1]));
    assertThat(lost)
        .isEqualTo(
            "OFPMP_FLOW of table 0 refused: OFPET_BAD_REQUEST/OFPBRC_MULTIPART_BUFFER_OVERFLOW");
    assertThat(channel.isOpen()).isFalse();
  }
}
