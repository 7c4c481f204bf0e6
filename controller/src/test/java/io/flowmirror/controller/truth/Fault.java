// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

/**
 * Something that happens to node n1.
 *
 * @param name what tables and messages call it
 * @param wipes whether entries that are neither OVN's nor ours may be gone afterwards
 * @param cutsOff whether pods may be cut off for a while, controller or not
 * @param byProxy whether the controller must be behind the {@link Proxy}, which costs it time
 * @param strike makes it happen, and returns when its cause is over: not when it is repaired
 */
record Fault(String name, boolean wipes, boolean cutsOff, boolean byProxy, Strike strike) {

  /** What makes a fault happen. */
  interface Strike {
    void on(Stage stage);
  }

  /** One that leaves entries and traffic alone. */
  static Fault harmless(String name, Strike strike) {
    return new Fault(name, false, false, false, strike);
  }

  /** One after which OVN has to put its entries back. */
  static Fault wipe(String name, Strike strike) {
    return new Fault(name, true, true, false, strike);
  }

  /** The same, by way of the connection. */
  Fault atTheConnection() {
    return new Fault(name, wipes, cutsOff, true, strike);
  }

  @Override
  public String toString() {
    return name;
  }
}
