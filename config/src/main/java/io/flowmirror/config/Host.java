// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.config;

import com.google.common.base.Ascii;
import com.google.common.net.InetAddresses;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.regex.Pattern;

/**
 * How a host to dial is written, in one way for each: an IPv4 address in dotted decimal, an IPv6
 * address as RFC 5952 writes it, a DNS name (RFC 1123, section 2.1) in lower case. Nothing here
 * looks a name up.
 */
final class Host {
  private static final String LOCALHOST = "localhost";
  private static final int MAX_NAME = 253;

  private static final Pattern IPV4 = Pattern.compile("[0-9]+(?:\\.[0-9]+){3}");
  private static final Pattern IPV6 = Pattern.compile("[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*");

  /**
   * RFC 1123 keeps addresses and names apart by the last label. inet_aton(3) takes {@code 10.1},
   * {@code 010.0.0.1} and {@code 0x7f000001} for addresses, and so may a resolver that is given
   * them as a name.
   */
  private static final Pattern ENDS_IN_NUMBER =
      Pattern.compile("(?:[-.0-9A-Za-z]*\\.)?(?:[0-9]+|0[Xx][0-9A-Fa-f]*)\\.*");

  private static final String LABEL = "[A-Za-z0-9](?:[-A-Za-z0-9]{0,61}[A-Za-z0-9])?";
  private static final Pattern NAME = Pattern.compile(LABEL + "(?:\\." + LABEL + ")*");

  private Host() {}

  /**
   * The plain form of a host.
   *
   * @param text what the operator wrote, for the message
   * @param host an address, IPv6 without brackets, or a name
   * @throws BadValueException if it is none, or none to dial
   */
  static String plain(String text, String host) {
    if (host.indexOf(':') >= 0) {
      return plainIpv6(text, host);
    }
    if (ENDS_IN_NUMBER.matcher(host).matches()) {
      return plainIpv4(text, host);
    }
    String name = host.endsWith(".") ? host.substring(0, host.length() - 1) : host;
    if (name.length() > MAX_NAME || !NAME.matcher(name).matches()) {
      throw BadValueException.found(
          text,
          HostPort.kind(text)
              + "HOST[:PORT], HOST an IPv4 address, an IPv6 address in brackets or a DNS name of 1 to"
              + " 253 letters, digits, '-' or '.'");
    }
    return Ascii.toLowerCase(name);
  }

  /** The plain form of what stands between brackets; an IPv4 address if that is mapped in it. */
  static String plainIpv6(String text, String host) {
    if (host.indexOf('%') >= 0) {
      throw BadValueException.found(text, "an IPv6 address without a scope (%)");
    }
    if (!IPV6.matcher(host).matches() || !InetAddresses.isInetAddress(host)) {
      throw BadValueException.found(
          text, "an IPv6 address in the brackets, " + HostPort.kind(text) + "[fd00::1]:6640");
    }
    return toDial(text, host);
  }

  private static String plainIpv4(String text, String host) {
    if (!IPV4.matcher(host).matches() || !InetAddresses.isInetAddress(host)) {
      throw BadValueException.found(
          text,
          "an IPv4 address, four numbers from 0 to 255 without leading zeros (a name does not end"
              + " in a number)");
    }
    return toDial(text, host);
  }

  /** The plain form of an address of this machine's, wildcards included. */
  static String toListenAt(String text, String host, String expected) {
    if (host.equals(LOCALHOST)) {
      return "127.0.0.1";
    }
    if (!InetAddresses.isInetAddress(host) || InetAddresses.forString(host).isMulticastAddress()) {
      throw BadValueException.found(text, expected);
    }
    return InetAddresses.toAddrString(InetAddresses.forString(host));
  }

  private static String toDial(String text, String literal) {
    InetAddress address = InetAddresses.forString(literal);
    if (address.isAnyLocalAddress() || address.isMulticastAddress() || isBroadcast(address)) {
      throw BadValueException.found(
          text, "an address to dial, not a wildcard, multicast or broadcast address");
    }
    if (address instanceof Inet6Address && address.isLinkLocalAddress()) {
      throw BadValueException.found(
          text, "an address to dial without a scope (%), which a link-local IPv6 address needs");
    }
    return InetAddresses.toAddrString(address);
  }

  private static boolean isBroadcast(InetAddress address) {
    return address instanceof Inet4Address ipv4 && InetAddresses.coerceToInteger(ipv4) == -1;
  }

  /** Whether a host in its plain form is this machine; {@code localhost} is, by RFC 6761. */
  static boolean isLoopback(String host) {
    return host.equals(LOCALHOST)
        || (InetAddresses.isInetAddress(host) && InetAddresses.forString(host).isLoopbackAddress());
  }
}
