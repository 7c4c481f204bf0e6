// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A program that was started here, and is ended here, with whatever it has started itself. Its
 * output (both streams) is read as it comes, so that it never blocks on a full pipe.
 */
final class Program implements AutoCloseable {
  private static final Duration TIME_TO_DIE = Duration.ofSeconds(10);

  private final List<String> command;
  private final Process process;
  private final CompletableFuture<String> output;

  private Program(List<String> command, Process process) {
    this.command = command;
    this.process = process;
    this.output = new CompletableFuture<>();
    Thread.ofPlatform().daemon().start(() -> output.complete(readAll()));
  }

  /** Starts a program without input. */
  static Program start(String... command) {
    return start(new byte[0], command);
  }

  /** Starts a program with this input. */
  static Program start(byte[] input, String... command) {
    try {
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectInput(Redirect.PIPE)
              .start();
      Program program = new Program(List.of(command), process);
      try (OutputStream stdin = process.getOutputStream()) {
        stdin.write(input);
      } catch (IOException e) {
        // It ended without reading its input: its status and output say why.
      }
      return program;
    } catch (IOException e) {
      throw new UncheckedIOException(String.join(" ", command), e);
    }
  }

  /** Runs a program to its end, which must be a good one within a minute; returns its output. */
  static String run(String... command) {
    return start(command).success(Duration.ofSeconds(60));
  }

  /** Waits for a good end; returns the output, or fails with it. */
  String success(Duration timeout) {
    int status = status(timeout);
    if (status != 0) {
      throw new AssertionError(
          String.join(" ", command) + " ended with status " + status + ":\n" + output());
    }
    return output();
  }

  /** Waits for the end; returns the exit status. A program that does not end is ended. */
  int status(Duration timeout) {
    try {
      if (process.waitFor(timeout.toMillis(), TimeUnit.MILLISECONDS)) {
        return process.exitValue();
      }
      close();
      throw new AssertionError(
          String.join(" ", command) + " did not end in " + timeout + ":\n" + output());
    } catch (InterruptedException e) {
      close();
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** Everything that it has written; waits for its end. */
  String output() {
    try {
      return output.get(TIME_TO_DIE.toSeconds(), TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      return "(its output is still open)";
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  boolean isRunning() {
    return process.isAlive();
  }

  long pid() {
    return process.pid();
  }

  /** Sends the signal that Ctrl-C does: programs such as ping then print their totals. */
  void interrupt() {
    run("sh", "-c", "kill -INT " + process.pid());
  }

  /** Ends it, alone, as a crash would. */
  void kill() {
    process.toHandle().destroyForcibly();
    status(TIME_TO_DIE);
  }

  /** Ends it and all that it has started, and waits for that. */
  @Override
  public void close() {
    // Before the program ends: what it leaves behind is nobody's descendant any more. By their
    // numbers, since a program such as timeout has a process group of its own.
    List<ProcessHandle> started = process.descendants().toList();
    // By the handle, since Process.destroy also closes the output that is still to be read.
    process.toHandle().destroy();
    try {
      if (!process.waitFor(TIME_TO_DIE.toMillis(), TimeUnit.MILLISECONDS)) {
        process.toHandle().destroyForcibly();
        process.waitFor();
      }
      end(started);
    } catch (InterruptedException e) {
      process.toHandle().destroyForcibly();
      started.forEach(ProcessHandle::destroyForcibly);
      Thread.currentThread().interrupt();
    }
  }

  private static void end(List<ProcessHandle> started) {
    started.forEach(ProcessHandle::destroy);
    if (!Wait.within(TIME_TO_DIE, () -> started.stream().noneMatch(Program::runs))) {
      started.forEach(ProcessHandle::destroyForcibly);
    }
  }

  /**
   * Whether it has not ended. A handle knows its process by the time of its start too, so that a
   * number's next bearer is another; but one that has ended counts as alive until somebody has
   * asked for its status, and in a container perhaps nobody ever does (proc(5), state Z).
   */
  static boolean runs(ProcessHandle process) {
    try {
      String stat = Files.readString(Path.of("/proc", Long.toString(process.pid()), "stat"));
      return process.isAlive() && !stat.substring(stat.lastIndexOf(')')).startsWith(") Z");
    } catch (IOException e) {
      return false;
    }
  }

  private String readAll() {
    try (InputStream stdout = process.getInputStream()) {
      return new String(stdout.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      return "(its output was lost: " + e.getMessage() + ")";
    }
  }
}
