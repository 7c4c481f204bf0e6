// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.google.common.collect.ImmutableList;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The values themselves: there is no way to make a wrong one. */
class SettingsTest {
  private static NodeSettings nodeAt(String name, String ovsdb, String openflow) {
    return new NodeSettings(
        name,
        ConnectionMethod.parse(ovsdb, ConnectionMethod.OVSDB_PORT),
        ConnectionMethod.parse(openflow, ConnectionMethod.OPENFLOW_PORT),
        Optional.empty());
  }

  private static NodeSettings node(String name, String ovsdb, String openflow) {
    return new NodeSettings(
        name,
        new ConnectionMethod.Unix(ovsdb),
        new ConnectionMethod.Unix(openflow),
        Optional.empty());
  }

  private static Settings settings(
      String iface, Duration hold, ImmutableList<NodeSettings> nodes, Mirror... mirrors) {
    return new Settings(
        false,
        iface,
        hold,
        Settings.DEFAULT_AUDIT,
        KubeOvnMirror.REPORT,
        false,
        nodes,
        ImmutableList.copyOf(mirrors),
        Optional.empty(),
        Optional.empty());
  }

  private static void assertRefused(Runnable construction, String message) {
    assertThatIllegalArgumentException()
        .isThrownBy(construction::run)
        .withMessageContaining(message);
  }

  @Test
  void settings() {
    ImmutableList<NodeSettings> nodes = ImmutableList.of(node("n1", "/a", "/b"));
    Duration hold = Settings.DEFAULT_HOLD;
    assertRefused(() -> settings("a/b", hold, nodes), "found \"a/b\"");
    assertRefused(() -> settings("m", Duration.ofSeconds(9), nodes), "expected 10s to 18h");
    assertRefused(() -> settings("m", hold.plusNanos(1), nodes), "expected 10s to 18h");
    assertRefused(() -> settings("m", hold, ImmutableList.of()), "no nodes");
    Mirror mirror = new Mirror("a", "b", Direction.BOTH);
    assertRefused(
        () -> settings("m", hold, nodes, mirror, new Mirror("a", "b", Direction.TO_POD)),
        "pod a/b is mirrored twice");
    assertThat(settings("m", hold, nodes, mirror).mirrors()).containsExactly(mirror);
  }

  @Test
  void anAuditIsWithinBounds() {
    for (Duration wrong :
        ImmutableList.of(
            Duration.ofMillis(999), Duration.ofSeconds(301), Duration.ofMillis(1500))) {
      assertRefused(
          () ->
              new Settings(
                  false,
                  "m",
                  Settings.DEFAULT_HOLD,
                  wrong,
                  KubeOvnMirror.REPORT,
                  false,
                  ImmutableList.of(node("n1", "/a", "/b")),
                  ImmutableList.of(),
                  Optional.empty(),
                  Optional.empty()),
          "expected 1s to 5m");
    }
  }

  @Test
  void nodesShareNothing() {
    NodeSettings n1 = node("n1", "/a", "/b");
    NodeSettings n2 = nodeAt("n2", "tcp:127.0.0.1", "tcp:127.0.0.1");
    assertRefusedNodes("node n1: its name is taken", n1, node("n1", "/c", "/d"));
    assertRefusedNodes("node n2: unix:/b is taken", n1, node("n2", "/b", "/d"));
    assertRefusedNodes("node n2: unix:/a is taken", n1, node("n2", "/c", "/a"));
    assertRefusedNodes(
        "node n3: tcp:127.0.0.1:6653 is taken",
        n1,
        n2,
        nodeAt("n3", "tcp:127.0.0.1:6653", "unix:/c"));
    assertRefusedNodes(
        "node n3: tcp:127.0.0.1:6640 is taken",
        n2,
        nodeAt("n3", "unix:/c", "tcp:[::ffff:127.0.0.1]:6640"));
  }

