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

  /** Its parts take a minute each, or less, most of it waiting, and need nothing of each other. */
  @Test
  void attachDoesRefusesAndTakesBackWhatItShould() throws IOException, InterruptedException {
    Process ports = start("ports");
    Process listening = start("listening");
    Process tls = start("tls");
    long passed = passed("ports", ports) + passed("listening", listening) + passed("tls", tls);
    assertThat(passed).isGreaterThan(360);
  }

  // A file, since reading a pipe to its end would wait longer than the limit.
  private static Path log(String half) {
    return Path.of("target", "attach-test-" + half + ".log");
  }

  private static Process start(String half) throws IOException {
    Process process =
        new ProcessBuilder(Path.of("node", "attach-test").toString(), half)
            .redirectErrorStream(true)
            .redirectOutput(log(half).toFile())
            .start();
    process.getOutputStream().close();
    return process;
  }

  private static long passed(String half, Process process)
      throws IOException, InterruptedException {
    boolean ended = process.waitFor(MINUTES, TimeUnit.MINUTES);
    if (!ended) {
      process.destroy();
    }
    String output = Files.readString(log(half));
    assertThat(ended).as("attach-test ends within %d minutes:%n%s", MINUTES, output).isTrue();
    assertThat(output.lines().filter(line -> line.startsWith("not ok"))).isEmpty();
    assertThat(process.exitValue()).as(output).isZero();
    return output.lines().filter(line -> line.startsWith("ok")).count();
  }
}
