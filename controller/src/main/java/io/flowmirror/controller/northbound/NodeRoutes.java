// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.common.base.Ascii;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSortedMap;
import io.flowmirror.controller.northbound.Caller.Verb;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.flows.FlowText;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** {@code /v1/nodes}. */
final class NodeRoutes {
  private static final Logger AUDIT = LoggerFactory.getLogger("io.flowmirror.audit");

  /** Longer than the node itself is given to answer. */
  private static final long PATIENCE_SECONDS = 10;

  private final World world;
  private final History history;

  NodeRoutes(World world, History history) {
    this.world = world;
    this.history = history;
  }

  void register(Routes routes) {
    routes.add("GET", "/v1/nodes", this::list);
    routes.add("GET", "/v1/nodes/{node}", this::show);
    routes.add("POST", "/v1/nodes/{node}/audit", this::audit);
    routes.addWithText("GET", "/v1/nodes/{node}/flows", this::flows);
    routes.addWithText("GET", "/v1/nodes/{node}/flows/diff", this::changes);
  }

  private void list(Exchange exchange) {
    exchange.allowQuery("limit", "continue");
    boolean whole = exchange.caller().may(Verb.GET, "");
    ImmutableList<Map.Entry<String, NodeStatus>> nodes =
        ImmutableSortedMap.copyOf(world.statuses()).entrySet().asList();
    exchange.page(
        nodes, Map.Entry::getKey, entry -> NodeView.json(entry.getKey(), entry.getValue(), whole));
  }

  private NodeStatus status(Exchange exchange) {
    String node = exchange.parameter("node");
    NodeStatus status = world.statuses().get(node);
    if (status == null) {
      throw Problem.notFound("there is no node " + Json.shown(node) + " here");
    }
    return status;
  }

  private void show(Exchange exchange) {
    exchange.allowQuery();
    NodeStatus status = status(exchange);
    boolean whole = exchange.caller().may(Verb.GET, "");
    ObjectNode json = NodeView.json(exchange.parameter("node"), status, whole);
    ArrayNode repairs = json.putArray("repairs");
    status.repairs().forEach(repair -> repairs.add(NodeView.json(repair)));
    exchange.json(200, json);
  }

  private void audit(Exchange exchange) {
    exchange.allowQuery();
    exchange.noBody();
    status(exchange);
    exchange.caller().demand(Verb.GET, "");
    String node = exchange.parameter("node");
    AUDIT.info("audit node={} by={}", node, exchange.caller().name());
    Exchange.await(world.audit(node), PATIENCE_SECONDS);
    exchange.json(200, NodeView.json(node, status(exchange), true));
  }

  private void flows(Exchange exchange) throws Exception {
    exchange.allowQuery("view", "pod", "table", "owner");
    NodeStatus status = status(exchange);
    new FlowDump(world, exchange, exchange.parameter("node"), status).write();
  }

  private void changes(Exchange exchange) {
    exchange.allowQuery("since");
    status(exchange);
    Optional<Instant> since = exchange.query("since", Exchange::instant);
    FlowHistory flows = history.flows(exchange.parameter("node"));
    ObjectNode json = Json.object();
    json.put("node", exchange.parameter("node"));
    json.put("since", since.orElseGet(flows::knownSince).toString());
    json.put("knownSince", flows.knownSince().toString());
    ArrayNode array = json.putArray("changes");
    for (FlowHistory.Change change : flows.since(since.orElse(Instant.MIN))) {
      String namespace = change.pod().map(pod -> pod.namespace()).orElse("");
      if (!exchange.caller().may(Verb.GET, namespace)) {
        continue;
      }
      ObjectNode its = array.addObject();
      its.put("time", change.time().toString());
      its.put("what", Ascii.toLowerCase(change.what().name()));
      change.pod().ifPresent(pod -> its.put("pod", pod.toString()));
      change.before().ifPresent(entry -> its.put("before", FlowText.dump(entry)));
      change.after().ifPresent(entry -> its.put("after", FlowText.dump(entry)));
    }
    if (exchange.wantsText()) {
      ImmutableList.Builder<String> lines = ImmutableList.builder();
      lines.add(
          "# node "
              + exchange.parameter("node")
              + ": "
              + (array.isEmpty() ? "no change" : array.size() + " changes")
              + " since "
              + json.path("since").asText());
      array.forEach(
          its -> {
            String head = "# " + its.path("time").asText() + " " + its.path("what").asText();
            lines.add(head + (its.has("pod") ? " " + its.path("pod").asText() : ""));
            // As diff -u marks them.
            if (its.has("before")) {
              lines.add("-" + its.path("before").asText());
            }
            if (its.has("after")) {
              lines.add("+" + its.path("after").asText());
            }
          });
      exchange.text(lines.build());
    } else {
      exchange.json(200, json);
    }
  }
}
