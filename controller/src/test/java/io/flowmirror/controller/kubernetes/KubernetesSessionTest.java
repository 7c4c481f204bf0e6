// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.flowmirror.config.Direction;
import io.flowmirror.config.KubernetesSettings;
import io.flowmirror.config.NodeSettings;
import io.flowmirror.config.Overrides;
import io.flowmirror.config.SettingsReader;
import io.flowmirror.flows.Asked;
import io.flowmirror.flows.Asked.Standing;
import io.flowmirror.topology.PodInterface;
import io.flowmirror.topology.PodName;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Other settings while the API is away: the session goes on with what another has heard. */
final class KubernetesSessionTest {
  private static final Duration HOLD = Duration.ofMinutes(30);
  private static final PodInterface WEB = PodInterface.primary(new PodName("ns", "web"));

  private final BlockingQueue<Asked> told = new LinkedBlockingQueue<>();

  /** Nobody is there: port 9 is nobody's on loopback. */
  private final KubernetesClient nobody =
      new KubernetesClientBuilder()
          .withConfig(
              new ConfigBuilder(io.fabric8.kubernetes.client.Config.empty())
                  .withMasterUrl("http://127.0.0.1:9")
                  .withRequestRetryBackoffLimit(0)
                  .build())
          .build();

  private final ClusterView view = new ClusterView(settings(""));
  private @Nullable KubernetesSession session;

  @AfterEach
  void end() {
    if (session != null) {
      session.close();
    }
    nobody.close();
  }

  private static KubernetesSettings settings(String more) {
    return SettingsReader.parse(
            "test",
            """
            nodes: [{name: n1, ovsdb: 'unix:/db', openflow: 'unix:/of'}]
            kubernetes: {mirror-resources: true %s}
            """
                .formatted(more.isEmpty() ? "" : ", " + more),
            Overrides.none())
        .kubernetes()
        .orElseThrow();
  }

  /** A pod with an annotation for what it sends, and a Mirror of what it receives. */
  private void both(Optional<Instant> until) {
    view.put(
        new PodView(
            "ns",
            "web",
            "1",
            "n1",
            false,
            false,
            ImmutableMap.of(
                "ovn.kubernetes.io/mirror",
                "true",
                "ovn.kubernetes.io/mirror-direction",
                "from-pod"),
            "",
            Optional.empty(),
            ImmutableMap.of()));
    ImmutableMap.Builder<String, Object> spec = ImmutableMap.builder();
    spec.put("pod", "web").put("direction", "to-pod");
    until.ifPresent(end -> spec.put("until", end.toString()));
    view.put(MirrorsOfViewTest.mirror("m", "1", 1, Map.copyOf(spec.buildOrThrow())));
  }

  private Heard heard(Duration ago) {
    return new Heard(
        Optional.of(view),
        ImmutableMap.of("n1", view.requests("n1").askers().directions()),
        System.nanoTime() - ago.toNanos());
  }

  private KubernetesSession open(KubernetesSettings settings, Heard before) {
    session =
        new KubernetesSession(
            nobody,
            settings,
            HOLD,
            before,
            new KubernetesSession.Listener() {
              @Override
              public void refused(String node, ImmutableMap<PodName, String> why) {}

              @Override
              public void asked(String node, Asked asked) {
                told.add(asked);
              }

              @Override
              public void elsewhere(Standing standing) {}

              @Override
              public void nodes(ImmutableList<NodeSettings> nodes) {}
            });
    return session;
  }

  private void awaitAsked(ImmutableMap<PodInterface, Direction> wanted)
      throws InterruptedException {
    Asked asked = told.poll(20, TimeUnit.SECONDS);
    assertThat(asked).isEqualTo(new Asked(wanted, Standing.LAST));
  }

  @Test
  void whatWasHeardGoesOn() throws InterruptedException {
    both(Optional.empty());
    KubernetesSession first = open(settings("pod-direction: to-pod"), heard(Duration.ZERO));
    awaitAsked(ImmutableMap.of(WEB, Direction.BOTH));
    // And through as many changes as there are.
    first.close();
    open(settings(""), first.heard());
    awaitAsked(ImmutableMap.of(WEB, Direction.BOTH));
  }

  /** Each who asks is judged by himself, with his direction. */
  @Test
  void whatIsClosedEndsWithItsDirection() throws InterruptedException {
    both(Optional.empty());
    open(settings("annotations: false"), heard(Duration.ZERO));
    awaitAsked(ImmutableMap.of(WEB, Direction.TO_POD));
  }

  @Test
  void aNamespaceThatMayNotAskAnyMore() throws InterruptedException {
    both(Optional.empty());
    KubernetesSession first = open(settings("namespaces: [other]"), heard(Duration.ZERO));
    awaitAsked(ImmutableMap.of(WEB, Direction.TO_POD));
    // Opened again, nothing begins: nobody knows whose pod it is now.
    first.close();
    open(settings(""), first.heard());
    awaitAsked(ImmutableMap.of(WEB, Direction.TO_POD));
  }

  @Test
  void theEndOfAMirrorCountsAfterAChange() throws InterruptedException {
    view.passTo(Instant.now());
    both(Optional.of(Instant.now().minusSeconds(1)));
    Heard before =
        new Heard(
            Optional.of(view),
            ImmutableMap.of("n1", ImmutableMap.of(WEB, Direction.BOTH)),
            System.nanoTime());
    open(settings(""), before);
    awaitAsked(ImmutableMap.of(WEB, Direction.FROM_POD));
  }

  @Test
  void theEndOfAMirrorIsAwaitedAfterAChange() throws InterruptedException {
    both(Optional.of(Instant.now().plusSeconds(1)));
    open(settings("annotations: false"), heard(Duration.ZERO));
    awaitAsked(ImmutableMap.of(WEB, Direction.TO_POD));
    awaitAsked(ImmutableMap.of());
  }

  /** It has begun when the API was heard last, and not when somebody changed the settings. */
  @Test
  void holdDoesNotBeginAnew() throws InterruptedException {
    both(Optional.empty());
    open(settings(""), heard(HOLD));
    awaitAsked(ImmutableMap.of(WEB, Direction.BOTH));
    awaitAsked(ImmutableMap.of());
  }
}
