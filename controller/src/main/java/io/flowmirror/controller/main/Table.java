// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.google.common.base.Strings;
import com.google.common.collect.ImmutableList;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;

/**
 * Rows in columns, for people: a line of names, each column as wide as its widest cell, two blanks
 * between them, nothing else. An empty cell is a dash, so that a line has as many words as it has
 * cells, as long as no cell has blanks.
 */
final class Table {
  private static final String NONE = "-";

  private final ImmutableList<String> names;
  private final List<ImmutableList<String>> rows = new ArrayList<>();

  Table(String... names) {
    this.names = ImmutableList.copyOf(names);
  }

  /** Adds a row, with a cell for each column. */
  void row(String... cells) {
    if (cells.length != names.size()) {
      throw new IllegalArgumentException(
          "found " + cells.length + " cells; expected " + names.size());
    }
    ImmutableList.Builder<String> row = ImmutableList.builder();
    for (String cell : cells) {
      row.add(cell.isEmpty() ? NONE : shown(cell));
    }
    rows.add(row.build());
  }

  /** Writes it. */
  void print(PrintWriter out) {
    int[] widths = new int[names.size()];
    List<ImmutableList<String>> lines = new ArrayList<>(rows.size() + 1);
    lines.add(names);
    lines.addAll(rows);
    for (ImmutableList<String> line : lines) {
      for (int column = 0; column < widths.length; column++) {
        widths[column] = Math.max(widths[column], line.get(column).length());
      }
    }
    for (ImmutableList<String> line : lines) {
      StringBuilder text = new StringBuilder();
      for (int column = 0; column < widths.length - 1; column++) {
        text.append(Strings.padEnd(line.get(column), widths[column] + 2, ' '));
      }
      out.println(text.append(line.get(widths.length - 1)));
    }
  }

  /**
   * What may be written to a terminal: names and words come from switches and files, and no letter
   * of theirs is to move its cursor.
   */
  static String shown(String text) {
    StringBuilder shown = new StringBuilder(text.length());
    text.codePoints()
        .forEach(
            letter -> {
              int type = Character.getType(letter);
              boolean moves =
                  type == Character.CONTROL
                      || type == Character.FORMAT
                      || type == Character.LINE_SEPARATOR
                      || type == Character.PARAGRAPH_SEPARATOR;
              shown.appendCodePoint(moves ? '?' : letter);
            });
    return shown.toString();
  }
}
