// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.config;

import static io.flowmirror.config.Configs.NODES;
import static io.flowmirror.config.Configs.problems;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a configuration that is wrong is told, word for word. */
class SettingsProblemsTest {
  private static final String IFACE =
      "expected an interface's name: 1 to 15 letters, digits, '.', '_' or '-', and neither '.' nor"
          + " '-' first";
  private static final String POD_NAME =
      "expected a pod's name: 1 to 253 lower-case letters, digits, '-' or '.', a letter or digit at"
          + " both ends and beside each '.'";
  private static final String NODE_NAME = POD_NAME.replace("pod's", "node's");
  private static final String NAMESPACE =
      "expected a namespace's name: 1 to 63 lower-case letters, digits or '-', a letter or digit at"
          + " both ends";
  private static final String METHOD = "unix:/PATH, tcp:HOST[:PORT] or ssl:HOST[:PORT]";
  private static final String INSECURE =
      "expected ssl:, a loopback address, or insecure: true at the top level (tcp: is not encrypted,"
          + " and whoever reaches that port controls the switch)";
  private static final String ROOT_KEYS =
      "enable-mirror, mirror-iface, hold, audit, kube-ovn-mirror, insecure, tls, nodes, mirrors,"
          + " kubernetes or northbound";
  private static final String BOUNDS =
      "expected 10s to 18h (a flow entry's hard_timeout has 16 bits of seconds)";

  @Test
  void everythingIsSaidAtOnceInTheOrderOfLines() {
    String yaml =
        """
        enable-mirror: yes
        mirror-ifcae: mirror0
        hold: 5s
        nodes:
          - name: N1
            ovsdb: tcp:10.0.0.1:6640
          - name: n2
            ovsdb: unix:/db
            openflow: unix:/of
            iface: x
        mirrors:
          - pod: web
          - {pod: a/b, direction: in}
        """;
    Overrides flags = new Overrides(Optional.empty(), Optional.of("a b"), Optional.empty());
    assertThat(problems(yaml, flags))
        .containsExactly(
            "f.yaml:1: enable-mirror: found \"yes\"; expected true or false",
            "f.yaml:2: mirror-ifcae: unknown key, did you mean mirror-iface?; expected "
                + ROOT_KEYS,
            "f.yaml:3: hold: found \"5s\"; " + BOUNDS,
            "f.yaml:5: nodes[0].name: found \"N1\"; " + NODE_NAME,
            "f.yaml:5: nodes[0].openflow: missing; expected " + METHOD,
            "f.yaml:6: nodes[0].ovsdb: found \"tcp:10.0.0.1:6640\"; " + INSECURE,
            "f.yaml:10: nodes[1].iface: unknown key; expected name, ovsdb, openflow or"
                + " mirror-iface",
            "f.yaml:12: mirrors[0].pod: found \"web\"; expected NAMESPACE/POD",
            "f.yaml:13: mirrors[1].direction: found \"in\"; expected both, from-pod or to-pod",
            "--mirror-iface: found \"a b\"; " + IFACE);
  }

