// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.flowmirror.controller.openflow.RealSwitch;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The program as a process, on a real switch: how it starts, follows its file, and ends. */
final class RunIT {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static RealSwitch ovs;

  private final List<Program> programs = new ArrayList<>();
  @TempDir private Path folder;

  @BeforeAll
  static void startSwitch() {
    ovs = RealSwitch.start();
    for (String pod : List.of("web", "db")) {
      ovs.addPort(pod + "_h");
      ovs.vsctl(
          "set",
          "interface",
          pod + "_h",
          "external_ids:iface-id=" + pod + ".default",
          "external_ids:pod_name=" + pod,
          "external_ids:pod_namespace=default");
    }
  }

  @AfterAll
  static void stopSwitch() {
    if (ovs != null) {
      ovs.close();
    }
  }

  @BeforeEach
  void mirrorWeb() {
    configure("mirrors: [{pod: default/web}]");
  }

  @AfterEach
  void cleanUp() {
    programs.forEach(Program::kill);
    ovs.ofctl("del-flows", ovs.bridge());
    ovs.vsctl("--if-exists", "del-port", "br-int", "mirror0");
  }

  /** Being told to stop is no failure, and what is installed goes on. */
  @ParameterizedTest
  @ValueSource(strings = {"TERM", "INT", "HUP"})
  void aSignalEndsItAndTheEntriesStay(String signal) {
    Program run = start("run");
    run.awaitLine("in sync: 2 entries");
    List<String> before = ovs.flows();
    assertThat(before).hasSize(2);
    run.signal(signal);
    assertThat(run.exitCode()).isZero();
    assertThat(run.lines())
        .anyMatch(line -> line.contains("stopping; entries stay as they are for at most"))
        .anyMatch(line -> line.contains("audit: left pod=default/web "));
    assertThat(ovs.flows()).isEqualTo(before);
  }

  @Test
  void aSecondOneIsNoticedAndRefusesUnlessForced() {
    Program first = start("run");
    first.awaitLine("in sync: 2 entries");
    int said = first.text().length();

    Program second = start("run");
    assertThat(second.exitCode()).isEqualTo(Flowmirror.REFUSED);
    assertThat(second.text())
        .contains("n1: another controller is at work on this node")
        .contains("another controller is at work on every node that can be reached");
    Program clean = start("clean");
    assertThat(clean.exitCode()).isEqualTo(Flowmirror.REFUSED);
    // On a busy machine it may have more to say.
    assertThat(clean.text()).containsPattern("n1: NOT clean: .*another controller is at work");

    // The first goes on as if nothing had been.
    assertThat(first.isAlive()).isTrue();
    assertThat(ovs.flows()).hasSize(2);
    assertThat(first.text().substring(said)).doesNotContain("missing", "different", "surplus");

    Program third = start("run", "--force");
    third.awaitLine("in sync: 2 entries");
    first.awaitLine("n1: another controller has taken over");
    assertThat(first.isAlive()).isTrue();
    third.signal("TERM");
    assertThat(third.exitCode()).isZero();
    first.awaitLine("n1: the other controller is gone: this one writes now");
  }

  /** Neither is anything written when a right node is adopted, nor is it asked who is there. */
  @Test
  void aRightNodeIsAdoptedWithoutAnyFlowMod() {
    Program first = start("run");
    first.awaitLine("in sync: 2 entries");
    first.kill();
    try (RealSwitch.Changes changes = ovs.changes()) {
      Program second = start("run");
      second.awaitLine("in sync: 2 entries");
      ovs.addFlow("cookie=0x12,table=9,priority=1,actions=drop");
      changes.awaitLine("cookie=0x12");
      assertThat(changes.lines()).hasSize(1);
    }
  }

  /** After a crash the entries are there, and nobody is at work. */
  @Test
  void whatACrashLeftIsTakenOver() {
    Program first = start("run");
    first.awaitLine("in sync: 2 entries");
    first.kill();
    List<String> before = ovs.flows();
    assertThat(before).hasSize(2);
    ovs.addFlow(
        "cookie=0x464d110000000007,table=0,priority=40000,in_port=77,metadata=0,"
            + "actions=output:78,set_field:1->metadata,resubmit(,0)");
    Program second = start("run");
    second.awaitLine("in sync: 2 entries");
    assertThat(ovs.flows()).isEqualTo(before);
  }

