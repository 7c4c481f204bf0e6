// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

import com.google.common.base.Ticker;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.config.Direction;
import io.flowmirror.controller.kubernetes.ClusterView.Request;
import io.flowmirror.controller.kubernetes.ClusterView.Requests;
import io.flowmirror.topology.PodInterface;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells, by an Event on the pod and by a line of the audit log, when its mirror starts, stops or is
 * refused. Nothing is told twice while nothing changes. Confined to the session's thread.
 */
final class PodEvents {
  /** Who was mirrored, by whose word, on which node, from when to when. */
  private static final Logger AUDIT = LoggerFactory.getLogger("io.flowmirror.audit");

  static final String STARTED = "MirrorStarted";
  static final String STOPPED = "MirrorStopped";
  static final String FAILED = "MirrorFailed";
  static final String REFUSED = "MirrorRefused";

  /** What has been told of one interface of a pod. */
  private static final class Told {
    Request request;
    @Nullable Instant since;
    String trouble = "";

    /** Since when it should be mirrored, and is not; 0 while it is. */
    long notSinceNanos;

    Told(Request request, long nowNanos) {
      this.request = request;
      this.notSinceNanos = nowNanos;
    }
  }

  private record Stand(ImmutableSet<PodInterface> mirrored, String trouble) {}

  /** Where Events go. */
  interface Writer {
    /**
     * Writes that this is so now of an interface of a pod.
     *
     * @param warning whether it is nothing good
     */
    void write(PodView pod, String interfaceName, boolean warning, String reason, String message);
  }

  /** What is over by itself so soon is no failure. */
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private final Writer writer;
  private final Ticker ticker;
  private final Map<String, Map<PodInterface, Told>> nodes = new HashMap<>();
  private final Map<String, Stand> stands = new HashMap<>();

  /** By node, what is refused now. */
  private final Map<String, ImmutableMap<PodView, String>> refused = new HashMap<>();

  /** By node and pod, what has been told of that. */
  private final Map<String, Map<String, String>> refusals = new HashMap<>();

  PodEvents(Writer writer, Ticker ticker) {
    this.writer = writer;
    this.ticker = ticker;
  }

  /** Takes what is asked for on one node. */
  void asked(String node, Requests requests) {
    Map<PodInterface, Told> before = nodes.getOrDefault(node, Map.of());
    Map<PodInterface, Told> now = new LinkedHashMap<>();
    for (Request request : requests.granted()) {
      @Nullable Told told = before.get(request.at());
      boolean same =
          told != null
              && told.request.pod().uid().equals(request.pod().uid())
              && told.request.direction() == request.direction();
      if (same && told != null) {
        goesOn(node, told, request);
        now.put(request.at(), told);
      } else {
        now.put(request.at(), new Told(request, ticker.read()));
      }
    }
    before.forEach(
        (at, told) -> {
          if (now.get(at) != told) {
            stopped(node, told);
          }
        });
    if (now.isEmpty()) {
      nodes.remove(node);
    } else {
      nodes.put(node, now);
    }
    if (requests.refused().isEmpty()) {
      refused.remove(node);
    } else {
      refused.put(node, requests.refused());
    }
    look(node);
  }

  /** The same is mirrored as before; perhaps by somebody else's word. */
  private static void goesOn(String node, Told told, Request request) {
    if (told.since != null && !told.request.by().equals(request.by())) {
      AUDIT.info(
          "continued pod={} uid={} interface={} direction={} node={} by={} before={}",
          request.pod().key(),
          request.pod().uid(),
          request.at(),
          request.direction(),
          node,
          by(request),
          by(told.request));
    }
    told.request = request;
  }

  private void refuse(String node) {
    Map<String, String> before = told(node);
    Map<String, String> now = new HashMap<>();
    refused
        .getOrDefault(node, ImmutableMap.of())
        .forEach(
            (pod, why) -> {
              now.put(pod.uid(), why);
              if (!why.equals(before.get(pod.uid()))) {
                AUDIT.info(
                    "refused pod={} uid={} node={} by={} because: {}",
                    pod.key(),
                    pod.uid(),
                    node,
                    pod.askedBy().isEmpty() ? "annotation" : "annotation:" + pod.askedBy(),
                    why);
                writer.write(pod, "", true, REFUSED, "It is not mirrored as asked: " + why);
              }
            });
    if (now.isEmpty()) {
      refusals.remove(node);
    } else {
      refusals.put(node, now);
    }
  }

  private Map<String, String> told(String node) {
    return refusals.getOrDefault(node, Map.of());
  }

  /** A node is not ours to tell of (any more): nothing has been told of it. */
  void leave(String node) {
    stands.remove(node);
    refusals.remove(node);
    nodes
        .getOrDefault(node, Map.of())
        .values()
        .forEach(
            told -> {
              told.since = null;
              told.trouble = "";
            });
  }

  /** Takes where a node stands: which interfaces are mirrored, and what is amiss in words. */
  void stands(String node, ImmutableSet<PodInterface> mirrored, String trouble) {
    Stand stand = new Stand(mirrored, trouble);
    if (!stand.equals(stands.put(node, stand))) {
      look(node);
    }
  }

  /** Some time has gone. */
  void tick() {
    nodes.keySet().forEach(this::look);
  }

  private void look(String node) {
    @Nullable Stand stand = stands.get(node);
    if (stand == null) {
      return;
    }
    refuse(node);
    for (Told told : nodes.getOrDefault(node, Map.of()).values()) {
      boolean mirrored = stand.mirrored().contains(told.request.at());
      if (mirrored) {
        told.notSinceNanos = 0;
        if (told.since == null || !told.trouble.isEmpty()) {
          started(node, told);
        }
      } else {
        if (told.notSinceNanos == 0) {
          told.notSinceNanos = ticker.read();
        }
        boolean lasts = ticker.read() - told.notSinceNanos > PATIENCE.toNanos();
        if (lasts && !stand.trouble().isEmpty() && !stand.trouble().equals(told.trouble)) {
          failed(told, stand.trouble());
        }
      }
    }
  }

  private void started(String node, Told told) {
    if (told.since == null) {
      told.since = Instant.now();
      AUDIT.info(
          "started pod={} uid={} interface={} direction={} node={} by={}",
          told.request.pod().key(),
          told.request.pod().uid(),
          told.request.at(),
          told.request.direction(),
          node,
          by(told.request));
    }
    told.trouble = "";
    writer.write(
        told.request.pod(),
        told.request.at().provider(),
        false,
        STARTED,
        words(told.request.direction()) + " is copied on node " + node);
  }

  private void stopped(String node, Told told) {
    if (told.since != null) {
      AUDIT.info(
          "stopped pod={} uid={} interface={} direction={} node={} by={} from={} to={}",
          told.request.pod().key(),
          told.request.pod().uid(),
          told.request.at(),
          told.request.direction(),
          node,
          by(told.request),
          told.since,
          Instant.now());
      writer.write(
          told.request.pod(),
          told.request.at().provider(),
          false,
          STOPPED,
          "Nothing is copied any more on node " + node);
    }
  }

  private void failed(Told told, String trouble) {
    told.trouble = trouble;
    writer.write(told.request.pod(), told.request.at().provider(), true, FAILED, trouble);
  }

  private static String by(Request request) {
    return String.join(",", request.by());
  }

  private static String words(Direction direction) {
    return switch (direction) {
      case BOTH -> "What it sends and receives";
      case FROM_POD -> "What it sends";
      case TO_POD -> "What it receives";
    };
  }
}
