// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.reconcile;

/** What one of several controllers does on a node. */
public enum Duty {
  /** It writes, and takes the lock from whoever has it. */
  WRITE,
  /** It has dialled the node, knows what is there, and waits for the lock. */
  STAND_BY,
  /** It has dialled the node so that it can tell of it, and wants neither the lock nor to write. */
  READ,
  /** It has nothing to do with the node. */
  NONE
}
