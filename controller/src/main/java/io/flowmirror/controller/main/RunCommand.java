// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.google.common.base.Ascii;
import com.google.common.base.Ticker;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.inject.Guice;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.flowmirror.config.ConfigException;
import io.flowmirror.config.NorthboundSettings;
import io.flowmirror.config.NorthboundSettings.Listen;
import io.flowmirror.config.Settings;
import io.flowmirror.controller.kubernetes.AskedMirrors;
import io.flowmirror.controller.kubernetes.Reviews;
import io.flowmirror.controller.northbound.History;
import io.flowmirror.controller.northbound.Metrics;
import io.flowmirror.controller.northbound.Northbound;
import io.flowmirror.controller.northbound.Probes;
import io.flowmirror.controller.northbound.RequestBook;
import io.flowmirror.controller.reconcile.Assignment;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.controller.reconcile.Reconciler;
import io.flowmirror.controller.reconcile.Sessions;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * {@code flowmirror run}: mirrors until it is told to stop. SIGTERM, SIGINT and SIGHUP end it with
 * exit code 0; the entries stay.
 */
@Command(
    name = "run",
    description = "Mirror what the configuration asks for, until stopped. Entries stay for `hold'.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nExamples:%n",
    footer = {
      "  flowmirror run --config flowmirror.yaml",
      "  flowmirror run --config flowmirror.yaml --node-name \"$(hostname)\""
    })
final class RunCommand implements Callable<Integer> {
  private static final Logger log = LoggerFactory.getLogger(RunCommand.class);

  /** How long the sessions may take to close before the process ends all the same. */
  private static final Duration CLOSING = Duration.ofSeconds(5);

  @Mixin private final ConfigOptions config = new ConfigOptions();

  @Option(
      names = "--force",
      description = "Write to nodes on which another controller is at work, too.")
  private boolean force;

  @Option(
      names = "--name",
      paramLabel = "NAME",
      description =
          "This controller's name among several (kubernetes.leases); its host's, if not given.")
  private @Nullable String name;

  @Option(
      names = "--probes",
      paramLabel = "ADDRESS:PORT",
      converter = ListenConverter.class,
      description = "Answer /livez, /readyz and /startupz there, whatever the northbound does.")
  private @Nullable Listen probes;

  /** An address to listen at, for picocli. */
  static final class ListenConverter implements ITypeConverter<Listen> {
    @Override
    public Listen convert(String text) {
      return Listen.parse(text);
    }
  }

  @Override
  public Integer call() {
    Settings settings = config.read();
    log.info("{}: {}", config.file(), Summary.of(settings));
    try (Stopping stopping = Stopping.onSignal(CLOSING)) {
      return run(settings, stopping.end());
    }
  }

  private int run(Settings settings, CompletableFuture<Integer> end) {
    String self = name == null ? hostName() : name;
    Assignment atFirst = KubernetesLink.atFirst(settings, self);
    // Among several, to find another at work is what a stand-by is there for.
    boolean isAlone = atFirst.equals(Assignment.ALONE);
    StatusLog statusLog = new StatusLog();
    RequestBook book = book(settings);
    History history = new History(InstantSource.system());
    Metrics metrics = new Metrics();
    AtomicReference<@Nullable KubernetesLink> link = new AtomicReference<>();
    LiveAskers askers = new LiveAskers(settings, link::get);
    book.listen(requests -> askers.byRest(book.askers()));
    FirstLook firstLook =
        new FirstLook(Ticker.systemTicker(), () -> end.complete(Flowmirror.REFUSED));
    try (Sessions sessions =
            Guice.createInjector(new ControllerModule()).getInstance(Sessions.class);
        // Closed when the loop has ended.
        AuditLog audit = new AuditLog(askers, InstantSource.system());
        Reconciler reconciler =
            Reconciler.start(
                settings,
                Reconciler.Mode.MIRROR,
                force,
                atFirst,
                book.requests(),
                sessions,
                (ImmutableMap<String, NodeStatus> statuses) -> {
                  statusLog.accept(statuses);
                  audit.accept(statuses);
                  history.stand(statuses);
                  metrics.stand(statuses);
                  if (isAlone) {
                    firstLook.accept(statuses);
                  }
                  KubernetesLink linked = link.get();
                  if (linked != null) {
                    linked.stand(statuses);
                  }
                });
        KubernetesLink linked =
            published(
                link,
                new KubernetesLink(
                    settings,
                    reconciler,
                    self,
                    config::client,
                    text -> {
                      book.shared(text);
                      // At once: before it is known who the members are, nothing is done.
                      reconciler.request(book.requests());
                    }));
        ConfigWatch watch = ConfigWatch.start(config, settings, linked::configured);
        Served northbound =
            serve(
                settings,
                reconciler,
                new LiveWorld(reconciler, linked, watch::inForce),
                book,
                history,
                metrics)) {
      northbound.announce();
      var unused = reconciler.fault().thenAccept(error -> end.complete(Flowmirror.FAILED));
      int code = end.join();
      log.info(
          "stopping; entries stay as they are for at most {} s",
          watch.inForce().hold().toSeconds());
      return code;
    }
  }

