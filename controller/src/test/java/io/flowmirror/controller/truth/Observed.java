// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import com.google.common.collect.ImmutableListMultimap;
import com.google.common.collect.ImmutableMap;
import io.flowmirror.controller.truth.Capture.Side;
import java.util.List;
import java.util.stream.Stream;

/**
 * What was captured in one window, everywhere.
 *
 * @param frames the frames of each place and side
 * @param ends where in each capture the window ends, so that the next one can begin there
 */
record Observed(ImmutableListMultimap<Tap, Frame> frames, ImmutableMap<Tap, Integer> ends) {

  /**
   * A place where frames are captured.
   *
   * @param place a pod's name, or one of the constants here
   * @param side as the place's own kernel sees it
   */
  record Tap(String place, Side side) {
    static final String OVN0 = Cluster.NODE + " ovn0";
    static final Tap TUNNELS = new Tap("tunnels", Side.IN);
    static final Tap COPIES = new Tap("mirror0", Side.IN);
  }

  /** What a place sent. */
  Stream<Frame> sentBy(String place) {
    return frames.get(new Tap(place, Side.OUT)).stream();
  }

  /** What was delivered to a place. */
  Stream<Frame> deliveredTo(String place) {
    return frames.get(new Tap(place, Side.IN)).stream();
  }

  /** How many frames there have been at a place whose description contains all of these parts. */
  long count(String place, Side side, List<String> parts) {
    return frames.get(new Tap(place, side)).stream()
        .map(FrameText::describe)
        .filter(text -> parts.stream().allMatch(text::contains))
        .count();
  }
}
