// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.google.common.collect.ImmutableList;
import com.google.common.net.InetAddresses;
import io.flowmirror.config.NorthboundSettings;
import io.flowmirror.controller.kubernetes.AskedMirrors;
import io.flowmirror.controller.kubernetes.Reviews;
import io.flowmirror.controller.northbound.RequestBook.Entry;
import io.helidon.webserver.WebServer;
import io.helidon.webserver.WebServerConfig;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.bridge.SLF4JBridgeHandler;

/**
 * The server that people and programs talk to (HTTP/1.1; RFC 9110, RFC 9457). It serves each
 * request on a virtual thread, within bounds: of connections, of requests at once, of a body, of
 * the time that a silent connection is kept.
 */
public final class Northbound implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Northbound.class);
  private static final Logger AUDIT = LoggerFactory.getLogger("io.flowmirror.audit");

  private static final int MAX_CONNECTIONS = 256;
  private static final int MAX_REQUESTS = 128;
  private static final Duration IDLE = Duration.ofMinutes(1);
  private static final Duration LOOK_FOR_IDLE = Duration.ofSeconds(10);
  private static final Duration READ_TIMEOUT = Duration.ofSeconds(70);

  /** How often it is looked for mirrors that have come to their end, at least. */
  private static final Duration LOOK = Duration.ofSeconds(1);

  private final NorthboundSettings.Listen listen;
  private final Routes routes;
  private final RequestBook book;
  private final History history;
  private final EventRoutes events;
  private final Optional<ServerCertificate> certificate;
  private final WebServer server;
  private final Thread ends;

  private Northbound(
      NorthboundSettings settings,
      World world,
      RequestBook book,
      History history,
      Access access,
      Metrics metrics) {
    this.listen = settings.listen();
    this.book = book;
    this.history = history;
    this.routes = new Routes();
    this.events = new EventRoutes(history);
    new NodeRoutes(world, history).register(routes);
    new CopyRoutes(world, InstantSource.system()).register(routes);
    new PodRoutes(world, book).register(routes);
    new MirrorRoutes(world, book, history, InstantSource.system()).register(routes);
    events.register(routes);
    new HealthRoutes(world, metrics).register(routes);
    new DocumentRoutes().register(routes);
    metrics.watch(world, book, history, settings.podMetrics());
    Dispatch dispatch =
        new Dispatch(routes, access, new Throttle(), settings.certificate().isEmpty());
    certificate = settings.certificate().map(ServerCertificate::new);
    WebServerConfig.Builder builder =
        WebServer.builder()
            .address(InetAddresses.forString(settings.listen().host()))
            .port(settings.listen().port())
            .maxPayloadSize(Exchange.MAX_BODY)
            .maxTcpConnections(MAX_CONNECTIONS)
            .maxConcurrentRequests(MAX_REQUESTS)
            .idleConnectionTimeout(IDLE)
            .idleConnectionPeriod(LOOK_FOR_IDLE)
            .connectionOptions(options -> options.readTimeout(READ_TIMEOUT).tcpNoDelay(true))
            .shutdownGracePeriod(Duration.ofMillis(200))
            .shutdownHook(false)
            .routing(routing -> routing.any(dispatch::serve));
    certificate.ifPresent(its -> builder.tls(its.read()));
    server = builder.build();
    ends = Thread.ofVirtual().name("mirror-ends").unstarted(this::endMirrors);
  }

  /**
   * Starts to serve.
   *
   * @param reviews how to ask the Kubernetes API who asks; not called before it is followed
   * @param mirrors how to write what callers ask for there; used while Mirrors are followed
   * @throws IllegalArgumentException if the certificate or the tokens cannot be read
   * @throws IllegalStateException if the address cannot be listened at
   */
  public static Northbound start(
      NorthboundSettings settings,
      World world,
      RequestBook book,
      History history,
      Metrics metrics,
      Supplier<Reviews> reviews,
      AskedMirrors mirrors) {
    SLF4JBridgeHandler.removeHandlersForRootLogger();
    SLF4JBridgeHandler.install();
    Access access = new ConfiguredAccess(settings, world::settings, reviews, mirrors);
    Northbound northbound = new Northbound(settings, world, book, history, access, metrics);
    try {
      northbound.server.start();
    } catch (RuntimeException e) {
      throw new IllegalStateException("cannot listen at " + settings.listen(), e);
    }
    northbound.ends.start();
    return northbound;
  }

  /** Where it is. */
  public String url() {
    return (certificate.isPresent() ? "https://" : "http://") + listen.withPort(port());
  }

  /** What it serves. */
  ImmutableList<Routes.Route> routes() {
    return routes.all();
  }

  /** The TCP port that it listens at. */
  public int port() {
    return server.port();
  }

  private void endMirrors() {
    try {
      while (true) {
        try {
          end();
          certificate.flatMap(ServerCertificate::changed).ifPresent(server::reloadTls);
        } catch (RuntimeException e) {
          // Whatever it is, what has come to its end must go on ending.
          log.error("a fault of ours; mirrors go on ending", e);
        }
        Thread.sleep(
            book.nextEnd()
                .filter(left -> left.compareTo(LOOK) < 0)
                .map(left -> left.isNegative() ? Duration.ofMillis(1) : left.plusMillis(1))
                .orElse(LOOK));
      }
    } catch (InterruptedException e) {
      // Closed.
    }
  }

  private void end() {
    for (Entry ended : book.removeEnded()) {
      String pod = ended.mirror().namespacedPod();
      AUDIT.info("ended pod={} by={} (its time is over)", pod, ended.by());
      history.requested(
          Optional.of(ended.mirror().namespace()),
          Optional.of(ended.mirror().pod()),
          "the mirror of " + pod + " that " + ended.by() + " asked for is over");
    }
  }

  @Override
  public void close() {
    ends.interrupt();
    events.close();
    server.stop();
  }
}
