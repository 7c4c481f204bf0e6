// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.reconcile;

/** What one of several controllers does on a node. */
public enum Duty {
  /** It writes, and takes the lock from whoever has it. */
  WRITE,
  /** It has dialled the node, knows what is there, and waits for the lock. */
  STAND_BY,
  /** It has nothing to do with the node. */
  NONE
}
