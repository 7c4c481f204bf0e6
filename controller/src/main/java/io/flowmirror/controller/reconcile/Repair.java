// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.reconcile;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * One round that put a node's entries right, confirmed by the switch. Renewals are none.
 *
 * @param cause what made it necessary
 * @param noticed when the first sign of it came
 * @param took from then until the switch had confirmed the round
 * @param entries how many entries were added, replaced or deleted
 * @param gap for how long copies may have been missed: zero if there was only too much, empty if
 *     nobody can tell, since it was so before this controller came
 */
public record Repair(
    Cause cause, Instant noticed, Duration took, int entries, Optional<Duration> gap) {

  /** Why entries were not as they should be. */
  public enum Cause {
    /** They were not when this controller first saw the node. */
    FOUND("found so at the start"),
    /** They were not after the connection had been lost. */
    RECONNECTED("found so after the connection was lost"),
    /** All entries were deleted, OVN's too, as ovn-controller does when it connects. */
    WIPED("wiped with OVN's own"),
    /** Somebody has deleted ours. */
    DELETED("deleted by somebody"),
    /** Somebody has changed or overwritten ours. */
    CHANGED("changed by somebody"),
    /** The pods' ports, or OVN's keys, are others now. */
    MOVED("pods' ports or OVN's keys have changed"),
    /** The mirror port has come, gone, or has another number. */
    MIRROR_PORT("the mirror port has changed"),
    /** The configuration asks for something else. */
    CONFIGURED("the configuration has changed"),
    /** Something else is asked for by REST. */
    REQUESTED("something else is asked for by REST"),
    /** Something else is asked for in the Kubernetes API, or it is not known any more what is. */
    KUBERNETES("something else is asked for in the Kubernetes API");

    private final String words;

    Cause(String words) {
      this.words = words;
    }

    /** In words, after "repaired: ". */
    public String words() {
      return words;
    }
  }

  /** A line for people. */
  @Override
  public String toString() {
    return String.format(
        "%s: %d entries, confirmed %s ms after it was noticed, %s",
        cause.words(),
        entries,
        millis(took),
        gap.map(
                time ->
                    time.isZero()
                        ? "no copy missed"
                        : "copies may have been missed for " + millis(time) + " ms")
            .orElse("for how long copies were missed is not known"));
  }

  private static String millis(Duration time) {
    return String.format("%.1f", time.toNanos() / 1e6);
  }
}
