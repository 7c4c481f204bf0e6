// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.config;

/** A value that is not what it has to be; the message says what was found and what is expected. */
final class BadValueException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  private final String problem;

  private BadValueException(String problem) {
    super(problem);
    this.problem = problem;
  }

  /** The message, which is never null here. */
  String problem() {
    return problem;
  }

  static BadValueException found(String text, String expected) {
    return new BadValueException("found " + Syntax.quote(text) + "; expected " + expected);
  }
}
