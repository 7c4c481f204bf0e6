// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

/**
 * Something that happens to node n1.
 *
 * @param name what tables and messages call it
 * @param wipes whether entries that are neither OVN's nor ours may be gone afterwards
 * @param cutsOff whether pods may be cut off for a while, controller or not
 * @param strike makes it happen, and returns when its cause is over: not when it is repaired
 */
record Fault(String name, boolean wipes, boolean cutsOff, Strike strike) {

  /** What makes a fault happen. */
  interface Strike {
    void on(Stage stage);
  }

  /** One that leaves entries and traffic alone. */
  static Fault harmless(String name, Strike strike) {
    return new Fault(name, false, false, strike);
  }

  /** One after which OVN has to put its entries back. */
  static Fault wipe(String name, Strike strike) {
    return new Fault(name, true, true, strike);
  }

  @Override
  public String toString() {
    return name;
  }
}
