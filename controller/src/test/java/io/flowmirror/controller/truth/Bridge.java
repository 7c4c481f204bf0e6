// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import com.google.common.collect.ImmutableList;

/** What must not change about br-int while the controller works on it. */
record Bridge(
    ImmutableList<String> ovnEntries,
    String fragmentHandling,
    String primaryControllers,
    ImmutableList<String> hiddenEntries) {
  static Bridge of(BrInt brInt) {
    return new Bridge(
        brInt.ovnEntries(),
        brInt.fragmentHandling(),
        brInt.primaryControllers(),
        brInt.hiddenEntries());
  }
}
