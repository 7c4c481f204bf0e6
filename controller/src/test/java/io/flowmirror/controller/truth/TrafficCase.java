// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import com.google.common.collect.ImmutableList;
import io.flowmirror.controller.truth.Capture.Side;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;

/**
 * A row of the truth table: some traffic, and what proves that there really was this traffic, so
 * that no row holds because nothing happened.
 *
 * @param name the row's name
 * @param steps what is done, all at once
 * @param controls what must have been seen
 */
record TrafficCase(String name, ImmutableList<Step> steps, ImmutableList<Control> controls) {
  private static final Duration BOUND = Duration.ofSeconds(30);

  /** One sender's part. */
  private interface Step {
    Program start();
  }

  /**
   * How many frames there must have been at a place.
   *
   * @param parts what the description of such a frame contains (see {@link FrameText})
   */
  private record Control(String place, Side side, int atLeast, int atMost, List<String> parts) {
    boolean holds(Observed observed) {
      long count = observed.count(place, side, parts);
      return count >= atLeast && count <= atMost;
    }

    String text(Observed observed) {
      String range = atMost == Integer.MAX_VALUE ? "at least " + atLeast : "exactly " + atMost;
      return String.format(
          "%s %s: %s of %s, and there have been %d",
          place, side, range, parts, observed.count(place, side, parts));
    }
  }

  static TrafficCase of(String name) {
    return new TrafficCase(name, ImmutableList.of(), ImmutableList.of());
  }

  /** Also runs a shell script in a pod; it must end well. */
  TrafficCase run(Pod pod, String script) {
    return step(() -> pod.start(script));
  }

  /** Also sends a frame, just as it is, from a pod. */
  TrafficCase send(Pod pod, Frame frame) {
    return step(() -> pod.send(frame));
  }

  /** Also demands that a pod has sent at least so many such frames. */
  TrafficCase sent(Pod pod, int atLeast, String... parts) {
    return control(pod, Side.OUT, atLeast, Integer.MAX_VALUE, parts);
  }

  /** Also demands that a pod has received at least so many such frames. */
  TrafficCase received(Pod pod, int atLeast, String... parts) {
    return control(pod, Side.IN, atLeast, Integer.MAX_VALUE, parts);
  }

  /** Also demands that a pod has received no such frame. */
  TrafficCase neverReceived(Pod pod, String... parts) {
    return control(pod, Side.IN, 0, 0, parts);
  }

  private TrafficCase step(Step step) {
    return new TrafficCase(
        name, ImmutableList.<Step>builder().addAll(steps).add(step).build(), controls);
  }

  private TrafficCase control(Pod pod, Side side, int atLeast, int atMost, String... parts) {
    Control control = new Control(pod.name(), side, atLeast, atMost, Arrays.asList(parts));
    return new TrafficCase(
        name, steps, ImmutableList.<Control>builder().addAll(controls).add(control).build());
  }

  /** Makes the traffic, and waits until all senders are done. */
  void run() {
    List<Program> programs = steps.stream().map(Step::start).toList();
    for (Program program : programs) {
      program.success(BOUND);
    }
  }

  /** Whether the traffic was really there. */
  boolean happened(Observed observed) {
    return controls.stream().allMatch(control -> control.holds(observed));
  }

  /** The controls that do not hold, one a line. */
  String notSeen(Observed observed) {
    StringBuilder text = new StringBuilder();
    for (Control control : controls) {
      if (!control.holds(observed)) {
        text.append("  ").append(control.text(observed)).append('\n');
      }
    }
    return text.toString();
  }

  @Override
  public String toString() {
    return name;
  }
}
