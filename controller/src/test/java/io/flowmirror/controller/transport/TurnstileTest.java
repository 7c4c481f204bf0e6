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

  private final EventLoop loop = new DefaultEventLoop();
  private final List<Integer> begun = new CopyOnWriteArrayList<>();

  @AfterEach
  void end() {
    loop.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
  }

  private Turnstile.Pass enter(Turnstile turnstile, int number) {
    return turnstile.enter(loop, () -> begun.add(number));
  }

  private void awaitBegun(Integer... numbers) {
    await().atMost(PATIENCE).untilAsserted(() -> assertThat(begun).containsExactly(numbers));
    // All that has been let in by now has been run when this has.
    loop.submit(() -> {}).syncUninterruptibly();
    assertThat(begun).containsExactly(numbers);
  }

  @Test
  void soManyBeginAndTheOthersInTheirOrder() {
    Turnstile turnstile = new Turnstile(2, FOR_EVER, FOR_EVER);
    Turnstile.Pass first = enter(turnstile, 1);
    Turnstile.Pass second = enter(turnstile, 2);
    enter(turnstile, 3);
    enter(turnstile, 4);
    awaitBegun(1, 2);

    second.leave();
    awaitBegun(1, 2, 3);
    first.leave();
    awaitBegun(1, 2, 3, 4);
  }

  @Test
  void aPlaceIsGivenUpOnce() {
    Turnstile turnstile = new Turnstile(1, FOR_EVER, FOR_EVER);
    Turnstile.Pass first = enter(turnstile, 1);
    enter(turnstile, 2);
    enter(turnstile, 3);
    first.leave();
    first.leave();

    awaitBegun(1, 2);
  }

  @Test
  void whoLeavesBeforeItsTurnIsPassedOver() {
    Turnstile turnstile = new Turnstile(1, FOR_EVER, FOR_EVER);
    Turnstile.Pass first = enter(turnstile, 1);
    Turnstile.Pass second = enter(turnstile, 2);
    enter(turnstile, 3);
    second.leave();
    awaitBegun(1);

    first.leave();
    awaitBegun(1, 3);
  }

  @Test
  void whoNeverLeavesKeepsNobodyWaitingForEver() {
    Turnstile turnstile = new Turnstile(1, Duration.ofMillis(20), FOR_EVER);
    enter(turnstile, 1);
    enter(turnstile, 2);
    enter(turnstile, 3);

    awaitBegun(1, 2, 3);
  }

  @Test
  void whoseHasBeenAnsweredHasLonger() {
    Turnstile turnstile = new Turnstile(1, Duration.ofMillis(20), Duration.ofMillis(100));
    CountDownLatch answered = new CountDownLatch(1);
    long start = System.nanoTime();
    // While it is not, no time passes on the loop.
    Turnstile.Pass first =
        turnstile.enter(
            loop,
            () -> {
              Uninterruptibles.awaitUninterruptibly(answered);
              begun.add(1);
            });
    AtomicLong second = new AtomicLong();
    var unused =
        turnstile.enter(
            loop,
            () -> {
              second.set(System.nanoTime());
              begun.add(2);
            });
    first.answered();
    answered.countDown();

    awaitBegun(1, 2);
    assertThat(Duration.ofNanos(second.get() - start)).isGreaterThan(Duration.ofMillis(99));
  }
}
