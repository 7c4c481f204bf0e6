// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.google.common.net.InetAddresses;
import io.flowmirror.config.NorthboundSettings.Listen;
import io.helidon.webserver.WebServer;
import java.time.Duration;

/**
 * The health of the controller alone, at an address of its own: whatever befalls the northbound,
 * the kubelet gets its answer, and nobody who may ask only for that gets more.
 */
public final class Probes implements AutoCloseable {
  /** Each costs little; on a node's own network any neighbour may have some. */
  private static final int MAX_CONNECTIONS = 1_024;

  /** A kubelet asks at once; whoever does not has his connection for no longer. */
  private static final Duration IDLE = Duration.ofSeconds(2);

  private final WebServer server;

  private Probes(Listen listen, World world, Metrics metrics) {
    Routes routes = new Routes();
    new HealthRoutes(world, metrics).probes(routes);
    Dispatch dispatch = new Dispatch(routes, Access.everybody(), Throttle.none(), false);
    server =
        WebServer.builder()
            .address(InetAddresses.forString(listen.host()))
            .port(listen.port())
            .maxPayloadSize(0)
            .maxTcpConnections(MAX_CONNECTIONS)
            .idleConnectionTimeout(IDLE)
            .idleConnectionPeriod(Duration.ofSeconds(1))
            .connectionOptions(options -> options.readTimeout(IDLE).tcpNoDelay(true))
            .shutdownGracePeriod(Duration.ofMillis(100))
            .shutdownHook(false)
            .routing(routing -> routing.any(dispatch::serve))
            .build();
  }

  /**
   * Starts to answer.
   *
   * @throws IllegalStateException if the address cannot be listened at
   */
  public static Probes start(Listen listen, World world, Metrics metrics) {
    Probes probes = new Probes(listen, world, metrics);
    try {
      probes.server.start();
    } catch (RuntimeException e) {
      throw new IllegalStateException("cannot listen at " + listen, e);
    }
    return probes;
  }

  /** The TCP port that it listens at. */
  public int port() {
    return server.port();
  }

  @Override
  public void close() {
    server.stop();
  }
}
