// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.config;

import com.google.common.collect.ImmutableList;

/**
 * The configuration is wrong. The message is the list of everything that is wrong with it, one per
 * line, {@code FILE:LINE: KEY: PROBLEM; expected ...}, ready to be shown to the operator.
 */
public final class ConfigException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final ImmutableList<String> problems;

  /**
   * Lists what is wrong.
   *
   * @param problems a line each; at least one
   */
  public ConfigException(Iterable<String> problems) {
    super(String.join("\n", problems));
    this.problems = ImmutableList.copyOf(problems);
  }

  /** The lines of the message; at least one. */
  public ImmutableList<String> problems() {
    return problems;
  }
}
