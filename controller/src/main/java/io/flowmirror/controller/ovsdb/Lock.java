// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.ovsdb;

/**
 * Where a session stands with the database's lock "flowmirror" (RFC 7047, section 4.1.8), which at
 * most one connection holds: whoever has it is the one controller that writes to the node. The
 * server gives it to the next who waits as soon as that connection ends.
 */
public enum Lock {
  /** It is not known: not asked for, or not answered yet on this connection. */
  UNKNOWN,
  /** This session holds it. */
  OURS,
  /** Another connection holds it; the server says when it is ours. */
  ANOTHERS,
  /** The server knows no locks, so that nobody can tell. */
  REFUSED;

  /** The lock's id. */
  static final String ID = "flowmirror";

  /** What a session does about it when it connects. */
  public enum Wish {
    /** It only reads, and asks for nothing. */
    NONE,
    /** It waits for its turn. */
    WAIT,
    /** It takes it from whoever has it, once; on later connections it waits. */
    STEAL,
    /** It gives it to whoever has waited longest, and waits for its next turn. */
    YIELD
  }
}
