// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.config;

import com.google.common.base.Ascii;
import com.google.common.collect.ImmutableSet;
import java.util.Optional;

/** Which known key somebody may have meant. */
final class Suggestion {
  private Suggestion() {}

  /** The known key that needs the fewest edits, if few enough to be more than chance. */
  static Optional<String> closest(String key, ImmutableSet<String> known) {
    if (key.length() > 64) {
      return Optional.empty();
    }
    String written = Ascii.toLowerCase(key.replace('_', '-'));
    Optional<String> closest = Optional.empty();
    int fewest = Integer.MAX_VALUE;
    for (String candidate : known) {
      int edits = edits(written, candidate);
      if (edits < fewest && edits <= Math.max(1, candidate.length() / 3)) {
        fewest = edits;
        closest = Optional.of(candidate);
      }
    }
    return closest;
  }

  /**
   * How many letters to add, drop, replace or swap with their neighbour: Damerau and Levenshtein's
   * distance, in its restricted form.
   */
  private static int edits(String from, String to) {
    int[][] edits = new int[from.length() + 1][to.length() + 1];
    for (int i = 0; i <= from.length(); i++) {
      for (int j = 0; j <= to.length(); j++) {
        if (i == 0 || j == 0) {
          edits[i][j] = i + j;
          continue;
        }
        int replace = edits[i - 1][j - 1] + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
        edits[i][j] = Math.min(replace, 1 + Math.min(edits[i - 1][j], edits[i][j - 1]));
        if (i > 1
            && j > 1
            && from.charAt(i - 1) == to.charAt(j - 2)
            && from.charAt(i - 2) == to.charAt(j - 1)) {
          edits[i][j] = Math.min(edits[i][j], 1 + edits[i - 2][j - 2]);
        }
      }
    }
    return edits[from.length()][to.length()];
  }
}
