// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** The option {@code --timeout}. */
final class Timeout {
  private Timeout() {}

  /** Refuses a time in which no node could have answered. */
  static void check(CommandSpec spec, int seconds) {
    if (seconds < 1) {
      throw new ParameterException(
          spec.commandLine(), "--timeout " + seconds + ": expected at least 1 second");
    }
  }
}
