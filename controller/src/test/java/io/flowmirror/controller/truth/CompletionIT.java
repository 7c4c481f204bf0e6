// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.io.Resources;
import io.flowmirror.controller.main.Flowmirror;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The completion's script in the shells themselves; a zsh that is typed at, by a terminal. */
final class CompletionIT {
  @TempDir private static Path folder;

  @BeforeAll
  static void write() throws IOException {
    StringWriter script = new StringWriter();
    assertThat(
            Flowmirror.commandLine().setOut(new PrintWriter(script)).execute("completion", "zsh"))
        .isZero();
    Files.writeString(folder.resolve("flowmirror"), script.toString());
    for (String name : new String[] {"complete.zsh", "complete.bash"}) {
      Files.writeString(
          folder.resolve(name),
          Resources.toString(
              Resources.getResource(CompletionIT.class, name), StandardCharsets.UTF_8));
    }
  }

  private static String path(String name) {
    return folder.resolve(name).toString();
  }

  @ParameterizedTest
  @CsvSource({
    "flowmirror fl,flowmirror flows",
    "flowmirror mirror on --direction fr,flowmirror mirror on --direction from-pod",
    "flowmirror mirror off --ser,flowmirror mirror off --server"
  })
  void zshCompletes(String typed, String line) {
    String terminal = Program.run("zsh", "-f", path("complete.zsh"), path("flowmirror"), typed);
    assertThat(terminal).containsPattern("(?m)^<" + line + " ?>\\s*$");
  }

  @Test
  void bashCompletes() {
    assertThat(bash("flowmirror", "fl")).isEqualTo("flows\n");
    assertThat(bash("flowmirror", "capture", "--dir")).isEqualTo("--direction\n");
    assertThat(bash("flowmirror", "mirror", "on", "--direction", "to")).isEqualTo("to-pod\n");
  }

  private static String bash(String... words) {
    String[] line = new String[3 + words.length];
    line[0] = "bash";
    line[1] = path("complete.bash");
    line[2] = path("flowmirror");
    System.arraycopy(words, 0, line, 3, words.length);
    return Program.run(line);
  }
}
