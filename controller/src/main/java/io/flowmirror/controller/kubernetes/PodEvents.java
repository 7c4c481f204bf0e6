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
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells, by an Event on the pod, when its mirror starts, stops, fails or is refused, the last by a
 * line of the audit log, too. A mirror has not stopped because its request in the API has gone: the
 * file, or somebody else, may ask for it. Nothing is told twice while nothing changes. Confined to
 * the session's thread.
 */
final class PodEvents {
  /** Who asked for what was not done; what is done is told there by the link. */
  private static final Logger AUDIT = LoggerFactory.getLogger("io.flowmirror.audit");

  static final String STARTED = "MirrorStarted";
  static final String STOPPED = "MirrorStopped";
  static final String FAILED = "MirrorFailed";
  static final String REFUSED = "MirrorRefused";

  /** What has been told of one interface of a pod. */
  private static final class Told {
    Request request;

    /** Whether its start has been told, in this direction. */
    boolean started;

    /** Whether its Event says that it is mirrored, as far as this controller has written it. */
    boolean shown;

    String trouble = "";

    /** Since when it should be mirrored, and is not; 0 while it is. */
    long notSinceNanos;

    Told(Request request, long nowNanos) {
      this.request = request;
      this.notSinceNanos = nowNanos;
    }
  }

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

  /** An interface comes when the pod's volumes are there and its sandbox is made. */
  private static final Duration SETTING_UP = Duration.ofSeconds(60);

  private final Writer writer;
  private final Ticker ticker;
  private final Map<String, Map<PodInterface, Told>> nodes = new HashMap<>();
  private final Map<String, NodeStand> stands = new HashMap<>();

  /** By node, what was told to have started, and is not asked for any more by the API. */
  private final Map<String, Map<PodInterface, Told>> parting = new HashMap<>();

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
    Map<PodInterface, Told> before = new LinkedHashMap<>(parting.getOrDefault(node, Map.of()));
    before.putAll(nodes.getOrDefault(node, Map.of()));
    Map<PodInterface, Told> now = new LinkedHashMap<>();
    for (Request request : requests.granted()) {
      @Nullable Told told = before.remove(request.at());
      if (told != null && !isOf(request.pod(), told)) {
        stopped(node, told);
        told = null;
      }
      if (told == null) {
        told = new Told(request, ticker.read());
      }
      if (told.request.direction() != request.direction()) {
        told.started = false;
      }
      told.request = request;
      now.put(request.at(), told);
    }
    before.values().removeIf(told -> !told.shown);
    put(parting, node, before);
    put(nodes, node, now);
    if (requests.refused().isEmpty()) {
      refused.remove(node);
    } else {
      refused.put(node, requests.refused());
    }
    look(node);
  }

  private static boolean isOf(PodView pod, Told told) {
    return told.request.pod().uid().equals(pod.uid());
  }

  private static <V> void put(
      Map<String, Map<PodInterface, V>> all, String node, Map<PodInterface, V> of) {
    if (of.isEmpty()) {
      all.remove(node);
    } else {
      all.put(node, of);
    }
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
    parting.remove(node);
    nodes
        .getOrDefault(node, Map.of())
        .values()
        .forEach(
            told -> {
              told.started = false;
              told.shown = false;
              told.trouble = "";
            });
  }

  /** Takes where a node stands. */
  void stands(String node, NodeStand stand) {
    if (!stand.equals(stands.put(node, stand))) {
      look(node);
    }
  }

  /** Some time has gone. */
  void tick() {
    nodes.keySet().forEach(this::look);
  }

  private void look(String node) {
    @Nullable NodeStand stand = stands.get(node);
    if (stand == null) {
      return;
    }
    refuse(node);
    if (stand.known()) {
      part(node, stand);
    }
    for (Told told : nodes.getOrDefault(node, Map.of()).values()) {
      boolean mirrored = stand.mirrored().contains(told.request.at());
      if (mirrored) {
        told.notSinceNanos = 0;
        if (!told.started || !told.trouble.isEmpty()) {
          started(node, told);
        }
      } else {
        if (told.notSinceNanos == 0) {
          told.notSinceNanos = ticker.read();
        }
        @Nullable Trouble trouble = stand.troubles().get(told.request.at());
        if (trouble != null
            && ticker.read() - told.notSinceNanos > patience(trouble).toNanos()
            && !trouble.subject().equals(told.trouble)
            && speaks(node, told)) {
          failed(told, trouble);
        }
      }
    }
  }

  private static Duration patience(Trouble trouble) {
    return trouble.passing() ? SETTING_UP : PATIENCE;
  }

  /** A VM's interface has one Event, and is asked for by two names: what is there has the later. */
  private boolean speaks(String node, Told told) {
    return nodes.getOrDefault(node, Map.of()).values().stream()
        .noneMatch(
            other ->
                other != told
                    && isOf(told.request.pod(), other)
                    && other.request.at().provider().equals(told.request.at().provider())
                    && told.request.at().pod().name().equals(told.request.pod().name()));
  }

  /** Ends what nothing is copied of any more. */
  private void part(String node, NodeStand stand) {
    Map<PodInterface, Told> going = parting.getOrDefault(node, Map.of());
    for (PodInterface at : ImmutableSet.copyOf(going.keySet())) {
      if (!stand.tapped().contains(at)) {
        @Nullable Told told = going.remove(at);
        if (told != null) {
          stopped(node, told);
        }
      }
    }
    put(parting, node, going);
  }

  private void started(String node, Told told) {
    told.started = true;
    told.shown = true;
    told.trouble = "";
    writer.write(
        told.request.pod(),
        told.request.at().provider(),
        false,
        STARTED,
        words(told.request.direction()) + " is copied on node " + node);
  }

  private void stopped(String node, Told told) {
    if (told.shown) {
      writer.write(
          told.request.pod(),
          told.request.at().provider(),
          false,
          STOPPED,
          "Nothing is copied any more on node " + node);
    }
  }

  private void failed(Told told, Trouble trouble) {
    told.trouble = trouble.subject();
    writer.write(told.request.pod(), told.request.at().provider(), true, FAILED, trouble.words());
  }

  private static String words(Direction direction) {
    return switch (direction) {
      case BOTH -> "What it sends and receives";
      case FROM_POD -> "What it sends";
      case TO_POD -> "What it receives";
    };
  }
}
