// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.config;

import com.google.common.collect.ImmutableSet;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How values are written. Each method returns what it was given, or its meaning, or throws {@link
 * BadValueException}.
 */
final class Syntax {
  /** Longer values are cut in messages. */
  private static final int MAX_QUOTED = 80;

  private static final String LABEL = "[a-z0-9](?:[-a-z0-9]*[a-z0-9])?";
  private static final Pattern RFC_1123_LABEL = Pattern.compile(LABEL);
  private static final Pattern RFC_1123_SUBDOMAIN =
      Pattern.compile(LABEL + "(?:\\." + LABEL + ")*");

  /** Narrower than the kernel's dev_valid_name(): nothing that needs quoting in a flow entry. */
  private static final Pattern INTERFACE = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}");

  /**
   * Ports of br-int that carry the node's own traffic; as a mirror port, its frames would no longer
   * reach OVN.
   */
  private static final ImmutableSet<String> NODE_PORTS = ImmutableSet.of("br-int", "ovn0");

  /** Six digits are more than the longest hold and cannot overflow. */
  private static final Pattern DURATION =
      Pattern.compile("(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,6})s)?");

  private Syntax() {}

  static boolean bool(String text) {
    return switch (text) {
      case "true" -> true;
      case "false" -> false;
      default -> throw BadValueException.found(text, "true or false");
    };
  }

  static String interfaceName(String text) {
    if (!INTERFACE.matcher(text).matches()) {
      throw BadValueException.found(
          text,
          "an interface's name: 1 to 15 letters, digits, '.', '_' or '-', and neither '.' nor '-'"
              + " first");
    }
    if (NODE_PORTS.contains(text)) {
      throw BadValueException.found(text, "a port of its own, not one with the node's own traffic");
    }
    return text;
  }

  static String nodeName(String text) {
    return subdomain(text, "a node's name");
  }

  static String podName(String text) {
    return subdomain(text, "a pod's name");
  }

  static String namespace(String text) {
    if (text.length() > 63 || !RFC_1123_LABEL.matcher(text).matches()) {
      throw BadValueException.found(
          text,
          "a namespace's name: 1 to 63 lower-case letters, digits or '-', a letter or digit at both"
              + " ends");
    }
    return text;
  }

  private static String subdomain(String text, String what) {
    if (text.length() > 253 || !RFC_1123_SUBDOMAIN.matcher(text).matches()) {
      throw BadValueException.found(
          text,
          what
              + ": 1 to 253 lower-case letters, digits, '-' or '.', a letter or digit at both ends"
              + " and beside each '.'");
    }
    return text;
  }

  static int tcpPort(String text) {
    if (!text.matches("[1-9][0-9]{0,4}") || Integer.parseInt(text) > 65_535) {
      throw BadValueException.found(text, "a TCP port: 1 to 65535");
    }
    return Integer.parseInt(text);
  }

  static Duration hold(String text) {
    return holdInBounds(duration(text), text);
  }

  static Duration audit(String text) {
    return auditInBounds(duration(text), text);
  }

  static Duration auditInBounds(Duration audit, String text) {
    if (audit.compareTo(Settings.MIN_AUDIT) < 0
        || audit.compareTo(Settings.MAX_AUDIT) > 0
        || audit.toNanosPart() != 0) {
      throw BadValueException.found(text, "1s to 5m");
    }
    return audit;
  }

  private static Duration duration(String text) {
    Matcher matcher = DURATION.matcher(text);
    if (text.isEmpty() || !matcher.matches()) {
      throw BadValueException.found(text, "a duration in h, m and s, such as 30m, 90s or 1h30m");
    }
    return Duration.ofHours(number(matcher, 1))
        .plusMinutes(number(matcher, 2))
        .plusSeconds(number(matcher, 3));
  }

  static Duration holdInBounds(Duration hold, String text) {
    if (hold.compareTo(Settings.MIN_HOLD) < 0
        || hold.compareTo(Settings.MAX_HOLD) > 0
        || hold.toNanosPart() != 0) {
      throw BadValueException.found(
          text, "10s to 18h (a flow entry's hard_timeout has 16 bits of seconds)");
    }
    return hold;
  }

  private static long number(Matcher matcher, int group) {
    String digits = matcher.group(group);
    return digits == null ? 0 : Long.parseLong(digits);
  }

  /** The text in quotes, cut and escaped. */
  static String quote(String text) {
    int end = text.length();
    if (text.codePointCount(0, end) > MAX_QUOTED) {
      return '"' + escape(text.substring(0, text.offsetByCodePoints(0, MAX_QUOTED))) + "\"...";
    }
    return '"' + escape(text) + '"';
  }

  /** The text with what is not printable escaped, since it may end up on a terminal. */
  static String escape(String text) {
    StringBuilder escaped = new StringBuilder();
    text.codePoints()
        .forEach(
            c -> {
              if (isUnprintable(c)) {
                escaped.append(String.format("\\u%04x", c));
              } else {
                escaped.appendCodePoint(c);
              }
            });
    return escaped.toString();
  }

  private static boolean isUnprintable(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.PRIVATE_USE,
          Character.SURROGATE,
          Character.UNASSIGNED ->
          true;
      default -> false;
    };
  }
}
