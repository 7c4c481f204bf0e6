// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** {@code node/attach-test}, which tries {@code node/attach} on a real Open vSwitch, as root. */
final class AttachIT {
  private static final int MINUTES = 8;

  @Test
  void attachDoesRefusesAndTakesBackWhatItShould() throws IOException, InterruptedException {
    // A file, since reading a pipe to its end would wait longer than the limit.
    Path log = Path.of("target", "attach-test.log");
    Process process =
        new ProcessBuilder(Path.of("node", "attach-test").toString())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    process.getOutputStream().close();
    boolean ended = process.waitFor(MINUTES, TimeUnit.MINUTES);
    if (!ended) {
      process.destroy();
    }
    String output = Files.readString(log);
    assertThat(ended).as("attach-test ends within %d minutes:%n%s", MINUTES, output).isTrue();
    assertThat(output.lines().filter(line -> line.startsWith("not ok"))).isEmpty();
    assertThat(process.exitValue()).as(output).isZero();
    assertThat(output.lines().filter(line -> line.startsWith("ok"))).hasSizeGreaterThan(300);
  }
}
