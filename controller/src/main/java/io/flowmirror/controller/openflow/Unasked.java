// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import com.google.common.base.Ticker;
import com.google.common.collect.EnumMultiset;
import java.time.Duration;

/**
 * Counts what one switch sends without being asked, and says when it is more than any switch has to
 * say: then it floods. Confined to one thread.
 */
final class Unasked {
  /** Counts begin anew after this, so that a burst may come twice as large across two of them. */
  static final Duration WINDOW = Duration.ofSeconds(10);

  /** What a switch may send unasked, and how many of it within the window. */
  enum Kind {
    /** Turned off by OFPT_SET_ASYNC; OVN's come until that has arrived. */
    PACKET_IN("OFPT_PACKET_IN", 10_000),
    /** Open vSwitch sends one after 5 s of silence. */
    ECHO_REQUEST("OFPT_ECHO_REQUEST", 100_000),
    /** One for each change of each port; br-int has up to 65,280. */
    PORT_STATUS("OFPT_PORT_STATUS", 1_000_000),
    /** OVN's wipe sends one for each entry of ours, at once. */
    FLOW_REMOVED("OFPT_FLOW_REMOVED", 1_000_000),
    /** As many as somebody changes entries of the tables that are watched. */
    FLOW_UPDATE("messages of the flow monitor", 1_000_000),
    /** Errors that refer to nothing that waits for an answer. */
    ERROR("OFPT_ERROR", 10_000),
    /** Replies that refer to no request. */
    REPLY("replies to no request", 10_000),
    /** Experimenter messages that mean nothing to us. */
    EXPERIMENTER("OFPT_EXPERIMENTER", 10_000);

    private final String text;
    private final int limit;

    Kind(String text, int limit) {
      this.text = text;
      this.limit = limit;
    }

    int limit() {
      return limit;
    }
  }

  private final Ticker ticker;
  private final EnumMultiset<Kind> counts = EnumMultiset.create(Kind.class);
  private long sinceNanos;

  Unasked(Ticker ticker) {
    this.ticker = ticker;
    this.sinceNanos = ticker.read();
  }

  /**
   * Counts one.
   *
   * @return how many there have been in this window
   * @throws MisbehaviourException if they are too many
   */
  int count(Kind kind) {
    long now = ticker.read();
    if (now - sinceNanos >= WINDOW.toNanos()) {
      sinceNanos = now;
      counts.clear();
    }
    int count = counts.add(kind, 1) + 1;
    if (count > kind.limit) {
      throw new MisbehaviourException(
          "the switch floods: more than "
              + kind.limit
              + " "
              + kind.text
              + " within "
              + WINDOW.toSeconds()
              + " s");
    }
    return count;
  }
}
