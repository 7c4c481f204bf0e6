// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Which switches are worked with, by their OFPMP_DESC reply (OpenFlow 1.3.5, section 7.3.5.1). */
final class SwitchVersion {
  private static final int MAJOR = 2;
  private static final int MINOR = 17;
  private static final Pattern NUMBERS = Pattern.compile("(\\d{1,6})\\.(\\d{1,6})(?:\\D.*)?");

  private SwitchVersion() {}

  /**
   * Why this switch is refused, in words; empty if it is not. Only a version that can be read and
   * is too old is refused: a switch that calls itself something else shows by its answers what it
   * can.
   *
   * @param hardware {@code hw_desc}, "Open vSwitch" by default
   * @param software {@code sw_desc}, such as "3.1.0"
   */
  static Optional<String> refusal(String hardware, String software) {
    Matcher matcher = NUMBERS.matcher(software.strip());
    if (!hardware.equals("Open vSwitch") || !matcher.matches()) {
      return Optional.empty();
    }
    int major = Integer.parseInt(matcher.group(1));
    int minor = Integer.parseInt(matcher.group(2));
    if (major > MAJOR || (major == MAJOR && minor >= MINOR)) {
      return Optional.empty();
    }
    return Optional.of(
        "Open vSwitch "
            + software
            + " is older than "
            + MAJOR
            + "."
            + MINOR
            + ", the oldest that"
            + " is supported");
  }
}
