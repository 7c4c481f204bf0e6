// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import java.util.regex.Pattern;

/**
 * An entry as {@code ovs-ofctl -O OpenFlow13 --no-stats dump-flows} prints it (Open vSwitch 3.1).
 * The controller's own form can be read by ovs-ofctl as well, and differs in a few places.
 */
final class OfctlText {
  private static final Pattern ZERO = Pattern.compile("(load|set_field):0x0->");

  private OfctlText() {}

  /** The line for a line of the controller's. */
  static String of(String line) {
    int actions = line.indexOf(" actions=");
    if (actions < 0) {
      return line;
    }
    String head =
        line.substring(0, actions)
            .replaceFirst(", table=0,", ",")
            .replaceFirst("^cookie=0x0, ", "")
            // No comma where it counts the match as begun.
            .replaceFirst(", send_flow_rem, priority=", ", send_flow_rem priority=");
    return " " + head + ZERO.matcher(line.substring(actions)).replaceAll("$1:0->");
  }
}
