// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.google.common.base.Ascii;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.Iterables;
import io.flowmirror.controller.northbound.Pods.Seen;
import io.flowmirror.controller.northbound.Pods.State;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.controller.reconcile.Repair;
import io.flowmirror.flows.FlowDiff.Drift;
import io.flowmirror.flows.InstalledEntry;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.jvm.ClassLoaderMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.FileDescriptorMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * What a monitoring system reads, in Prometheus' text format or as OpenMetrics.
 *
 * <p>Repairs are counted as they happen, on the loop's thread, at the cost of a comparison for each
 * node that has reported; all else is computed from the newest snapshot when somebody reads.
 */
public final class Metrics implements AutoCloseable {
  /** Each is four lines; of more pods only the number is told. */
  static final int MAX_PODS = 10_000;

  private static final Duration[] BUCKETS = {
    Duration.ofMillis(5),
    Duration.ofMillis(10),
    Duration.ofMillis(25),
    Duration.ofMillis(50),
    Duration.ofMillis(100),
    Duration.ofMillis(250),
    Duration.ofMillis(500),
    Duration.ofSeconds(1),
    Duration.ofMillis(2500),
    Duration.ofSeconds(5),
    Duration.ofSeconds(30),
    Duration.ofMinutes(5)
  };

  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final JvmGcMetrics collections = new JvmGcMetrics();
  private final Map<String, Repair> newest = new HashMap<>();
  private ImmutableMap<String, NodeStatus> last = ImmutableMap.of();

  /** Begins to count. */
  public Metrics() {
    new ClassLoaderMetrics().bindTo(registry);
    new JvmMemoryMetrics().bindTo(registry);
    new JvmThreadMetrics().bindTo(registry);
    new ProcessorMetrics().bindTo(registry);
    new FileDescriptorMetrics().bindTo(registry);
    new UptimeMetrics().bindTo(registry);
    collections.bindTo(registry);
    for (Repair.Cause cause : Repair.Cause.values()) {
      // From zero on, so that the first one is an increase.
      count(cause);
      took(cause);
      gap(cause);
    }
  }

  /** Takes where all nodes stand. On the loop's thread. */
  public void stand(ImmutableMap<String, NodeStatus> statuses) {
    if (statuses.equals(last)) {
      return;
    }
    statuses.forEach(
        (node, status) -> {
          @Nullable NodeStatus before = last.get(node);
          if (before == null || !status.repairs().equals(before.repairs())) {
            @Nullable Repair known = newest.get(node);
            int from = known == null ? 0 : status.repairs().lastIndexOf(known) + 1;
            status.repairs().subList(from, status.repairs().size()).forEach(this::record);
            @Nullable Repair now = Iterables.getLast(status.repairs(), null);
            if (now != null) {
              newest.put(node, now);
            }
          }
        });
    newest.keySet().retainAll(statuses.keySet());
    last = statuses;
  }

  private void record(Repair repair) {
    count(repair.cause()).increment();
    took(repair.cause()).record(repair.took());
    repair.gap().ifPresent(gap -> gap(repair.cause()).record(gap));
  }

  private Counter count(Repair.Cause cause) {
    return Counter.builder("flowmirror.repairs")
        .description("Rounds that put a node's entries right")
        .tag("cause", name(cause))
        .register(registry);
  }

  private Timer took(Repair.Cause cause) {
    return Timer.builder("flowmirror.repair")
        .description("From the first sign until the switch had confirmed the repair")
        .tag("cause", name(cause))
        .serviceLevelObjectives(BUCKETS)
        .register(registry);
  }

  private Timer gap(Repair.Cause cause) {
    return Timer.builder("flowmirror.gap")
        .description("For how long copies may have been missed")
        .tag("cause", name(cause))
        .serviceLevelObjectives(BUCKETS)
        .register(registry);
  }

  private static String name(Enum<?> value) {
    return Ascii.toLowerCase(value.name());
  }

  /** Has what the world shows read, too. */
  void watch(World world, RequestBook book, History history, boolean podMetrics) {
    registry.getPrometheusRegistry().register((MultiCollector) () -> nodes(world, history));
    if (podMetrics) {
      registry.getPrometheusRegistry().register((MultiCollector) () -> pods(world, book));
    }
  }

  private static MetricSnapshots nodes(World world, History history) {
    ImmutableMap<String, NodeStatus> statuses = world.statuses();
    return MetricSnapshots.of(
        gauge(
            "flowmirror_node_in_sync",
            "1 if the node was read and compared, and nothing is left to do",
            statuses,
            status -> status.settled() ? 1 : 0),
        gauge(
            "flowmirror_node_writer",
            "1 if this controller writes to the node",
            statuses,
            status -> status.writer() == NodeStatus.Writer.US ? 1 : 0),
        gauge(
            "flowmirror_node_openflow_connected",
            "1 if there is an OpenFlow connection",
            statuses,
            status -> status.node().datapath().isPresent() ? 1 : 0),
        gauge(
            "flowmirror_node_ovsdb_connected",
            "1 if there is an OVSDB connection",
            statuses,
            status -> status.node().bridgeConfirmed() ? 1 : 0),
        gauge(
            "flowmirror_node_entries_wanted",
            "Entries that there should be",
            statuses,
            status -> status.plan().entries().size()),
        gauge(
            "flowmirror_node_entries_installed",
            "Entries of ours that there are",
            statuses,
            status -> status.installed().stream().filter(InstalledEntry::isOurs).count()),
        gauge(
            "flowmirror_node_complaints",
            "What keeps the node from being as it was asked for; /v1/nodes has the words",
            statuses,
            status -> status.complaints().size()),
        gauge(
            "flowmirror_node_contested",
            "1 if somebody keeps undoing our entries",
            statuses,
            status -> status.contested().isPresent() ? 1 : 0),
        gauge(
            "flowmirror_node_pod_ports",
            "Ports of pods on the node",
            statuses,
            status -> status.node().podPorts().size()),
        gauge(
            "flowmirror_node_mirrored_pods",
            "Interfaces of pods there that are asked for",
            statuses,
            Pods::mirroredOf),
        drift(statuses),
        queues(world),
        apiSilence(world),
        GaugeSnapshot.builder()
            .name("flowmirror_event_followers")
            .help("Who follows events now")
            .dataPoint(GaugeDataPointSnapshot.builder().value(history.followers()).build())
            .build());
  }

