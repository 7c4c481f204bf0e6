// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.config;

import static io.flowmirror.config.Configs.NODES;
import static io.flowmirror.config.Configs.problems;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Files that are no YAML, no text, not there, or made to do harm. */
@Timeout(20)
class YamlSourceTest {
  @TempDir Path folder;

  private void assertRefused(Path file, String problem) {
    assertThatThrownBy(() -> SettingsReader.read(file, Overrides.none()))
        .isInstanceOf(ConfigException.class)
        .hasMessage(file + problem);
  }

  @Test
  void noSuchFile() {
    assertRefused(folder.resolve("none.yaml"), ": cannot be read: no such file");
  }

  @Test
  void aDirectory() {
    assertRefused(folder, ": cannot be read: a directory");
  }

  @Test
  void anEndlessFile() {
    assertRefused(Path.of("/dev/zero"), ": larger than 8 MiB; expected less");
  }

  @Test
  void aFileOfTheLargestSize() throws IOException {
    Path file = folder.resolve("f.yaml");
    String comment = ("#" + "x".repeat(62) + "\n").repeat(YamlSource.MAX_BYTES / 64 - 2);
    comment += "\n".repeat(YamlSource.MAX_BYTES - NODES.length() - comment.length());
    Files.writeString(file, comment + NODES);
    assertThat(SettingsReader.read(file, Overrides.none()).nodes()).hasSize(1);
    Files.writeString(file, comment + NODES + "\n");
    assertRefused(file, ": larger than 8 MiB; expected less");
  }

  @Test
  void aLongLine() {
    String longest = "#" + "x".repeat(YamlSource.MAX_LINE - 1) + "\n";
    assertThat(problems(longest + NODES)).isEmpty();
    assertThat(problems(NODES + "x" + longest))
        .containsExactly("f.yaml:2: longer than 256 KiB; expected shorter lines");
    assertThat(problems("x".repeat(YamlSource.MAX_BYTES)))
        .containsExactly("f.yaml:1: longer than 256 KiB; expected shorter lines");
  }

  @Test
  void notUtf8() throws IOException {
    Path file = folder.resolve("f.yaml");
    Files.writeString(file, "# é\n# ü\nhold: 30m # caf\u00e9\n" + NODES);
    assertThat(SettingsReader.read(file, Overrides.none()).nodes()).hasSize(1);
    Files.write(file, ("\nhold: 30m # caf\u00e9\n" + NODES).getBytes(ISO_8859_1));
    assertRefused(file, ":2: found bytes that are not UTF-8; expected UTF-8 text");
    Files.write(file, (NODES + "# caf\u00c3").getBytes(ISO_8859_1)); // ends within a character
    assertRefused(file, ":2: found bytes that are not UTF-8; expected UTF-8 text");
  }

  @Test
  void byteOrderMarkAndCarriageReturns() throws IOException {
    Path file = folder.resolve("f.yaml");
    Files.writeString(file, "\ufeffhold: 10m\r\n" + NODES.replace("\n", "\r\n"));
    assertThat(SettingsReader.read(file, Overrides.none()).hold()).hasMinutes(10);
  }

  @Test
  void notYaml() {
    assertThat(problems("hold: 30m\nnodes: [\n"))
        .containsExactly(
            "f.yaml:3: not YAML: while parsing a flow node, expected the node content, but found"
                + " '<stream end>'");
    assertThat(problems("hold: 30m\n\tnodes: []\n"))
        .containsExactly(
            "f.yaml:2: not YAML: while scanning for the next token, found character '\\t(TAB)' that"
                + " cannot start any token. (Do not use \\t(TAB) for indentation)");
    assertThat(problems(NODES + "mirrors: *none\n"))
        .containsExactly("f.yaml:2: not YAML: found undefined alias none");
  }

  @Test
  void controlCharacter() {
    assertThat(problems("hold: 30m\n" + NODES + "# \u0007\n"))
        .containsExactly("f.yaml:3: found the character U+0007; expected printable text");
  }

  @Test
  void twoDocuments() {
    assertThat(problems(NODES + "---\n" + NODES))
        .containsExactly(
            "f.yaml:2: not YAML: expected a single document in the stream, but found another"
                + " document");
  }

  @Test
  void anAliasBomb() {
    StringBuilder yaml = new StringBuilder(NODES).append("a0: &a0 [x]\n");
    for (int i = 1; i < 40; i++) {
      yaml.append("a%d: &a%d [*a%d, *a%d, *a%d]\n".formatted(i, i, i - 1, i - 1, i - 1));
    }
    assertThat(problems(yaml.toString()))
        .containsExactly(
            "f.yaml: too deep or too many aliases: Number of aliases for non-scalar nodes exceeds"
                + " the specified max=50");
  }

  @Test
  void aListThatHoldsItself() {
    assertThat(problems("nodes: &a [*a]\n"))
        .containsExactly(
            "f.yaml:1: nodes[0]: found a list; expected a mapping with name, ovsdb, openflow or"
                + " mirror-iface");
  }

  @Test
  void nestedTooDeeply() {
    assertThat(problems("nodes: " + "[".repeat(10_000)))
        .containsExactly("f.yaml: too deep or too many aliases: Nesting Depth exceeded max 20");
  }

  @Test
  void anObjectOfJava() {
    assertThat(problems("hold: !!javax.script.ScriptEngineManager [x]\n" + NODES))
        .containsExactly(
            "f.yaml:1: not YAML: Global tag is not allowed:"
                + " tag:yaml.org,2002:javax.script.ScriptEngineManager");
    assertThat(problems("hold: !!binary MzBt\n" + NODES))
        .containsExactly(
            "f.yaml:1: hold: found a value with the tag \"tag:yaml.org,2002:binary\"; expected a"
                + " duration such as 30m");
  }

  @Test
  void aWrongFlagIsSaidEvenIfTheFileIsNotYaml() {
    assertThat(
            problems("[", new Overrides(Optional.empty(), Optional.of("ovn0"), Optional.empty())))
        .containsExactly(
            "f.yaml:1: not YAML: while parsing a flow node, expected the node content, but found"
                + " '<stream end>'",
            "--mirror-iface: found \"ovn0\"; expected a port of its own, not one with the node's"
                + " own traffic");
  }
}
