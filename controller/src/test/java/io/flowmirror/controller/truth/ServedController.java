// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The real program with a northbound at a free port of loopback, and two tokens. It asks for
 * nothing of its own: what is mirrored is asked for by REST. Its files stay in {@code
 * target/flowmirror-runs}.
 */
final class ServedController implements AutoCloseable {
  static final String READER = "reader-0123456789abcdef";
  static final String EDITOR = "editor-0123456789abcdef";

  private static final Pattern URL = Pattern.compile("northbound: (http://\\S+)");

  private final Path log;
  private final Program program;

  private ServedController(Cluster cluster, String name) {
    Path folder = Path.of("target", "flowmirror-runs").toAbsolutePath();
    Path config = folder.resolve(name + ".yaml");
    Path tokens = folder.resolve(name + ".tokens");
    this.log = folder.resolve(name + ".log");
    try {
      Files.createDirectories(folder);
      Files.deleteIfExists(log);
      Files.write(
          tokens, List.of("reader " + READER + " get *", "editor " + EDITOR + " get,update *"));
      Files.writeString(
          config,
          Intent.NOTHING.yaml(cluster)
              + "northbound:\n  listen: 127.0.0.1:0\n  tokens: "
              + tokens
              + "\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    this.program =
        Program.start(
            "sh",
            "-c",
            "exec \"$0\" run --config \"$1\" >\"$2\" 2>&1",
            Sandbox.root().resolve("bin/flowmirror").toString(),
            config.toString(),
            log.toString());
  }

  static ServedController started(Cluster cluster, String name) {
    return new ServedController(cluster, name);
  }

  private String said() {
    try {
      return Files.exists(log) ? Files.readString(log) : "";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Where it serves; waits until it does. */
  String url() {
    Wait.until(
        "the northbound", () -> URL.matcher(said()).find() || !program.isRunning(), this::said);
    Matcher found = URL.matcher(said());
    if (!found.find()) {
      throw new AssertionError(said());
    }
    return found.group(1);
  }

  /** Ends it, and waits for that. */
  @Override
  public void close() {
    program.close();
    if (program.status(Duration.ofSeconds(10)) != 0) {
      throw new AssertionError(said());
    }
  }
}