  @Test
  void anotherMachineByTls() {
    TlsSettings tls = new TlsSettings(Path.of("/k"), Path.of("/c"), Path.of("/a"));
    ConnectionMethod ovsdb = new ConnectionMethod.Ssl("10.0.0.1", 6640);
    ConnectionMethod openflow = new ConnectionMethod.Unix("/o");
    NodeSettings node = new NodeSettings("n1", ovsdb, openflow, Optional.empty(), Optional.of(tls));
    assertThat(
            SettingsReader.parse(
                    "f.yaml",
                    """
                    tls: {private-key: /k, certificate: /c, ca-certificate: /a}
                    nodes:
                      - {name: n1, ovsdb: 'ssl:10.0.0.1', openflow: 'unix:/o'}
                      - {name: n2, ovsdb: 'unix:/d', openflow: 'unix:/p'}
                    """,
                    Overrides.none())
                .nodes())
        .containsExactly(
            node,
            new NodeSettings(
                "n2",
                new ConnectionMethod.Unix("/d"),
                new ConnectionMethod.Unix("/p"),
                Optional.empty()));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new NodeSettings("n1", ovsdb, openflow, Optional.empty()))
        .withMessage("node n1: ssl: without tls");
  }

  @Test
  void onlyWhoSaysSoReachesAnotherMachineUnencrypted() {
    NodeSettings local = nodeAt("n1", "tcp:localhost", "tcp:[::1]");
    NodeSettings database = nodeAt("n2", "tcp:10.0.0.1", "unix:/of");
    NodeSettings bridge = nodeAt("n2", "unix:/db", "tcp:node-2");
    assertRefusedNodes("node n2: tcp:10.0.0.1:6640 is not encrypted", local, database);
    assertRefusedNodes("node n2: tcp:node-2:6653 is not encrypted", local, bridge);
    for (NodeSettings remote : ImmutableList.of(database, bridge)) {
      Settings settings =
          new Settings(
              false,
              "m",
              Settings.DEFAULT_HOLD,
              Settings.DEFAULT_AUDIT,
              KubeOvnMirror.REPORT,
              true,
              ImmutableList.of(local, remote),
              ImmutableList.of(),
              Optional.empty(),
              Optional.empty());
      assertThat(settings.only("n2").orElseThrow().nodes()).containsExactly(remote);
    }
  }

  private static void assertRefusedNodes(String message, NodeSettings... nodes) {
    assertRefused(() -> settings("m", Settings.DEFAULT_HOLD, ImmutableList.copyOf(nodes)), message);
  }

  @Test
  void nodeSettings() {
    assertRefused(() -> node("N1", "/a", "/b"), "expected a node's name");
    assertRefused(() -> node("n1", "/a", "/a"), "ovsdb and openflow are both unix:/a");
    assertRefused(
        () -> nodeAt("n1", "tcp:n:6653", "tcp:N."), "ovsdb and openflow are both tcp:n:6653");
    assertThat(nodeAt("n1", "tcp:n", "tcp:n").ovsdb()).hasToString("tcp:n:6640");
    assertRefused(
        () ->
            new NodeSettings(
                "n1",
                new ConnectionMethod.Unix("/a"),
                new ConnectionMethod.Unix("/b"),
                Optional.of("..")),
        "expected an interface's name");
  }

  @Test
  void mirror() {
    assertRefused(() -> new Mirror("A", "b", Direction.BOTH), "expected a namespace's name");
    assertRefused(() -> new Mirror("a", "B", Direction.BOTH), "expected a pod's name");
    assertRefused(() -> Mirror.of("a", Direction.BOTH), "expected NAMESPACE/POD");
    assertThat(Mirror.of("a/b.c", Direction.TO_POD).namespacedPod()).isEqualTo("a/b.c");
  }

  @Test
  void direction() {
    for (Direction direction : Direction.values()) {
      assertThat(Direction.parse(direction.toString())).isEqualTo(direction);
    }
    assertThat(Direction.BOTH.fromPod() && Direction.BOTH.toPod()).isTrue();
    assertThat(Direction.FROM_POD.fromPod() && !Direction.FROM_POD.toPod()).isTrue();
    assertThat(!Direction.TO_POD.fromPod() && Direction.TO_POD.toPod()).isTrue();
  }

  /** What is found may be shown on a terminal. */
  @Test
  void whatIsFoundIsEscapedAndCut() {
    assertThat(Syntax.quote("a\n\u001b[31m\u202e\ud800é😀"))
        .isEqualTo("\"a\\u000a\\u001b[31m\\u202e\\ud800é😀\"");
    assertThat(Syntax.quote("😀".repeat(80))).isEqualTo('"' + "😀".repeat(80) + '"');
    assertThat(Syntax.quote("😀".repeat(81))).isEqualTo('"' + "😀".repeat(80) + "\"...");
  }
}
