// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.google.common.collect.Iterables;
import com.google.common.util.concurrent.Uninterruptibles;
import io.flowmirror.controller.transport.UnansweredException;
import io.flowmirror.controller.transport.UnansweredException.Why;
import io.flowmirror.flows.EntryFilter;
import io.flowmirror.flows.InstalledEntry;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Dumps from a switch that does what a real one would not do on demand. */
class DumpTest {
  private static final int ENTRIES_IN_A_PART = 400;

  private final FakeSwitch fake = new FakeSwitch();
  private final OpenFlowConnector connector = new OpenFlowConnector(1);
  private final Queue<DatapathReport> reports = new ConcurrentLinkedQueue<>();
  private final Queue<Integer> tablesAsked = new ConcurrentLinkedQueue<>();

  @AfterEach
  void close() {
    connector.close();
    fake.close();
  }

  private OpenFlowSession live() {
    OpenFlowSession session =
        connector.open(OpenFlowOptions.of("node", fake.endpoint()), reports::add);
    await()
        .atMost(Duration.ofSeconds(30))
        .until(() -> session.state() == OpenFlowSession.State.LIVE);
    return session;
  }

  /** Says that there are entries in these tables, and answers what is asked of each. */
  private void tables(FakeSwitch.Answer flows, int... tables) {
    fake.on(
        FakeSwitch.MULTIPART_REQUEST,
        message ->
            switch (Frames.uint16(message, 8)) {
              case Ofp.OFPMP_TABLE -> {
                ByteBuffer body = ByteBuffer.allocate(24 * tables.length);
                for (int table : tables) {
                  body.put((byte) table).put(new byte[3]).putInt(1).putLong(0).putLong(0);
                }
                yield List.of(
                    Frames.part(Frames.xid(message), Ofp.OFPMP_TABLE, false, body.array()));
              }
              case Ofp.OFPMP_FLOW -> {
                int table = message[16] & 0xff;
                boolean own = table == 0 || table == Ofp.OFPTT_ALL;
                if (own) {
                  yield fake.standard(message);
                }
                tablesAsked.add(table);
                yield flows.apply(message);
              }
              default -> fake.standard(message);
            });
  }

  private static byte[] entries(int count) {
    ByteBuf body = Unpooled.buffer();
    for (int i = 1; i <= count; i++) {
      FlowStats.write(Entries.e1(i, 9), body);
    }
    return ByteBufUtil.getBytes(body);
  }

  private static Iterable<byte[]> one(byte[] message) {
    return List.of(Frames.part(Frames.xid(message), Ofp.OFPMP_FLOW, false, entries(1)));
  }

  @Test
  void asksForTheTablesThatHaveEntriesOneByOne() {
    tables(DumpTest::one, 8, 40, 253);
    OpenFlowSession session = live();
    List<InstalledEntry> found = Collections.synchronizedList(new ArrayList<>());
    assertThat(get(session.dump(EntryFilter.ALL, found::addAll))).isEqualTo(3);
    assertThat(found).hasSize(3);
    assertThat(tablesAsked).containsExactly(8, 40, 253);
  }

  @Test
  void aDumpOfNoTableIsOver() {
    OpenFlowSession session = live();
    assertThat(get(session.dump(EntryFilter.ALL, batch -> {}))).isZero();
  }

  /** Whoever does not take what he asked for holds up neither others nor the session. */
  @Test
  void noFurtherTableIsAskedForBeforeTheConsumerHasCaughtUp() {
    int parts = 40;
    byte[] part = entries(ENTRIES_IN_A_PART);
    tables(
        message -> {
          List<byte[]> answer = new ArrayList<>();
          for (int i = 1; i <= parts; i++) {
            answer.add(Frames.part(Frames.xid(message), Ofp.OFPMP_FLOW, i < parts, part));
          }
          return answer;
        },
        8,
        9);
    OpenFlowSession session = live();
    CountDownLatch mayGoOn = new CountDownLatch(1);
    CompletableFuture<Long> slow =
        session.dump(EntryFilter.ALL, batch -> Uninterruptibles.awaitUninterruptibly(mayGoOn));
    long table = (long) parts * ENTRIES_IN_A_PART;
    assertThat(get(session.dump(EntryFilter.ALL.inTable(10), batch -> {}))).isEqualTo(table);
    get(session.audit());
    assertThat(tablesAsked).containsExactlyInAnyOrder(8, 10);
    mayGoOn.countDown();
    assertThat(get(slow)).isEqualTo(2 * table);
    assertThat(tablesAsked).hasSize(3).last().isEqualTo(9);
  }

