// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.collect.ImmutableList;
import io.flowmirror.config.ConnectionMethod.Tcp;
import io.flowmirror.config.ConnectionMethod.Unix;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a configuration that is right means. */
class SettingsReaderTest {
  private static final NodeSettings N1 =
      new NodeSettings("n1", new Unix("/db"), new Unix("/of"), Optional.empty());

  private static NodeSettings node(String name, ConnectionMethod ovsdb, ConnectionMethod openflow) {
    return new NodeSettings(name, ovsdb, openflow, Optional.empty());
  }

  @Test
  void defaults() {
    assertThat(Configs.read(Configs.NODES))
        .isEqualTo(
            new Settings(
                false,
                "mirror0",
                Duration.ofMinutes(30),
                Duration.ofSeconds(30),
                KubeOvnMirror.REPORT,
                false,
                ImmutableList.of(N1),
                ImmutableList.of(),
                Optional.empty(),
                Optional.empty()));
  }

  @Test
  void everyKey() {
    Settings settings =
        Configs.read(
            """
            enable-mirror: true
            mirror-iface: eth1.100
            hold: 1h30m
            audit: 1m
            kube-ovn-mirror: take-over
            nodes:
              - {name: n1, ovsdb: "unix:/a", openflow: "unix:/b"}
              - name: worker-2.example
                ovsdb: unix:/c/db.sock
                openflow: unix:/c/br-int.mgmt
                mirror-iface: mirror2
            mirrors:
              - {pod: default/web}
              - {pod: default/web.v1, direction: both}
              - {pod: kube-system/dns-0, direction: from-pod}
              - pod: a/b
                direction: to-pod
            """);
    NodeSettings second =
        new NodeSettings(
            "worker-2.example",
            new Unix("/c/db.sock"),
            new Unix("/c/br-int.mgmt"),
            Optional.of("mirror2"));
    assertThat(settings)
        .isEqualTo(
            new Settings(
                true,
                "eth1.100",
                Duration.ofMinutes(90),
                Duration.ofMinutes(1),
                KubeOvnMirror.TAKE_OVER,
                false,
                ImmutableList.of(
                    new NodeSettings("n1", new Unix("/a"), new Unix("/b"), Optional.empty()),
                    second),
                ImmutableList.of(
                    new Mirror("default", "web", Direction.BOTH),
                    new Mirror("default", "web.v1", Direction.BOTH),
                    new Mirror("kube-system", "dns-0", Direction.FROM_POD),
                    new Mirror("a", "b", Direction.TO_POD)),
                Optional.empty(),
                Optional.empty()));
    assertThat(settings.mirrorIface(settings.nodes().get(0))).isEqualTo("eth1.100");
    assertThat(settings.mirrorIface(second)).isEqualTo("mirror2");
  }

  @ParameterizedTest
  @CsvSource({
    "10s, 10",
    "90s, 90",
    "30m, 1800",
    "1h, 3600",
    "1h30m, 5400",
    "1h0m5s, 3605",
    "18h, 64800",
    "64800s, 64800",
    "060s, 60"
  })
  void hold(String text, long seconds) {
    assertThat(Configs.read("hold: " + text + "\n" + Configs.NODES).hold())
        .isEqualTo(Duration.ofSeconds(seconds));
  }

  @Test
  void nodesOnOtherMachines() {
    Settings settings =
        Configs.read(
            """
            insecure: true
            nodes:
              - {name: n1, ovsdb: "unix:/db", openflow: "unix:/of"}
              - {name: n2, ovsdb: "tcp:10.0.0.2", openflow: "tcp:10.0.0.2"}
              - {name: n3, ovsdb: "tcp:[fd00::3]:6641", openflow: "tcp:[fd00::3]:6654"}
              - {name: n4, ovsdb: "tcp:db.example", openflow: "tcp:node-4.example"}
            """);
    assertThat(settings.insecure()).isTrue();
    assertThat(settings.nodes())
        .containsExactly(
            N1,
            node("n2", new Tcp("10.0.0.2", 6640), new Tcp("10.0.0.2", 6653)),
            node("n3", new Tcp("fd00::3", 6641), new Tcp("fd00::3", 6654)),
            node("n4", new Tcp("db.example", 6640), new Tcp("node-4.example", 6653)));
  }

  @Test
  void loopbackNeedsNoInsecure() {
    Settings settings =
        Configs.read(
            """
            nodes:
              - {name: n1, ovsdb: "tcp:127.0.0.1", openflow: "tcp:[::1]"}
              - {name: n2, ovsdb: "tcp:localhost", openflow: "tcp:127.1.2.3:6653"}
            """);
    assertThat(settings.insecure()).isFalse();
    assertThat(settings.nodes()).hasSize(2);
  }

  /** What somebody who watches the file relies on. */
  @Test
  void whatMeansTheSameIsEqual() {
    String yaml =
        """
        insecure: true
        nodes: [{name: n1, ovsdb: "tcp:10.0.0.1", openflow: "tcp:Node.:6653"}]
        mirrors: [{pod: a/b, direction: both}, {pod: a/c, direction: to-pod}]
        """;
    String otherwise =
        """
        # The same, written in another way.
        mirrors:
          - pod: a/b
          - direction: to-pod
            pod: 'a/c'
        enable-mirror: false
        hold: 1800s
        insecure: true
        nodes:
          - openflow: tcp:node
            ovsdb: tcp:[::ffff:10.0.0.1]:6640
            name: n1
        """;
    Settings settings = Configs.read(yaml);
    assertThat(Configs.read(otherwise)).isEqualTo(settings).hasSameHashCodeAs(settings);
    assertThat(Configs.read(yaml + "hold: 31m\n")).isNotEqualTo(settings);
    assertThat(Configs.read("insecure: true\n" + Configs.NODES))
        .isNotEqualTo(Configs.read(Configs.NODES));
    assertThat(Configs.read(yaml.replace("10.0.0.1", "10.0.0.2"))).isNotEqualTo(settings);
    assertThat(Configs.read(yaml.replace("to-pod", "both"))).isNotEqualTo(settings);
  }

