// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.reconcile;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.flowmirror.config.NodeSettings;
import io.flowmirror.config.Settings;
import io.flowmirror.controller.openflow.DatapathReport;
import io.flowmirror.controller.ovsdb.BridgeReport;
import io.flowmirror.flows.NodeIntent;
import io.flowmirror.topology.Fact;
import io.flowmirror.topology.Topology;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/**
 * The loop: takes what the sessions report, keeps the topology, and reconciles the nodes concerned.
 *
 * <p>One thread runs it and owns all of its state; sessions leave reports in its mailbox, readers
 * see {@link #statuses()}, an immutable snapshot.
 */
public final class Reconciler implements AutoCloseable {
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

  private sealed interface Message {
    record Switch(String node, NodeLoop loop, DatapathReport report) implements Message {}

    record Database(String node, NodeLoop loop, BridgeReport report) implements Message {}
  }

  private record Key(String node, Class<? extends Message> kind) {}

  private final Mailbox<Key, Message> mailbox = new Mailbox<>();
  private final Map<String, NodeLoop> nodes = new LinkedHashMap<>();
  private final Consumer<ImmutableMap<String, NodeStatus>> listener;
  private final Thread thread;
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
      NodeLoop loop = new NodeLoop(intent, mode != Mode.OBSERVE);
      nodes.put(node.name(), loop);
      loop.opened(
          sessions.openDatapath(
              node,
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

  private void run() {
    long retryAt = System.nanoTime() + RETRY.toNanos();
    reconcile(nodes.keySet());
    while (!closed) {
      try {
        long left = retryAt - System.nanoTime();
        Set<String> touched = receive(mailbox.take(Duration.ofNanos(Math.max(left, 0))));
        if (retryAt - System.nanoTime() <= 0) {
          nodes.values().forEach(NodeLoop::forgetRefusals);
          retryAt = System.nanoTime() + RETRY.toNanos();
          touched = nodes.keySet();
        }
        reconcile(touched);
      } catch (InterruptedException e) {
        return;
      }
    }
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
            next.put(name, loop.reconcile(topology.node(name)));
          } else {
            next.put(name, before);
          }
        });
    statuses = next.buildOrThrow();
    listener.accept(statuses);
  }
}
