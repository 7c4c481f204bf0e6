// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.google.common.collect.ImmutableMap;
import io.flowmirror.config.Direction;
import io.flowmirror.controller.kubernetes.MirrorSpec.WrongSpecException;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class MirrorSpecTest {
  private static MirrorSpec read(String yaml) throws Exception {
    return MirrorSpec.of(new YAMLMapper().readValue(yaml, Map.class));
  }

  private static PodView pod(String name, ImmutableMap<String, String> labels) {
    return new PodView(
        "ns", name, "1", "n1", false, false, ImmutableMap.of(), "", Optional.empty(), labels);
  }

  @Test
  void onePodAndDefaults() throws Exception {
    MirrorSpec spec = read("{pod: web-0.a}");
    assertThat(spec)
        .isEqualTo(
            new MirrorSpec(
                Optional.of("web-0.a"), Optional.empty(), "", Direction.BOTH, Optional.empty()));
    assertThat(spec.chooses(pod("web-0.a", ImmutableMap.of()))).isTrue();
    assertThat(spec.chooses(pod("web-0", ImmutableMap.of()))).isFalse();
    assertThat(spec.isOver(Instant.MAX)).isFalse();
  }

  @Test
  void interfaceDirectionAndEnd() throws Exception {
    MirrorSpec spec =
        read(
            "{pod: web, interface: net.1.lan, direction: to-pod, until:"
                + " '2030-01-01T02:00:00+02:00'}");
    assertThat(spec.provider()).isEqualTo("net.1.lan.ovn");
    assertThat(spec.direction()).isEqualTo(Direction.TO_POD);
    Instant end = Instant.parse("2030-01-01T00:00:00Z");
    assertThat(spec.until()).contains(end);
    assertThat(spec.isOver(end.minusNanos(1))).isFalse();
    assertThat(spec.isOver(end)).isTrue();
  }

  /** As Kubernetes' own selectors (concepts/overview/working-with-objects/labels). */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{}|true",
        "{matchLabels: {app: web}}|true",
        "{matchLabels: {app: web, tier: back}}|false",
        "{matchLabels: {missing: ''}}|false",
        "{matchExpressions: [{key: app, operator: In, values: [db, web]}]}|true",
        "{matchExpressions: [{key: missing, operator: In, values: [web]}]}|false",
        "{matchExpressions: [{key: app, operator: NotIn, values: [web]}]}|false",
        "{matchExpressions: [{key: missing, operator: NotIn, values: [web]}]}|true",
        "{matchExpressions: [{key: app, operator: Exists}]}|true",
        "{matchExpressions: [{key: app, operator: DoesNotExist}]}|false",
        "{matchExpressions: [{key: missing, operator: DoesNotExist, values: []}]}|true",
        "{matchLabels: {app: web}, matchExpressions: [{key: tier, operator: DoesNotExist}]}|false"
      })
  void selectors(String selector, boolean expected) throws Exception {
    assertThat(
            read("{selector: " + selector + "}")
                .chooses(pod("any", ImmutableMap.of("app", "web", "tier", "front"))))
        .isEqualTo(expected);
  }

  /** What the schema refuses may have been stored before it was there. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{}|spec.pod: found nothing; expected pod or selector",
        "{pod: web, selector: {}}|expected pod or selector",
        "{pod: 1}|spec.pod: found \"1\"; expected text",
        "{selector: all}|spec.selector: found \"all\"",
        "{selector: {labels: {a: b}}}|spec.selector: found \"labels\"; expected matchLabels",
        "{selector: {matchLabels: [a]}}|spec.selector.matchLabels",
        "{selector: {matchExpressions: {a: b}}}|spec.selector.matchExpressions",
        "{selector: {matchExpressions: [a]}}|expected key, operator and values",
        "{selector: {matchExpressions: [{key: a, operator: In}]}}|expected values with In",
        "{selector: {matchExpressions: [{key: a, operator: NotIn, values: []}]}}|expected values",
        "{selector: {matchExpressions: [{key: a, operator: Exists, values: [b]}]}}|no values",
        "{selector: {matchExpressions: [{key: a, operator: Is}]}}|expected In, NotIn, Exists or",
        "{pod: web, interface: lan}|spec.interface: found \"lan\"; expected NAD.NAMESPACE",
        "{pod: web, interface: LAN.ns}|spec.interface",
        "{pod: web, direction: in}|spec.direction: found \"in\"; expected both, from-pod or to-pod",
        "{pod: web, until: soon}|spec.until: found \"soon\"; expected a time such as",
        "{pod: web, until: '2030-01-01T00:00:00'}|spec.until",
        "{pod: web, until: '2030-01-01T00:00:00+23:00'}|at most 18 hours from UTC"
      })
  void wrong(String yaml, String problem) {
    assertThatThrownBy(() -> read(yaml))
        .isInstanceOf(WrongSpecException.class)
        .hasMessageContaining(problem);
  }

  @Test
  void noSpecAtAll() {
    assertThatThrownBy(() -> MirrorSpec.of((Object) null)).isInstanceOf(WrongSpecException.class);
    assertThatThrownBy(() -> MirrorSpec.of("x")).isInstanceOf(WrongSpecException.class);
  }
}
