// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.flowmirror.flows.Action;
import io.flowmirror.flows.Field;
import io.flowmirror.flows.FlowChange;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.Match;
import io.flowmirror.topology.Datapath;
import io.flowmirror.topology.LogicalPort;
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
        public void afterReports(Runnable next) {
          next.run();
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
    answerAReading();
  }

  /** On a slow machine it may have come, and been answered, already. */
  private void answerAReading() {
    await()
        .atMost(Duration.ofSeconds(10))
        .pollInterval(Duration.ofMillis(2))
        .until(
            () -> {
              channel.runScheduledPendingTasks();
              answer();
              return readings() > 0;
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
  void aStormOfFlowUpdatesMakesOneReportAndNoReading() {
    goLive();
    byte[][] storm = new byte[5_000][];
    for (int i = 0; i < storm.length; i++) {
      storm[i] = HostilePeer.flowUpdate(ADDED, Entries.e1(1 + i % 1_000, 9));
    }
    int before = reports.size();
    receive(storm);
    assertThat(reports).as("before the switch has told all").hasSize(before);
    asked.clear();
    answer();
    assertThat(reports).hasSize(before + 1);
    assertThat(reports.getLast().entries()).hasSize(1_000);
    assertThat(readings()).isZero();
  }

  @Test
  void anUpdateOfNoConcernIsNotReported() {
    goLive();
    int before = reports.size();
    receive(HostilePeer.flowUpdate(ADDED, Entries.entry(0, 5, Match.ANY, 0x12)));
    asked.clear();
    answer();
    assertThat(reports).hasSize(before);
    assertThat(asked).isEmpty();
  }

  @Test
  void overAWipeOvnsKeysAreRemembered() {
    goLive();
    FlowEntry e1 = Entries.e1(PORT, 9);
    receive(HostilePeer.flowUpdate(ADDED, e1));
    answer();
    assertThat(Entries.in(reports.getLast())).containsExactly(e1);
    LogicalPort port = datapath().logicalPorts().getFirst();

    receive(gone(INGRESS), gone(DELIVERY), gone(e1));
    answer();
    assertThat(reports.getLast().entries()).isEmpty();
    assertThat(datapath().logicalPorts()).containsExactly(port);
    assertThat(datapath().remembered()).containsExactly(PORT);
    assertThat(datapath().deliveryTable()).hasValue(DELIVERY_TABLE);

    asked.clear();
    receive(put(INGRESS), put(DELIVERY));
    answer();
    assertThat(datapath().logicalPorts()).containsExactly(port);
    assertThat(datapath().remembered()).isEmpty();
    // What is asked of all tables is asked anew, since another OVN may have come.
    answerAReading();
  }

  @Test
  void whenOvnAloneIsGoneNothingIsRemembered() {
    goLive();
    receive(HostilePeer.flowUpdate(ADDED, Entries.e1(PORT, 9)));
    answer();
    receive(gone(INGRESS), gone(DELIVERY));
    answer();
    assertThat(datapath().logicalPorts()).isEmpty();
  }

  /** Between the two, changes may have gone untold. */
  @Test
  void nothingIsConcludedWhileTheMonitorIsPaused() {
    goLive();
    int before = reports.size();
    receive(HostilePeer.experimenter(Ofp.ONF_FLOW_MONITOR_PAUSED), gone(INGRESS), gone(DELIVERY));
    asked.clear();
    answer();
    assertThat(reports).hasSize(before);
    assertThat(asked).isEmpty();
    receive(HostilePeer.experimenter(Ofp.ONF_FLOW_MONITOR_RESUMED));
    answerAReading();
    assertThat(reports).hasSize(before + 1);
    assertThat(datapath().logicalPorts()).hasSize(1);
  }

  @Test
  void aRemovalThatTheMonitorDidNotTellAsksForAReading() {
    goLive();
    FlowEntry e1 = Entries.e1(PORT, 9);
    receive(HostilePeer.flowUpdate(ADDED, e1));
    answer();
    asked.clear();
    receive(removed(e1));
    answerAReading();
    assertThat(reports.getLast().entries()).isEmpty();
    // It is said once more, of an entry that is known to be gone.
    asked.clear();
    receive(removed(e1));
    answer();
    assertThat(asked).isEmpty();
  }

  @Test
  void theSwitchsWordIsEnoughForARound() {
    goLive();
    FlowEntry e1 = Entries.e1(PORT, 9);
    asked.clear();
    datapath[0].apply(7, List.of(new FlowChange.Add(e1)), false);
    answer();
    assertThat(reports.getLast().round()).isEqualTo(7);
    assertThat(Entries.in(reports.getLast())).containsExactly(e1);
    assertThat(readings()).isZero();
    datapath[0].apply(8, List.of(new FlowChange.Delete(e1.key(), e1.cookie() ^ 1)), false);
    answer();
    assertThat(Entries.in(reports.getLast())).as("under another cookie").containsExactly(e1);
    datapath[0].apply(9, List.of(new FlowChange.Delete(e1.key(), e1.cookie())), false);
    answer();
    assertThat(reports.getLast().entries()).isEmpty();
  }

  /** What it has taken before, it need not be asked about again. */
  @Test
  void aProvenRoundIsSentInOneGo() {
    goLive();
    FlowEntry e1 = Entries.e1(PORT, 9);
    asked.clear();
    datapath[0].apply(7, List.of(new FlowChange.Add(e1)), true);
    ByteBuf out;
    while ((out = channel.readOutbound()) != null) {
      asked.add(ByteBufUtil.getBytes(out));
      out.release();
    }
    assertThat(asked).as("open, add, commit, without an answer").hasSize(3);
    asked.forEach(message -> reply(message).forEach(this::receive));
    assertThat(reports.getLast().round()).isEqualTo(7);
    assertThat(Entries.in(reports.getLast())).containsExactly(e1);
  }

  private static final int ADDED = 0;

  private static byte[] put(FlowEntry entry) {
    return HostilePeer.flowUpdate(ADDED, entry);
  }

  private static byte[] gone(FlowEntry entry) {
    return HostilePeer.flowUpdate(Ofp.ONFFME_DELETED, entry);
  }

  private static byte[] removed(FlowEntry entry) {
    ByteBuf body = Unpooled.buffer();
    FlowStats.writeRemoved(entry, body);
    return Frames.message(Ofp.OFPT_FLOW_REMOVED, 0, ByteBufUtil.getBytes(body));
  }

  /** How many tables have been asked for. */
  private long readings() {
    return asked.stream()
        .filter(message -> Frames.type(message) == Ofp.OFPT_MULTIPART_REQUEST)
        .count();
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
