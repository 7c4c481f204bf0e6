// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.ovsdb;

import static com.google.common.base.Preconditions.checkArgument;

import java.time.Duration;

/**
 * How long an OVSDB session waits for what.
 *
 * @param silence after this long without a byte from the server an {@code echo} is sent (RFC 7047,
 *     section 4.1.11); after as long again without a byte the connection is closed
 * @param answer how long any other request may stay unanswered before the connection is closed:
 *     whether it was carried out is unknown then, and only a fresh snapshot tells
 * @param message how long a message may take from its first byte to its last: a peer that sends a
 *     byte now and then is never silent
 * @param firstBackoff the delay before the first attempt to reconnect; it doubles with each failure
 * @param lastBackoff the delay that is not exceeded
 */
public record OvsdbTimings(
    Duration silence,
    Duration answer,
    Duration message,
    Duration firstBackoff,
    Duration lastBackoff) {
  /** 5 s of silence, 5 s for an answer, 30 s for a message, 100 ms to 5 s between attempts. */
  public static final OvsdbTimings DEFAULT =
      new OvsdbTimings(
          Duration.ofSeconds(5),
          Duration.ofSeconds(5),
          Duration.ofSeconds(30),
          Duration.ofMillis(100),
          Duration.ofSeconds(5));

  public OvsdbTimings {
    checkArgument(silence.isPositive(), "silence must be positive, not %s", silence);
    checkArgument(answer.isPositive(), "answer must be positive, not %s", answer);
    checkArgument(message.isPositive(), "message must be positive, not %s", message);
    checkArgument(
        firstBackoff.isPositive(), "first backoff must be positive, not %s", firstBackoff);
    checkArgument(
        lastBackoff.compareTo(firstBackoff) >= 0,
        "last backoff %s is shorter than the first, %s",
        lastBackoff,
        firstBackoff);
  }
}
