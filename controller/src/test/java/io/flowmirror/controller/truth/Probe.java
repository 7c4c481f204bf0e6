// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.BitSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A ping every millisecond from one pod to another, with every single answer accounted for. */
final class Probe implements AutoCloseable {
  private static final String INTERVAL = "0.001";

  /** ICMP's sequence numbers have 16 bits; a probe ends by itself before they repeat. */
  private static final String MOST = "60000";

  private static final Pattern ANSWER = Pattern.compile("icmp_seq=(\\d+)");

  private final String name;
  private final Process ping;
  private final Thread reader;
  private final BitSet answered = new BitSet();
  private final StringBuilder otherLines = new StringBuilder();
  private final AtomicInteger count = new AtomicInteger();

  private Probe(String name, Process ping) {
    this.name = name;
    this.ping = ping;
    this.reader = Thread.ofPlatform().daemon().unstarted(this::read);
  }

  /** Starts to probe. */
  static Probe start(Pod from, Pod to) {
    return start(from, to.ip4());
  }

  /** Starts to probe an address, whose pod need not be there yet. */
  static Probe start(Pod from, String to) {
    try {
      Process ping =
          new ProcessBuilder(
                  "ip", "netns", "exec", from.netns(), "ping", "-n", "-i", INTERVAL, "-c", MOST, to)
              .redirectErrorStream(true)
              .start();
      Probe probe = new Probe(from.name() + " > " + to, ping);
      probe.reader.start();
      return probe;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void read() {
    try (BufferedReader lines = ping.inputReader()) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        note(line);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void note(String line) {
    Matcher answer = ANSWER.matcher(line);
    boolean first = answer.find() && line.contains("time=") && !line.contains("DUP");
    if (first) {
      answered.set(Integer.parseInt(answer.group(1)));
      count.incrementAndGet();
    } else if (!line.startsWith("PING ")) {
      otherLines.append("  ").append(line).append('\n');
    }
  }

  /** Waits until so many more answers have come: what happened before has then been probed. */
  void awaitAnswers(int more) {
    int goal = count.get() + more;
    Wait.until(name + ": " + more + " answers", () -> count.get() >= goal, otherLines::toString);
  }

  int answers() {
    return count.get();
  }

  /**
   * Ends it, and says how many packets had no answer, before the last that had one. Those behind it
   * were under way when it was ended; {@link #awaitAnswers} makes sure that it goes on until then.
   */
  int lost() {
    Program.run("sh", "-c", "kill -INT " + ping.pid());
    try {
      ping.waitFor();
      reader.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    // Sequence numbers begin with 1.
    return Math.max(answered.length() - 1, 0) - answered.cardinality();
  }

  /** Which probe it is, what it has lost, and what ping said beside its answers. */
  String text() {
    StringBuilder text = new StringBuilder(name).append(": no answer to");
    for (int seq = answered.nextClearBit(1);
        seq < answered.length();
        seq = answered.nextClearBit(seq + 1)) {
      text.append(' ').append(seq);
    }
    return text.append(" of ")
        .append(answered.length() - 1)
        .append('\n')
        .append(otherLines)
        .toString();
  }

  /** Ends it, if it has not been ended. */
  @Override
  public void close() {
    ping.toHandle().destroy();
  }
}
