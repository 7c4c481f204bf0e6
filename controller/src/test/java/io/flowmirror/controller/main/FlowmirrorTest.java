// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

final class FlowmirrorTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @TempDir private Path folder;

  @Test
  void aWrongConfigurationStartsNothingAndSaysAllOfIt() throws IOException {
    Path file = write("nodes: []\nmirror: []\nhold: 5s\n");
    for (String command : new String[] {"run", "clean", "flows"}) {
      err.getBuffer().setLength(0);
      assertThat(execute(command, "--config", file.toString())).isEqualTo(Flowmirror.WRONG);
      assertThat(err.toString())
          .contains(file + ":1: nodes:", file + ":2: mirror: unknown key", file + ":3: hold:");
    }
  }

  @Test
  void aWrongCommandLineSaysWhatIsWrong() throws IOException {
    assertThat(execute("run")).isEqualTo(Flowmirror.WRONG);
    assertThat(err.toString()).contains("Missing required option: '--config=FILE'");
    assertThat(execute("mirror")).isEqualTo(Flowmirror.WRONG);
    Path file = write(good());
    assertThat(execute("flows", "--config", file.toString(), "--node", "n9"))
        .isEqualTo(Flowmirror.WRONG);
    assertThat(err.toString()).contains("--node n9: the configuration has no node of this name");
    assertThat(execute("flows", "--config", file.toString(), "--pod", "web"))
        .isEqualTo(Flowmirror.WRONG);
    assertThat(err.toString()).contains("--pod web: found \"web\"; expected NAMESPACE/POD");
  }

  /** A node that does not answer is reported as such, in bounded time. */
  @Test
  void nodesThatDoNotAnswerAreSaidAndFail() throws IOException {
    Path file = write(good());
    assertThat(execute("flows", "--config", file.toString(), "--timeout", "3"))
        .isEqualTo(Flowmirror.FAILED);
    assertThat(out.toString()).contains("# node n1: no connection", "# ! no OpenFlow: ");
    assertThat(execute("clean", "--config", file.toString(), "--timeout", "3"))
        .isEqualTo(Flowmirror.FAILED);
    assertThat(out.toString()).contains("n1: NOT clean: ", "the node has not answered");
  }

  /** Java's own message is often the name of the file alone, which would be there twice. */
  @Test
  void aFileThatCannotBeWrittenIsNamedOnce() {
    for (Path file : new Path[] {folder, folder.resolve("none/file"), Path.of("/proc/file")}) {
      IOException failure =
          catchThrowableOfType(IOException.class, () -> Files.write(file, new byte[1]));
      assertThat(Words.of(failure, file))
          .startsWith(file + ": ")
          .matches(".*: [A-Za-z ]+")
          .containsOnlyOnce(file.toString());
    }
    assertThat(Words.of(new IOException("Broken pipe"), null))
        .isEqualTo("standard output: Broken pipe");
  }

  private String good() {
    return "nodes:\n  - name: n1\n    ovsdb: unix:"
        + folder
        + "/db.sock\n    openflow: unix:"
        + folder
        + "/br-int.mgmt\n";
  }

  private Path write(String yaml) throws IOException {
    return Files.writeString(folder.resolve("flowmirror.yaml"), yaml);
  }

  private int execute(String... args) {
    CommandLine commandLine =
        Flowmirror.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
    return commandLine.execute(args);
  }
}
