// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.google.common.base.Ascii;
import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import java.util.List;
import java.util.Optional;

/** What a client would rather have (RFC 9110, section 12.5.1). */
final class Accept {
  private static final Splitter COMMA = Splitter.on(',').trimResults().omitEmptyStrings();
  private static final Splitter SEMICOLON = Splitter.on(';').trimResults();
  private static final String ANY = "*/*";

  private Accept() {}

  /**
   * A media range that includes an offered type.
   *
   * @param exactness 2 for the type itself, 1 for its group, 0 for any
   * @param place in the header
   */
  private record Range(double quality, int exactness, int place) {}

  /**
   * The best of the offered media types.
   *
   * @param lines the header's, none if there is none
   * @param offered the best first, for who does not mind
   * @return empty if none is acceptable
   */
  static Optional<String> best(List<String> lines, List<String> offered) {
    ImmutableList<String> ranges =
        lines.stream().flatMap(COMMA::splitToStream).collect(ImmutableList.toImmutableList());
    if (ranges.isEmpty()) {
      return offered.stream().findFirst();
    }
    Optional<String> best = Optional.empty();
    Range of = new Range(0, 0, 0);
    for (String type : offered) {
      Range its = rangeOf(type, ranges);
      boolean isBetter =
          its.quality() > of.quality()
              || (its.quality() == of.quality()
                  && (its.exactness() > of.exactness()
                      || (its.exactness() == of.exactness() && its.place() < of.place())));
      if (its.quality() > 0 && (best.isEmpty() || isBetter)) {
        best = Optional.of(type);
        of = its;
      }
    }
    return best;
  }

  /** The most exact of the ranges that include a type: it alone counts. */
  private static Range rangeOf(String type, ImmutableList<String> ranges) {
    String group = type.substring(0, type.indexOf('/')) + "/*";
    Range found = new Range(0, -1, 0);
    for (int i = 0; i < ranges.size(); i++) {
      List<String> parts = SEMICOLON.splitToList(Ascii.toLowerCase(ranges.get(i)));
      int exactness =
          parts.get(0).equals(type)
              ? 2
              : parts.get(0).equals(group) ? 1 : parts.get(0).equals(ANY) ? 0 : -1;
      if (exactness > found.exactness()) {
        found = new Range(quality(parts.subList(1, parts.size())), exactness, i);
      }
    }
    return found;
  }

  /** What is no quality is none, as if it were not there. */
  private static double quality(List<String> parameters) {
    return parameters.stream()
        .filter(parameter -> parameter.matches("q=(0(\\.[0-9]{0,3})?|1(\\.0{0,3})?)"))
        .findFirst()
        .map(parameter -> Double.parseDouble(parameter.substring(2)))
        .orElse(1.0);
  }
}
