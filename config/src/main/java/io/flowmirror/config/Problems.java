// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.config;

import static java.util.Comparator.comparingInt;

import java.util.ArrayList;
import java.util.List;

/** Everything that is wrong with one configuration, collected so that it can be said at once. */
final class Problems {
  /** A file of megabytes must not become a message of megabytes. */
  static final int MAX_SHOWN = 1000;

  private record Problem(int line, String text) {}

  private final String source;
  private final List<Problem> found = new ArrayList<>();

  /**
   * @param source the file's name, as messages show it
   */
  Problems(String source) {
    this.source = source;
  }

  /** A problem with a key of the file. */
  void inFile(int line, String key, String problem) {
    found.add(new Problem(line, source + ":" + line + ": " + key + ": " + problem));
  }

  /** A problem with the file as such. */
  void inFile(int line, String problem) {
    found.add(new Problem(line, source + ":" + line + ": " + problem));
  }

  /** A problem with the whole file, in no line of it. */
  void ofFile(String problem) {
    found.add(new Problem(0, source + ": " + problem));
  }

  /** A problem with a flag. */
  void inFlag(String flag, String problem) {
    found.add(new Problem(Integer.MAX_VALUE, flag + ": " + problem));
  }

  /** Whether nothing was wrong so far. */
  boolean isEmpty() {
    return found.isEmpty();
  }

  /** Throws what was collected, if anything. */
  void throwIfAny() {
    if (!found.isEmpty()) {
      throw exception();
    }
  }

  /** What was collected, at least one problem: in the order of lines, the flags last. */
  ConfigException exception() {
    List<String> lines = new ArrayList<>();
    found.stream()
        .sorted(comparingInt(Problem::line))
        .limit(MAX_SHOWN)
        .forEach(problem -> lines.add(problem.text()));
    if (found.size() > MAX_SHOWN) {
      lines.add(source + ": " + (found.size() - MAX_SHOWN) + " more problems");
    }
    return new ConfigException(lines);
  }
}
