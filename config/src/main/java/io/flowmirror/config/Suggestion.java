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

  /** Levenshtein's distance. */
  private static int edits(String from, String to) {
    int[] previous = new int[to.length() + 1];
    for (int j = 0; j <= to.length(); j++) {
      previous[j] = j;
    }
    for (int i = 1; i <= from.length(); i++) {
      int[] current = new int[to.length() + 1];
      current[0] = i;
      for (int j = 1; j <= to.length(); j++) {
        int replace = previous[j - 1] + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
        current[j] = Math.min(replace, 1 + Math.min(previous[j], current[j - 1]));
      }
      previous = current;
    }
    return previous[to.length()];
  }
}
