// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.reconcile;

/**
 * What is in the way of a node's being as it was asked for, while nothing of it can be told or
 * done.
 *
 * @param on what it is about
 * @param words the same for people
 */
public record Obstacle(On on, String words) {

  /** What an obstacle is about, which is where to look. */
  public enum On {
    /** There is no OpenFlow connection. */
    OPENFLOW,
    /** There is no OVSDB connection. */
    OVSDB,
    /** Its two addresses lead to two switches, or to one that is another node's already. */
    ADDRESSES,
    /** Not all who may ask for something have spoken. */
    INTENT,
    /** The switch is being started. */
    SWITCH,
    /** The mirror port is not there, or cannot be made. */
    MIRROR_PORT,
    /** OVN's own entries are not there. */
    OVN,
    /** Another controller writes to the node, or nobody can tell. */
    WRITER
  }

  /** For a log. */
  @Override
  public String toString() {
    return words;
  }
}
