// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.Iterables;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.InstalledEntry;
import java.util.List;
import org.junit.jupiter.api.Test;

final class TableViewTest {
  private final TableView view = new TableView(10);

  /** Equal to others that this makes, and the same as none. */
  private static FlowEntry entry(int hold) {
    return Entries.endingAfter(hold, Entries.e1(3, 9));
  }

  private InstalledEntry known() {
    return Iterables.getOnlyElement(view.entries(0));
  }

  @Test
  void whatIsReadAsBeforeStaysTheSameObjectAndAges() {
    FlowEntry first = entry(600);
    view.replace(0, List.of(new InstalledEntry(first, 1, 2, 3)), "table 0");
    view.replace(0, List.of(new InstalledEntry(entry(600), 31, 4, 5)), "table 0");

    assertThat(known().entry()).isSameAs(first);
    assertThat(known()).isEqualTo(new InstalledEntry(first, 31, 4, 5));
  }

  @Test
  void whatHasChangedIsTakenAsItIs() {
    view.replace(0, List.of(new InstalledEntry(entry(600), 1, 2, 3)), "table 0");
    FlowEntry second = entry(900);
    view.replace(0, List.of(new InstalledEntry(second, 1, 2, 3)), "table 0");

    assertThat(known().entry()).isSameAs(second);
  }

  @Test
  void whatIsGoneIsForgotten() {
    view.replace(0, List.of(new InstalledEntry(entry(600), 1, 2, 3)), "table 0");
    view.replace(0, List.of(), "table 0");

    assertThat(view.isEmpty()).isTrue();
  }

  /** A node has one to every other node. */
  @Test
  void anEntryOfATunnelIsNotKept() {
    FlowEntry tunnel = OvnText.parse("table=0,priority=100,in_port=5 actions=resubmit(,38)");
    FlowEntry pod =
        OvnText.parse(
            "table=0,priority=100,in_port=6 actions=set_field:3->metadata,set_field:2->reg14,"
                + "resubmit(,8)");

    assertThat(TableView.isNeeded(tunnel)).isFalse();
    assertThat(TableView.isNeeded(pod)).isTrue();
  }
}
