// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.reconcile;

import com.google.common.base.Ticker;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.Sets;
import io.flowmirror.config.NodeSettings;
import io.flowmirror.config.Settings;
import io.flowmirror.controller.openflow.DatapathReport;
import io.flowmirror.controller.ovsdb.BridgeReport;
import io.flowmirror.flows.NodeIntent;
import io.flowmirror.topology.Fact;
import io.flowmirror.topology.Topology;
import java.time.Duration;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The loop: takes what the sessions report, keeps the topology, and reconciles the nodes concerned.
 *
 * <p>One thread runs it and owns all of its state; sessions leave reports in its mailbox, readers
 * see {@link #statuses()}, an immutable snapshot.
 */
public final class Reconciler implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Reconciler.class);

  /** How long a refusal is respected before the entry is tried again. */
  private static final Duration RETRY = Duration.ofSeconds(30);

  /** What a reconciler does on the nodes. */
  public enum Mode {
    /** Installs what the settings ask for. */
    MIRROR,
    /** Removes everything that is ours. */
    CLEAN,
    /** Writes nothing. */
    OBSERVE
  }

  private static final Duration LONGEST_AUDIT = Duration.ofSeconds(10);

  private sealed interface Message {
    record Switch(String node, NodeLoop loop, DatapathReport report) implements Message {}

    record Database(String node, NodeLoop loop, BridgeReport report) implements Message {}
  }

  private record Key(String node, Class<? extends Message> kind) {}

  private final Mailbox<Key, Message> mailbox = new Mailbox<>();
  private final Map<String, NodeLoop> nodes = new LinkedHashMap<>();
  private final Consumer<ImmutableMap<String, NodeStatus>> listener;
  private final Thread thread;
  private final Set<String> woken = new LinkedHashSet<>();
  private Topology topology = Topology.empty();
  private volatile ImmutableMap<String, NodeStatus> statuses = ImmutableMap.of();
  private volatile boolean closed;

  private Reconciler(
      Settings settings,
      Mode mode,
      Sessions sessions,
      Consumer<ImmutableMap<String, NodeStatus>> listener) {
    this.listener = listener;
    for (NodeSettings node : settings.nodes()) {
      NodeIntent intent = mode == Mode.CLEAN ? NodeIntent.nothing() : NodeIntent.of(settings, node);
      NodeLoop loop = new NodeLoop(intent, mode != Mode.OBSERVE, Ticker.systemTicker());
      nodes.put(node.name(), loop);
      loop.opened(
          sessions.openDatapath(
              node,
              audit(settings.hold()),
              report ->
                  mailbox.post(
                      new Key(node.name(), Message.Switch.class),
                      new Message.Switch(node.name(), loop, report))),
          sessions.openBridge(
              node,
              report ->
                  mailbox.post(
                      new Key(node.name(), Message.Database.class),
                      new Message.Database(node.name(), loop, report))));
    }
    thread = Thread.ofPlatform().name("reconcile").unstarted(this::run);
  }

  /**
   * Opens the sessions of every node and starts the loop.
   *
   * @param listener told, on the loop's thread, of every new snapshot
   */
  public static Reconciler start(
      Settings settings,
      Mode mode,
      Sessions sessions,
      Consumer<ImmutableMap<String, NodeStatus>> listener) {
    Reconciler reconciler = new Reconciler(settings, mode, sessions, listener);
    reconciler.thread.start();
    return reconciler;
  }

  /** Where every node stands, by name. Any thread. */
  public ImmutableMap<String, NodeStatus> statuses() {
    return statuses;
  }

  /** Ends the loop and closes the sessions; entries stay as they are. */
  @Override
  public void close() {
    closed = true;
    thread.interrupt();
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    nodes.values().forEach(NodeLoop::close);
  }

  /** Often enough for an entry to be renewed at half its life, and several times after that. */
  private static Duration audit(Duration hold) {
    return Collections.min(List.of(hold.dividedBy(8), LONGEST_AUDIT));
  }

  private void run() {
    long retryAt = System.nanoTime() + RETRY.toNanos();
    reconcile(nodes.keySet());
    while (!closed) {
      try {
        Duration left = Duration.ofNanos(Math.max(retryAt - System.nanoTime(), 0));
        Set<String> touched = receive(mailbox.take(Collections.min(List.of(left, nextWake()))));
        if (retryAt - System.nanoTime() <= 0) {
          nodes.values().forEach(NodeLoop::retry);
          retryAt = System.nanoTime() + RETRY.toNanos();
          touched = nodes.keySet();
        }
        nodes.forEach(
            (name, loop) ->
                loop.wakeAfter().filter(Duration::isZero).ifPresent(now -> woken.add(name)));
        reconcile(Sets.union(touched, woken));
        woken.clear();
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  private Duration nextWake() {
    return nodes.values().stream()
        .flatMap(loop -> loop.wakeAfter().stream())
        .min(Comparator.naturalOrder())
        .orElse(RETRY);
  }

  private Set<String> receive(ImmutableList<Message> messages) {
    Set<String> touched = new LinkedHashSet<>();
    for (Message message : messages) {
      switch (message) {
        case Message.Switch(String node, NodeLoop loop, DatapathReport report) -> {
          loop.received(report);
          topology = topology.with(new Fact.DatapathObserved(node, report.datapath()));
          touched.add(node);
        }
        case Message.Database(String node, NodeLoop loop, BridgeReport report) -> {
          loop.received(report);
          topology = topology.with(new Fact.BridgeObserved(node, report.bridge()));
          touched.add(node);
        }
      }
    }
    return touched;
  }

  private void reconcile(Set<String> touched) {
    ImmutableMap.Builder<String, NodeStatus> next = ImmutableMap.builder();
    nodes.forEach(
        (name, loop) -> {
          NodeStatus before = statuses.get(name);
          if (before == null || touched.contains(name)) {
            reconcile(name, loop)
                .or(() -> Optional.ofNullable(before))
                .ifPresent(status -> next.put(name, status));
          } else {
            next.put(name, before);
          }
        });
    statuses = next.buildOrThrow();
    try {
      listener.accept(statuses);
    } catch (RuntimeException e) {
      log.error("the status listener failed", e);
    }
  }

  /** A fault of ours on one node is no reason to leave the others, or this one, without repair. */
  private Optional<NodeStatus> reconcile(String name, NodeLoop loop) {
    try {
      return Optional.of(loop.reconcile(topology.node(name)));
    } catch (RuntimeException e) {
      log.error("{}: a fault of ours; the node is tried again at its next report", name, e);
      return Optional.empty();
    }
  }
}
