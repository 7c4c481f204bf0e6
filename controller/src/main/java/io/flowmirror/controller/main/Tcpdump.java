// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.google.common.collect.ImmutableList;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * tcpdump on an interface of this machine, or of a network namespace of it. It ends with this
 * process, however that ends.
 */
final class Tcpdump implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  /**
   * Ends the program when our end of its input is closed, as it is when we die. The program has no
   * other input; a shell gives what it runs beside itself none, hence the third descriptor.
   */
  private static final String WITH_US =
      "exec 3<&0; { cat <&3; kill $$; } >/dev/null 2>&1 & exec \"$@\" </dev/null 3<&-";

  private final Process process;
  private volatile boolean listening;

  private Tcpdump(Process process) {
    this.process = process;
  }

  /** Where programs run: here, or in a namespace. */
  private static ImmutableList<String> in(Optional<String> netns, List<String> command) {
    ImmutableList.Builder<String> line = ImmutableList.builder();
    netns.ifPresent(name -> line.add("ip", "netns", "exec", name));
    return line.addAll(command).build();
  }

  /** Whether there is an interface of this name. */
  static boolean hasInterface(Optional<String> netns, String name) {
    if (name.isEmpty() || name.indexOf('/') >= 0) {
      return false;
    }
    String file = "/sys/class/net/" + name + "/ifindex";
    return netns.isEmpty()
        ? Files.exists(Path.of(file))
        : output(in(netns, List.of("cat", file))) == null;
  }

  /** What tcpdump has against a filter. */
  static Optional<String> objection(String filter) {
    return Optional.ofNullable(output(List.of("tcpdump", "-y", "EN10MB", "-d", filter)));
  }

  /** What a program says that fails; null if it does not fail. */
  private static @Nullable String output(List<String> command) {
    try {
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectInput(Redirect.from(new File("/dev/null")))
              .start();
      String said;
      try (InputStream out = process.getInputStream()) {
        said = new String(out.readAllBytes(), StandardCharsets.UTF_8).strip();
      }
      return process.waitFor() == 0 ? null : said;
    } catch (IOException e) {
      throw missing(command.get(0));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new RemoteException(RemoteException.UNREACHED, "interrupted");
    }
  }

  /**
   * Starts it. Its words go to standard error.
   *
   * @param count of frames after which it ends by itself
   * @param filter as pcap-filter(7) has it; all frames, if empty
   */
  static Tcpdump start(
      Optional<String> netns, String iface, Optional<Integer> count, String filter) {
    ImmutableList.Builder<String> command = ImmutableList.builder();
    // Each frame at once, to whoever looks on, and none left in a buffer in the end; 16 MiB for
    // bursts.
    command.add("tcpdump", "-i", iface, "-n", "-s", "0", "--immediate-mode", "-B", "16384");
    command.add("-U", "-w", "-");
    count.ifPresent(frames -> command.add("-c", frames.toString()));
    if (!filter.isEmpty()) {
      command.add(filter);
    }
    ImmutableList<String> line =
        ImmutableList.<String>builder()
            .add("sh", "-c", WITH_US, "sh")
            .addAll(in(netns, command.build()))
            .build();
    try {
      return new Tcpdump(new ProcessBuilder(line).redirectError(Redirect.INHERIT).start());
    } catch (IOException e) {
      throw missing("sh");
    }
  }

  private static RemoteException missing(String program) {
    return new RemoteException(
        RemoteException.UNREACHED, program + " cannot be run: is it installed?");
  }

  /**
   * Passes on what it captures, until it ends.
   *
   * @return whether it ended well
   * @throws IOException if nobody takes it
   */
  boolean passTo(OutputStream target) throws IOException {
    byte[] buffer = new byte[1 << 16];
    InputStream captured = process.getInputStream();
    for (int length = read(captured, buffer); length >= 0; length = read(captured, buffer)) {
      listening = true;
      target.write(buffer, 0, length);
      target.flush();
    }
    try {
      return process.waitFor() == 0;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** Whether it listens: it writes the file's header then. From any thread. */
  boolean isListening() {
    return listening;
  }

  /** Its output may be closed under us, which is its end as well. */
  private static int read(InputStream captured, byte[] buffer) {
    try {
      return captured.read(buffer);
    } catch (IOException e) {
      return -1;
    }
  }

  /** Has it write what it has, and end. */
  void stop() {
    process.toHandle().destroy();
  }

  @Override
  public void close() {
    stop();
    try {
      if (!process.waitFor(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
        process.destroyForcibly();
      }
      process.getOutputStream().close();
    } catch (IOException e) {
      // Nothing is left of it.
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
