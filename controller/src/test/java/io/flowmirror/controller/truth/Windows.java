// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** How many frames of a stranger's were seen, and for how long, case by case. */
final class Windows {
  private record Window(int frames, Duration length) {}

  private static final Map<String, List<Window>> CASES = new LinkedHashMap<>();

  private Windows() {}

  /** Notes when frames of a stranger's were seen, in one round of a case. */
  static synchronized void note(String what, List<Instant> seen) {
    Duration length =
        seen.isEmpty() ? Duration.ZERO : Duration.between(seen.get(0), seen.get(seen.size() - 1));
    System.out.printf(
        "identity: %s: %d frames, within %d us%n", what, seen.size(), length.toNanos() / 1000);
    CASES.computeIfAbsent(what, key -> new ArrayList<>()).add(new Window(seen.size(), length));
  }

  /** Writes a table of all cases to where {@code -Didentity.report} says, if it does. */
  static synchronized void report() {
    @Nullable String file = System.getProperty("identity.report");
    if (file == null || file.isEmpty()) {
      return;
    }
    StringBuilder table = new StringBuilder();
    table.append(
        "| case | rounds | rounds with any | frames: median, worst | longest window, ms |\n");
    table.append("|---|---|---|---|---|\n");
    CASES.forEach(
        (what, windows) -> {
          List<Integer> frames = windows.stream().map(Window::frames).sorted().toList();
          table.append(
              String.format(
                  "| %s | %d | %d | %d, %d | %.1f |%n",
                  what,
                  windows.size(),
                  frames.stream().filter(count -> count > 0).count(),
                  frames.get(frames.size() / 2),
                  frames.get(frames.size() - 1),
                  windows.stream().mapToLong(w -> w.length().toNanos()).max().orElse(0) / 1e6));
        });
    try {
      Files.writeString(Path.of(file), table);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
