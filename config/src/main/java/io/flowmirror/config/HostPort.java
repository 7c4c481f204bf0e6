// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.config;

/** What follows {@code tcp:} and {@code ssl:}, and how it is written. */
record HostPort(String host, int port) {
  /** How it is written, for messages. */
  static final String FORM = "HOST[:PORT]";

  private static final int MAX_PORT = 65_535;

  /**
   * Reads it.
   *
   * @param text all that the operator wrote, for the message
   * @param address what follows the kind
   * @param defaultPort the port if it has none
   */
  static HostPort parse(String text, String address, int defaultPort) {
    // The brackets keep an IPv6 address's colons apart from the port's.
    boolean bracketed = address.startsWith("[");
    int end = bracketed ? address.indexOf(']') + 1 : address.indexOf(':');
    if (bracketed && end == 0) {
      throw BadValueException.found(
          text, "a ']' after the IPv6 address, " + kind(text) + "[fd00::1]:6640");
    }
    String host = end < 0 ? address : address.substring(0, end);
    String port = address.substring(host.length());
    if (bracketed) {
      host = Host.plainIpv6(text, host.substring(1, end - 1));
    } else if (port.indexOf(':', 1) > 0) {
      throw BadValueException.found(
          text,
          kind(text) + FORM + ", an IPv6 address in brackets: " + kind(text) + "[fd00::1]:6640");
    } else {
      host = Host.plain(text, host);
    }
    return new HostPort(host, port.isEmpty() ? defaultPort : port(text, port));
  }

  /** Throws if these are not in their plain form. */
  static void check(String kind, String host, int port) {
    String text = written(kind, host, port);
    if (port < 1 || port > MAX_PORT) {
      throw badPort(text);
    }
    String plain = Host.plain(text, host);
    if (!host.equals(plain)) {
      throw BadValueException.found(text, written(kind, plain, port));
    }
  }

  private static int port(String text, String colonAndPort) {
    if (!colonAndPort.matches(":[1-9][0-9]{0,4}")) {
      throw badPort(text);
    }
    int port = Integer.parseInt(colonAndPort.substring(1));
    if (port > MAX_PORT) {
      throw badPort(text);
    }
    return port;
  }

  private static BadValueException badPort(String text) {
    return BadValueException.found(text, kind(text) + FORM + ", PORT from 1 to " + MAX_PORT);
  }

  /** The kind that a text begins with, {@code tcp:} or {@code ssl:}. */
  static String kind(String text) {
    return text.substring(0, text.indexOf(':') + 1);
  }

  static String written(String kind, String host, int port) {
    return kind + (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + port;
  }
}
