// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Lists;
import io.flowmirror.flows.Scenario.Checkpoint;
import io.flowmirror.topology.Fact;
import io.flowmirror.topology.Topology;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Each file of {@code scenarios/} states what holds and which entries follow, in ovs-ofctl's
 * syntax. Each is also played in other orders, which must end in the same tables: the plan depends
 * on what holds, not on how it came about.
 *
 * <p>{@code -Dscenarios.write=true} writes what was computed into the files, to be read before it
 * is committed.
 */
final class ScenarioTest {
  private static final boolean WRITE = Boolean.getBoolean("scenarios.write");

  @TestFactory
  Stream<DynamicNode> scenarios() throws IOException {
    return files().stream()
        .map(file -> DynamicContainer.dynamicContainer(file.getFileName().toString(), tests(file)));
  }

  private static Stream<DynamicTest> tests(Path file) {
    if (WRITE) {
      return Stream.of(DynamicTest.dynamicTest("written", () -> write(file)));
    }
    ImmutableList<Checkpoint> checkpoints = Scenario.read(contents(file));
    List<DynamicTest> tests = new ArrayList<>();
    tests.add(
        DynamicTest.dynamicTest("has checkpoints", () -> assertThat(checkpoints).isNotEmpty()));
    for (int i = 0; i < checkpoints.size(); i++) {
      Checkpoint checkpoint = checkpoints.get(i);
      String name = "checkpoint " + (i + 1);
      tests.add(DynamicTest.dynamicTest(name + " as written", () -> asWritten(checkpoint)));
      tests.add(DynamicTest.dynamicTest(name + " split", () -> split(checkpoint, false)));
      tests.add(DynamicTest.dynamicTest(name + " reversed", () -> split(checkpoint, true)));
      tests.add(DynamicTest.dynamicTest(name + " repeated", () -> repeated(checkpoint)));
      tests.add(DynamicTest.dynamicTest(name + " after a wipe", () -> wiped(checkpoint)));
      tests.add(DynamicTest.dynamicTest(name + " reverted", () -> reverted(checkpoint)));
    }
    tests.add(DynamicTest.dynamicTest("in order", () -> inOrder(checkpoints)));
    tests.add(
        DynamicTest.dynamicTest("in reverse order", () -> inOrder(Lists.reverse(checkpoints))));
    return tests.stream();
  }

  private static void asWritten(Checkpoint checkpoint) {
    assertThat(String.join("\n", computed(checkpoint.statements())))
        .isEqualTo(String.join("\n", checkpoint.expected()));
  }

  /** The statements come true one by one; the difference is applied after each. */
  private static void split(Checkpoint checkpoint, boolean reversed) {
    FlowTable table = new FlowTable();
    List<String> order =
        reversed ? Lists.reverse(checkpoint.statements()) : checkpoint.statements();
    Topology topology = Topology.empty();
    for (int i = 1; i <= order.size(); i++) {
      topology = observe(topology, order.subList(0, i), reversed);
      step(table, order.subList(0, i), topology);
    }
    assertThat(table.entries()).isEqualTo(wanted(checkpoint));
  }

  /** A second look at the same world needs no flow mod. */
  private static void repeated(Checkpoint checkpoint) {
    FlowTable table = new FlowTable();
    Topology topology = Scenario.topology(checkpoint.statements());
    step(table, checkpoint.statements(), topology);
    assertThat(step(table, checkpoint.statements(), topology)).isZero();
    assertThat(step(table, checkpoint.statements(), Scenario.topology(checkpoint.statements())))
        .isZero();
    assertThat(table.entries()).isEqualTo(wanted(checkpoint));
  }

  private static void wiped(Checkpoint checkpoint) {
    FlowTable table = new FlowTable();
    Topology topology = Scenario.topology(checkpoint.statements());
    step(table, checkpoint.statements(), topology);
    table.wipe();
    step(table, checkpoint.statements(), topology);
    assertThat(table.entries()).isEqualTo(wanted(checkpoint));
  }

