// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.common.util.concurrent.Uninterruptibles;
import io.flowmirror.controller.transport.BarrenLoop;
import io.flowmirror.controller.transport.Endpoint;
import io.flowmirror.flows.FlowChange;
import io.flowmirror.flows.FlowEntry;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * A session against a switch that does what no real one does on demand; {@link HostileSwitchTest}
 * has the switches that misbehave.
 */
class OpenFlowSessionTest {
  private static final Duration SHORT = Duration.ofMillis(300);

  private final FakeSwitch fake = new FakeSwitch();
  private final OpenFlowConnector connector = new OpenFlowConnector(1);
  private final List<DatapathReport> reports = new CopyOnWriteArrayList<>();
  private final List<OpenFlowSession> sessions = new ArrayList<>();

  @AfterEach
  void close() {
    sessions.forEach(OpenFlowSession::close);
    connector.close();
    fake.close();
  }

  private OpenFlowSession open() {
    return open(OpenFlowOptions.of("node", fake.endpoint()).withRequestTimeout(SHORT));
  }

  private OpenFlowSession open(OpenFlowOptions options) {
    OpenFlowSession session = connector.open(options, reports::add);
    sessions.add(session);
    return session;
  }

  private DatapathReport report(Predicate<DatapathReport> wanted) {
    await()
        .atMost(Duration.ofSeconds(20))
        .pollInterval(Duration.ofMillis(2))
        .until(() -> reports.stream().anyMatch(wanted));
    return reports.stream().filter(wanted).findFirst().orElseThrow();
  }

  private DatapathReport lost() {
    return report(report -> report.datapath().isEmpty());
  }

  private long connected() {
    return report(r -> r.datapath().isPresent()).datapath().orElseThrow().connection();
  }

