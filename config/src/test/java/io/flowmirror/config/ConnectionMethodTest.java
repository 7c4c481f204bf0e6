// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.flowmirror.config.ConnectionMethod.Ssl;
import io.flowmirror.config.ConnectionMethod.Tcp;
import io.flowmirror.config.ConnectionMethod.Unix;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which texts name an address, which address, and what the others are told. */
class ConnectionMethodTest {
  private static final int PORT = 6640;

  private static ConnectionMethod parse(String text) {
    return ConnectionMethod.parse(text, PORT);
  }

  private static void assertRefused(Runnable construction, String message) {
    assertThatIllegalArgumentException().isThrownBy(construction::run).withMessage(message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          # text                        | normal form                 | loopback?
          unix:/run/openvswitch/db.sock | unix:/run/openvswitch/db.sock | true
          unix:/run//./x/../db.sock     | unix:/run/db.sock           | true
          unix:/a b:c                   | unix:/a b:c                 | true

          tcp:10.0.0.1                  | tcp:10.0.0.1:6640           | false
          tcp:10.0.0.1:6640             | tcp:10.0.0.1:6640           | false
          tcp:10.0.0.1:1                | tcp:10.0.0.1:1              | false
          tcp:10.0.0.1:65535            | tcp:10.0.0.1:65535          | false
          tcp:169.254.0.1               | tcp:169.254.0.1:6640        | false
          tcp:127.0.0.1                 | tcp:127.0.0.1:6640          | true
          tcp:127.255.255.254           | tcp:127.255.255.254:6640    | true
          tcp:126.255.255.255           | tcp:126.255.255.255:6640    | false
          tcp:128.0.0.1                 | tcp:128.0.0.1:6640          | false

          tcp:[fd00::1]                 | tcp:[fd00::1]:6640          | false
          tcp:[fd00::1]:6653            | tcp:[fd00::1]:6653          | false
          tcp:[FD00:0:0:0:0:0:0:1]      | tcp:[fd00::1]:6640          | false
          tcp:[fd00:0000::0001]         | tcp:[fd00::1]:6640          | false
          tcp:[2001:db8:0:1:1:1:1:1]    | tcp:[2001:db8:0:1:1:1:1:1]:6640 | false
          tcp:[2001:0:0:1:0:0:0:1]      | tcp:[2001:0:0:1::1]:6640    | false
          tcp:[2001:db8::0:1:0:0:1]     | tcp:[2001:db8::1:0:0:1]:6640 | false
          tcp:[64:ff9b::10.0.0.1]       | tcp:[64:ff9b::a00:1]:6640   | false
          tcp:[::1]                     | tcp:[::1]:6640              | true
          tcp:[0:0:0:0:0:0:0:1]         | tcp:[::1]:6640              | true
          tcp:[::2]                     | tcp:[::2]:6640              | false
          tcp:[::127.0.0.1]             | tcp:[::7f00:1]:6640         | false
          tcp:[::ffff:127.0.0.1]        | tcp:127.0.0.1:6640          | true
          tcp:[::FFFF:7f12:3456]        | tcp:127.18.52.86:6640       | true
          tcp:[::ffff:10.0.0.1]         | tcp:10.0.0.1:6640           | false

          tcp:node-1                    | tcp:node-1:6640             | false
          tcp:Node-1.Example.:6653      | tcp:node-1.example:6653     | false
          tcp:1.2.3.4.example           | tcp:1.2.3.4.example:6640    | false
          tcp:3com                      | tcp:3com:6640               | false
          tcp:0xcafe.example            | tcp:0xcafe.example:6640     | false
          tcp:xn--bcher-kva.example     | tcp:xn--bcher-kva.example:6640 | false
          tcp:localhost                 | tcp:localhost:6640          | true
          tcp:LOCALHOST.:6653           | tcp:localhost:6653          | true
          tcp:localhost.example         | tcp:localhost.example:6640  | false
          tcp:127.0.0.1.example         | tcp:127.0.0.1.example:6640  | false
          """)
  void accepted(String text, String normal, boolean loopback) {
    ConnectionMethod method = parse(text);
    assertThat(method).hasToString(normal);
    assertThat(method.isLoopback()).isEqualTo(loopback);
    assertThat(ConnectionMethod.parse(normal, 1)).isEqualTo(method);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          # text                  | expected, or which of the three below
          ''                      | unix:/PATH, tcp:HOST[:PORT] or ssl:HOST[:PORT]
          /run/db.sock            | unix:/PATH, tcp:HOST[:PORT] or ssl:HOST[:PORT]
          10.0.0.1:6640           | unix:/PATH, tcp:HOST[:PORT] or ssl:HOST[:PORT]
          TCP:10.0.0.1            | unix:/PATH, tcp:HOST[:PORT] or ssl:HOST[:PORT]
          ' tcp:10.0.0.1'         | unix:/PATH, tcp:HOST[:PORT] or ssl:HOST[:PORT]
          udp:10.0.0.1            | unix:/PATH, tcp:HOST[:PORT] or ssl:HOST[:PORT]
          ptcp:6653               | tcp:HOST[:PORT] (ptcp: is what a node listens on; the controller dials tcp:)
          ptcp:                   | tcp:HOST[:PORT] (ptcp: is what a node listens on; the controller dials tcp:)
          pssl:6653:10.0.0.1      | ssl:HOST[:PORT] (pssl: is what a node listens on; the controller dials ssl:)
          punix:/run/db.sock      | unix:/PATH (punix: is what a node listens on; the controller dials unix:)

          unix:                   | unix: and the absolute path of a socket
          unix:db.sock            | unix: and the absolute path of a socket
          unix:/                  | unix: and the absolute path of a socket
          unix:/run/              | unix: and the absolute path of a socket

          tcp:10.0.0.1:           | tcp:HOST[:PORT], PORT from 1 to 65535
          tcp:10.0.0.1:0          | tcp:HOST[:PORT], PORT from 1 to 65535
          tcp:10.0.0.1:65536      | tcp:HOST[:PORT], PORT from 1 to 65535
          tcp:10.0.0.1:06640      | tcp:HOST[:PORT], PORT from 1 to 65535
          tcp:10.0.0.1:+1         | tcp:HOST[:PORT], PORT from 1 to 65535
          tcp:10.0.0.1:-1         | tcp:HOST[:PORT], PORT from 1 to 65535
          tcp:10.0.0.1:ovsdb      | tcp:HOST[:PORT], PORT from 1 to 65535
          tcp:10.0.0.1:4294973936 | tcp:HOST[:PORT], PORT from 1 to 65535
          tcp:10.0.0.1:٦٦٤٠       | tcp:HOST[:PORT], PORT from 1 to 65535
          tcp:[fd00::1]6640       | tcp:HOST[:PORT], PORT from 1 to 65535
          tcp:[fd00::1]]:6640     | tcp:HOST[:PORT], PORT from 1 to 65535
          tcp:[fd00::1]:6640:     | tcp:HOST[:PORT], PORT from 1 to 65535

          tcp:256.0.0.1           | IPV4
          tcp:10.1                | IPV4
          tcp:10.0.0.0.1          | IPV4
          tcp:10.0.0.1.           | IPV4
          tcp:10..0.1             | IPV4
          tcp:.1                  | IPV4
          tcp:010.0.0.1           | IPV4
          tcp:10.0.0.01           | IPV4
          tcp:167772161           | IPV4
          tcp:99999999999.0.0.1   | IPV4
          tcp:0x7f000001          | IPV4
          tcp:0x7f.0.0.1          | IPV4
          tcp:10.0.0.0x1          | IPV4
          tcp:node.1:6640         | IPV4

          tcp:                    | HOST
          tcp::6640               | HOST
          tcp:.                   | HOST
          tcp:node..example       | HOST
          tcp:.node               | HOST
          tcp:node.example..      | HOST
          tcp:-node               | HOST
          tcp:node-               | HOST
          tcp:node_1              | HOST
          tcp:node 1              | HOST
          tcp:nöde                | HOST
          tcp:١٠.٠.٠.١            | HOST
          tcp://10.0.0.1          | HOST
          tcp:user@node           | HOST
          tcp:10.0.0.1,tcp        | HOST
          tcp:10.0.0.1/24         | HOST

          tcp:fd00::1             | tcp:HOST[:PORT], an IPv6 address in brackets: tcp:[fd00::1]:6640
          tcp:::1                 | tcp:HOST[:PORT], an IPv6 address in brackets: tcp:[fd00::1]:6640
          tcp:10.0.0.1:6640:6653  | tcp:HOST[:PORT], an IPv6 address in brackets: tcp:[fd00::1]:6640
          tcp:[fd00::1            | a ']' after the IPv6 address, tcp:[fd00::1]:6640
          tcp:[]                  | an IPv6 address in the brackets, tcp:[fd00::1]:6640
          tcp:[10.0.0.1]          | an IPv6 address in the brackets, tcp:[fd00::1]:6640
          tcp:[node]              | an IPv6 address in the brackets, tcp:[fd00::1]:6640
          tcp:[[::1]]             | an IPv6 address in the brackets, tcp:[fd00::1]:6640
          tcp:[:1]                | an IPv6 address in the brackets, tcp:[fd00::1]:6640
          tcp:[1:2:3:4:5:6:7]     | an IPv6 address in the brackets, tcp:[fd00::1]:6640
          tcp:[1::2::3]           | an IPv6 address in the brackets, tcp:[fd00::1]:6640
          tcp:[::12345]           | an IPv6 address in the brackets, tcp:[fd00::1]:6640
          tcp:[::١]               | an IPv6 address in the brackets, tcp:[fd00::1]:6640
          tcp:[::ffff:127.0.0.01] | an IPv6 address in the brackets, tcp:[fd00::1]:6640

          tcp:[fe80::1%eth0]:6653 | an IPv6 address without a scope (%)
          tcp:[fe80::1]:6653      | an address to dial without a scope (%), which a link-local IPv6 address needs
          tcp:0.0.0.0             | WILD
          tcp:[::]                | WILD
          tcp:[0:0::0]:6640       | WILD
          tcp:[::ffff:0.0.0.0]    | WILD
          tcp:224.0.0.1           | WILD
          tcp:239.255.255.255     | WILD
          tcp:[ff02::1]           | WILD
          tcp:[::ffff:224.0.0.1]  | WILD
          tcp:255.255.255.255     | WILD
          """)
  void refused(String text, String expected) {
    String inFull =
        switch (expected) {
          case "IPV4" ->
              "an IPv4 address, four numbers from 0 to 255 without leading zeros (a name does not"
                  + " end in a number)";
          case "HOST" ->
              "tcp:HOST[:PORT], HOST an IPv4 address, an IPv6 address in brackets or a DNS name of"
                  + " 1 to 253 letters, digits, '-' or '.'";
          case "WILD" -> "an address to dial, not a wildcard, multicast or broadcast address";
          default -> expected;
        };
    assertRefused(() -> parse(text), "found \"" + text + "\"; expected " + inFull);
  }

  @Test
  void portsThatNeedNotBeSaid() {
    assertThat(ConnectionMethod.parse("tcp:node", ConnectionMethod.OVSDB_PORT))
        .isEqualTo(new Tcp("node", 6640));
    assertThat(ConnectionMethod.parse("tcp:node", ConnectionMethod.OPENFLOW_PORT))
        .isEqualTo(new Tcp("node", 6653));
  }

  @Test
  void tls() {
    assertThat(parse("ssl:10.0.0.1:6640")).isEqualTo(new Ssl("10.0.0.1", 6640));
    assertThat(parse("ssl:[FD00::1]")).isEqualTo(new Ssl("fd00::1", PORT));
    assertThat(parse("ssl:Node.")).hasToString("ssl:node:" + PORT);
    assertThat(parse("ssl:node").isTls()).isTrue();
    assertThat(parse("tcp:node").isTls()).isFalse();
    assertThat(parse("unix:/a").isTls()).isFalse();
    assertRefused(
        () -> parse("ssl:[node]"),
        "found \"ssl:[node]\"; expected an IPv6 address in the brackets, ssl:[fd00::1]:6640");
    assertRefused(
        () -> parse("ssl:node:0"),
        "found \"ssl:node:0\"; expected ssl:HOST[:PORT], PORT from 1 to 65535");
    assertRefused(() -> new Ssl("Node", 6640), "found \"ssl:Node:6640\"; expected ssl:node:6640");
  }

  @Test
  void hostWithoutItsBrackets() {
    assertThat(parse("tcp:[FD00::1]:6640")).isEqualTo(new Tcp("fd00::1", 6640));
  }

  @Test
  void lengthOfAName() {
    String label = "a".repeat(63);
    String longest = (label + ".").repeat(3) + "a".repeat(61); // 253
    assertThat(parse("tcp:" + longest + ".")).isEqualTo(new Tcp(longest, PORT));
    assertThatIllegalArgumentException().isThrownBy(() -> parse("tcp:a" + longest));
    assertThatIllegalArgumentException().isThrownBy(() -> parse("tcp:a" + label + ".example"));
  }

  /** A file's line may have 256 KiB, and what reads it must not look back again and again. */
  @ParameterizedTest
  @ValueSource(strings = {":", "::", ".", "1.", "a.", "0x", "[", "[:", "a-", "%"})
  @Timeout(5)
  void aLongHost(String part) {
    String host = part.repeat(YamlSource.MAX_LINE / part.length());
    assertThatIllegalArgumentException().isThrownBy(() -> parse("tcp:" + host + "!"));
    assertThatIllegalArgumentException().isThrownBy(() -> parse("tcp:[" + host + "!]"));
    assertThatIllegalArgumentException().isThrownBy(() -> new Tcp(host, PORT));
  }

  @Test
  void lengthOfAPath() {
    String longest = "/" + "a".repeat(106);
    assertThat(parse("unix:" + longest)).isEqualTo(new Unix(longest));
    assertRefused(
        () -> parse("unix:" + longest + "b"),
        "found \"unix:"
            + longest.substring(0, 75)
            + "\"...; expected a path of at most 107 bytes (this one has 108)");
    String inUtf8 = "unix:/" + "é".repeat(53) + "x";
    assertRefused(
        () -> parse(inUtf8),
        "found \"" + inUtf8 + "\"; expected a path of at most 107 bytes (this one has 108)");
  }

  /** A YAML escape can write half a surrogate pair, and no path has that. */
  @Test
  void aPathThatNoFileCanHave() {
    assertRefused(
        () -> parse("unix:/\ud800"),
        "found \"unix:/\\ud800\"; expected a path in the characters of this system's locale");
    assertRefused(
        () -> parse("unix:/a\0"),
        "found \"unix:/a\\u0000\"; expected unix: and the absolute path of a socket");
  }

  /** There is no way to make one that is not in its normal form. */
  @Test
  void components() {
    assertRefused(() -> new Unix("/a//b"), "found \"unix:/a//b\"; expected unix:/a/b");
    assertRefused(
        () -> new Unix("a"), "found \"unix:a\"; expected unix: and the absolute path of a socket");
    assertRefused(() -> new Tcp("Node.", 6640), "found \"tcp:Node.:6640\"; expected tcp:node:6640");
    assertRefused(
        () -> new Tcp("fd00:0::1", 6640),
        "found \"tcp:[fd00:0::1]:6640\"; expected tcp:[fd00::1]:6640");
    assertRefused(
        () -> new Tcp("::ffff:10.0.0.1", 6640),
        "found \"tcp:[::ffff:10.0.0.1]:6640\"; expected tcp:10.0.0.1:6640");
    assertRefused(
        () -> new Tcp("10.0.0.1", 0),
        "found \"tcp:10.0.0.1:0\"; expected tcp:HOST[:PORT], PORT from 1 to 65535");
    assertRefused(
        () -> new Tcp("10.0.0.1", 65_536),
        "found \"tcp:10.0.0.1:65536\"; expected tcp:HOST[:PORT], PORT from 1 to 65535");
    assertThatIllegalArgumentException().isThrownBy(() -> new Tcp("[fd00::1]", 6640));
    assertThatIllegalArgumentException().isThrownBy(() -> new Tcp("", 6640));
  }
}
