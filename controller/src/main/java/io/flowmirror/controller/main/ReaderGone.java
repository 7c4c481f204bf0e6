// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Notices that nobody reads standard output any more, although nothing is written to it. Java
 * cannot ask for that; GNU tail does when it follows a file, and ends.
 */
final class ReaderGone implements AutoCloseable {
  private final @Nullable Process tail;

  private ReaderGone(@Nullable Process tail) {
    this.tail = tail;
  }

  /** Watches standard output, if it is a pipe and used at all. */
  static ReaderGone watch(boolean used, Runnable gone) {
    if (!used || !isPipe()) {
      return new ReaderGone(null);
    }
    try {
      Process tail =
          new ProcessBuilder("tail", "--pid=" + ProcessHandle.current().pid(), "-f", "/dev/null")
              .redirectOutput(Redirect.INHERIT)
              .redirectError(Redirect.DISCARD)
              .start();
      var unused = tail.onExit().thenRun(gone);
      return new ReaderGone(tail);
    } catch (IOException e) {
      // Then it is noticed with the next frame.
      return new ReaderGone(null);
    }
  }

  private static boolean isPipe() {
    try {
      return Files.readSymbolicLink(Path.of("/proc/self/fd/1")).toString().startsWith("pipe:");
    } catch (IOException e) {
      return false;
    }
  }

  @Override
  public void close() {
    if (tail != null) {
      tail.destroy();
    }
  }
}
