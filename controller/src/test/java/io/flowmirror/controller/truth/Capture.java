// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import io.flowmirror.controller.truth.PcapReader.Captured;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A running tcpdump on one side of one interface of one network namespace. From the moment that
 * {@link #start} returns it misses nothing; {@link #close} fails if the kernel had to drop a frame.
 */
final class Capture implements AutoCloseable {
  /** As the kernel of the namespace sees it: what it receives by the interface, or sends. */
  enum Side {
    IN,
    OUT
  }

  private static final String BUFFER_KIB = "16384";

  /** Above every MTU here; a longer one would leave the buffer with a few slots only. */
  private static final String SNAP_LENGTH = "2048";

  private static final Pattern DROPPED = Pattern.compile("(\\d+) packets? dropped by kernel");

  private final String name;
  private final Process tcpdump;
  private final BufferedReader stderr;
  private final Thread reader;
  private final List<Captured> captured = new ArrayList<>();
  private volatile long lastArrival = System.nanoTime();
  private volatile @Nullable IOException failure;

  private Capture(String name, Process tcpdump) {
    this.name = name;
    this.tcpdump = tcpdump;
    this.stderr = tcpdump.errorReader(StandardCharsets.UTF_8);
    this.reader = Thread.ofPlatform().daemon().name(name).unstarted(this::read);
  }

  /**
   * Starts a capture and waits until it listens.
   *
   * @param filter an expression of pcap-filter(7), or nothing
   */
  static Capture start(String netns, String device, Side side, String... filter) {
    List<String> command =
        new ArrayList<>(
            List.of(
                "ip", "netns", "exec", netns, "tcpdump", "-n", "-U", "--immediate-mode", "--nano"));
    command.addAll(List.of("-Z", "root", "-s", SNAP_LENGTH, "-B", BUFFER_KIB));
    command.addAll(List.of("-Q", side == Side.IN ? "in" : "out", "-i", device, "-w", "-"));
    command.addAll(List.of(filter));
    try {
      Capture capture =
          new Capture(netns + " " + device + " " + side, new ProcessBuilder(command).start());
      capture.awaitListening();
      capture.reader.start();
      return capture;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void awaitListening() throws IOException {
    StringBuilder said = new StringBuilder();
    for (String line = stderr.readLine(); line != null; line = stderr.readLine()) {
      said.append(line).append('\n');
      if (line.contains("listening on")) {
        return;
      }
    }
    throw new AssertionError(name + ": tcpdump does not listen:\n" + said);
  }

  private void read() {
    try {
      PcapReader pcap = new PcapReader(tcpdump.getInputStream());
      for (var next = pcap.next(); next.isPresent(); next = pcap.next()) {
        synchronized (captured) {
          captured.add(next.get());
          lastArrival = System.nanoTime();
        }
      }
    } catch (IOException e) {
      failure = e;
    }
  }

  /** How many frames have been captured. */
  int count() {
    synchronized (captured) {
      return captured.size();
    }
  }

  /** The frames from this number on. */
  List<Captured> since(int mark) {
    synchronized (captured) {
      return List.copyOf(captured.subList(mark, captured.size()));
    }
  }

  /** The {@link System#nanoTime} at which the newest frame was read. */
  long lastArrival() {
    return lastArrival;
  }

  @Override
  public void close() {
    // By the handle, since Process.destroy also closes the output that is still to be read.
    tcpdump.toHandle().destroy();
    try {
      StringBuilder said = new StringBuilder();
      stderr.lines().forEach(line -> said.append(line).append('\n'));
      tcpdump.waitFor(10, TimeUnit.SECONDS);
      reader.join();
      IOException failed = failure;
      if (failed != null) {
        throw new AssertionError(name + ": the capture is broken: " + failed.getMessage(), failed);
      }
      Matcher dropped = DROPPED.matcher(said);
      if (!dropped.find() || !dropped.group(1).equals("0")) {
        throw new AssertionError(name + ": the capture is not complete:\n" + said);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      tcpdump.toHandle().destroyForcibly();
    }
  }
}
