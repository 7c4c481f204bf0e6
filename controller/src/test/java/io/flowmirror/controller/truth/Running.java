// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A process whose two outputs go to files, apart from each other. */
final class Running {
  private static final Duration PATIENCE = Duration.ofSeconds(90);

  private final Process process;
  private final Path out;
  private final Path err;

  /**
   * Starts it.
   *
   * @param folder for the files
   */
  Running(Path folder, List<String> line) {
    try {
      out = Files.createTempFile(folder, "out", ".txt");
      err = Files.createTempFile(folder, "err", ".txt");
      process =
          new ProcessBuilder(line).redirectOutput(out.toFile()).redirectError(err.toFile()).start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  String out() {
    return text(out);
  }

  String err() {
    return text(err);
  }

  private static String text(Path file) {
    try {
      return Files.readString(file, StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Waits until it has said this on standard error; fails if it ends without. */
  void awaitError(String part) {
    Wait.until(
        "\"" + part + "\"",
        () -> {
          assertThat(process.isAlive() || err().contains(part)).as(err()).isTrue();
          return err().contains(part);
        },
        this::err);
  }

  void signal(String name) {
    Program.run("sh", "-c", "kill -" + name + " " + process.pid());
  }

  /** Ends it by this signal, if it has not ended. */
  void kill(String name) {
    if (process.isAlive()) {
      signal(name);
    }
    exitCode();
  }

  /** Waits for its end. */
  int exitCode() {
    try {
      boolean ended = process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS);
      if (!ended) {
        process.destroyForcibly();
      }
      assertThat(ended).as("it ends; it said:%n%s%s", out(), err()).isTrue();
      return process.exitValue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }
}
