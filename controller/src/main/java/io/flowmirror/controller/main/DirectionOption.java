// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import io.flowmirror.config.Direction;
import picocli.CommandLine.Option;

/** Which of a pod's frames. */
final class DirectionOption {
  @Option(
      names = "--direction",
      paramLabel = "DIRECTION",
      converter = Words.Which.class,
      completionCandidates = Words.Directions.class,
      description = "${COMPLETION-CANDIDATES}, as seen from the pod (default: both).")
  private Direction direction = Direction.BOTH;

  Direction get() {
    return direction;
  }
}
