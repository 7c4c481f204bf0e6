// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import com.google.common.collect.ImmutableMap;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A sandbox of this JVM's own (see {@code sandbox/README.md}). It is taken down with {@link
 * #close}, and by the JVM's end at the latest.
 */
final class Sandbox implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofMinutes(5);

  private final Path script;
  private final String prefix;
  private final String state;
  private final AtomicBoolean down = new AtomicBoolean();
  private final Thread atExit = Thread.ofPlatform().unstarted(this::down);

  private Sandbox(Path script, String prefix) {
    this.script = script;
    this.prefix = prefix;
    this.state = "/run/flowmirror-sandbox/" + prefix;
  }

  /** Brings a sandbox up; fails, and says what to do, where that is impossible. */
  static Sandbox up() {
    return up("it", "up");
  }

  /**
   * Brings up another one, beside that of {@link #up()}.
   *
   * @param name two letters of its own
   * @param command {@code up}, with its options
   */
  static Sandbox up(String name, String... command) {
    String prefix = name + Long.toString(ProcessHandle.current().pid(), Character.MAX_RADIX);
    Sandbox sandbox = new Sandbox(root().resolve("sandbox/sandbox"), prefix);
    Runtime.getRuntime().addShutdownHook(sandbox.atExit);
    try {
      sandbox.run(command);
    } catch (AssertionError e) {
      throw new AssertionError(
          "These tests need the sandbox: root, network namespaces and some Debian packages. Run"
              + " `make test' as root, which installs what is missing.\n"
              + e.getMessage(),
          e);
    }
    return sandbox;
  }

  /** The checkout that this module is part of, wherever it is. */
  static Path root() {
    Path start = Path.of("").toAbsolutePath();
    for (Path folder = start; folder != null; folder = folder.getParent()) {
      if (Files.isExecutable(folder.resolve("sandbox/sandbox"))) {
        return folder;
      }
    }
    throw new AssertionError("no sandbox/sandbox in " + start + " or above it");
  }

  /** Runs a command of the sandbox's. */
  String run(String... arguments) {
    List<String> command =
        new ArrayList<>(List.of(script.toString(), "--prefix", prefix, "--state", state));
    command.addAll(List.of(arguments));
    return Program.start(command.toArray(String[]::new)).success(PATIENCE);
  }

  String prefix() {
    return prefix;
  }

  /** What {@code sandbox paths} prints. */
  ImmutableMap<String, String> paths() {
    return keysAndValues(run("paths"));
  }

  /** Reads lines of the form {@code key=value}. */
  static ImmutableMap<String, String> keysAndValues(String lines) {
    ImmutableMap.Builder<String, String> values = ImmutableMap.builder();
    lines
        .lines()
        .map(line -> line.split("=", 2))
        .filter(pair -> pair.length == 2)
        .forEach(pair -> values.put(pair[0], pair[1]));
    return values.buildOrThrow();
  }

  @Override
  public void close() {
    down();
    Runtime.getRuntime().removeShutdownHook(atExit);
  }

  private void down() {
    if (down.compareAndSet(false, true)) {
      keepLogs();
      run("down");
    }
  }

  /**
   * Copies the daemons' logs to {@code target/sandbox-logs/PREFIX}, since {@code down} removes
   * them.
   */
  private void keepLogs() {
    Path kept = Path.of("target", "sandbox-logs", prefix).toAbsolutePath();
    Program.run(
        "sh",
        "-c",
        "test ! -d \"$2\" || mkdir -p \"$1\" && cd \"$2\" && tar cf - */log | tar xf - -C \"$1\"",
        "sh",
        kept.toString(),
        state);
  }
}
