// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import com.google.common.base.Strings;
import com.google.common.collect.ArrayTable;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.Table;
import org.jspecify.annotations.Nullable;

/** The table that the tests print: a row for each case, a column for each intent. */
final class TruthTable {
  private static final int NAME_WIDTH = 44;
  private static final int CELL_WIDTH = 18;

  private final ImmutableList<Intent> intents;
  private final Table<String, Intent, @Nullable String> cells;
  private int failures;

  TruthTable(ImmutableList<TrafficCase> cases, ImmutableList<Intent> intents) {
    this.intents = intents;
    this.cells = ArrayTable.create(cases.stream().map(TrafficCase::name).toList(), intents);
  }

  void put(TrafficCase row, Intent column, Verdict verdict, boolean happened) {
    boolean good = verdict.holds() && happened;
    if (!good) {
      failures++;
    }
    String cell =
        String.format(
            "%d %d -%d +%d %s",
            verdict.expected().size(),
            verdict.copies().size(),
            verdict.missing().size(),
            verdict.surplus().size(),
            good ? "ok" : happened ? "WRONG" : "NOT SEEN");
    cells.put(row.name(), column, cell);
  }

  String text() {
    StringBuilder text = new StringBuilder();
    text.append("Each cell: frames seen, copies, -missing, +surplus.\n");
    text.append(pad("", NAME_WIDTH));
    intents.forEach(intent -> text.append(pad(intent.name(), CELL_WIDTH)));
    text.append('\n');
    for (String row : cells.rowKeySet()) {
      text.append(pad(row, NAME_WIDTH));
      for (Intent intent : intents) {
        String cell = cells.get(row, intent);
        text.append(pad(cell == null ? "(not run)" : cell, CELL_WIDTH));
      }
      text.append('\n');
    }
    text.append(failures == 0 ? "No cell is wrong.\n" : failures + " cells are WRONG.\n");
    return text.toString();
  }

  private static String pad(String text, int width) {
    return Strings.padEnd(text, width - 1, ' ') + ' ';
  }
}
