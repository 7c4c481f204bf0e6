// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.controller.northbound.Caller.Verb;
import io.flowmirror.controller.northbound.Pods.Seen;
import io.flowmirror.controller.northbound.Pods.State;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.topology.InterfaceCounters;
import io.flowmirror.topology.PodName;
import io.flowmirror.topology.PodPort;
import java.util.Optional;

/** {@code /v1/pods}. */
final class PodRoutes {
  private static final long PATIENCE_SECONDS = 6;

  private final World world;
  private final RequestBook book;

  PodRoutes(World world, RequestBook book) {
    this.world = world;
    this.book = book;
  }

  void register(Routes routes) {
    routes.add("GET", "/v1/pods", this::list);
    routes.add("GET", "/v1/pods/{namespace}/{pod}", this::show);
    routes.addWithText("GET", "/v1/pods/{namespace}/{pod}/explain", this::explain);
  }

  private void list(Exchange exchange) {
    exchange.allowQuery("mirrored", "namespace", "node", "limit", "continue");
    Optional<Boolean> mirrored = exchange.query("mirrored", Exchange::bool);
    Optional<String> namespace = exchange.query("namespace");
    Optional<String> node = exchange.query("node");
    namespace.ifPresent(name -> exchange.caller().demand(Verb.GET, name));
    ImmutableMap.Builder<String, Boolean> may = ImmutableMap.builder();
    ImmutableList<Seen> all = new Pods(world, book).all();
    all.stream()
        .map(seen -> seen.at().pod().namespace())
        .distinct()
        .filter(name -> namespace.isEmpty() || namespace.get().equals(name))
        .forEach(name -> may.put(name, exchange.caller().may(Verb.GET, name)));
    ImmutableMap<String, Boolean> visible = may.buildOrThrow();
    exchange.page(
        all.stream()
            .filter(seen -> visible.getOrDefault(seen.at().pod().namespace(), false))
            .filter(seen -> node.isEmpty() || seen.node().equals(node))
            .filter(
                seen ->
                    mirrored.isEmpty() || mirrored.get() == (seen.state() != State.NOT_MIRRORED))
            .toList(),
        PodRoutes::key,
        Seen::json);
  }

  /** In the list's own order, and different for any two. */
  private static String key(Seen seen) {
    return String.join(
        "\u0001",
        seen.at().pod().namespace(),
        seen.at().pod().name(),
        seen.at().provider(),
        seen.node().orElse(""),
        seen.port().map(PodPort::interfaceName).orElse(""));
  }

  private void show(Exchange exchange) {
    exchange.allowQuery();
    PodName pod = exchange.pod();
    exchange.caller().demand(Verb.GET, pod.namespace());
    ImmutableList<Seen> seen = new Pods(world, book).of(pod);
    if (seen.isEmpty()) {
      throw Problem.notFound(
          pod + " is on no node's br-int, and nobody asks for it; .../explain says more");
    }
    ObjectNode json = Json.object();
    json.put("namespace", pod.namespace());
    json.put("name", pod.name());
    ArrayNode interfaces = json.putArray("interfaces");
    seen.forEach(each -> interfaces.add(each.json()));
    exchange.json(200, json);
  }

  private void explain(Exchange exchange) {
    exchange.allowQuery();
    PodName pod = exchange.pod();
    exchange.caller().demand(Verb.GET, pod.namespace());
    Explanation explanation = explain(pod);
    if (exchange.wantsText()) {
      exchange.text(explanation.lines());
    } else {
      exchange.json(200, explanation.json());
    }
  }

  private Explanation explain(PodName pod) {
    ImmutableMap<String, NodeStatus> statuses = world.statuses();
    ImmutableList<Seen> seen = new Pods(world, book).of(pod);
    return Explanation.of(
        new Explanation.Evidence(
            pod,
            seen,
            statuses,
            world.settings().kubernetes(),
            world.unready(),
            world.refusedByApi(pod),
            counters(seen, statuses)));
  }

  /** What the database says of the interfaces; nothing if it does not answer. */
  private ImmutableMap<String, InterfaceCounters> counters(
      ImmutableList<Seen> seen, ImmutableMap<String, NodeStatus> statuses) {
    Optional<Seen> subject = Explanation.subject(seen);
    Optional<String> node = subject.flatMap(Seen::node);
    if (node.isEmpty() || !statuses.containsKey(node.get())) {
      return ImmutableMap.of();
    }
    NodeStatus status = statuses.get(node.get());
    if (!status.node().bridgeConfirmed()) {
      return ImmutableMap.of();
    }
    try {
      return Exchange.await(
          world.counters(
              node.get(),
              ImmutableSet.copyOf(Explanation.Evidence.interfaces(status, subject.orElseThrow()))),
          PATIENCE_SECONDS);
    } catch (Problem e) {
      return ImmutableMap.of();
    }
  }
}
