// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.config;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.flowmirror.config.NorthboundSettings.Listen;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class NorthboundSettingsTest {
  private static NorthboundSettings northbound(String keys) {
    return Configs.read(Configs.NODES + "northbound: {" + keys + "}").northbound().orElseThrow();
  }

  private static ImmutableList<String> problems(String keys) {
    return Configs.problems(Configs.NODES + "northbound: {" + keys + "}");
  }

  @Test
  void nothingListensUnlessItIsAskedFor() {
    assertThat(Configs.read(Configs.NODES).northbound()).isEmpty();
  }

  @Test
  void byDefaultOnlyThisMachineIsServed() {
    NorthboundSettings settings = northbound("");
    assertThat(settings.listen()).isEqualTo(new Listen("127.0.0.1", 9653));
    assertThat(settings.listen().isLoopback()).isTrue();
    assertThat(settings.podMetrics()).isTrue();
    assertThat(settings.file()).isEmpty();
  }

  @Test
  void everyKey() {
    NorthboundSettings settings =
        northbound(
            "listen: '[fd00::1]:443', file: /var/m.json, pod-metrics: false, certificate: /c.pem,"
                + " private-key: /k.pem, tokens: /t");
    assertThat(settings.listen()).isEqualTo(new Listen("fd00::1", 443));
    assertThat(settings.listen()).hasToString("[fd00::1]:443");
    assertThat(settings.file()).hasValue(Path.of("/var/m.json"));
    assertThat(settings.podMetrics()).isFalse();
    assertThat(settings.certificate())
        .hasValue(new NorthboundSettings.Certificate(Path.of("/c.pem"), Path.of("/k.pem")));
    assertThat(settings.tokens()).hasValue(Path.of("/t"));
  }

  @ParameterizedTest
  @CsvSource({
    "127.0.0.1:0, 127.0.0.1, 0",
    "localhost:9653, 127.0.0.1, 9653",
    "'[::1]:9653', ::1, 9653",
    "0.0.0.0:443, 0.0.0.0, 443",
    "'[::]:443', '::', 443"
  })
  void addresses(String text, String host, int port) {
    assertThat(Listen.parse(text)).isEqualTo(new Listen(host, port));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "9653",
        "127.0.0.1",
        ":9653",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:x",
        "::1:9653",
        "example.org:80",
        "224.0.0.1:80",
        "127.0.0.1:-1"
      })
  void whatIsNoAddress(String text) {
    assertThat(problems("listen: '" + text + "'"))
        .containsExactly(
            "f.yaml:2: northbound.listen: found \""
                + text
                + "\"; expected ADDRESS:PORT, an IPv6 address in brackets");
  }

  /** What pods do, and tokens, are not for everybody on the network. */
  @Test
  void onANetworkThereMustBeACertificateAndSomebodyWhoSaysWhoMayAsk() {
    assertThat(problems("listen: '0.0.0.0:443'"))
        .hasSize(2)
        .allMatch(line -> line.startsWith("f.yaml:2: northbound.listen: found \"0.0.0.0:443\""))
        .anyMatch(line -> line.contains("certificate and private-key"))
        .anyMatch(line -> line.contains("tokens"));
    assertThat(problems("listen: '0.0.0.0:443', certificate: /c, private-key: /k")).hasSize(1);
    assertThat(problems("listen: '0.0.0.0:443', tokens: /t")).hasSize(1);
    assertThat(problems("listen: '0.0.0.0:443', tokens: /t, certificate: /c, private-key: /k"))
        .isEmpty();
    assertThat(
            Configs.problems(
                Configs.NODES
                    + "kubernetes: {}\n"
                    + "northbound: {listen: '0.0.0.0:443', certificate: /c, private-key: /k}"))
        .isEmpty();
  }

  @Test
  void halfAPair() {
    assertThat(problems("certificate: /c"))
        .containsExactly(
            "f.yaml:2: northbound.private-key: missing; expected certificate and private-key"
                + " together");
    assertThat(problems("private-key: /k")).hasSize(1);
  }

  @Test
  void unknownKey() {
    assertThat(problems("port: 80"))
        .singleElement()
        .asString()
        .startsWith("f.yaml:2: northbound.port: unknown key");
  }
}
