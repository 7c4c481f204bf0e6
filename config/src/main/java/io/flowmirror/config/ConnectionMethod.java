// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.config;

import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/**
 * How to reach a database or a switch, written as ovs-vsctl(8) and ovs-ofctl(8) write it: the
 * active connection methods of ovsdb(7). Equal methods name one address, as far as that can be said
 * without asking anybody: nothing here looks a name up or follows a link.
 */
public sealed interface ConnectionMethod {
  /**
   * The port of {@code tcp:HOST} and {@code ssl:HOST} for a database: ovs-vsctl(8); IANA's "ovsdb".
   */
  int OVSDB_PORT = 6640;

  /** The same for a switch: ovs-ofctl(8); IANA's "openflow". */
  int OPENFLOW_PORT = 6653;

  /** Whether nobody on another machine can be at the other end, or in between. */
  boolean isLoopback();

  /** Whether both ends have to prove by certificates who they are. */
  boolean isTls();

  /** As ovs-vsctl writes it, which {@link #parse} reads. */
  @Override
  String toString();

  /**
   * The method that this text names: {@code unix:/run/openvswitch/db.sock}, {@code tcp:10.0.0.1},
   * {@code tcp:[fd00::1]:6640}, {@code ssl:node-1.example:6640}.
   *
   * @param defaultPort the port of a {@code tcp:} or {@code ssl:} without one
   * @throws IllegalArgumentException if the text is anything else
   */
  static ConnectionMethod parse(String text, int defaultPort) {
    String kind = text.substring(0, text.indexOf(':') + 1);
    String rest = text.substring(kind.length());
    return switch (kind) {
      case Unix.KIND -> Unix.parse(text, rest);
      case Tcp.KIND -> {
        HostPort read = HostPort.parse(text, rest, defaultPort);
        yield new Tcp(read.host(), read.port());
      }
      case Ssl.KIND -> {
        HostPort read = HostPort.parse(text, rest, defaultPort);
        yield new Ssl(read.host(), read.port());
      }
      case "punix:" -> throw refused(text, dialled(kind, Unix.KIND), Unix.FORM);
      case "ptcp:" -> throw refused(text, dialled(kind, Tcp.KIND), Tcp.FORM);
      case "pssl:" -> throw refused(text, dialled(kind, Ssl.KIND), Ssl.FORM);
      default ->
          throw BadValueException.found(text, Unix.FORM + ", " + Tcp.FORM + " or " + Ssl.FORM);
    };
  }

  private static BadValueException refused(String text, String why, String form) {
    return BadValueException.found(text, form + " (" + why + ")");
  }

  private static String dialled(String passive, String active) {
    return passive + " is what a node listens on; the controller dials " + active;
  }

  /**
   * A unix socket.
   *
   * @param path the socket's absolute path, without {@code .}, {@code ..} or doubled slashes
   */
  record Unix(String path) implements ConnectionMethod {
    private static final String KIND = "unix:";
    private static final String FORM = KIND + "/PATH";

    /** {@code sun_path} has 108 bytes, the last of which is 0: unix(7). */
    private static final int MAX_PATH_BYTES = 107;

    /**
     * Throws {@link IllegalArgumentException} for a path that is relative, not in its plain form,
     * has control characters or characters that a path here cannot have, or is longer than the 107
     * bytes that a unix socket's path may have.
     */
    public Unix {
      String text = KIND + path;
      check(text, path);
      if (!path.equals(plain(text, path))) {
        throw BadValueException.found(text, KIND + plain(text, path));
      }
    }

    private static Unix parse(String text, String path) {
      check(text, path);
      return new Unix(plain(text, path));
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

    private static String plain(String text, String path) {
      try {
        return Path.of(path).normalize().toString();
      } catch (InvalidPathException e) { // half a surrogate pair, or é where LANG=C
        throw BadValueException.found(text, "a path in the characters of this system's locale");
      }
    }

    @Override
    public boolean isLoopback() {
      return true;
    }

    @Override
    public boolean isTls() {
      return false;
    }

    @Override
    public String toString() {
      return KIND + path;
    }
  }

  /**
   * A TCP port, neither encrypted nor authenticated.
   *
   * @param host an IPv4 address in dotted decimal, an IPv6 address as RFC 5952 writes it, without
   *     brackets, or a DNS name in lower case, without a dot at its end
   */
  record Tcp(String host, int port) implements ConnectionMethod {
    private static final String KIND = "tcp:";
    private static final String FORM = KIND + HostPort.FORM;

    /**
     * Throws {@link IllegalArgumentException} for a port out of 1 to 65,535, or a host that is none
     * to dial or not in its plain form.
     */
    public Tcp {
      HostPort.check(KIND, host, port);
    }

    @Override
    public boolean isLoopback() {
      return Host.isLoopback(host);
    }

    @Override
    public boolean isTls() {
      return false;
    }

    @Override
    public String toString() {
      return HostPort.written(KIND, host, port);
    }
  }

  /**
   * A TCP port at which both ends prove by certificates who they are (TLS).
   *
   * @param host as {@link Tcp}'s
   */
  record Ssl(String host, int port) implements ConnectionMethod {
    private static final String KIND = "ssl:";
    private static final String FORM = KIND + HostPort.FORM;

    /** Throws {@link IllegalArgumentException} as {@link Tcp} does. */
    public Ssl {
      HostPort.check(KIND, host, port);
    }

    @Override
    public boolean isLoopback() {
      return Host.isLoopback(host);
    }

    @Override
    public boolean isTls() {
      return true;
    }

    @Override
    public String toString() {
      return HostPort.written(KIND, host, port);
    }
  }
}