  /** Nothing wanted any more: nothing of ours is left, and what is OVN's is untouched. */
  private static void reverted(Checkpoint checkpoint) {
    FlowTable table = new FlowTable();
    FlowEntry ovn =
        FlowParser.parse("cookie=0x1234, table=0, priority=100,in_port=5 actions=resubmit(,8)");
    table.add(ovn, 0);
    Topology topology = Scenario.topology(checkpoint.statements());
    step(table, checkpoint.statements(), topology);
    table.apply(
        FlowDiff.between(
                MirrorCompiler.compile(NodeIntent.nothing(), topology.node(Scenario.NODE)),
                table.installed(),
                ImmutableSet.of(),
                ImmutableSet.of())
            .changes());
    assertThat(table.entries()).containsExactly(ovn);
  }

  /** One switch lives through all of a file's checkpoints, in either order. */
  private static void inOrder(List<Checkpoint> checkpoints) {
    FlowTable table = new FlowTable();
    Topology topology = Topology.empty();
    for (Checkpoint checkpoint : checkpoints) {
      topology = observe(topology, checkpoint.statements(), false);
      step(table, checkpoint.statements(), topology);
      if (!checkpoint.statements().contains("no ovsdb")
          && !checkpoint.statements().contains("no openflow")
          && checkpoint.statements().stream().noneMatch(line -> line.contains("only-openflow"))) {
        assertThat(table.entries()).isEqualTo(wanted(checkpoint));
      }
    }
  }

  private static Topology observe(Topology topology, List<String> statements, boolean reversed) {
    ImmutableList<Fact> facts = Scenario.facts(statements, 1);
    for (Fact fact : reversed ? facts.reverse() : facts) {
      topology = topology.with(fact);
    }
    return topology;
  }

  private static int step(FlowTable table, List<String> statements, Topology topology) {
    Plan plan = MirrorCompiler.compile(Scenario.intent(statements), topology.node(Scenario.NODE));
    return table.apply(
        FlowDiff.between(plan, table.installed(), ImmutableSet.of(), ImmutableSet.of()).changes());
  }

  private static ImmutableSet<FlowEntry> wanted(Checkpoint checkpoint) {
    return checkpoint.expected().stream()
        .filter(line -> line.contains(" actions="))
        .map(FlowParser::parse)
        .collect(ImmutableSet.toImmutableSet());
  }

  private static ImmutableList<String> computed(List<String> statements) {
    Plan plan =
        MirrorCompiler.compile(
            Scenario.intent(statements), Scenario.topology(statements).node(Scenario.NODE));
    ImmutableList.Builder<String> lines = ImmutableList.builder();
    plan.entries().values().forEach(planned -> lines.add(FlowText.format(planned.entry())));
    plan.rows().forEach(row -> lines.add("row " + row));
    plan.removableRows().forEach(row -> lines.add("then row " + row));
    plan.bringUp().ifPresent(port -> lines.add("bring up " + port));
    plan.refusals().forEach(refusal -> lines.add("refused: " + refusal));
    ImmutableList<String> all = lines.build();
    return all.isEmpty() ? ImmutableList.of("nothing") : all;
  }

  private static void write(Path file) throws IOException {
    Path source =
        Path.of("src/test/resources/io/flowmirror/flows/scenarios").resolve(file.getFileName());
    StringBuilder text = new StringBuilder();
    List<String> statements = new ArrayList<>();
    boolean skipping = false;
    for (String line : Files.readAllLines(source)) {
      if (skipping && !line.isBlank()) {
        continue;
      }
      skipping = false;
      text.append(line).append('\n');
      if (line.equals("expect")) {
        computed(statements).forEach(entry -> text.append(entry).append('\n'));
        skipping = true;
      } else if (line.startsWith("- ")) {
        statements.remove(line.substring(2));
      } else if (!line.isBlank() && !line.startsWith("#")) {
        statements.add(line);
      }
    }
    Files.writeString(source, text);
  }

  private static List<Path> files() throws IOException {
    try (Stream<Path> files =
        Files.list(
            Path.of(Objects.requireNonNull(ScenarioTest.class.getResource("scenarios")).toURI()))) {
      return files.sorted().toList();
    } catch (URISyntaxException e) {
      throw new IOException(e);
    }
  }

  private static String contents(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
