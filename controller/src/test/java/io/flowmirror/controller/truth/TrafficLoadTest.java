// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;

import org.junit.jupiter.api.Test;

/** What the tools of Debian 12 wrote. */
final class TrafficLoadTest {
  private static final String WRK =
      """
      Running 1s test @ http://172.31.0.11:30080/
        1 threads and 100 connections
        Thread Stats   Avg      Stdev     Max   +/- Stdev
          Latency   500.00us    4.73ms   1.20s    95.71%
          Req/Sec    35.15k     5.78k   44.11k    72.73%
        39581 requests in 1.18s, 5.62MB read
      Requests/sec:  33560.28
      Transfer/sec:      4.77MB
      """;

  private static final String IPERF =
      """
      [ ID] Interval           Transfer     Bitrate         Jitter    Lost/Total Datagrams
      [  5]   0.00-1.00   sec   312 KBytes  2.56 Mbits/sec  0.000 ms  0/4996 (0%)  sender
      [  5]   0.00-1.25   sec   241 KBytes  1.98 Mbits/sec  0.028 ms  1249/4996 (25%)  receiver
      """;

  @Test
  void latencyIsInMicroseconds() {
    assertThat(TrafficLoad.TCP_LATENCY.figures("tcp_lat:\n    latency  =  55334 ns\n", 64, 1))
        .containsExactly(entry("TCP latency us", 55.334));
  }

  @Test
  void aPingPongThatWasNeverAnsweredIsNoLatency() {
    assertThat(TrafficLoad.UDP_LATENCY.figures("    latency  =  0 ns\n", 4096, 1)).isEmpty();
    assertThat(TrafficLoad.UDP_LATENCY.figures("    latency  =  1000000000 ns\n", 4096, 1))
        .isEmpty();
    assertThat(TrafficLoad.UDP_LATENCY.figures("    latency  =  500000000 ns\n", 4096, 1))
        .isEmpty();
  }

  @Test
  void bandwidthIsWhatWasReceived() {
    assertThat(TrafficLoad.TCP_BANDWIDTH.figures("    bw  =  36360064 bytes/sec\n", 64, 1))
        .containsExactly(entry("TCP bandwidth Mbit/s", 290.880512));
    String udp = "    send_bw  =  8913408 bytes/sec\n    recv_bw  =  3000000 bytes/sec\n";
    assertThat(TrafficLoad.UDP_BANDWIDTH.figures(udp, 64, 1))
        .containsExactly(entry("UDP bandwidth Mbit/s", 24.0));
  }

  @Test
  void aFixedLoadSaysWhatWasLostAndInFragmentsHowFastItWas() {
    assertThat(TrafficLoad.UDP_FIXED.figures(IPERF, 4096, 1))
        .containsExactly(entry("UDP loss %", 25.0));
    assertThat(TrafficLoad.UDP_BANDWIDTH.figures(IPERF, 4096, 1))
        .containsExactly(entry("UDP bandwidth Mbit/s", 3747 * 4096 * 8 / 1.25 / 1e6));
    assertThat(TrafficLoad.UDP_BANDWIDTH.command("h", 4096, 1)).contains("iperf3 -c h -u -b");
    assertThat(TrafficLoad.UDP_BANDWIDTH.command("h", 1024, 1)).contains("qperf");
  }

  @Test
  void requestsAndTheirResponses() {
    assertThat(TrafficLoad.HTTP.figures(WRK, 100, 1))
        .containsOnly(
            entry("requests /s", 33560.28),
            entry("response, average ms", 0.5),
            entry("response, deviation ms", 4.73),
            entry("response, maximum ms", 1200.0));
    assertThat(TrafficLoad.HTTP.figures(WRK, 100, 1).keySet()).isEqualTo(TrafficLoad.HTTP.names());
    assertThat(TrafficLoad.HTTP.figures("unable to connect to h: Connection refused", 10, 1))
        .isEmpty();
  }
}
