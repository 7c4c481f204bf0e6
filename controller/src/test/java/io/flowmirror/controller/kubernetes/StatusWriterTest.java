// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import org.junit.jupiter.api.Test;

/** Its thread is the test's own: what it is to do waits until {@link #turn}. */
final class StatusWriterTest {
  private final Queue<Runnable> tasks = new ArrayDeque<>();
  private final List<String> written = new ArrayList<>();
  private int paced;
  private boolean failing;
  private final StatusWriter writer =
      new StatusWriter(
          tasks::add,
          () -> paced++,
          (mirror, patch) -> {
            written.add(mirror.uid() + patch.get("status"));
            if (failing) {
              throw new IllegalStateException("client is closed");
            }
          });

  private boolean write(String uid, String state) {
    return writer.write(
        MirrorsOfViewTest.mirror("m" + uid, uid, 1, Map.of("pod", "web")), Map.of("status", state));
  }

  private void turn() {
    tasks.remove().run();
  }

  private void turnAll() {
    while (!tasks.isEmpty()) {
      turn();
    }
  }

  /** Of a Mirror the newest counts, each has its turn, and each at its pace. */
  @Test
  void theNewestOfEachMirrorIsWritten() {
    assertThat(write("a", "1")).isTrue();
    assertThat(write("b", "1")).isTrue();
    assertThat(write("a", "2")).isTrue();
    assertThat(write("a", "3")).isTrue();
    turn();
    assertThat(written).containsExactly("a3");
    assertThat(write("a", "4")).isTrue();
    turnAll();
    assertThat(written).containsExactly("a3", "b1", "a4");
    assertThat(paced).isEqualTo(3);
  }

  @Test
  void oneThatFailsKeepsNobodyElseFromIt() {
    failing = true;
    write("a", "1");
    write("b", "1");
    turnAll();
    assertThat(written).containsExactly("a1", "b1");
  }

  /** What does not fit is said not to be taken; what has its place is brought up to date. */
  @Test
  void tooMany() {
    for (int i = 0; i < StatusWriter.WAITING; i++) {
      assertThat(write("m" + i + ".", "1")).isTrue();
    }
    assertThat(write("more", "1")).isFalse();
    assertThat(write("m0.", "2")).isTrue();
    turn();
    assertThat(written).containsExactly("m0.2");
    assertThat(write("more", "1")).isTrue();
    turnAll();
    assertThat(written).hasSize(StatusWriter.WAITING + 1).endsWith("more1");
  }

  /** The next session's word is newer than what waits. */
  @Test
  void whatWaitsAtTheEndIsDropped() {
    write("a", "1");
    writer.close();
    turnAll();
    assertThat(written).isEmpty();
    assertThat(write("a", "2")).isFalse();
  }
}
