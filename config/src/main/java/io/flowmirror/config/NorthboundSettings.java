// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.config;

import java.nio.file.Path;
import java.util.Optional;

/**
 * How the controller is asked, and told, by others.
 *
 * @param listen where it listens
 * @param file where mirrors that are asked for by REST are kept, so that they outlive the process;
 *     empty if they end with it
 * @param podMetrics whether metrics have lines for each mirrored pod
 * @param certificate what it proves its name by; never empty unless it listens to this machine
 *     alone
 * @param tokens a file that says who may ask what by which token, see config/README.md; without it
 *     everybody on this machine may, or whom the Kubernetes API lets
 */
public record NorthboundSettings(
    Listen listen,
    Optional<Path> file,
    boolean podMetrics,
    Optional<Certificate> certificate,
    Optional<Path> tokens) {

  /**
   * An address to listen at.
   *
   * @param host an address in its plain form, an IPv6 address without brackets
   * @param port a TCP port, or 0 for one that is free, which the log names
   */
  public record Listen(String host, int port) {
    /** Where it listens when nobody says where. */
    public static final Listen DEFAULT = new Listen("127.0.0.1", 9653);

    private static final String FORM = "ADDRESS:PORT, an IPv6 address in brackets";
    private static final int MAX_PORT = 65_535;

    /**
     * The address that a text such as {@code 127.0.0.1:9653} names.
     *
     * @throws IllegalArgumentException if it is none
     */
    public static Listen parse(String text) {
      int colon = text.lastIndexOf(':');
      String port = text.substring(colon + 1);
      if (colon < 1 || !port.matches("[0-9]{1,5}") || Integer.parseInt(port) > MAX_PORT) {
        throw BadValueException.found(text, FORM);
      }
      String host = text.substring(0, colon);
      boolean bracketed = host.startsWith("[") && host.endsWith("]");
      String plain =
          Host.toListenAt(text, bracketed ? host.substring(1, host.length() - 1) : host, FORM);
      if (plain.indexOf(':') >= 0 && !bracketed) {
        throw BadValueException.found(text, FORM);
      }
      return new Listen(plain, Integer.parseInt(port));
    }

    /** The same address with another port. */
    public Listen withPort(int other) {
      return new Listen(host, other);
    }

    /** Whether only processes of this machine reach it. */
    public boolean isLoopback() {
      return Host.isLoopback(host);
    }

    /** As {@link #parse} reads it. */
    @Override
    public String toString() {
      return (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + port;
    }
  }

  /**
   * What a server proves its name by.
   *
   * @param chain a PEM file with its certificate, and those that it hangs by
   * @param privateKey a PEM file with its key, PKCS#8
   */
  public record Certificate(Path chain, Path privateKey) {}
}
