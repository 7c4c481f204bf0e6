// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Counts what a switch says of its flow monitor: that it is paused, because too much of it waits to
 * be read, and that it is resumed (ONF extension 187, as Open vSwitch has it: ofproto/connmgr.c,
 * ofmonitor_flush).
 */
final class FlowMonitorWitness {
  private static final int HEADER = 8;
  private static final int EXPERIMENTER = 4;
  private static final int EXPERIMENTER_HEADER = 16;
  private static final int ONF = 0x4f4e4600;
  private static final int PAUSED = 1871;
  private static final int RESUMED = 1872;

  private final AtomicInteger pauses = new AtomicInteger();
  private final AtomicInteger resumptions = new AtomicInteger();

  /** How often it has been paused. */
  int pauses() {
    return pauses.get();
  }

  /** How often it has been resumed. */
  int resumptions() {
    return resumptions.get();
  }

  /** What one connection says. One thread. */
  final class Hearing {
    private final ByteBuffer head = ByteBuffer.allocate(EXPERIMENTER_HEADER);
    private int left;

    /** Takes the next bytes, which stay unread. */
    void hear(ByteBuffer bytes) {
      ByteBuffer rest = bytes.duplicate().order(ByteOrder.BIG_ENDIAN);
      while (rest.hasRemaining()) {
        if (left > 0) {
          int skipped = Math.min(left, rest.remaining());
          rest.position(rest.position() + skipped);
          left -= skipped;
          continue;
        }
        head.put(rest.get());
        int length = head.position() < HEADER ? HEADER : Math.max(HEADER, head.getChar(2));
        boolean enough =
            head.position() == length
                || (head.position() >= HEADER && head.get(1) != EXPERIMENTER)
                || head.position() == EXPERIMENTER_HEADER;
        if (head.position() >= HEADER && enough) {
          left = length - head.position();
          note();
          head.clear();
        }
      }
    }

    private void note() {
      if (head.get(1) == EXPERIMENTER
          && head.position() == EXPERIMENTER_HEADER
          && head.getInt(8) == ONF) {
        switch (head.getInt(12)) {
          case PAUSED -> pauses.incrementAndGet();
          case RESUMED -> resumptions.incrementAndGet();
          default -> {}
        }
      }
    }
  }
}
