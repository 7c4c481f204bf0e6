// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import com.google.common.collect.ImmutableMultiset;
import com.google.common.collect.Multiset;
import com.google.common.collect.Multisets;
import io.flowmirror.controller.truth.Observed.Tap;
import java.util.stream.Collectors;

/**
 * The copies that there are, against those that there must be.
 *
 * @param expected what the truth says
 * @param copies what mirror0 has seen
 */
record Verdict(ImmutableMultiset<Frame> expected, ImmutableMultiset<Frame> copies) {

  static Verdict of(Intent intent, Observed observed) {
    return new Verdict(
        intent.expected(observed), ImmutableMultiset.copyOf(observed.frames().get(Tap.COPIES)));
  }

  Multiset<Frame> missing() {
    return Multisets.difference(expected, copies);
  }

  Multiset<Frame> surplus() {
    return Multisets.difference(copies, expected);
  }

  boolean holds() {
    return expected.equals(copies);
  }

  /** The difference, then both sides in full. */
  String text() {
    return "missing:\n"
        + lines(missing())
        + "surplus:\n"
        + lines(surplus())
        + "expected copies:\n"
        + lines(expected)
        + "copies:\n"
        + lines(copies);
  }

  private static String lines(Multiset<Frame> frames) {
    return frames.entrySet().stream()
        .map(entry -> "  " + entry.getCount() + " x " + entry.getElement() + "\n")
        .collect(Collectors.joining());
  }
}
