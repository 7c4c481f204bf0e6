// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.config;

import com.google.common.collect.ImmutableList;

/** Which of a pod's frames are copied, as seen from the pod. */
public enum Direction {
  /** What the pod sends and what is delivered to it. */
  BOTH("both"),
  /** Only what the pod sends. */
  FROM_POD("from-pod"),
  /** Only what is delivered to the pod. */
  TO_POD("to-pod");

  private static final ImmutableList<Direction> ALL = ImmutableList.copyOf(values());

  private final String text;

  Direction(String text) {
    this.text = text;
  }

  /** Whether what the pod sends is copied. */
  public boolean fromPod() {
    return this != TO_POD;
  }

  /** Whether what is delivered to the pod is copied. */
  public boolean toPod() {
    return this != FROM_POD;
  }

  /** What two who ask for these get together. */
  public Direction and(Direction other) {
    return this == other ? this : BOTH;
  }

  /**
   * The direction that {@link #toString} writes as this text.
   *
   * @throws IllegalArgumentException if there is none
   */
  public static Direction parse(String text) {
    for (Direction direction : ALL) {
      if (direction.text.equals(text)) {
        return direction;
      }
    }
    throw BadValueException.found(text, "both, from-pod or to-pod");
  }

  /** As the configuration file writes it: {@code both}, {@code from-pod} or {@code to-pod}. */
  @Override
  public String toString() {
    return text;
  }
}
