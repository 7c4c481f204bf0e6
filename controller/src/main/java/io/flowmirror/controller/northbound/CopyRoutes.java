// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.common.collect.ImmutableList;
import io.flowmirror.controller.northbound.Caller.Verb;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.flows.Cookie;
import io.flowmirror.flows.EntryFilter;
import io.flowmirror.flows.InstalledEntry;
import io.flowmirror.flows.OvnPipeline;
import io.flowmirror.topology.PodPort;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * {@code /v1/nodes/{node}/copies}: how much is copied of each pod, read from the switch when it is
 * asked for, with the moment of reading, so that two answers give a rate. The lists of pods have
 * the counters of the last audit instead.
 *
 * <p>The switch is asked for entries of ours alone, and once a second at most, however many ask.
 */
final class CopyRoutes {
  private static final Duration FRESH = Duration.ofSeconds(1);

  /** Longer than the session gives the switch for a reply of this size. */
  private static final long PATIENCE_SECONDS = 10;

  private record Reading(Instant time, ImmutableList<InstalledEntry> entries) {}

  /** What one node has answered last; the lock has those who ask meanwhile wait for one answer. */
  private static final class Newest {
    private final ReentrantLock lock = new ReentrantLock();
    private @Nullable Reading reading;
  }

  private final World world;
  private final InstantSource clock;
  private final ConcurrentMap<String, Newest> newest = new ConcurrentHashMap<>();

  CopyRoutes(World world, InstantSource clock) {
    this.world = world;
    this.clock = clock;
  }

  void register(Routes routes) {
    routes.add("GET", "/v1/nodes/{node}/copies", this::list);
  }

  private void list(Exchange exchange) throws InterruptedException {
    exchange.allowQuery();
    String node = exchange.parameter("node");
    NodeStatus status = world.statuses().get(node);
    if (status == null) {
      newest.remove(node);
      throw Problem.notFound("there is no node " + Json.shown(node) + " here");
    }
    if (status.node().datapath().isEmpty()) {
      throw Problem.unavailable("nothing is known of its entries: no OpenFlow connection");
    }
    Reading reading = read(node, status);
    Copies copies = Copies.of(status, reading.entries());
    Map<String, Boolean> may = new HashMap<>();
    ObjectNode json = Json.object();
    json.put("node", node);
    json.put("time", reading.time().toString());
    ArrayNode items = json.putArray("items");
    for (PodPort port : status.node().podPorts()) {
      String namespace = port.pod().namespace();
      if (isMirrored(status, port)
          && may.computeIfAbsent(namespace, name -> exchange.caller().may(Verb.GET, name))) {
        ObjectNode item = items.addObject();
        item.put("namespace", namespace);
        item.put("name", port.pod().name());
        item.put("interface", port.podInterface().provider());
        item.put("port", port.interfaceName());
        copies.from(port).ifPresent(count -> item.set("fromPod", count.json()));
        item.set("toPod", copies.to(port).json());
      }
    }
    exchange.json(200, json);
  }

  private static boolean isMirrored(NodeStatus status, PodPort port) {
    return status.intent().everything() || status.intent().pods().containsKey(port.podInterface());
  }

  private Reading read(String node, NodeStatus status) throws InterruptedException {
    Newest of = newest.computeIfAbsent(node, name -> new Newest());
    if (!of.lock.tryLock(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
      throw Problem.unavailable("the switch has not answered whoever asked before");
    }
    try {
      Reading last = of.reading;
      Instant now = clock.instant();
      if (last != null && now.isBefore(last.time().plus(FRESH)) && !now.isBefore(last.time())) {
        return last;
      }
      List<InstalledEntry> entries = new ArrayList<>();
      for (int table : tables(status)) {
        Exchange.await(
            world.dump(
                node,
                EntryFilter.ALL.inTable(table).withCookie(Cookie.OWNER, Cookie.OWNER_MASK),
                entries::addAll),
            PATIENCE_SECONDS);
      }
      Reading reading = new Reading(clock.instant(), ImmutableList.copyOf(entries));
      of.reading = reading;
      return reading;
    } finally {
      of.lock.unlock();
    }
  }

  private static ImmutableList<Integer> tables(NodeStatus status) {
    ImmutableList.Builder<Integer> tables = ImmutableList.builder();
    tables.add(OvnPipeline.INGRESS_TABLE);
    status.node().datapath().orElseThrow().deliveryTable().ifPresent(tables::add);
    return tables.build();
  }
}