  /** At once: the audit log asks it who asks as soon as the API has spoken. */
  private static KubernetesLink published(
      AtomicReference<@Nullable KubernetesLink> link, KubernetesLink linked) {
    link.set(linked);
    return linked;
  }

  /** What was asked for by REST before, if that is kept. */
  private static RequestBook book(Settings settings) {
    Optional<Path> file = settings.northbound().flatMap(NorthboundSettings::file);
    try {
      return new RequestBook(file, InstantSource.system());
    } catch (IllegalArgumentException | UncheckedIOException e) {
      throw new ConfigException(ImmutableList.of("northbound.file: " + e.getMessage()));
    }
  }

  /** How the northbound asks the API, if ever it does: the configuration may name one later. */
  private static final class Api implements AutoCloseable {
    private final Supplier<KubernetesClient> clients;
    private final AskedMirrors mirrors;
    private @Nullable KubernetesClient client;

    Api(Supplier<KubernetesClient> clients, AskedMirrors mirrors) {
      this.clients = clients;
      this.mirrors = mirrors;
    }

    synchronized Reviews reviews() {
      if (client == null) {
        client = clients.get();
      }
      return new Reviews(client);
    }

    @Override
    public synchronized void close() {
      mirrors.close();
      if (client != null) {
        client.close();
      }
    }
  }

  /** Who is served, and by what. */
  private record Served(
      Optional<Northbound> northbound,
      Optional<Probes> probes,
      Api api,
      History history,
      Metrics metrics)
      implements AutoCloseable {
    void announce() {
      northbound.ifPresent(server -> log.info("northbound: {}", server.url()));
      probes.ifPresent(server -> log.info("probes: port {}", server.port()));
    }

    @Override
    public void close() {
      northbound.ifPresent(Northbound::close);
      probes.ifPresent(Probes::close);
      api.close();
      history.close();
      metrics.close();
    }
  }

  private Served serve(
      Settings settings,
      Reconciler reconciler,
      LiveWorld world,
      RequestBook book,
      History history,
      Metrics metrics) {
    // Before anybody can ask: what is told to nobody would be asked for in vain.
    book.listen(reconciler::request);
    Optional<NorthboundSettings> asked = settings.northbound();
    Api api = new Api(config::client, new AskedMirrors(config::apiConfig));
    try {
      return new Served(
          asked.map(
              its ->
                  Northbound.start(its, world, book, history, metrics, api::reviews, api.mirrors)),
          Optional.ofNullable(probes).map(at -> Probes.start(at, world, metrics)),
          api,
          history,
          metrics);
    } catch (IllegalArgumentException e) {
      throw new ConfigException(ImmutableList.of("northbound: " + e.getMessage()));
    }
  }

  /** In a pod, that is the pod's name; on its node's network it is the node's, and not enough. */
  private static String hostName() {
    try {
      return Ascii.toLowerCase(InetAddress.getLocalHost().getHostName());
    } catch (UnknownHostException e) {
      return "flowmirror";
    }
  }
}
