// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

/**
 * The switch does what none may do, in words: the connection is closed, and not lightly retried.
 */
final class MisbehaviourException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  MisbehaviourException(String message) {
    super(message, null, false, false);
  }
}
