// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.common.collect.ImmutableMap;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;

/**
 * One run of a tool and what n1's switch did meanwhile; a line of the bench's raw file.
 *
 * @param size bytes of a message, or connections for requests
 * @param figures what the tool measured, by name
 * @param frames that the switch took in, of both directions
 * @param bytesPerFrame at the end of the traffic where the mirrored pod is
 * @param passes of the datapath, recirculations with them
 * @param cpuNanos CPU time of all threads of ovs-vswitchd
 * @param copies that the mirror port took
 * @param dropped that it did not take, as the switch counts them
 * @param repeated after a first attempt without figures, or in which ovs-vswitchd ended itself
 */
record TrafficRun(
    int round,
    int row,
    int size,
    String mode,
    String load,
    Map<String, Double> figures,
    long frames,
    double bytesPerFrame,
    long passes,
    long cpuNanos,
    long copies,
    long dropped,
    boolean repeated) {
  private static final ObjectMapper JSON = new ObjectMapper();

  TrafficRun {
    figures = ImmutableMap.copyOf(figures);
  }

  String line() {
    try {
      return JSON.writeValueAsString(this);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static TrafficRun parse(String line) {
    try {
      return JSON.readValue(line, TrafficRun.class);
    } catch (IOException e) {
      throw new UncheckedIOException(line, e);
    }
  }

  @JsonIgnore
  TrafficRow kind() {
    return TrafficRow.of(row);
  }

  /** Copies that there must be. */
  @JsonIgnore
  long due() {
    return frames * kind().copiesDue(TrafficMode.valueOf(mode));
  }

  @JsonIgnore
  double cpuMicrosPerFrame() {
    return frames == 0 ? 0 : cpuNanos / 1e3 / frames;
  }

  @JsonIgnore
  double cpuSecondsPerGigabyte() {
    return frames == 0 ? 0 : cpuNanos / (frames * bytesPerFrame);
  }
}
