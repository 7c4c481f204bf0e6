// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import static org.assertj.core.api.Assertions.assertThat;

import io.flowmirror.topology.LogicalPort;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class KeyMemoryTest {
  private static final LogicalPort WEB = new LogicalPort(5, 3, 7, true);
  private static final LogicalPort DB = new LogicalPort(6, 3, 8, true);
  private static final Set<Integer> LIVE = Set.of(5, 6, 7);

  private final KeyMemory memory = new KeyMemory();
  private long now;

  private List<LogicalPort> update(boolean ours, LogicalPort... found) {
    return memory.update(List.of(found), LIVE, ours, now);
  }

  private void elapse(Duration time) {
    now += time.toNanos();
  }

  private void wipe() {
    assertThat(update(true, WEB, DB)).isEmpty();
    assertThat(update(false)).containsExactly(WEB, DB);
  }

  @Test
  void keysAreRememberedUntilOvnsEntriesAreBack() {
    wipe();
    assertThat(update(true)).containsExactly(WEB, DB);
    assertThat(update(true, WEB)).containsExactly(DB);
    assertThat(update(true, WEB, DB)).isEmpty();
  }

  @Test
  void aPortThatHasOtherKeysNowIsNotRemembered() {
    wipe();
    assertThat(update(true, new LogicalPort(5, 4, 1, true))).containsExactly(DB);
  }

  @Test
  void keysThatAnotherPortHasNowAreForgotten() {
    wipe();
    assertThat(update(true, new LogicalPort(7, DB.datapathKey(), DB.portKey(), true)))
        .containsExactly(WEB);
    assertThat(update(true)).containsExactly(WEB);
  }

  @Test
  void aPortThatIsGoneIsForgotten() {
    wipe();
    assertThat(memory.update(List.of(), Set.of(6), true, now)).containsExactly(DB);
    assertThat(memory.update(List.of(), LIVE, true, now)).containsExactly(DB);
  }

  @Test
  void aNumberThatWasFreedIsForgotten() {
    wipe();
    memory.forgetPort(5);
    assertThat(update(true)).containsExactly(DB);
  }

  @Test
  void whereOursStayItWasNoWipe() {
    assertThat(update(true, WEB)).isEmpty();
    assertThat(update(true)).isEmpty();
    assertThat(update(false)).isEmpty();
  }

  @Test
  void whereThereWasNothingOfOursNothingIsRemembered() {
    assertThat(update(false, WEB)).isEmpty();
    assertThat(update(false)).isEmpty();
  }

  @Test
  void ovnMayPutItsEntriesBackInSteps() {
    wipe();
    elapse(Duration.ofSeconds(60));
    assertThat(update(true, WEB)).containsExactly(DB);
    elapse(KeyMemory.GRACE);
    assertThat(update(true, WEB)).containsExactly(DB);
    elapse(Duration.ofNanos(1));
    assertThat(update(true, WEB)).isEmpty();
  }

  @Test
  void ovnMayNotStayAwayForEver() {
    wipe();
    elapse(KeyMemory.LONGEST);
    assertThat(update(true)).containsExactly(WEB, DB);
    elapse(Duration.ofNanos(1));
    assertThat(update(true)).isEmpty();
  }

  @Test
  void aSecondWipeIsAnother() {
    wipe();
    assertThat(update(true, WEB, DB)).isEmpty();
    elapse(KeyMemory.LONGEST.plusSeconds(1));
    assertThat(update(false)).containsExactly(WEB, DB);
    assertThat(update(false, DB)).containsExactly(WEB);
    assertThat(update(true, WEB, DB)).isEmpty();
  }
}
