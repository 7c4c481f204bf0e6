// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableMap;
import io.flowmirror.controller.kubernetes.EventQueue.Fact;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class EventQueueTest {
  private static final PodView WEB =
      new PodView(
          "ns",
          "web",
          "1",
          "n1",
          false,
          false,
          ImmutableMap.of(),
          "",
          Optional.empty(),
          ImmutableMap.of());

  private final EventQueue queue = new EventQueue(2);

  private static Fact fact(String reason, String message) {
    return new Fact(WEB, "", false, reason, message);
  }

  @Test
  void theNewestWordKeepsThePlaceOfTheOneBefore() {
    assertThat(queue.put("a", fact(PodEvents.STARTED, ""))).isEmpty();
    assertThat(queue.put("b", fact(PodEvents.STARTED, ""))).isEmpty();
    Fact newest = fact(PodEvents.STOPPED, "");
    assertThat(queue.put("a", newest)).isEmpty();
    assertThat(queue.take()).contains(newest);
    assertThat(queue.take()).isPresent();
    assertThat(queue.take()).isEmpty();
  }

  /** One pod that fails again and again costs no other its start. */
  @Test
  void whatIsRewrittenGivesWayToStartsAndStops() {
    Fact failed = fact(PodEvents.FAILED, "1");
    Fact started = fact(PodEvents.STARTED, "2");
    queue.put("a", started);
    queue.put("b", failed);
    Fact stopped = fact(PodEvents.STOPPED, "3");
    assertThat(queue.put("c", stopped)).contains(failed);
    Fact refused = fact(PodEvents.REFUSED, "4");
    assertThat(queue.put("d", refused)).contains(refused);
    // Only then the one that has waited longest.
    assertThat(queue.put("e", fact(PodEvents.STARTED, "5"))).contains(started);
    assertThat(queue.take()).contains(stopped);
  }
}
