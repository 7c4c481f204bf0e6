// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.Iterables;
import io.flowmirror.controller.reconcile.NodeStatus;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;

/**
 * The real program, {@code flowmirror run}, as a user starts it: a process in the network namespace
 * of central, which reaches the nodes over their management network. An intent is a new content of
 * its configuration file. Whether the nodes are as that wants them is not its own word: an observer
 * in this JVM, which writes nothing, compares them with the intent over their unix sockets.
 *
 * <p>The file and the log stay in {@code target/flowmirror-runs}.
 */
final class FlowmirrorProcess implements Controller {
  private static final Path RUNS = Path.of("target", "flowmirror-runs").toAbsolutePath();
  private static final int TAIL = 40;

  /** The file is looked at twice a second, and read when it has been the same twice. */
  private static final Duration CHANGE = Duration.ofSeconds(10);

  private final Cluster cluster;
  private final ImmutableList<NodeAddress> nodes;
  private final Path config;
  private final Path log;
  private final Program program;

  private FlowmirrorProcess(
      Cluster cluster, String name, ImmutableList<NodeAddress> nodes, Intent intent) {
    this.cluster = cluster;
    this.nodes = nodes;
    this.config = RUNS.resolve(name + ".yaml");
    this.log = RUNS.resolve(name + ".log");
    ask(intent);
    // Each exec replaces the process, so that its number is the JVM's.
    this.program =
        Program.start(
            "ip",
            "netns",
            "exec",
            cluster.path("central.netns"),
            "sh",
            "-c",
            "exec \"$0\" run --config \"$1\" >\"$2\" 2>&1",
            Sandbox.root().resolve("bin/flowmirror").toString(),
            config.toString(),
            log.toString());
  }

  /**
   * Starts it.
   *
   * @param name of its files
   */
  static FlowmirrorProcess started(
      Cluster cluster, String name, Iterable<NodeAddress> nodes, Intent intent) {
    return new FlowmirrorProcess(cluster, name, ImmutableList.copyOf(nodes), intent);
  }

  /** Replaces the configuration file, in one step as an editor does, and waits for nothing. */
  void ask(Intent intent) {
    try {
      Files.createDirectories(RUNS);
      Path draft = RUNS.resolve(config.getFileName() + ".draft");
      Files.writeString(draft, intent.yaml(nodes));
      Files.move(draft, config, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void want(Intent intent) {
    ask(intent);
    awaitSettled(intent);
  }

  /**
   * Replaces the file; says how long it took until these nodes were as it wants them.
   *
   * @param observer of that intent, since before
   */
  Duration changed(Intent intent, RunningController observer, String... nodes) {
    Instant begin = Instant.now();
    ask(intent);
    for (String node : nodes) {
      observer.await(node + " to be as the new file wants it", node, NodeStatus::settled);
    }
    Duration took = observer.settledAfter(begin, nodes);
    assertThat(took).as(tail()).isLessThan(CHANGE);
    return took;
  }

  /** Waits until every node of the cluster is as the intent wants it. */
  void awaitSettled(Intent intent) {
    try (RunningController observer = RunningController.observing(cluster, intent)) {
      observer.awaitSettled();
    } catch (AssertionError e) {
      throw new AssertionError(e.getMessage() + "\n" + tail(), e);
    }
  }

  /** Waits until it has said this, after so many other lines. */
  void awaitLine(long after, String part) {
    Wait.until(
        "\"" + part + "\"",
        () -> lines().skip(after).anyMatch(line -> line.contains(part)),
        this::tail);
  }

  /** How many lines it has written. */
  long linesSaid() {
    return lines().count();
  }

  private Stream<String> lines() {
    try {
      return Files.exists(log) ? Files.readAllLines(log).stream() : Stream.of();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private String tail() {
    List<String> lines = lines().toList();
    return "the program is "
        + (program.isRunning() ? "running" : "not running")
        + ", and said\n"
        + String.join("\n", Iterables.skip(lines, Math.max(0, lines.size() - TAIL)));
  }

  /** What it takes of the machine. */
  Usage usage() {
    try (Stream<Path> descriptors = Files.list(Path.of("/proc", pid(), "fd"))) {
      String status = Files.readString(Path.of("/proc", pid(), "status"));
      return new Usage(
          number(status, "Threads:"),
          descriptors.count(),
          number(status, "VmRSS:") / 1024,
          ProcessHandle.of(program.pid())
              .flatMap(process -> process.info().totalCpuDuration())
              .orElseThrow());
    } catch (IOException e) {
      throw new UncheckedIOException(tail(), e);
    }
  }

  /**
   * What a process takes at one moment.
   *
   * @param cpu what it has used since its start
   */
  record Usage(long threads, long descriptors, long residentMib, Duration cpu) {}

  private static long number(String status, String key) {
    String rest = status.substring(status.indexOf(key) + key.length()).strip();
    return Long.parseLong(rest.substring(0, rest.indexOf('\n')).replaceAll("\\D", ""));
  }

  private String pid() {
    return Long.toString(program.pid());
  }

  /** Ends it by SIGTERM, which must be a good end. */
  @Override
  public void close() {
    program.close();
    assertThat(program.status(Duration.ofSeconds(1))).as("exit status; %s", tail()).isZero();
  }
}
