// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SwitchVersionTest {
  @ParameterizedTest
  @ValueSource(strings = {"2.17.0", "2.17", "2.18.1", "3.0.0", "3.1.0-2+deb12u1", "10.0.0", "main"})
  void acceptsNewEnoughOrUnknown(String version) {
    assertThat(SwitchVersion.refusal("Open vSwitch", version)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"2.16.9", "2.9.0", "1.99.0", "2.16.0-rc1", " 2.16.0 "})
  void refusesTooOld(String version) {
    assertThat(SwitchVersion.refusal("Open vSwitch", version)).isPresent();
  }

  @Test
  void saysWhy() {
    assertThat(SwitchVersion.refusal("Open vSwitch", "2.13.8"))
        .contains("Open vSwitch 2.13.8 is older than 2.17, the oldest that is supported");
  }

  @Test
  void judgesOpenVSwitchOnly() {
    assertThat(SwitchVersion.refusal("another", "1.0.0")).isEmpty();
  }
}