  /** Netty tells of that on a thread that is nobody's. */
  @Test
  void aChannelThatCannotBeMadeIsDealtWithOnTheLoop() {
    try (EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory())) {
      EventLoop loop = group.next();
      Set<Boolean> onTheLoop = ConcurrentHashMap.newKeySet();
      OpenFlowSession session =
          new OpenFlowSession(
              OpenFlowOptions.of("node", fake.endpoint()),
              BarrenLoop.over(loop),
              new Codecs(),
              report -> {
                onTheLoop.add(loop.inEventLoop());
                reports.add(report);
              },
              Runnable::run);
      session.start();
      report(report -> report.reason().equals("cannot connect: Too many open files"));
      assertThat(onTheLoop).containsExactly(true);
      session.close();
    }
  }

  @Test
  void connectsToASwitchWithoutEntries() {
    open();
    DatapathReport report = report(r -> r.datapath().isPresent());
    assertThat(report.datapath().orElseThrow().dpidText()).isEqualTo("0000000000001234");
    assertThat(report.reason()).isEmpty();
    assertThat(report.entries()).isEmpty();
  }

  @Test
  void saysThatThereIsNoSocket() {
    open(OpenFlowOptions.of("node", Endpoint.unix(Path.of("/nowhere/br-int.mgmt"))));
    assertThat(lost().reason()).startsWith("cannot connect: ");
  }

  @Test
  void refusesAnOldOpenVSwitch() {
    fake.version("2.13.8");
    open();
    assertThat(lost().reason())
        .isEqualTo("Open vSwitch 2.13.8 is older than 2.17, the oldest that is supported");
    assertThat(reports).allMatch(report -> report.datapath().isEmpty());
  }

  @Test
  void asksForAnEchoAndGivesUpWithoutAnAnswer() {
    fake.on(FakeSwitch.ECHO_REQUEST, m -> List.of());
    open(
        OpenFlowOptions.of("node", fake.endpoint())
            .withRequestTimeout(SHORT)
            .withEchoAfter(Duration.ofMillis(100)));
    connected();
    assertThat(lost().reason()).isEqualTo("no reply to OFPT_ECHO_REQUEST within 300 ms");
  }

  @Test
  void readsAgainAndAgainWithoutAFlowMonitor() {
    fake.on(
        FakeSwitch.MULTIPART_REQUEST,
        m ->
            Frames.uint16(m, 8) == Ofp.OFPMP_EXPERIMENTER
                ? List.of(Frames.error(Frames.xid(m), 1, 3))
                : fake.standard(m));
    open();
    connected();
    await().atMost(Duration.ofSeconds(10)).until(() -> reports.size() >= 3);
    assertThat(reports).allMatch(report -> report.datapath().isPresent());
  }

  @Test
  void refusesAllWhereThereAreNoBundles() {
    fake.on(FakeSwitch.EXPERIMENTER, m -> List.of(Frames.error(Frames.xid(m), 1, 3)));
    OpenFlowSession session = open();
    FlowEntry entry = Entries.e0(9);
    session.apply(connected(), 1, List.of(new FlowChange.Add(entry)), false);
    assertThat(report(report -> report.round() == 1).refused())
        .containsEntry(
            entry.key(), "OFPBCT_OPEN_REQUEST refused: OFPET_BAD_REQUEST/OFPBRC_BAD_EXPERIMENTER");
  }

  @Test
  void stopsSendingWhatIsRefusedAllTheSame() {
    fake.on(
        FakeSwitch.EXPERIMENTER,
        m ->
            Frames.int32(m, 12) == Ofp.ONF_BUNDLE_ADD_MESSAGE
                ? List.of(Frames.error(Frames.xid(m), 5, 1))
                : fake.standard(m));
    OpenFlowSession session = open(OpenFlowOptions.of("node", fake.endpoint()));
    List<FlowChange> changes = new ArrayList<>();
    for (int port = 1; port <= 20_000; port++) {
      changes.add(new FlowChange.Add(Entries.e1(port, 9)));
    }
    session.apply(connected(), 1, changes, false);
    DatapathReport report = report(r -> r.round() == 1);
    assertThat(report.refused()).hasSizeBetween(1_000, 4_000);
    assertThat(report.refused().values()).containsOnly("OFPET_FLOW_MOD_FAILED/OFPFMFC_TABLE_FULL");
    // The rest was not committed but discarded.
    assertThat(bundleControls()).containsExactly(0, 6);
  }

  private List<Integer> bundleControls() {
    return fake.received().stream()
        .filter(m -> Frames.type(m) == FakeSwitch.EXPERIMENTER)
        .filter(m -> Frames.int32(m, 12) == Ofp.ONF_BUNDLE_CONTROL)
        .map(m -> Frames.uint16(m, 20))
        .toList();
  }

  @Test
  void dropsARoundForAnotherConnection() {
    OpenFlowSession session = open();
    long connection = connected();
    session.apply(connection - 1, 1, List.of(new FlowChange.Add(Entries.e0(9))), false);
    session.apply(connection, 2, List.of(), false);
    report(r -> r.round() == 2);
    assertThat(reports).noneMatch(report -> report.round() == 1);
    assertThat(bundleControls()).isEmpty();
  }

  @Test
  void answersEchoesWhileAVeryLargeTableArrivesAndTheConsumerDoesNotReturn() {
    int entries = 100_000;
    List<byte[]> dump = dump(entries);
    List<Long> asked = new CopyOnWriteArrayList<>();
    List<Long> answered = new CopyOnWriteArrayList<>();
    fake.on(
        FakeSwitch.MULTIPART_REQUEST,
        m -> {
          if (Frames.uint16(m, 8) != Ofp.OFPMP_FLOW || m[16] != 0) {
            return fake.standard(m);
          }
          // Beside the thread that reads what is answered.
          Thread.ofVirtual().start(() -> send(dump, Frames.xid(m), asked));
          return List.of();
        });
    fake.on(
        FakeSwitch.ECHO_REPLY,
        m -> {
          answered.add(System.nanoTime());
          return List.of();
        });
    CountDownLatch returns = new CountDownLatch(1);
    sessions.add(
        connector.open(
            OpenFlowOptions.of("node", fake.endpoint()),
            report -> {
              reports.add(report);
              Uninterruptibles.awaitUninterruptibly(returns);
            }));
    await().atMost(Duration.ofSeconds(30)).until(() -> reports.size() == 1);
    assertThat(reports.get(0).entries()).hasSize(entries);
    echo(asked);
    await().atMost(Duration.ofSeconds(5)).until(() -> answered.size() == asked.size());
    returns.countDown();
    assertThat(asked).hasSizeGreaterThan(3);
    long worst = 0;
    for (int i = 0; i < asked.size(); i++) {
      worst = Math.max(worst, answered.get(i) - asked.get(i));
    }
    // Most of it is the socket's buffer, which has to be read first; the limit is a busy machine's.
    assertThat(worst).isLessThan(Duration.ofMillis(500).toNanos());
  }

  private static List<byte[]> dump(int entries) {
    List<byte[]> dump = new ArrayList<>();
    ByteBuf body = Unpooled.buffer();
    for (int i = 0; i < entries; i++) {
      FlowStats.write(Entries.e2(0, 1 + i / 30_000, 1 + i % 30_000, 9), body);
      if (body.readableBytes() > 60_000 || i == entries - 1) {
        dump.add(ByteBufUtil.getBytes(body));
        body.clear();
      }
    }
    return dump;
  }

  private void send(List<byte[]> dump, int xid, List<Long> asked) {
    for (int i = 0; i < dump.size(); i++) {
      fake.send(Frames.part(xid, Ofp.OFPMP_FLOW, i < dump.size() - 1, dump.get(i)));
      if (i % 64 == 63) {
        echo(asked);
      }
    }
  }

  private void echo(List<Long> asked) {
    asked.add(System.nanoTime());
    fake.send(Frames.message(FakeSwitch.ECHO_REQUEST, asked.size(), (byte) 5, (byte) 6));
  }

  @Test
  void sendsBackWhatAnEchoCarries() {
    open();
    connected();
    byte[] data = {5, 6, 7};
    fake.send(Frames.message(FakeSwitch.ECHO_REQUEST, 77, data));
    byte[] reply = Frames.message(FakeSwitch.ECHO_REPLY, 77, data);
    await()
        .atMost(Duration.ofSeconds(5))
        .until(() -> fake.received().stream().anyMatch(m -> Arrays.equals(m, reply)));
  }
}
