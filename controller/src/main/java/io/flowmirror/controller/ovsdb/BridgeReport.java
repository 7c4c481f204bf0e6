// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.ovsdb;

import io.flowmirror.topology.Bridge;
import java.util.Optional;

/**
 * What an OVSDB session knows at one moment: a whole snapshot, of which only the newest matters.
 *
 * @param bridge br-int as the live connection describes it; empty while there is no connection, or
 *     before its first answer, or if the bridge is not there
 * @param reason why {@code bridge} is empty, in words; empty while it is present
 * @param round the number of the newest {@link BridgeSession#apply} that has been answered
 * @param refused why the database or the switch refused that round, in words; empty if it did not
 * @param lock whether this is the one controller that writes to the node
 */
public record BridgeReport(
    Optional<Bridge> bridge, String reason, long round, String refused, Lock lock) {

  /** What is said of rounds of which the database has said nothing. */
  static final String LOST = "the connection was lost before the answer: ";

  static final String NOT_CONNECTED = "not connected: ";

  /** Whether that round was refused for want of a connection alone. */
  public boolean isUnanswered() {
    return refused.startsWith(LOST) || refused.startsWith(NOT_CONNECTED);
  }
}