  @Test
  void aFileIsReadAnewEachTime(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("f.yaml");
    Files.writeString(file, Configs.NODES);
    Settings first = SettingsReader.read(file, Overrides.none());
    assertThat(SettingsReader.read(file, Overrides.none())).isEqualTo(first);
    Files.writeString(file, Configs.NODES + "hold: x\n");
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> SettingsReader.read(file, Overrides.none()))
          .isInstanceOfSatisfying(
              ConfigException.class, problem -> assertThat(problem.problems()).hasSize(1));
    }
    Files.writeString(file, Configs.NODES + "hold: 31m\n");
    assertThat(SettingsReader.read(file, Overrides.none()).hold()).hasMinutes(31);
  }

  /** YAML 1.1 takes these for a boolean, an octal number, a float and a time. */
  @Test
  void textIsTakenAsItIsWritten() {
    Settings settings =
        Configs.read(
            """
            mirror-iface: 010
            nodes: [{name: no, ovsdb: 'unix:/db', openflow: 'unix:/of', mirror-iface: 1e3}]
            mirrors: [{pod: on/2001-01-01}]
            """);
    assertThat(settings.mirrorIface()).isEqualTo("010");
    assertThat(settings.nodes().get(0).name()).isEqualTo("no");
    assertThat(settings.nodes().get(0).mirrorIface()).contains("1e3");
    assertThat(settings.mirrors()).containsExactly(new Mirror("on", "2001-01-01", Direction.BOTH));
  }

  @Test
  void anchorsAndAliases() {
    Settings settings =
        Configs.read(
            """
            mirrors:
              - {pod: a/b, direction: &way to-pod}
              - {pod: a/c, direction: *way}
            """
                + Configs.NODES);
    assertThat(settings.mirrors())
        .containsExactly(
            new Mirror("a", "b", Direction.TO_POD), new Mirror("a", "c", Direction.TO_POD));
  }

  @Test
  void flagsTakeThePlaceOfTheFilesKeys() {
    String yaml = "enable-mirror: true\nmirror-iface: mirror1\n" + Configs.NODES;
    Settings settings =
        SettingsReader.parse(
            "f.yaml",
            yaml,
            new Overrides(Optional.of(false), Optional.of("mirror9"), Optional.empty()));
    assertThat(settings.enableMirror()).isFalse();
    assertThat(settings.mirrorIface()).isEqualTo("mirror9");
    assertThat(settings.mirrorIface(settings.nodes().get(0))).isEqualTo("mirror9");
  }

  @Test
  void aNodesOwnMirrorIfaceStaysBesideTheFlag() {
    String yaml =
        "nodes: [{name: n1, ovsdb: 'unix:/d', openflow: 'unix:/o', mirror-iface: mirror1}]\n";
    Settings settings =
        SettingsReader.parse(
            "f.yaml",
            yaml,
            new Overrides(Optional.empty(), Optional.of("mirror9"), Optional.empty()));
    assertThat(settings.mirrorIface(settings.nodes().get(0))).isEqualTo("mirror1");
  }

  @Test
  void theExampleIsRight() {
    Settings settings = SettingsReader.read(Path.of("flowmirror.yaml"), Overrides.none());
    assertThat(settings)
        .isEqualTo(
            new Settings(
                false,
                Settings.DEFAULT_MIRROR_IFACE,
                Settings.DEFAULT_HOLD,
                Settings.DEFAULT_AUDIT,
                KubeOvnMirror.REPORT,
                false,
                ImmutableList.of(
                    new NodeSettings(
                        "n1",
                        new Unix("/run/openvswitch/db.sock"),
                        new Unix("/run/openvswitch/br-int.mgmt"),
                        Optional.empty())),
                ImmutableList.of(new Mirror("default", "web", Direction.BOTH)),
                Optional.empty(),
                Optional.of(
                    new NorthboundSettings(
                        NorthboundSettings.Listen.DEFAULT,
                        Optional.empty(),
                        true,
                        Optional.empty(),
                        Optional.empty()))));
  }

  @Test
  void theExamplesOtherMachineIsRight() throws IOException {
    String example = Files.readString(Path.of("flowmirror.yaml"));
    Settings settings =
        Configs.read(
            example
                .replace("# insecure: true\n", "insecure: true\n")
                .replace("  # - name: n2", "  - name: n2")
                .replaceAll("  #   (ovsdb|openflow): tcp", "    $1: tcp"));
    assertThat(settings.nodes())
        .hasSize(2)
        .endsWith(node("n2", new Tcp("10.0.0.2", 6640), new Tcp("10.0.0.2", 6653)));
  }

  @Test
  void manyMirrors() {
    StringBuilder yaml = new StringBuilder(Configs.NODES).append("mirrors:\n");
    for (int i = 0; i < 10_000; i++) {
      yaml.append("  - {pod: default/web-").append(i).append(", direction: from-pod}\n");
    }
    assertThat(Configs.read(yaml.toString()).mirrors()).hasSize(10_000);
  }
}