  @Test
  void theFileIsFollowed() throws IOException {
    Program run = start("run");
    run.awaitLine("in sync: 2 entries");
    String webs = onlyOf(ovs.flows(), "in_port=" + ovs.ofport("web_h"));

    configure("mirrors: [{pod: default/web}, {pod: default/db, direction: from-pod}]");
    run.awaitLine("changed, and in force: 1 node, 2 mirrors to mirror0");
    run.awaitLine("in sync: 3 entries");
    assertThat(onlyOf(ovs.flows(), "in_port=" + ovs.ofport("web_h"))).isEqualTo(webs);
    List<String> three = ovs.flows();
    assertThat(three).hasSize(3);

    configure("mirors: []\nhold: 1s\nmirrors: [{pod: default/web}, {pod: default/web}]");
    run.awaitLine("changed, and wrong: what was in force stays in force");
    assertThat(run.text())
        .contains("f.yaml:1: mirors: unknown key, did you mean mirrors?")
        .contains("f.yaml:2: hold: found \"1s\"")
        .contains("f.yaml:3: mirrors[1].pod: found \"default/web\"");
    Files.delete(folder.resolve("f.yaml"));
    run.awaitLine("is gone; what was in force stays in force");
    assertThat(ovs.flows()).isEqualTo(three);

    configure("mirrors: [{pod: default/db, direction: from-pod}]");
    run.awaitLine("changed, and in force: 1 node, 1 mirror to mirror0");
    await().atMost(PATIENCE).until(() -> ovs.flows().size() == 2);
    assertThat(run.isAlive()).isTrue();
  }

  @Test
  void theLogIsJsonOnRequest() throws IOException {
    Program run = start(Map.of("FLOWMIRROR_LOG_FORMAT", "json"), "run");
    run.awaitLine("in sync: 2 entries");
    run.signal("TERM");
    assertThat(run.exitCode()).isZero();
    for (String line : run.lines()) {
      JsonNode event = JsonMapper.builder().build().readTree(line);
      assertThat(event.path("level").asText()).isIn("INFO", "WARN", "ERROR");
      assertThat(event.path("formattedMessage").asText()).isNotEmpty();
      assertThat(event.path("timestamp").isIntegralNumber()).isTrue();
    }
  }

  @Test
  void whatIsWrongFromTheStartEndsItAtOnce() {
    Program log = start(Map.of("FLOWMIRROR_LOG_FORMAT", "xml"), "run");
    assertThat(log.exitCode()).isEqualTo(Flowmirror.WRONG);
    assertThat(log.text()).contains("FLOWMIRROR_LOG_FORMAT is \"xml\"; expected text or json");
    configure("hold: forever");
    Program config = start("run");
    assertThat(config.exitCode()).isEqualTo(Flowmirror.WRONG);
    assertThat(config.text()).contains("f.yaml:1: hold: found \"forever\"");
  }

  private static String onlyOf(List<String> flows, String part) {
    return String.join("\n", flows.stream().filter(flow -> flow.contains(part)).toList());
  }

  /** Replaces the file in one step, as an editor does. */
  private void configure(String more) {
    try {
      Path draft = folder.resolve("draft");
      Files.writeString(
          draft,
          more
              + "\nnodes:\n  - name: n1\n    ovsdb: unix:"
              + ovs.database()
              + "\n    openflow: unix:"
              + ovs.socket()
              + "\n");
      Files.move(
          draft,
          folder.resolve("f.yaml"),
          StandardCopyOption.ATOMIC_MOVE,
          StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Program start(String command, String... more) {
    return start(Map.of(), command, more);
  }

  private Program start(Map<String, String> environment, String command, String... more) {
    Program program = new Program(environment, folder, command, more);
    programs.add(program);
    return program;
  }

  /** {@code bin/flowmirror}, whose output goes to a file. */
  private static final class Program {
    private final Process process;
    private final Path output;

    Program(Map<String, String> environment, Path folder, String command, String... more) {
      List<String> line = new ArrayList<>();
      line.add(root().resolve("bin/flowmirror").toString());
      line.addAll(List.of(command, "--config", folder.resolve("f.yaml").toString()));
      line.addAll(List.of(more));
      try {
        output = Files.createTempFile(folder, command, ".log");
        ProcessBuilder builder =
            new ProcessBuilder(line).redirectErrorStream(true).redirectOutput(output.toFile());
        builder.environment().putAll(environment);
        process = builder.start();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    private static Path root() {
      for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
        if (Files.isExecutable(at.resolve("bin/flowmirror"))) {
          return at;
        }
      }
      throw new AssertionError("there is no bin/flowmirror above " + Path.of("").toAbsolutePath());
    }

    String text() {
      try {
        return Files.readString(output);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    List<String> lines() {
      return text().lines().toList();
    }

    void awaitLine(String part) {
      await()
          .atMost(PATIENCE)
          .pollInterval(Duration.ofMillis(20))
          .untilAsserted(() -> assertThat(text()).contains(part));
    }

    boolean isAlive() {
      return process.isAlive();
    }

    void signal(String name) {
      RealSwitch.command("kill", "-" + name, Long.toString(process.pid()));
    }

    int exitCode() {
      try {
        assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS))
            .as("it ends; it said:%n%s", text())
            .isTrue();
        return process.exitValue();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new AssertionError(e);
      }
    }

    void kill() {
      process.destroyForcibly();
      try {
        process.waitFor();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
