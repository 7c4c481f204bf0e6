// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

/** A message that contradicts itself; the message names the field. */
final class MalformedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  MalformedException(String message) {
    super(message, null, false, false);
  }

  /**
   * Checks a length that a message states of a part of itself.
   *
   * @param field the field's name in the specification
   * @param least the part's smallest length
   * @param left the bytes that are left for it
   */
  static int checkedLength(String field, int length, int least, int left) {
    if (length < least) {
      throw new MalformedException(field + " is " + length + ", less than " + least);
    }
    if (length > left) {
      throw new MalformedException(field + " is " + length + ", and " + left + " bytes are left");
    }
    return length;
  }
}
