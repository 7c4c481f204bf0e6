// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.ovsdb;

/** What the database sent cannot be understood; the message names table, row and column. */
final class BadRowException extends Exception {
  private static final long serialVersionUID = 1;

  BadRowException(String message) {
    super(message);
  }

  @Override
  public String getMessage() {
    return String.valueOf(super.getMessage());
  }
}
