// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * What a switch counts.
 *
 * @param mirrorPort where copies go
 */
record TrafficCounters(BrInt brInt, String mirrorPort) {
  /** The copies that the mirror port took, and those that it did not. */
  long[] copies() {
    String ports = Program.run("ovs-ofctl", "dump-ports", brInt.openflow(), mirrorPort);
    String sent = ports.substring(ports.indexOf("tx pkts="));
    return new long[] {number(sent, "pkts="), number(sent, "drop=") + number(sent, "errs=")};
  }

  /** The frames that the switch of n1 took in, and how often one passed the datapath. */
  long[] datapath() {
    String stats = brInt.appctl("dpif-netdev/pmd-stats-show");
    long received = 0;
    long recirculated = 0;
    for (String line : stats.lines().toList()) {
      received += line.contains("packets received:") ? number(line, ": ") : 0;
      recirculated += line.contains("packet recirculations:") ? number(line, ": ") : 0;
    }
    return new long[] {received, received + recirculated};
  }

  private static long number(String text, String after) {
    String rest = text.substring(text.indexOf(after) + after.length()).strip();
    return Long.parseLong(rest.replaceFirst("\\D(?s:.*)", ""));
  }

  /** CPU time of all threads of this process so far, in nanoseconds; -1 if it has ended. */
  static long cpuNanos(long pid) {
    try (Stream<Path> tasks = Files.list(Path.of("/proc/" + pid + "/task"))) {
      long sum = 0;
      for (Path task : tasks.toList()) {
        sum += numbers(Files.readString(task.resolve("schedstat")))[0];
      }
      return sum;
    } catch (IOException e) {
      return -1;
    }
  }

  /** Whether a process runs, and is not one that has ended and that nobody has asked for. */
  static boolean runs(long pid) {
    try {
      String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
      return stat.charAt(stat.lastIndexOf(')') + 2) != 'Z';
    } catch (IOException e) {
      return false;
    }
  }

  /** The numbers in a text of nothing else. */
  static long[] numbers(String text) {
    return Stream.of(text.strip().split("\\s+")).mapToLong(Long::parseLong).toArray();
  }
}