  private static GaugeSnapshot gauge(
      String name,
      String help,
      ImmutableMap<String, NodeStatus> statuses,
      ToDoubleFunction<NodeStatus> value) {
    GaugeSnapshot.Builder gauge = GaugeSnapshot.builder().name(name).help(help);
    statuses.forEach(
        (node, status) ->
            gauge.dataPoint(
                GaugeDataPointSnapshot.builder()
                    .labels(Labels.of("node", node))
                    .value(value.applyAsDouble(status))
                    .build()));
    return gauge.build();
  }

  private static GaugeSnapshot queues(World world) {
    GaugeSnapshot.Builder gauge =
        GaugeSnapshot.builder()
            .name("flowmirror_queue_depth")
            .help("What waits: messages for the loop, one of a kind and node at most; Events");
    world
        .queues()
        .forEach(
            (queue, depth) ->
                gauge.dataPoint(
                    GaugeDataPointSnapshot.builder()
                        .labels(Labels.of("queue", queue))
                        .value(depth)
                        .build()));
    return gauge.build();
  }

  private static GaugeSnapshot apiSilence(World world) {
    GaugeSnapshot.Builder gauge =
        GaugeSnapshot.builder()
            .name("flowmirror_kubernetes_silence_seconds")
            .help(
                "Since the Kubernetes API said anything last; it is asked every 2 s. By so much what"
                    + " is asked for may be old");
    world
        .apiSilence()
        .ifPresent(
            silence ->
                gauge.dataPoint(
                    GaugeDataPointSnapshot.builder().value(silence.toMillis() / 1000.0).build()));
    return gauge.build();
  }

  private static GaugeSnapshot drift(ImmutableMap<String, NodeStatus> statuses) {
    GaugeSnapshot.Builder gauge =
        GaugeSnapshot.builder()
            .name("flowmirror_node_drift")
            .help("Entries that are not as they should be");
    statuses.forEach(
        (node, status) -> {
          for (Drift kind : Drift.values()) {
            if (kind != Drift.DUE) {
              gauge.dataPoint(
                  GaugeDataPointSnapshot.builder()
                      .labels(Labels.of("node", node, "kind", name(kind)))
                      .value(Collections.frequency(status.diff().drift().values(), kind))
                      .build());
            }
          }
        });
    return gauge.build();
  }

  private static MetricSnapshots pods(World world, RequestBook book) {
    CounterSnapshot.Builder packets =
        CounterSnapshot.builder()
            .name("flowmirror_mirrored_packets")
            .help("Copies made, as the entries' own counters say; they begin anew with an entry");
    CounterSnapshot.Builder bytes =
        CounterSnapshot.builder()
            .name("flowmirror_mirrored_bytes")
            .help("Bytes of the copies made");
    ImmutableList<Seen> mirrored =
        new Pods(world, book)
            .all().stream()
                .filter(seen -> seen.state() != State.NOT_MIRRORED && seen.port().isPresent())
                .collect(ImmutableList.toImmutableList());
    mirrored.stream()
        .limit(MAX_PODS)
        .forEach(
            seen -> {
              seen.sent()
                  .ifPresent(
                      sent -> {
                        point(packets, seen, "from-pod", sent.packets());
                        point(bytes, seen, "from-pod", sent.bytes());
                      });
              point(packets, seen, "to-pod", seen.received().packets());
              point(bytes, seen, "to-pod", seen.received().bytes());
            });
    return MetricSnapshots.of(
        packets.build(),
        bytes.build(),
        GaugeSnapshot.builder()
            .name("flowmirror_mirrored_interfaces")
            .help("Interfaces of pods that are asked for and have a port, on all nodes")
            .dataPoint(GaugeDataPointSnapshot.builder().value(mirrored.size()).build())
            .build());
  }

  private static void point(
      CounterSnapshot.Builder counter, Seen seen, String direction, long value) {
    counter.dataPoint(
        CounterDataPointSnapshot.builder()
            .labels(
                Labels.of(
                    "namespace",
                    seen.at().pod().namespace(),
                    "pod",
                    seen.at().pod().name(),
                    "interface",
                    seen.port().orElseThrow().interfaceName(),
                    "node",
                    seen.node().orElse(""),
                    "direction",
                    direction))
            .value((double) value)
            .build());
  }

  /** Writes everything in the format that is asked for. */
  void scrape(OutputStream out, String mediaType) throws IOException {
    registry.scrape(out, mediaType);
  }

  @Override
  public void close() {
    collections.close();
    registry.close();
  }
}
