// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.transport;

/**
 * What was asked of a node on demand is not answered. The message says why in one line, for people;
 * it has no stack trace.
 */
public final class UnansweredException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** Why there is no answer, for programs. */
  public enum Why {
    /** No such node is known here. */
    NO_SUCH_NODE,
    /** There is no connection, or what it is needed for has not been read yet. */
    NOT_CONNECTED,
    /** The connection was lost before the answer. */
    LOST,
    /** The node took too long. */
    TIMED_OUT,
    /** The answer is larger than anybody here can take. */
    TOO_LARGE,
    /** Too much has been asked for that waits for its answer. */
    BUSY,
    /** The node has answered that it cannot say. */
    REFUSED,
    /** The controller is being closed. */
    CLOSED
  }

  private final Why why;

  /** There is no answer, for a reason in words. */
  public UnansweredException(Why why, String message) {
    super(message, null, false, false);
    this.why = why;
  }

  /** Why there is no answer. */
  public Why why() {
    return why;
  }
}
