// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import java.util.Optional;

/** Tells who asks. */
interface Access {
  /**
   * The caller who shows this token, or none.
   *
   * @param address from where
   * @throws Problem if the token is nobody's, or one is needed, or nobody can tell now
   */
  Caller caller(Optional<String> bearerToken, String address);

  /** Whoever it is. */
  static Access everybody() {
    return new Everybody();
  }

  /** Asks for no token. */
  record Everybody() implements Access {
    @Override
    public Caller caller(Optional<String> bearerToken, String address) {
      return Caller.local();
    }
  }
}
