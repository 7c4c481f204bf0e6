// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.common.util.concurrent.Uninterruptibles;
import io.netty.channel.DefaultEventLoop;
import io.netty.channel.EventLoop;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class TurnstileTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Duration FOR_EVER = Duration.ofHours(1);
  private static final Duration SOON = Duration.ofMillis(20);

  private final EventLoop loop = new DefaultEventLoop();
  private final List<Integer> begun = new CopyOnWriteArrayList<>();

  @AfterEach
  void end() {
    loop.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
  }

  private static Turnstile turnstile(int places, int doubted) {
    return new Turnstile(
        places, doubted, new Turnstile.Waits(FOR_EVER, FOR_EVER, FOR_EVER, FOR_EVER));
  }

  private Turnstile.Peer enter(Turnstile turnstile, int number) {
    return enter(turnstile.peer(loop), number);
  }

  private Turnstile.Peer enter(Turnstile.Peer peer, int number) {
    peer.enter(() -> begun.add(number));
    return peer;
  }

  /** One whose first attempt has had no answer. */
  private Turnstile.Peer doubted(Turnstile turnstile) {
    Turnstile.Peer peer = turnstile.peer(loop);
    CountDownLatch tried = new CountDownLatch(1);
    peer.enter(tried::countDown);
    Uninterruptibles.awaitUninterruptibly(tried);
    peer.leave();
    return peer;
  }

  private void awaitBegun(Integer... numbers) {
    await().atMost(PATIENCE).untilAsserted(() -> assertThat(begun).containsExactly(numbers));
    // All that has been let in by now has been run when this has.
    loop.submit(() -> {}).syncUninterruptibly();
    assertThat(begun).containsExactly(numbers);
  }

  @Test
  void soManyBeginAndTheOthersInTheirOrder() {
    Turnstile turnstile = turnstile(2, 1);
    Turnstile.Peer first = enter(turnstile, 1);
    Turnstile.Peer second = enter(turnstile, 2);
    enter(turnstile, 3);
    enter(turnstile, 4);
    awaitBegun(1, 2);

    second.leave();
    awaitBegun(1, 2, 3);
    first.leave();
    awaitBegun(1, 2, 3, 4);
  }

  @Test
  void eachThatAnswersMakesRoomForOneMoreUpToABound() {
    Turnstile.Waits waits = new Turnstile.Waits(FOR_EVER, FOR_EVER, FOR_EVER, FOR_EVER);
    Turnstile turnstile = new Turnstile(1, 3, 1, waits);
    Turnstile.Peer first = enter(turnstile, 1);
    Turnstile.Peer second = enter(turnstile, 2);
    Turnstile.Peer third = enter(turnstile, 3);
    enter(turnstile, 4);
    enter(turnstile, 5);
    awaitBegun(1);

    first.answered();
    first.answered();
    awaitBegun(1, 2);
    second.answered();
    awaitBegun(1, 2, 3);
    third.answered();
    awaitBegun(1, 2, 3);
    third.leave();
    awaitBegun(1, 2, 3, 4);
  }

  @Test
  void aPlaceIsGivenUpOnce() {
    Turnstile turnstile = turnstile(1, 1);
    Turnstile.Peer first = enter(turnstile, 1);
    enter(turnstile, 2);
    enter(turnstile, 3);
    first.leave();
    first.leave();

    awaitBegun(1, 2);
  }

  @Test
  void whoLeavesBeforeItsTurnIsPassedOver() {
    Turnstile turnstile = turnstile(1, 1);
    Turnstile.Peer first = enter(turnstile, 1);
    Turnstile.Peer second = enter(turnstile, 2);
    enter(turnstile, 3);
    second.leave();
    awaitBegun(1);

    first.leave();
    awaitBegun(1, 3);
  }

  @Test
  void whoComesAgainGivesUpThePlaceItHad() {
    Turnstile turnstile = turnstile(1, 1);
    Turnstile.Peer first = enter(turnstile, 1);
    enter(turnstile, 2);
    first.answered();
    awaitBegun(1);

    enter(first, 3);
    awaitBegun(1, 2);
  }

  @Test
  void whoCannotBeReachedKeepsNobodyWaitingForEver() {
    Turnstile turnstile = new Turnstile(1, 1, new Turnstile.Waits(SOON, SOON, FOR_EVER, FOR_EVER));
    enter(turnstile, 1);
    enter(turnstile, 2);
    enter(turnstile, 3);

    awaitBegun(1, 2, 3);
  }

  @Test
  void whoIsSilentKeepsNobodyWaitingForEver() {
    Turnstile turnstile =
        new Turnstile(1, 1, new Turnstile.Waits(SOON, SOON, Duration.ofMillis(40), FOR_EVER));
    Turnstile.Peer first = turnstile.peer(loop);
    first.enter(
        () -> {
          begun.add(1);
          first.reached();
        });
    enter(turnstile, 2);

    awaitBegun(1, 2);
  }

  @Test
  void whoHasAnsweredHasLonger() {
    Turnstile turnstile =
        new Turnstile(
            1, 1, new Turnstile.Waits(SOON, SOON, SOON.multipliedBy(2), Duration.ofMillis(100)));
    AtomicLong firstNanos = new AtomicLong();
    Turnstile.Peer first = turnstile.peer(loop);
    first.enter(
        () -> {
          firstNanos.set(System.nanoTime());
          first.answered();
          begun.add(1);
        });
    AtomicLong secondNanos = new AtomicLong();
    turnstile
        .peer(loop)
        .enter(
            () -> {
              secondNanos.set(System.nanoTime());
              begun.add(2);
            });

    awaitBegun(1, 2);
    assertThat(Duration.ofNanos(secondNanos.get() - firstNanos.get()))
        .isGreaterThan(Duration.ofMillis(99));
  }

  /** However many are gone, and for as long as they like, they are in nobody's way. */
  @Test
  void thoseThatDidNotAnswerTheLastTimeHaveTheirOwnPlaces() {
    Turnstile turnstile = turnstile(2, 1);
    Turnstile.Peer gone = doubted(turnstile);
    Turnstile.Peer alsoGone = doubted(turnstile);
    Turnstile.Peer goneToo = doubted(turnstile);
    enter(gone, 1);
    enter(alsoGone, 2);
    enter(goneToo, 3);
    enter(turnstile, 4);
    enter(turnstile, 5);
    enter(turnstile, 6);
    awaitBegun(1, 4, 5);

    gone.leave();
    awaitBegun(1, 4, 5, 2);
  }

  /** Thousands that come back together are let in at the pace of those that were never gone. */
  @Test
  void whoAnswersAgainTakesOneOfTheOthersPlaces() {
    Turnstile turnstile = turnstile(1, 1);
    Turnstile.Peer back = doubted(turnstile);
    Turnstile.Peer alsoBack = doubted(turnstile);
    Turnstile.Peer gone = doubted(turnstile);
    enter(back, 1);
    enter(alsoBack, 2);
    enter(gone, 3);
    awaitBegun(1);

    back.answered();
    awaitBegun(1, 2);
    // There is no other place any more: it keeps its own.
    alsoBack.answered();
    enter(turnstile, 4);
    awaitBegun(1, 2);

    back.leave();
    awaitBegun(1, 2, 4);
    alsoBack.leave();
    awaitBegun(1, 2, 4, 3);
  }

  @Test
  void whoHasAnsweredOnceMoreIsTrusted() {
    Turnstile turnstile = turnstile(1, 1);
    Turnstile.Peer peer = doubted(turnstile);
    Turnstile.Peer gone = doubted(turnstile);
    enter(peer, 1).answered();
    awaitBegun(1);
    peer.leave();

    enter(gone, 2);
    enter(peer, 3);
    awaitBegun(1, 2, 3);
  }
}
