// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ProgramTest {
  private static final long MANY = 3600;

  /** {@code timeout} puts itself and its command into a process group of their own. */
  @Test
  void whatAShellHasStartedEndsWithIt(@TempDir Path folder) throws IOException {
    Path pids = folder.resolve("pids");
    List<ProcessHandle> started;
    try (Program shell =
        Program.start(
            "sh",
            "-c",
            "timeout $0 sh -c 'echo $$ >>\"$0\"; sleep $1; true' \"$1\" $0 & echo $! >>\"$1\"; wait",
            Long.toString(MANY),
            pids.toString())) {
      Wait.until("both to be there", () -> lines(pids).size() == 2, () -> lines(pids).toString());
      started = lines(pids).stream().map(Long::valueOf).map(ProgramTest::running).toList();
      assertThat(shell.isRunning()).isTrue();
    }
    assertThat(started).hasSize(2).noneMatch(Program::runs);
  }

  private static ProcessHandle running(long pid) {
    return ProcessHandle.of(pid).orElseThrow();
  }

  private static List<String> lines(Path file) {
    try {
      return Files.exists(file) ? Files.readAllLines(file) : List.of();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
