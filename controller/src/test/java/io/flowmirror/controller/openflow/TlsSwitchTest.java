// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.flowmirror.controller.openflow.OpenFlowSession.State;
import io.flowmirror.controller.transport.Authority;
import io.flowmirror.controller.transport.Endpoint;
import io.flowmirror.controller.transport.TlsPeer;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A switch behind TLS that has a good certificate and bad manners: the same bounds hold. */
final class TlsSwitchTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final Duration SHORT = Duration.ofMillis(300);
  private static final OpenFlowConnector CONNECTOR = new OpenFlowConnector(1);

  @TempDir private static Path folder;
  private static Authority authority;
  private static Authority.Signed node;
  private static Authority.Signed controller;

  @BeforeAll
  static void certify() {
    authority = new Authority(folder, "ca");
    node = authority.sign("node", "n1");
    controller = authority.sign("controller", "flowmirror");
  }

  @AfterAll
  static void close() {
    CONNECTOR.close();
  }

  private static TlsPeer inFrontOf(FakeSwitch fake) {
    return switch (fake.endpoint()) {
      case Endpoint.Tcp(String host, int port) ->
          TlsPeer.of(
              node,
              authority.certificate(),
              "TLSv1.3",
              TlsPeer.inFrontOf(new InetSocketAddress(host, port)));
      default -> throw new IllegalArgumentException(fake.endpoint().toString());
    };
  }

  private static OpenFlowOptions options(TlsPeer peer, String name) {
    return OpenFlowOptions.of(
            "n1", Endpoint.tls("127.0.0.1", peer.port(), name, authority.trust(controller)))
        .withBackoff(Duration.ofMillis(2), Duration.ofMillis(50))
        .withReplyLimits(Duration.ofMillis(500), 1000);
  }

  /**
   * Some of each kind: too much, too long, too deaf. Not the one with ports without end, which
   * sends tens of megabytes: the bounds are behind TLS, and it takes a minute without the second
   * compiler.
   */
  static Stream<HostilePeer> peers() {
    Set<String> some =
        Set.of(
            "says hello in version 1.5 and names 1.0 only",
            "has entries without end that concern nobody",
            "floods with echo requests",
            "asks for large echoes and does not read them",
            "says nothing",
            "sends a byte every now and then");
    return HostilePeer.all().stream().filter(peer -> some.contains(peer.does()));
  }

  @Test
  void allOfThemAreThere() {
    assertThat(peers()).hasSize(6);
  }

  @ParameterizedTest(name = "a switch that {0}")
  @MethodSource("peers")
  void isGivenUpWithAReasonAndTriedAgain(HostilePeer hostile) {
    Set<String> reasons = ConcurrentHashMap.newKeySet();
    try (FakeSwitch fake = FakeSwitch.onTcp();
        TlsPeer peer = inFrontOf(fake)) {
      hostile.told().accept(fake);
      OpenFlowOptions options = options(peer, "n1");
      try (OpenFlowSession session =
          CONNECTOR.open(
              hostile.mute() ? options.withRequestTimeout(SHORT).withEchoAfter(SHORT) : options,
              report -> reasons.add(report.reason()))) {
        await()
            .atMost(PATIENCE)
            .untilAsserted(() -> assertThat(reasons).anyMatch(hostile.reason().asMatchPredicate()));
        fake.behave();
        await().atMost(PATIENCE).until(() -> session.state() == State.LIVE);
      }
    }
  }

  /** It says so, and the session goes on trying; the switch hears nothing at all. */
  @Test
  void anotherNode() {
    Set<String> reasons = ConcurrentHashMap.newKeySet();
    try (FakeSwitch fake = FakeSwitch.onTcp();
        TlsPeer peer = inFrontOf(fake);
        OpenFlowSession session =
            CONNECTOR.open(options(peer, "n2"), report -> reasons.add(report.reason()))) {
      await().atMost(PATIENCE).until(() -> fake.accepted() > 2);
      assertThat(reasons).containsExactly("TLS: certificate is for \"n1\", not \"n2\"");
      assertThat(session.state()).isNotEqualTo(State.LIVE);
    }
  }
}
