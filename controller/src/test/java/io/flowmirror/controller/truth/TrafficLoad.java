// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** One run of a real tool: what it is asked, and what its output says. */
enum TrafficLoad {
  TCP_LATENCY("TCP latency", "us"),
  TCP_BANDWIDTH("TCP bandwidth", "Mbit/s"),
  UDP_LATENCY("UDP latency", "us"),
  /** As fast as the sender can; with messages that are fragmented, as {@link #UDP_FIXED}. */
  UDP_BANDWIDTH("UDP bandwidth", "Mbit/s"),
  /** So many datagrams a second, the same in all modes and rounds. */
  UDP_FIXED("UDP at a fixed load", "%"),
  HTTP("requests", "/s");

  static final ImmutableSet<TrafficLoad> MESSAGES =
      ImmutableSet.of(TCP_LATENCY, TCP_BANDWIDTH, UDP_LATENCY, UDP_BANDWIDTH, UDP_FIXED);
  static final ImmutableSet<TrafficLoad> REQUESTS = ImmutableSet.of(HTTP);
  static final ImmutableSet<TrafficLoad> ALL = ImmutableSet.copyOf(values());
  static final ImmutableSet<TrafficLoad> BYSTANDERS =
      ImmutableSet.of(TCP_LATENCY, TCP_BANDWIDTH, UDP_FIXED);

  /** More than this does not fit into one frame of a pod. */
  static final int WHOLE = 1372;

  /**
   * Datagrams a second. Fragments are fewer: the switch's conntrack keeps what it cannot complete,
   * at most 1,000 of them, and then drops fragments for up to a minute.
   */
  private static final int OFFERED = 10_000;

  private static final int OFFERED_IN_FRAGMENTS = 1_000;

  static final int QPERF_PORT = 19765;
  static final int QPERF_DATA_PORT = 19766;
  static final int IPERF_PORT = 5201;

  private static final Pattern QPERF = Pattern.compile("(\\w+) += +([0-9.]+) (ns|bytes/sec)");
  private static final Pattern WRK_LATENCY =
      Pattern.compile("Latency +([0-9.]+\\w+) +([0-9.]+\\w+) +([0-9.]+\\w+) ");
  private static final Pattern WRK_REQUESTS = Pattern.compile("Requests/sec: +([0-9.]+)");
  private static final Pattern IPERF_RECEIVED =
      Pattern.compile("([0-9.]+)-([0-9.]+) +sec .* (\\d+)/(\\d+) \\([^)]*\\) +receiver");

  final String words;
  final String unit;

  TrafficLoad(String words, String unit) {
    this.words = words;
    this.unit = unit;
  }

  /** The name of its first figure. */
  String figure() {
    return (this == UDP_FIXED ? "UDP loss" : words) + " " + unit;
  }

  boolean isRequests() {
    return this == HTTP;
  }

  static int offered(int size) {
    return size > WHOLE ? OFFERED_IN_FRAGMENTS : OFFERED;
  }

  /** The command, as the shell has it, that is run where the traffic begins. */
  String command(String host, int size, int seconds) {
    boolean fixed = this == UDP_FIXED || this == UDP_BANDWIDTH && size > WHOLE;
    if (this == HTTP) {
      return String.format("exec wrk -t1 -c%d -d%ds %s", size, seconds, host);
    }
    if (fixed) {
      return String.format(
          "exec iperf3 -c %s -u -b %d -l %d -t %d", host, 8L * size * offered(size), size, seconds);
    }
    String test =
        switch (this) {
          case TCP_LATENCY -> "tcp_lat";
          case TCP_BANDWIDTH -> "tcp_bw";
          case UDP_LATENCY -> "udp_lat";
          default -> "udp_bw";
        };
    return String.format(
        "exec qperf -t %d -m %d -ip %d -uu %s %s", seconds, size, QPERF_DATA_PORT, host, test);
  }

  /**
   * The figures in a tool's output by their names, which begin with {@link #figure}; empty if it
   * has none, or tells of no answer.
   */
  ImmutableMap<String, Double> figures(String output, int size, int seconds) {
    if (this == HTTP) {
      return requests(output);
    }
    Matcher received = IPERF_RECEIVED.matcher(output);
    if (received.find()) {
      double time = Double.parseDouble(received.group(2)) - Double.parseDouble(received.group(1));
      double lost = Double.parseDouble(received.group(3));
      double total = Double.parseDouble(received.group(4));
      if (total == 0 || time <= 0) {
        return ImmutableMap.of();
      }
      double mbits = (total - lost) * size * 8 / time / 1e6;
      return this == UDP_FIXED
          ? ImmutableMap.of(figure(), 100 * lost / total)
          : ImmutableMap.of(figure(), mbits);
    }
    ImmutableMap.Builder<String, Double> figures = ImmutableMap.builder();
    Matcher said = QPERF.matcher(output);
    while (said.find()) {
      double value = Double.parseDouble(said.group(2));
      switch (said.group(1)) {
        // No answer in all the time: nought, or the whole of it.
        case "latency" -> {
          if (value > 0 && value < 0.4e9 * seconds) {
            figures.put(figure(), value / 1e3);
          }
        }
        case "bw", "recv_bw" -> figures.put(figure(), value * 8 / 1e6);
        default -> {}
      }
    }
    return figures.buildOrThrow();
  }

  private static ImmutableMap<String, Double> requests(String output) {
    Matcher latency = WRK_LATENCY.matcher(output);
    Matcher rate = WRK_REQUESTS.matcher(output);
    if (!latency.find() || !rate.find() || Double.parseDouble(rate.group(1)) == 0) {
      return ImmutableMap.of();
    }
    return ImmutableMap.of(
        HTTP.figure(),
        Double.parseDouble(rate.group(1)),
        "response, average ms",
        millis(latency.group(1)),
        "response, deviation ms",
        millis(latency.group(2)),
        "response, maximum ms",
        millis(latency.group(3)));
  }

  private static double millis(String time) {
    double value = Double.parseDouble(time.replaceAll("[a-z]", ""));
    return switch (time.replaceAll("[0-9.]", "").toLowerCase(Locale.ROOT)) {
      case "us" -> value / 1e3;
      case "ms" -> value;
      case "s" -> value * 1e3;
      case "m" -> value * 60e3;
      default -> throw new AssertionError("wrk says " + time);
    };
  }

  /** Whether a larger figure is the better one. */
  static boolean moreIsBetter(String figure) {
    return figure.contains("bandwidth") || figure.startsWith("requests");
  }

  /** All of the figures that a run gives. */
  ImmutableSet<String> names() {
    return this == HTTP
        ? ImmutableSet.of(
            figure(), "response, average ms", "response, deviation ms", "response, maximum ms")
        : ImmutableSet.of(figure());
  }
}
