// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

import static org.assertj.core.api.Assertions.assertThat;

import io.flowmirror.flows.Cookie.Role;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class CookieTest {
  @ParameterizedTest
  @EnumSource(Role.class)
  void saysWhoseItIsAndWhatFor(Role role) {
    long cookie = Cookie.of(role, "web.default");
    assertThat(Cookie.isOurs(cookie)).isTrue();
    assertThat(Cookie.role(cookie)).contains(role);
    assertThat(Cookie.isFor(cookie, "web.default")).isTrue();
    assertThat(Cookie.isFor(cookie, "web.other")).isFalse();
    assertThat(Cookie.isFor(cookie, "")).isFalse();
  }

  /** The layout is on switches: a change of it must be a new layout number. */
  @Test
  void layoutIsStable() {
    assertThat(Cookie.of(Role.TO_PORT, "web.default")).isEqualTo(0x464d12006b0b3f4fL);
    assertThat(Cookie.of(Role.MIRROR_PORT_INGRESS, "")).isEqualTo(0x464d100000000000L);
  }

  @Test
  void ovnsCookiesAreNotOurs() {
    assertThat(Cookie.isOurs(0)).isFalse();
    assertThat(Cookie.isOurs(0xffff_ffffL)).isFalse();
    assertThat(Cookie.role(0x464d_1200L)).isEmpty();
  }

  @Test
  void anotherLayoutIsOursWithoutARole() {
    long future = Cookie.OWNER | 2L << 44;
    assertThat(Cookie.isOurs(future)).isTrue();
    assertThat(Cookie.role(future)).isEmpty();
    assertThat(Cookie.role(Cookie.OWNER | 1L << 44 | 15L << 40)).isEmpty();
  }
}
