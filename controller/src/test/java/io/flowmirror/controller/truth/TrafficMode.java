// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

/** What mirrors while traffic is measured. */
enum TrafficMode {
  NONE("no mirror", false, false),
  OVS_POD("OVS Mirror, pod", true, false),
  FLOWMIRROR_POD("Flowmirror, pod", true, false),
  OVS_ALL("OVS Mirror, all", true, true),
  FLOWMIRROR_ALL("Flowmirror, all", true, true);

  final String words;
  final boolean mirrors;

  /** All of br-int, instead of one pod. */
  final boolean everything;

  TrafficMode(String words, boolean mirrors, boolean everything) {
    this.words = words;
    this.mirrors = mirrors;
    this.everything = everything;
  }

  /** The mode of Open vSwitch's own that this one is to be compared with. */
  TrafficMode rival() {
    return everything ? OVS_ALL : OVS_POD;
  }

  boolean isFlowmirror() {
    return this == FLOWMIRROR_POD || this == FLOWMIRROR_ALL;
  }
}
