// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.config;

import java.nio.charset.StandardCharsets;

/**
 * How to reach a database or a switch, written as ovs-vsctl(8) writes it, section "OVSDB Connection
 * Methods". This version accepts {@code unix:} only.
 *
 * @param path the unix socket's absolute path, without {@code .}, {@code ..} or doubled slashes, so
 *     that equal methods name one path (links are not followed)
 */
public record ConnectionMethod(String path) {
  private static final String UNIX = "unix:";

  /** {@code sun_path} has 108 bytes, the last of which is 0: unix(7). */
  private static final int MAX_PATH_BYTES = 107;

  /**
   * Throws {@link IllegalArgumentException} for a path that is relative, not in its plain form, has
   * control characters, or is longer than the 107 bytes that a unix socket's path may have.
   */
  public ConnectionMethod {
    check(UNIX + path, path);
    if (!path.equals(plain(path))) {
      throw BadValueException.found(UNIX + path, UNIX + plain(path));
    }
  }

  /**
   * The method that this text names, {@code unix:/run/openvswitch/db.sock}.
   *
   * @throws IllegalArgumentException if the text is anything else
   */
  public static ConnectionMethod parse(String text) {
    if (!text.startsWith(UNIX)) {
      throw BadValueException.found(text, "unix:/PATH (only unix: is accepted in this version)");
    }
    String path = text.substring(UNIX.length());
    check(text, path);
    return new ConnectionMethod(plain(path));
  }

  private static void check(String text, String path) {
    if (!path.startsWith("/")
        || path.endsWith("/")
        || path.chars().anyMatch(Character::isISOControl)) {
      throw BadValueException.found(text, "unix: and the absolute path of a socket");
    }
    int bytes = path.getBytes(StandardCharsets.UTF_8).length;
    if (bytes > MAX_PATH_BYTES) {
      throw BadValueException.found(
          text, "a path of at most " + MAX_PATH_BYTES + " bytes (this one has " + bytes + ")");
    }
  }

  private static String plain(String path) {
    return java.nio.file.Path.of(path).normalize().toString();
  }

  /** As ovs-vsctl writes it: {@code unix:/PATH}. */
  @Override
  public String toString() {
    return UNIX + path;
  }
}