  /** However slow the consumer is, what waits for him is a table, and what he may be behind. */
  @Test
  void twoHundredThousandEntriesStream() {
    int parts = 125;
    byte[] part = entries(ENTRIES_IN_A_PART);
    tables(
        message -> {
          int[] sent = new int[1];
          return Iterables.transform(
              Collections.nCopies(parts, part),
              body -> Frames.part(Frames.xid(message), Ofp.OFPMP_FLOW, ++sent[0] < parts, body));
        },
        8,
        9,
        10,
        11);
    OpenFlowSession session = live();
    long[] most = new long[1];
    long count =
        get(
            session.dump(
                EntryFilter.ALL, batch -> most[0] = Math.max(most[0], Dump.allWaitingBytes())));
    assertThat(count).isEqualTo(200_000);
    assertThat(most[0]).isLessThanOrEqualTo((1 << 20) + (long) parts * part.length);
  }

  /** What waits for the consumer is bounded, whatever the switch sends. */
  @Test
  void aConsumerThatDoesNotKeepUpIsLeft() {
    AtomicInteger sent = new AtomicInteger();
    byte[] part = entries(ENTRIES_IN_A_PART);
    tables(
        message ->
            Iterables.limit(
                Iterables.transform(
                    Iterables.cycle(0),
                    i -> {
                      boolean last = sent.incrementAndGet() == 2_000;
                      return Frames.part(Frames.xid(message), Ofp.OFPMP_FLOW, !last, part);
                    }),
                2_000),
        8);
    OpenFlowSession session = live();
    CountDownLatch mayGoOn = new CountDownLatch(1);
    CompletableFuture<Long> dump =
        session.dump(EntryFilter.ALL, batch -> Uninterruptibles.awaitUninterruptibly(mayGoOn));
    assertUnanswered(dump, Why.TOO_LARGE, "bytes of entries wait for whoever reads them");
    await().atMost(Duration.ofSeconds(60)).until(() -> sent.get() == 2_000);
    // Nothing is kept for it, though it has not returned yet.
    assertThat(Dump.allWaitingBytes()).isLessThan(1 << 20);
    mayGoOn.countDown();
    get(session.audit());
    assertThat(fake.accepted()).isEqualTo(1);
  }

  @Test
  void whoIsNotInterestedAnyMoreGetsNothing() {
    tables(DumpTest::one, 8, 9, 10);
    OpenFlowSession session = live();
    AtomicInteger batches = new AtomicInteger();
    CountDownLatch first = new CountDownLatch(1);
    CompletableFuture<CompletableFuture<Long>> dump = new CompletableFuture<>();
    dump.complete(
        session.dump(
            EntryFilter.ALL,
            batch -> {
              batches.incrementAndGet();
              dump.join().cancel(false);
              first.countDown();
            }));
    assertThat(first).satisfies(latch -> assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue());
    get(session.dump(EntryFilter.ALL, batch -> {}));
    assertThat(batches).hasValue(1);
  }

  @Test
  void whatIsRefusedIsToldAndTheConnectionStays() {
    tables(message -> List.of(Frames.error(Frames.xid(message), 1, 5)), 8);
    OpenFlowSession session = live();
    assertUnanswered(
        session.dump(EntryFilter.ALL, batch -> {}),
        Why.REFUSED,
        "OFPMP_FLOW on demand refused: OFPET_BAD_REQUEST/OFPBRC_EPERM");
    get(session.audit());
    assertThat(fake.accepted()).isEqualTo(1);
  }

  @Test
  void aMalformedAnswerEndsTheConnection() {
    tables(
        message ->
            List.of(Frames.part(Frames.xid(message), Ofp.OFPMP_FLOW, false, new byte[] {0, 1, 2})),
        8);
    OpenFlowSession session = live();
    CompletableFuture<Long> dump = session.dump(EntryFilter.ALL, batch -> {});
    // The report of it may give way to the next connection's.
    await().atMost(Duration.ofSeconds(30)).until(() -> fake.accepted() > 1 && dump.isDone());
  }

  @Test
  void aConnectionThatIsLostLeavesNobodyWaiting() {
    tables(message -> List.of(FakeSwitch.HANG_UP), 8);
    OpenFlowSession session = live();
    List<CompletableFuture<Long>> dumps = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      dumps.add(session.dump(EntryFilter.ALL, batch -> {}));
    }
    for (CompletableFuture<Long> dump : dumps) {
      assertThatThrownBy(() -> get(dump)).hasCauseInstanceOf(UnansweredException.class);
    }
  }

  @Test
  void noMoreWaitThanAreToldSo() {
    tables(message -> List.of(), 8);
    OpenFlowSession session = live();
    List<CompletableFuture<Long>> dumps = new ArrayList<>();
    for (int i = 0; i < 70; i++) {
      dumps.add(session.dump(EntryFilter.ALL.inTable(8), batch -> {}));
    }
    assertUnanswered(dumps.getLast(), Why.BUSY, "64 dumps of this node wait already");
  }

  private static <T> T get(CompletableFuture<T> answer) {
    return answer.orTimeout(60, TimeUnit.SECONDS).join();
  }

  private static void assertUnanswered(CompletableFuture<?> answer, Why why, String words) {
    assertThatThrownBy(() -> get(answer))
        .cause()
        .isInstanceOfSatisfying(
            UnansweredException.class, failure -> assertThat(failure.why()).isEqualTo(why))
        .hasMessageContaining(words);
  }
}
