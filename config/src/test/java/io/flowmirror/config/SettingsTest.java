// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.google.common.collect.ImmutableList;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The values themselves: there is no way to make a wrong one. */
class SettingsTest {
  private static NodeSettings node(String name, String ovsdb, String openflow) {
    return new NodeSettings(
        name, new ConnectionMethod(ovsdb), new ConnectionMethod(openflow), Optional.empty());
  }

  private static Settings settings(
      String iface, Duration hold, ImmutableList<NodeSettings> nodes, Mirror... mirrors) {
    return new Settings(false, iface, hold, nodes, ImmutableList.copyOf(mirrors));
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
  void nodesShareNothing() {
    NodeSettings n1 = node("n1", "/a", "/b");
    for (NodeSettings other :
        ImmutableList.of(node("n1", "/c", "/d"), node("n2", "/b", "/d"), node("n2", "/c", "/a"))) {
      assertRefused(
          () -> settings("m", Settings.DEFAULT_HOLD, ImmutableList.of(n1, other)),
          "its name or socket is taken");
    }
  }

  @Test
  void nodeSettings() {
    assertRefused(() -> node("N1", "/a", "/b"), "expected a node's name");
    assertRefused(() -> node("n1", "/a", "/a"), "ovsdb and openflow are both unix:/a");
    assertRefused(
        () ->
            new NodeSettings(
                "n1", new ConnectionMethod("/a"), new ConnectionMethod("/b"), Optional.of("..")),
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
  void connectionMethod() {
    ConnectionMethod method = ConnectionMethod.parse("unix:/run/openvswitch/db.sock");
    assertThat(method.path()).isEqualTo("/run/openvswitch/db.sock");
    assertThat(method).hasToString("unix:/run/openvswitch/db.sock");
    assertThat(ConnectionMethod.parse("unix:/run//./x/../openvswitch/db.sock")).isEqualTo(method);
    assertRefused(() -> new ConnectionMethod("/a//b"), "expected unix:/a/b");
    assertRefused(() -> new ConnectionMethod("a"), "absolute path");
    assertRefused(() -> new ConnectionMethod("/a\0"), "found \"unix:/a\\u0000\"");
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
