// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

/**
 * What was asked of a controller is not done. The message is one line for the person who asked; a
 * stack trace would say nothing more, and none is kept.
 */
final class RemoteException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** The status of an answer that is none: the controller was not reached. */
  static final int UNREACHED = 0;

  private final int status;
  private final String line;

  /**
   * Says what is not done.
   *
   * @param status of the answer, as HTTP has it, or {@link #UNREACHED}
   */
  RemoteException(int status, String line) {
    super(line, null, false, false);
    this.status = status;
    this.line = line;
  }

  /** The answer's status. */
  int status() {
    return status;
  }

  /** What to say. */
  String line() {
    return line;
  }

  /** What the command ends with. */
  int exitCode() {
    return switch (status) {
      case 400 -> Flowmirror.WRONG;
      case 401, 403 -> Flowmirror.REFUSED;
      default -> Flowmirror.FAILED;
    };
  }
}
