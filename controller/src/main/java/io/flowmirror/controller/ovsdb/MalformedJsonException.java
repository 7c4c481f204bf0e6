// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.ovsdb;

import io.netty.handler.codec.DecoderException;

/** A stream of bytes is not, or not within our bounds, a sequence of JSON objects. */
final class MalformedJsonException extends DecoderException {
  private static final long serialVersionUID = 1;

  MalformedJsonException(String message) {
    super(message);
  }
}
