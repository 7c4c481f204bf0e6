// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.config.KubernetesSettings.NodesOfApi;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class KubernetesSettingsTest {
  private static final ImmutableMap<String, String> LABELS =
      ImmutableMap.of("app", "web", "a.io/tier", "front", "empty", "");

  private static KubernetesSettings read(String yaml) {
    return SettingsReader.parse("f.yaml", yaml, Overrides.none()).kubernetes().orElseThrow();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "''|true",
        "app|true",
        "!app|false",
        "! missing|true",
        "app=web|true",
        "app == web|true",
        "app!=web|false",
        "missing!=web|true",
        "empty=|true",
        "app in (db, web)|true",
        "app notin (db,web)|false",
        "missing notin (db)|true",
        "app=web,a.io/tier=front|true",
        "app in (web,db),a.io/tier=back|false"
      })
  void labels(String selector, boolean expected) {
    assertThat(LabelSelector.parse(selector).matches(LABELS)).isEqualTo(expected);
  }

  @ParameterizedTest
  @ValueSource(strings = {"a=b=c", "a in b", "a,,b", "-a", "a in (b", "a=b c", "A.io/*", ","})
  void noSelector(String text) {
    assertThatThrownBy(() -> LabelSelector.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("label selector");
  }

  @Test
  void defaultsAreKubeOvns() {
    KubernetesSettings settings = read("kubernetes: {}\n" + Configs.NODES);
    assertThat(settings)
        .isEqualTo(
            new KubernetesSettings(
                true,
                Direction.BOTH,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                false));
    assertThat(settings.mayAsk("any", ImmutableMap.of())).isTrue();
  }

  @Test
  void namespacesByNameOrByLabel() {
    KubernetesSettings settings =
        read(
            "kubernetes: {namespaces: [team-a], namespace-selector: 'mirror=allowed'}\n"
                + Configs.NODES);
    assertThat(settings.namespaces()).contains(ImmutableSet.of("team-a"));
    assertThat(settings.mayAsk("team-a", ImmutableMap.of())).isTrue();
    assertThat(settings.mayAsk("b", ImmutableMap.of("mirror", "allowed"))).isTrue();
    assertThat(settings.mayAsk("b", ImmutableMap.of("mirror", "no"))).isFalse();
    assertThat(
            read("kubernetes: {namespaces: []}\n" + Configs.NODES)
                .mayAsk("default", ImmutableMap.of()))
        .isFalse();
    assertThat(
            read("kubernetes: {annotations: false}\n" + Configs.NODES)
                .mayAsk("default", ImmutableMap.of()))
        .isFalse();
  }

  /** Whom annotations count for is one thing, resources are another. */
  @Test
  void mirrorResourcesCountBesideAnnotations() {
    KubernetesSettings settings =
        read("kubernetes: {annotations: false, mirror-resources: true}\n" + Configs.NODES);
    assertThat(settings.mirrorResources()).isTrue();
    assertThat(settings.mayAsk("default", ImmutableMap.of())).isFalse();
  }

  @Test
  void nodesOfTheApi() {
    Settings settings =
        SettingsReader.parse(
            "f.yaml",
            "insecure: true\nkubernetes: {nodes-from-api: true, node-selector: os=linux,"
                + " openflow-port: 7000}",
            Overrides.none());
    assertThat(settings.nodes()).isEmpty();
    NodesOfApi nodes = settings.kubernetes().orElseThrow().nodes().orElseThrow();
    assertThat(nodes).isEqualTo(new NodesOfApi(LabelSelector.parse("os=linux"), 6640, 7000));
    assertThat(nodes.node("n1", "10.0.0.1", Optional.of("m1")))
        .isEqualTo(
            new NodeSettings(
                "n1",
                new ConnectionMethod.Tcp("10.0.0.1", 6640),
                new ConnectionMethod.Tcp("10.0.0.1", 7000),
                Optional.of("m1")));
  }

  @Test
  void nodesOfTheApiByTls() {
    Settings settings =
        SettingsReader.parse(
            "f.yaml",
            "tls: {private-key: /k, certificate: /c, ca-certificate: /a}\n"
                + "kubernetes: {nodes-from-api: true}",
            Overrides.none());
    NodesOfApi nodes = settings.kubernetes().orElseThrow().nodes().orElseThrow();
    TlsSettings tls = new TlsSettings(Path.of("/k"), Path.of("/c"), Path.of("/a"));
    assertThat(nodes.node("n1", "10.0.0.1", Optional.empty()))
        .isEqualTo(
            new NodeSettings(
                "n1",
                new ConnectionMethod.Ssl("10.0.0.1", 6640),
                new ConnectionMethod.Ssl("10.0.0.1", 6653),
                Optional.empty(),
                Optional.of(tls)));
  }

  @Test
  void oneNodeByItsSockets() {
    Settings settings =
        SettingsReader.parse(
            "f.yaml",
            "kubernetes: {nodes-from-api: true, leases: flowmirror}",
            new Overrides(Optional.empty(), Optional.empty(), Optional.of("n7")));
    assertThat(settings.nodes())
        .containsExactly(
            new NodeSettings(
                "n7",
                new ConnectionMethod.Unix("/run/openvswitch/db.sock"),
                new ConnectionMethod.Unix("/run/openvswitch/br-int.mgmt"),
                Optional.empty()));
    assertThat(settings.kubernetes().orElseThrow().nodes()).isEmpty();
    assertThat(settings.kubernetes().orElseThrow().onlyNode()).contains("n7");
    assertThat(settings.kubernetes().orElseThrow().leases()).as("each node has its own").isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "kubernetes: {namespaces: x}|kubernetes.namespaces: found \"x\"; expected a list of",
        "kubernetes: {namespaces: [A]}|kubernetes.namespaces[0]: found \"A\"; expected a namespace",
        "kubernetes: {annotation: true}|unknown key, did you mean annotations?",
        "kubernetes: {mirror-resources: maybe}|kubernetes.mirror-resources: found \"maybe\"",
        "kubernetes: {pod-direction: in}|kubernetes.pod-direction: found \"in\"",
        "kubernetes: {ovsdb-port: 0}|kubernetes.ovsdb-port: found \"0\"; expected a TCP port",
        "kubernetes: {ovsdb-port: 6653}|kubernetes.openflow-port: found 6653; expected another",
        "kubernetes: {nodes-from-api: true}|expected tls at the top level with it, or insecure: true",
        "kubernetes: [a]|kubernetes: found a list; expected a mapping"
      })
  void wrong(String yaml, String problem) {
    assertThatThrownBy(() -> read(yaml + "\n" + Configs.NODES))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining(problem);
  }

  @Test
  void nodesAreNamedOnce() {
    assertThatThrownBy(
            () -> read("insecure: true\nkubernetes: {nodes-from-api: true}\n" + Configs.NODES))
        .hasMessageContaining("expected none: the nodes are those of the Kubernetes API");
    assertThatThrownBy(() -> read("kubernetes: {}")).hasMessageContaining("no node");
    assertThatThrownBy(
            () ->
                SettingsReader.parse(
                    "f.yaml",
                    "kubernetes: {}",
                    new Overrides(Optional.empty(), Optional.empty(), Optional.of("N"))))
        .hasMessageContaining("--node-name: found \"N\"");
  }
}
