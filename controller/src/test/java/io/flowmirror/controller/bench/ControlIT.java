// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * The real controller against a small swarm: what {@code bench/control} measures with thousands of
 * nodes does happen. Nothing here depends on how fast.
 */
final class ControlIT {
  private static final int NODES = 20;
  private static final int GONE = 5;
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final Path WORK = Path.of("target", "control-it").toAbsolutePath();

  private final SwarmShape shape = SwarmShape.of(5, 3);
  private final int wanted = NODES * shape.wanted();
  private Swarm swarm;
  private ControllerProcess controller;

  private void start(SwarmPlan plan) throws IOException, GeneralSecurityException {
    Files.createDirectories(WORK);
    swarm = new Swarm(plan);
    Path config = WORK.resolve("flowmirror.yaml");
    Files.writeString(config, swarm.configuration(WORK));
    controller =
        new ControllerProcess(
            Path.of("..").toAbsolutePath().normalize(),
            config,
            WORK.resolve("flowmirror.log"),
            "-Xmx256m");
  }

  @AfterEach
  void end() {
    if (controller != null) {
      controller.close();
    }
    if (swarm != null) {
      swarm.close();
    }
  }

  @Test
  void everyNodeIsFilledRepairedAndFoundAgainAndNothingIsWrittenTwice()
      throws IOException, GeneralSecurityException {
    start(SwarmPlan.of(NODES, shape));
    done(swarm.syncing());
    written(wanted);
    done(swarm.reconnecting());

    done(swarm.wipeAll(Duration.ofSeconds(1), 1));
    written(2L * wanted);

    done(swarm.cutAll());
    assertThat(swarm.counts().closed.sum()).isEqualTo(2 * NODES);
    // A second wipe is repaired on the new connections, and before it nothing was written there.
    done(swarm.wipeAll(Duration.ofSeconds(1), 2));
    written(3L * wanted);

    assertThat(swarm.failure()).as(controller.tail()).isNull();
    assertThat(controller.threads()).isPositive().isLessThan(100);
    assertThat(controller.descriptors()).isGreaterThan(2 * NODES);
    assertThat(controller.cpuSeconds()).isPositive();
  }

  /** In TLS, and beside others whose addresses drop what is sent to them, until they do not. */
  @Test
  void nodesInTlsDoNotWaitForThoseThatAreGoneAndTheseComeBack()
      throws IOException, GeneralSecurityException {
    start(SwarmPlan.of(NODES, shape).byTls().beside(GONE));
    done(swarm.syncing());
    written(wanted);
    done(swarm.reconnecting());

    done(swarm.cutAll());
    done(swarm.restore());
    written(wanted + (long) GONE * shape.wanted());
    assertThat(swarm.failure()).as(controller.tail()).isNull();
  }

  private void done(Stopwatch watch) {
    await()
        .atMost(PATIENCE)
        .untilAsserted(() -> assertThat(watch.left()).as(controller.tail()).isZero());
  }

  /** So many have been added, each where there was none, and none deleted. */
  private void written(long added) {
    await()
        .atMost(PATIENCE)
        .untilAsserted(() -> assertThat(swarm.counts().added.sum()).isEqualTo(added));
    assertThat(swarm.counts().replaced.sum()).isZero();
    assertThat(swarm.counts().deleted.sum()).isZero();
  }
}
