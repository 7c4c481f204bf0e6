// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

import com.google.common.base.Ticker;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Sets;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.flowmirror.config.Direction;
import io.flowmirror.config.KubernetesSettings;
import io.flowmirror.config.NodeSettings;
import io.flowmirror.flows.Asked;
import io.flowmirror.flows.Asked.Standing;
import io.flowmirror.topology.PodInterface;
import io.flowmirror.topology.PodName;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A session with the Kubernetes API: it owns its watches and their reconnects, and tells what is
 * asked for on each node.
 *
 * <p>An outage ends with a fresh list, read whole before any of it counts. Until then what was
 * heard last is told as such; after {@code hold} without the API nothing is asked for any more. A
 * list without any pod says nothing: it is no answer that a cluster with this controller could
 * give.
 *
 * <p>One thread of its own owns the state; the listener is called on it, and must return at once.
 */
public final class KubernetesSession implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(KubernetesSession.class);

  /** Often enough for an outage to be noticed before a pod's successor can have an interface. */
  private static final Duration HEARTBEAT = Duration.ofSeconds(2);

  private static final Duration FIRST_RETRY = Duration.ofMillis(200);
  private static final Duration LAST_RETRY = Duration.ofSeconds(5);

  private final KubernetesClient client;
  private final KubernetesSettings settings;
  private final Duration hold;
  private final Listener listener;
  private final ScheduledThreadPoolExecutor thread;
  private final EventWriter eventWriter;
  private final PodEvents events;
  private final StatusWriter statuses;
  private final MirrorReports reports;

  /** By node of which the listener has been told that anything is asked for: what. */
  private final Map<String, ImmutableMap<PodInterface, Direction>> told = new HashMap<>();

  private @Nullable Watching next;
  private @Nullable Watching live;
  private @Nullable Future<?> expiry;
  private ClusterView view;
  private @Nullable Future<?> nextEnd;
  private Standing standing = Standing.UNKNOWN;
  private Duration retry = FIRST_RETRY;
  private String trouble = "";
  private boolean asking;

  /** When what is known was so for certain, as long as the API is away. */
  private long heardNanos;

  /** When the API said anything last: an event, a list, or that it is there. */
  private volatile long answeredNanos = System.nanoTime();

  private volatile Heard left = Heard.NOTHING;

  /** What a session tells. Called on the session's thread. */
  public interface Listener {
    /** What is asked for on this node and refused, by pod, with the reason in words. */
    void refused(String node, ImmutableMap<PodName, String> why);

    /** What is asked for on this node now. */
    void asked(String node, Asked asked);

    /** Who asks for that. It comes before each {@link #asked}. */
    default void askers(String node, Askers askers) {}

    /** When it ends by itself, for those of {@link #askers} whose asking has an end. */
    default void ends(String node, ImmutableMap<String, Instant> until) {}

    /** Which pods those are, by uid; it comes before each {@link #asked}, too. */
    default void uids(String node, ImmutableMap<PodInterface, String> uids) {}

    /**
     * On nodes of which {@link #asked} has not been called nothing is asked for, and that is of
     * this standing. It comes after what else is new.
     */
    void elsewhere(Standing standing);

    /** The nodes that there are; only called if they are to be taken from the API. */
    void nodes(ImmutableList<NodeSettings> nodes);
  }

  /**
   * Opens a session, which connects at once and goes on trying until it is closed.
   *
   * @param hold for how long what was heard last counts without the API
   * @param before what the session before this one had heard: it is told of at once, as what was
   *     heard last, as far as these settings let it count
   */
  public KubernetesSession(
      KubernetesClient client,
      KubernetesSettings settings,
      Duration hold,
      Heard before,
      Listener listener) {
    this.client = client;
    this.settings = settings;
    this.hold = hold;
    this.listener = listener;
    this.view = new ClusterView(settings);
    this.thread =
        new ScheduledThreadPoolExecutor(
            1, Thread.ofPlatform().name("kubernetes").daemon().factory());
    // What is put off, for up to hold, is no reason to stay.
    thread.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    this.eventWriter = new EventWriter(client);
    this.events = new PodEvents(eventWriter, Ticker.systemTicker());
    this.statuses = new StatusWriter(client);
    this.reports =
        new MirrorReports(
            statuses, Ticker.systemTicker(), settings.onlyNode().isEmpty(), new SplittableRandom());
    execute(() -> begin(before));
    var unused =
        thread.scheduleWithFixedDelay(
            guarded(this::heartbeat),
            HEARTBEAT.toMillis(),
            HEARTBEAT.toMillis(),
            TimeUnit.MILLISECONDS);
  }

  /** Runs something on the session's thread; after the end it is dropped. */
  private void execute(Runnable task) {
    try {
      thread.execute(guarded(task));
    } catch (RejectedExecutionException e) {
      // Closed meanwhile.
    }
  }

  private static Runnable guarded(Runnable task) {
    return () -> {
      try {
        task.run();
      } catch (RuntimeException e) {
        log.error("a fault of ours; the session goes on", e);
      }
    };
  }

  /** Takes where a node stands, from whatever thread; Events and Mirrors' statuses come of it. */
  public void stands(String node, NodeStand stand) {
    execute(
        () -> {
          events.stands(node, stand);
          reports.stands(node, stand);
        });
  }

  /** A node is not ours to tell of, or not any more. Any thread. */
  public void leave(String node) {
    execute(
        () -> {
          events.leave(node);
          reports.leave(node);
        });
  }

  // Watches.

  /** What another session has heard counts, and for no longer than what this one would have. */
  private void begin(Heard before) {
    before
        .view()
        .ifPresent(
            heard -> {
              view = ClusterView.of(heard, settings);
              told.putAll(before.told());
              heardNanos = before.nanos();
              standing = Standing.LAST;
              view.passTo(Instant.now());
              view.takeChanged();
              expireAfterHold();
              tell(ImmutableSet.copyOf(told.keySet()));
              listener.elsewhere(standing);
              endMirrors();
            });
    lookAnew();
  }

  private void expireAfterHold() {
    long left = hold.toNanos() - (System.nanoTime() - heardNanos);
    expiry = thread.schedule(guarded(this::expire), Math.max(0, left), TimeUnit.NANOSECONDS);
  }

  /** Begins to list and to watch from scratch, beside what is known. */
  private void lookAnew() {
    if (next != null) {
      next.close();
    }
    ClusterView fresh = new ClusterView(settings);
    next =
        new Watching(
            client, settings, fresh, this::execute, this::listed, this::failed, this::turn);
    next.start();
  }

  /** A fresh list has been read whole. */
  private void listed(Watching watching) {
    if (watching != next) {
      return;
    }
    String missing = watching.view().missing();
    if (!missing.isEmpty()) {
      fail("the API lists no " + missing + " at all, which is no answer");
      return;
    }
    if (live != null) {
      live.close();
    }
    live = watching;
    answeredNanos = System.nanoTime();
    next = null;
    retry = FIRST_RETRY;
    trouble = "";
    watching.view().remember(view);
    view = watching.view();
    if (expiry != null) {
      expiry.cancel(false);
      expiry = null;
    }
    log.info("Kubernetes: following pods on {} nodes", view.nodesWithPods().size());
    standing = Standing.CURRENT;
    view.passTo(Instant.now());
    view.takeChanged();
    view.takeNodesChanged();
    tellNodes();
    tell(Sets.union(told.keySet(), view.nodesWithPods()).immutableCopy());
    listener.elsewhere(standing);
  }

  private void failed(Watching watching, String reason) {
    if (watching == next) {
      fail(reason);
    } else if (watching == live) {
      lost(reason);
    }
  }

  private void fail(String reason) {
    if (next != null) {
      next.close();
      next = null;
    }
    if (!reason.equals(trouble)) {
      log.warn("Kubernetes: {}; {}", reason, consequence());
      trouble = reason;
    }
    var unused = thread.schedule(guarded(this::lookAnew), retry.toMillis(), TimeUnit.MILLISECONDS);
    retry = retry.multipliedBy(2).compareTo(LAST_RETRY) < 0 ? retry.multipliedBy(2) : LAST_RETRY;
  }

  private String consequence() {
    return standing == Standing.UNKNOWN
        ? "nothing is written before it has answered"
        : "what is mirrored stays so, for at most " + hold.toSeconds() + " s, and nothing begins";
  }

  /** The API is away: what is known is what was heard last. */
  private void lost(String reason) {
    if (live == null) {
      return;
    }
    live.close();
    live = null;
    standing = Standing.LAST;
    log.warn("Kubernetes: {}; {}", reason, consequence());
    trouble = reason;
    heardNanos = System.nanoTime();
    expireAfterHold();
    tell(ImmutableSet.copyOf(told.keySet()));
    listener.elsewhere(standing);
    lookAnew();
  }

  /** What was heard last is too old to go on with. */
  private void expire() {
    log.warn("Kubernetes: {} s without the API: mirrors that it asked for end", hold.toSeconds());
    ClusterView empty = new ClusterView(settings);
    empty.remember(view);
    view = empty;
    if (standing == Standing.UNKNOWN) {
      standing = Standing.LAST;
    }
    tell(ImmutableSet.copyOf(told.keySet()));
  }

  /**
   * Ends the Mirrors whose time is over, whether the API is there or not. The clock is looked at
   * with each heartbeat, since it may be set, and once more where one ends before the next.
   */
  private void endMirrors() {
    Instant now = Instant.now();
    view.passTo(now);
    tell(view.takeChanged());
    if (nextEnd != null) {
      nextEnd.cancel(false);
    }
    nextEnd =
        view.mirrors()
            .nextEnd()
            .map(end -> Duration.between(now, end))
            .filter(left -> left.compareTo(HEARTBEAT) < 0)
            .<Future<?>>map(
                left ->
                    thread.schedule(
                        guarded(this::endMirrors), left.toMillis() + 1, TimeUnit.MILLISECONDS))
            .orElse(null);
  }

  /** Asks whether the API is there; a watch alone does not notice that the other side is gone. */
  private void heartbeat() {
    events.tick();
    endMirrors();
    Watching watching = live;
    if (watching != null) {
      reports.tick(view.mirrors().all(), Instant.now());
    }
    if (watching == null || asking) {
      return;
    }
    asking = true;
    var unused =
        Thread.ofVirtual()
            .start(
                () -> {
                  String reason = watching.ping();
                  execute(
                      () -> {
                        asking = false;
                        if (reason.isEmpty()) {
                          answeredNanos = System.nanoTime();
                        } else {
                          failed(watching, reason);
                        }
                      });
                });
  }

  // What is told.

  /** Something has been heard: tells what it changes. */
  private void turn(Watching watching) {
    if (watching == live) {
      answeredNanos = System.nanoTime();
      if (view.takeNodesChanged()) {
        tellNodes();
      }
      endMirrors();
    }
  }

  private void tellNodes() {
    if (settings.nodes().isPresent()) {
      ClusterView.Nodes nodes = view.nodes();
      nodes
          .asBefore()
          .forEach((name, why) -> log.warn("{}: reached as before, for now: {}", name, why));
      nodes.leftOut().forEach((name, why) -> log.warn("{}: left out: {}", name, why));
      listener.nodes(nodes.settings());
    }
  }

  private void tell(ImmutableSet<String> nodes) {
    for (String node : nodes) {
      if (!node.isEmpty()) {
        ClusterView.Requests requests = view.requests(node);
        if (standing == Standing.LAST) {
          requests = requests.within(told.getOrDefault(node, ImmutableMap.of()));
        }
        Askers askers = requests.askers();
        ImmutableMap<PodInterface, Direction> directions = askers.directions();
        if (requests.granted().isEmpty() && requests.refused().isEmpty()) {
          // It is like any that was never told of, or is gone.
          told.remove(node);
        } else {
          told.put(node, directions);
        }
        // First what is to be done, and then what is to be said of it.
        listener.refused(node, refused(requests));
        listener.askers(node, askers);
        listener.ends(node, view.ends(node));
        listener.uids(node, requests.uids());
        listener.asked(node, new Asked(directions, standing));
        events.asked(node, requests);
        reports.asked(node, requests);
      }
    }
  }

  private static ImmutableMap<PodName, String> refused(ClusterView.Requests requests) {
    return requests.refused().entrySet().stream()
        .collect(
            ImmutableMap.toImmutableMap(
                entry -> new PodName(entry.getKey().namespace(), entry.getKey().name()),
                Map.Entry::getValue,
                (one, other) -> one + "; " + other));
  }

  /**
   * For how long the API has said nothing: it is asked every 2 s whether it is there. Any thread.
   */
  public Duration silence() {
    return Duration.ofNanos(System.nanoTime() - answeredNanos);
  }

  /** How many Events wait to be written. Any thread. */
  public int waitingEvents() {
    return eventWriter.waiting();
  }

  /** What it had heard when it was closed; before that, nothing. */
  public Heard heard() {
    return left;
  }

  /** Ends the session; nothing is told afterwards. */
  @Override
  public void close() {
    execute(
        () -> {
          if (standing != Standing.UNKNOWN) {
            left =
                new Heard(
                    Optional.of(view),
                    ImmutableMap.copyOf(told),
                    live == null ? heardNanos : System.nanoTime());
          }
          if (live != null) {
            live.close();
          }
          if (next != null) {
            next.close();
          }
          statuses.close();
          thread.shutdown();
        });
    try {
      if (!thread.awaitTermination(5, TimeUnit.SECONDS)) {
        thread.shutdownNow();
      }
    } catch (InterruptedException e) {
      thread.shutdownNow();
      Thread.currentThread().interrupt();
    }
  }
}
