// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableListMultimap;
import com.google.common.collect.ImmutableMap;
import io.flowmirror.controller.truth.Capture.Side;
import io.flowmirror.controller.truth.Observed.Tap;
import io.flowmirror.controller.truth.PcapReader.Captured;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Captures at every place of n1 where a frame can enter br-int or be delivered, and at mirror0, all
 * the time. Windows follow each other without a gap: what comes between two cases counts too.
 */
final class Watch implements AutoCloseable {
  static final ImmutableList<String> LOCAL_PODS = ImmutableList.of("web", "db", "plain", "other");

  private final Map<Tap, Capture> captures = new LinkedHashMap<>();
  private Map<Tap, Integer> marks = new LinkedHashMap<>();

  /** Begins to watch; mirror0 must be there. */
  Watch(Cluster cluster) {
    try {
      String node = cluster.path(Cluster.NODE + ".netns");
      for (String pod : LOCAL_PODS) {
        both(pod, cluster.pod(pod).netns(), "eth0");
      }
      both(Tap.OVN0, node, cluster.ovn0(Cluster.NODE).device());
      String tunnels = "udp dst port " + Geneve.PORT + " or udp dst port " + Vxlan.PORT;
      captures.put(Tap.TUNNELS, Capture.start(node, "ul", Side.IN, tunnels));
      captures.put(Tap.COPIES, Capture.start(node, "mirror0", Side.IN));
    } catch (AssertionError | RuntimeException e) {
      closeAll().ifPresent(e::addSuppressed);
      throw e;
    }
  }

  private void both(String place, String netns, String device) {
    for (Side side : Side.values()) {
      captures.put(new Tap(place, side), Capture.start(netns, device, side));
    }
  }

  /** What has been captured since the mark. */
  Observed observed() {
    ImmutableListMultimap.Builder<Tap, Frame> frames = ImmutableListMultimap.builder();
    ImmutableMap.Builder<Tap, Integer> ends = ImmutableMap.builder();
    captures.forEach(
        (tap, capture) -> {
          int mark = marks.getOrDefault(tap, 0);
          var captured = capture.since(mark);
          captured.stream()
              .map(Captured::frame)
              .forEach(frame -> frames.put(tap, inner(tap, frame)));
          ends.put(tap, mark + captured.size());
        });
    return new Observed(frames.build(), ends.buildOrThrow());
  }

  private static Frame inner(Tap tap, Frame frame) {
    return tap.equals(Tap.TUNNELS)
        ? Geneve.inner(frame).or(() -> Vxlan.inner(frame)).orElse(frame)
        : frame;
  }

  /** Lets the next window begin where this one ends. */
  void mark(Observed window) {
    marks = new LinkedHashMap<>(window.ends());
  }

  /** Whether nothing has been captured anywhere for this long. */
  boolean quietFor(Duration quiet) {
    long newest = captures.values().stream().mapToLong(Capture::lastArrival).max().orElseThrow();
    return System.nanoTime() - newest >= quiet.toNanos();
  }

  /** Ends all captures; fails if one of them is not complete. */
  @Override
  public void close() {
    closeAll()
        .ifPresent(
            failure -> {
              throw failure;
            });
  }

  private Optional<AssertionError> closeAll() {
    Optional<AssertionError> failure = Optional.empty();
    for (Capture capture : captures.values()) {
      try {
        capture.close();
      } catch (AssertionError e) {
        failure = Optional.of(e);
      }
    }
    return failure;
  }
}
