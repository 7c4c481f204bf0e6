// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Pattern;

/** Open vSwitch's own flow monitor on table 0, as a witness of when OVN's entries go and come. */
final class FlowWatch implements AutoCloseable {
  /** OVN's cookies are the first 32 bits of a row's UUID. */
  private static final Pattern OVNS = Pattern.compile("cookie=0x[0-9a-f]{6,8} ");

  private final Process monitor;
  private final Thread reader;
  private OptionalLong goneNanos = OptionalLong.empty();
  private OptionalLong backNanos = OptionalLong.empty();

  FlowWatch(BrInt brInt) {
    try {
      monitor =
          new ProcessBuilder(
                  "ovs-ofctl",
                  "--unixctl=" + brInt.runFolder() + "/monitor.ctl",
                  "monitor",
                  brInt.openflow(),
                  "watch:!initial,!actions,table=0")
              .redirectErrorStream(true)
              .start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    reader = Thread.ofPlatform().daemon().start(this::read);
  }

  private void read() {
    try (BufferedReader lines = monitor.inputReader()) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (OVNS.matcher(line).find()) {
          note(line, System.nanoTime());
        }
      }
    } catch (IOException e) {
      // It has been ended.
    }
  }

  private synchronized void note(String line, long now) {
    if (line.contains("event=DELETED")) {
      if (goneNanos.isEmpty()) {
        goneNanos = OptionalLong.of(now);
      }
    } else if (line.contains("event=ADDED") && goneNanos.isPresent()) {
      backNanos = OptionalLong.of(now);
    }
  }

  /** From the first of OVN's entries that was deleted to the last that was back, if any was. */
  synchronized Optional<Duration> ovnWasAway() {
    return goneNanos.isPresent() && backNanos.isPresent()
        ? Optional.of(Duration.ofNanos(backNanos.getAsLong() - goneNanos.getAsLong()))
        : Optional.empty();
  }

  @Override
  public void close() {
    monitor.toHandle().destroy();
    try {
      reader.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