  @Test
  void theMessageIsTheWholeList() {
    assertThatThrownBy(() -> Configs.read("hold: x\nenable-mirror: x\n" + NODES))
        .isInstanceOf(ConfigException.class)
        .hasMessage(
            "f.yaml:1: hold: found \"x\"; expected a duration in h, m and s, such as 30m, 90s or"
                + " 1h30m\n"
                + "f.yaml:2: enable-mirror: found \"x\"; expected true or false");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "# nothing\n", "---\n---\n"})
  void noDocument(String yaml) {
    assertThat(problems(yaml)).hasSize(1);
    assertThat(problems("# nothing\n"))
        .containsExactly("f.yaml:1: found no YAML document; expected one with nodes, at least");
  }

  @ParameterizedTest
  @ValueSource(strings = {"[]", "- hold: 30m"})
  void rootIsAList(String yaml) {
    assertThat(problems(yaml))
        .containsExactly("f.yaml:1: found a list; expected a mapping with " + ROOT_KEYS);
  }

  @Test
  void rootIsText() {
    assertThat(problems("hold=30m"))
        .containsExactly("f.yaml:1: found \"hold=30m\"; expected a mapping with " + ROOT_KEYS);
  }

  @ParameterizedTest
  @ValueSource(strings = {"hold: 30m", "nodes: []", "hold: 30m\nmirrors: []"})
  void noNodes(String yaml) {
    assertThat(problems(yaml))
        .containsExactly("f.yaml:1: nodes: no node; expected a list of at least one node");
  }

  @Test
  void nodesIsNoList() {
    assertThat(problems("nodes:\n"))
        .containsExactly("f.yaml:1: nodes: found nothing; expected a list of at least one node");
    assertThat(problems("nodes: n1\n"))
        .containsExactly("f.yaml:1: nodes: found \"n1\"; expected a list of at least one node");
    assertThat(problems("nodes:\n  n1: {}\n"))
        .containsExactly("f.yaml:2: nodes: found a mapping; expected a list of at least one node");
  }

  @Test
  void mirrorsIsNoList() {
    assertThat(problems("mirrors:\n" + NODES))
        .containsExactly("f.yaml:1: mirrors: found nothing; expected a list ([] for none)");
  }

  @Test
  void elementsAreNoMappings() {
    assertThat(problems("nodes: [n1]\nmirrors: [default/web]\n"))
        .containsExactly(
            "f.yaml:1: nodes[0]: found \"n1\"; expected a mapping with name, ovsdb, openflow or"
                + " mirror-iface",
            "f.yaml:2: mirrors[0]: found \"default/web\"; expected a mapping with pod or"
                + " direction");
  }

  @Test
  void valueIsMissing() {
    assertThat(problems("hold:\nenable-mirror: ~\nmirror-iface: null\n" + NODES))
        .containsExactly(
            "f.yaml:1: hold: found nothing; expected a duration such as 30m",
            "f.yaml:2: enable-mirror: found nothing; expected true or false",
            "f.yaml:3: mirror-iface: found nothing; expected an interface's name");
    assertThat(problems("mirrors: [{direction: both}, {pod: }]\n" + NODES))
        .containsExactly(
            "f.yaml:1: mirrors[0].pod: missing; expected NAMESPACE/POD",
            "f.yaml:1: mirrors[1].pod: found nothing; expected NAMESPACE/POD");
    assertThat(problems("nodes: [{}]"))
        .containsExactly(
            "f.yaml:1: nodes[0].name: missing; expected a node's name",
            "f.yaml:1: nodes[0].ovsdb: missing; expected " + METHOD,
            "f.yaml:1: nodes[0].openflow: missing; expected " + METHOD);
  }

  @Test
  void valueIsNoText() {
    assertThat(problems("hold: [30m]\nmirror-iface: {name: x}\nenable-mirror: !on true\n" + NODES))
        .containsExactly(
            "f.yaml:1: hold: found a list; expected a duration such as 30m",
            "f.yaml:2: mirror-iface: found a mapping; expected an interface's name",
            "f.yaml:3: enable-mirror: found a value with the tag \"!on\"; expected true or false");
  }

  @Test
  void keyIsSetTwice() {
    assertThat(problems("hold: 30m\n" + NODES + "hold: 31m\nhold: 32m\n"))
        .containsExactly(
            "f.yaml:3: hold: set already in line 1; expected each key once",
            "f.yaml:4: hold: set already in line 1; expected each key once");
    assertThat(problems("mirrors: [{pod: a/b, 'pod': a/c}]\n" + NODES))
        .containsExactly("f.yaml:1: mirrors[0].pod: set already in line 1; expected each key once");
  }

  @ParameterizedTest
  @CsvSource({
    "mirror_iface, mirror-iface",
    "mirrorIface, mirror-iface",
    "Mirror-Iface, mirror-iface",
    "MIRROR_IFACE, mirror-iface",
    "mirror iface, mirror-iface",
    "mirror-ifac, mirror-iface",
    "mirror-interface, mirror-iface",
    "enable_mirrors, enable-mirror",
    "in-secure, insecure",
    "unsecure, insecure",
    "Hold, hold",
    "hodl, hold",
    "node, nodes",
    "ndoes, nodes",
    "mirror, mirrors"
  })
  void unknownKeyThatIsClose(String key, String meant) {
    assertThat(problems(key + ": x\n" + NODES))
        .containsExactly(
            "f.yaml:1: "
                + key
                + ": unknown key, did you mean "
                + meant
                + "?; expected "
                + ROOT_KEYS);
  }

  @ParameterizedTest
  @CsvSource({
    "pods, pod",
    "Pod, pod",
    "pdo, pod",
    "directions, direction",
    "insecure, insecure at the top level",
    "Hold, hold at the top level",
    "mirror_iface, mirror-iface at the top level"
  })
  void unknownKeyOfAMirror(String key, String meant) {
    assertThat(problems("mirrors: [{pod: a/b, " + key + ": x}]\n" + NODES))
        .contains(
            "f.yaml:1: mirrors[0]."
                + key
                + ": unknown key, did you mean "
                + meant
                + "?; expected pod or direction");
  }

  @Test
  void unknownKeyThatIsNotClose() {
    assertThat(problems("<<: {hold: 30m}\n? [a]\n: b\n\"x\\e\": 1\n" + NODES))
        .containsExactly(
            "f.yaml:1: <<: unknown key; expected " + ROOT_KEYS,
            "f.yaml:2: ?: found a list as a key; expected " + ROOT_KEYS,
            "f.yaml:4: x\\u001b: unknown key; expected " + ROOT_KEYS);
  }

  @Test
  void twoNodesWithOneName() {
    String yaml =
        """
        nodes:
          - {name: n1, ovsdb: "unix:/a", openflow: "unix:/b"}
          - {name: n1, ovsdb: "unix:/c", openflow: "unix:/d"}
        """;
    assertThat(problems(yaml))
        .containsExactly(
            "f.yaml:3: nodes[1].name: found \"n1\", as in nodes[0].name (line 2); expected a name"
                + " of its own");
  }

  @Test
  void oneAddressTwice() {
    String yaml =
        """
        nodes:
          - {name: n1, ovsdb: "unix:/a", openflow: "unix:/b"}
          - {name: n2, ovsdb: "unix:/x/..//a", openflow: "unix:/b"}
          - {name: n3, ovsdb: "unix:/c", openflow: "unix:/c"}
        """;
    assertThat(problems(yaml))
        .containsExactly(
            "f.yaml:3: nodes[1].ovsdb: found \"unix:/a\", as in nodes[0].ovsdb (line 2); expected"
                + " an address of its own",
            "f.yaml:3: nodes[1].openflow: found \"unix:/b\", as in nodes[0].openflow (line 2);"
                + " expected an address of its own",
            "f.yaml:4: nodes[2].openflow: found \"unix:/c\", as in nodes[2].ovsdb (line 4);"
                + " expected an address of its own");
  }

  /** However it is written, and whichever of the two it is for. */
  @Test
  void oneAddressTwiceOverTcp() {
    String yaml =
        """
        insecure: true
        nodes:
          - {name: n1, ovsdb: "tcp:10.0.0.1", openflow: "tcp:10.0.0.1"}
          - {name: n2, ovsdb: "tcp:[::ffff:10.0.0.1]:6640", openflow: "tcp:[fd00::1]"}
          - {name: n3, ovsdb: "tcp:[FD00:0:0::1]:6653", openflow: "tcp:node"}
          - {name: n4, ovsdb: "tcp:Node.", openflow: "tcp:NODE:6653"}
          - {name: n5, ovsdb: "tcp:n:1", openflow: "tcp:n:1"}
        """;
    assertThat(problems(yaml))
        .containsExactly(
            "f.yaml:4: nodes[1].ovsdb: found \"tcp:10.0.0.1:6640\", as in nodes[0].ovsdb (line 3);"
                + " expected an address of its own",
            "f.yaml:5: nodes[2].ovsdb: found \"tcp:[fd00::1]:6653\", as in nodes[1].openflow (line"
                + " 4); expected an address of its own",
            "f.yaml:6: nodes[3].openflow: found \"tcp:node:6653\", as in nodes[2].openflow (line"
                + " 5); expected an address of its own",
            "f.yaml:7: nodes[4].openflow: found \"tcp:n:1\", as in nodes[4].ovsdb (line 7);"
                + " expected an address of its own");
  }

  @Test
  void twoMirrorsOfOnePod() {
    String yaml =
        """
        mirrors:
          - {pod: default/web, direction: from-pod}
          - {pod: default/web, direction: to-pod}
        """;
    assertThat(problems(yaml + NODES))
        .containsExactly(
            "f.yaml:3: mirrors[1].pod: found \"default/web\", as in mirrors[0].pod (line 2);"
                + " expected each pod once");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"30", "30 m", "1.5h", "30M", "1m1h", "-30m", "+30m", "500ms", "m", "9999999s"})
  void holdIsNoDuration(String hold) {
    assertThat(problems("hold: " + hold + "\n" + NODES))
        .containsExactly(
            "f.yaml:1: hold: found \""
                + hold
                + "\"; expected a duration in h, m and s, such as 30m, 90s or 1h30m");
  }

  @ParameterizedTest
  @ValueSource(strings = {"0s", "9s", "18h1s", "19h", "65535s", "999999h"})
  void holdIsOutOfBounds(String hold) {
    assertThat(problems("hold: " + hold + "\n" + NODES))
        .containsExactly("f.yaml:1: hold: found \"" + hold + "\"; " + BOUNDS);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"sixteen-letters-", "a b", "a/b", "a:b", "..", ".a", "-a", "eth%d", "é", ""})
  void interfaceName(String name) {
    assertThat(problems("mirror-iface: '" + name + "'\n" + NODES))
        .containsExactly("f.yaml:1: mirror-iface: found \"" + name + "\"; " + IFACE);
  }

  @ParameterizedTest
  @ValueSource(strings = {"br-int", "ovn0"})
  void interfaceWithTheNodesOwnTraffic(String name) {
    assertThat(problems("mirror-iface: " + name + "\n" + NODES))
        .containsExactly(
            "f.yaml:1: mirror-iface: found \""
                + name
                + "\"; expected a port of its own, not one with the node's own traffic");
  }

  @ParameterizedTest
  @ValueSource(strings = {"Default", "a.b", "-a", "a-", "a_b", ""})
  void namespace(String name) {
    assertThat(problems("mirrors: [{pod: '" + name + "/web'}]\n" + NODES))
        .containsExactly("f.yaml:1: mirrors[0].pod: found \"" + name + "\"; " + NAMESPACE);
  }

  @ParameterizedTest
  @ValueSource(strings = {"Web", "a..b", ".a", "a.", "a.-b", "a/b", "a_b", ""})
  void podName(String name) {
    assertThat(problems("mirrors: [{pod: 'default/" + name + "'}]\n" + NODES))
        .containsExactly("f.yaml:1: mirrors[0].pod: found \"" + name + "\"; " + POD_NAME);
  }

  @Test
  void lengthOfNames() {
    String label = "a".repeat(63);
    String subdomain = "a".repeat(253);
    assertThat(problems("mirrors: [{pod: " + label + "/" + subdomain + "}]\n" + NODES)).isEmpty();
    assertThat(
            problems("mirrors: [{pod: " + label + "a/b}, {pod: a/" + subdomain + "a}]\n" + NODES))
        .containsExactly(
            "f.yaml:1: mirrors[0].pod: found \"" + label + "a\"; " + NAMESPACE,
            "f.yaml:1: mirrors[1].pod: found \"" + "a".repeat(80) + "\"...; " + POD_NAME);
  }

  /** {@link ConnectionMethodTest} has all of them. */
  @Test
  void connectionMethodThatIsNotAccepted() {
    String yaml =
        """
        nodes:
          - name: n1
            ovsdb: udp:10.0.0.1:6640
            openflow: ptcp:6653
          - name: n2
            ovsdb: tcp:10.0.0.256
            openflow: tcp:[fe80::1%eth0]
          - name: n3
            ovsdb: "unix:/\\ud800"
            openflow: tcp:0.0.0.0:6653
        """;
    assertThat(problems(yaml))
        .containsExactly(
            "f.yaml:3: nodes[0].ovsdb: found \"udp:10.0.0.1:6640\"; expected " + METHOD,
            "f.yaml:4: nodes[0].openflow: found \"ptcp:6653\"; expected tcp:HOST[:PORT] (ptcp: is"
                + " what a node listens on; the controller dials tcp:)",
            "f.yaml:6: nodes[1].ovsdb: found \"tcp:10.0.0.256\"; expected an IPv4 address, four"
                + " numbers from 0 to 255 without leading zeros (a name does not end in a number)",
            "f.yaml:7: nodes[1].openflow: found \"tcp:[fe80::1%eth0]\"; expected an IPv6 address"
                + " without a scope (%)",
            "f.yaml:9: nodes[2].ovsdb: found \"unix:/\\ud800\"; expected a path in the characters"
                + " of this system's locale",
            "f.yaml:10: nodes[2].openflow: found \"tcp:0.0.0.0:6653\"; expected an address to dial,"
                + " not a wildcard, multicast or broadcast address");
  }

  @Test
  void tlsWithoutCertificates() {
    String nodes =
        """
        nodes:
          - name: n1
            ovsdb: ssl:10.0.0.1
            openflow: ssl:10.0.0.1
        """;
    String missing =
        "expected tls at the top level with it, and in it private-key, certificate and"
            + " ca-certificate";
    assertThat(problems(nodes))
        .containsExactly(
            "f.yaml:3: nodes[0].ovsdb: found \"ssl:10.0.0.1:6640\"; " + missing,
            "f.yaml:4: nodes[0].openflow: found \"ssl:10.0.0.1:6653\"; " + missing);
    assertThat(problems("tls: {private-key: key.pem, certificate: /c.pem}\n" + nodes))
        .containsExactly(
            "f.yaml:1: tls.private-key: found \"key.pem\"; expected the absolute path of a file",
            "f.yaml:1: tls.ca-certificate: missing; expected a file's absolute path");
    assertThat(problems("tls:\n" + nodes))
        .containsExactly(
            "f.yaml:1: tls: found nothing; expected a mapping with private-key, certificate or"
                + " ca-certificate");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "insecure: false\n"})
  void everyAddressThatIsNotEncrypted(String insecure) {
    String yaml =
        """
        nodes:
          - {name: n1, ovsdb: "tcp:10.0.0.1", openflow: "tcp:10.0.0.1"}
          - {name: n2, ovsdb: "unix:/db", openflow: "tcp:[FD00::1]:16653"}
          - {name: n3, ovsdb: "tcp:localhost", openflow: "tcp:[::ffff:127.0.0.1]"}
          - {name: n4, ovsdb: "tcp:Node-4.", openflow: "unix:/of"}
        """;
    assertThat(problems(yaml + insecure))
        .containsExactly(
            "f.yaml:2: nodes[0].ovsdb: found \"tcp:10.0.0.1:6640\"; " + INSECURE,
            "f.yaml:2: nodes[0].openflow: found \"tcp:10.0.0.1:6653\"; " + INSECURE,
            "f.yaml:3: nodes[1].openflow: found \"tcp:[fd00::1]:16653\"; " + INSECURE,
            "f.yaml:5: nodes[3].ovsdb: found \"tcp:node-4:6640\"; " + INSECURE);
  }

  @ParameterizedTest
  @CsvSource({"yes, \"yes\"", "True, \"True\"", "'', nothing", "[], a list"})
  void insecureIsNeitherTrueNorFalse(String value, String found) {
    String nodes = "nodes: [{name: n1, ovsdb: 'tcp:10.0.0.1', openflow: 'tcp:10.0.0.1'}]\n";
    assertThat(problems(nodes + "insecure: " + value))
        .containsExactly("f.yaml:2: insecure: found " + found + "; expected true or false");
  }

  @Test
  void aFlagDoesNotHideWhatIsWrongInTheFile() {
    Overrides flags = new Overrides(Optional.of(true), Optional.of("mirror1"), Optional.empty());
    assertThat(problems("enable-mirror: 1\nmirror-iface: ovn0\n" + NODES, flags))
        .containsExactly(
            "f.yaml:1: enable-mirror: found \"1\"; expected true or false",
            "f.yaml:2: mirror-iface: found \"ovn0\"; expected a port of its own, not one with the"
                + " node's own traffic");
  }

  @Test
  void aMessageStaysReadable() {
    StringBuilder yaml = new StringBuilder(NODES).append("mirrors:\n");
    for (int i = 0; i < 3000; i++) {
      yaml.append("  - {}\n");
    }
    assertThat(problems(yaml.toString()))
        .hasSize(1001)
        .contains("f.yaml:3: mirrors[0].pod: missing; expected NAMESPACE/POD")
        .endsWith("f.yaml: 2000 more problems");
  }
}
