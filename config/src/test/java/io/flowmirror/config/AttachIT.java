// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** {@code node/attach-test}, which tries {@code node/attach} on a real Open vSwitch, as root. */
final class AttachIT {
  private static final int MINUTES = 8;

  @Test
  void attachDoesRefusesAndTakesBackWhatItShould() throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(Path.of("node", "attach-test").toString())
            .redirectErrorStream(true)
            .start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(MINUTES, TimeUnit.MINUTES)).as("attach-test ends").isTrue();
    assertThat(output.lines().filter(line -> line.startsWith("not ok"))).isEmpty();
    assertThat(process.exitValue()).as(output).isZero();
    assertThat(output.lines().filter(line -> line.startsWith("ok"))).hasSizeGreaterThan(100);
  }
}
