// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Each benchmark once, so that a change does not leave them measuring nothing. */
final class MicroBenchTest {
  private final MicroBench bench = new MicroBench();

  @Test
  void eachDoesWhatItsNameSays() {
    bench.prepare();
    int entries = bench.compile().entries().size();

    assertThat(entries).isEqualTo(61);
    assertThat(bench.difference().inSync()).isTrue();
    assertThat(bench.encode().readableBytes()).isGreaterThan(entries * 100);
    assertThat(bench.decode()).hasSize(entries);
    assertThat(bench.view().isEmpty()).isFalse();
    assertThat(bench.cookie()).isNotZero();
    assertThat(bench.format()).isGreaterThan(entries * 50);
    assertThat(bench.parse()).isEqualTo(40 * 65);
  }
}
