// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.common.collect.EvictingQueue;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.Iterables;
import com.google.common.primitives.Longs;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.controller.reconcile.Repair;
import io.flowmirror.topology.PodInterface;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What has happened lately, and a way to follow it. It looks at the newest snapshot, on a thread of
 * its own, so that the loop waits for nobody: of what came and went between two looks only the
 * repairs are known.
 *
 * <p>Bounded: {@value #KEPT} events, {@link FlowHistory} for each node, and for each follower a
 * queue; one that is full ends its follower.
 */
public final class History implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(History.class);

  static final int KEPT = 1_000;

  /** All that is kept, for who begins with it, and as much as comes while that is read. */
  private static final int QUEUE = KEPT + 500;

  /** At most so often is a node looked at, however often it reports. */
  private static final long PAUSE_MILLIS = 100;

  /** Somebody who is told of events as they happen. */
  static final class Follower implements AutoCloseable {
    private final BlockingQueue<Event> queue = new ArrayBlockingQueue<>(QUEUE);
    private final History history;
    private final Thread reader;
    private boolean lost;

    private Follower(History history, Thread reader) {
      this.history = history;
      this.reader = reader;
    }

    /** One that is too slow misses events from here on: it is told so, wherever it waits. */
    private void tell(Event event) {
      if (!lost && !queue.offer(event)) {
        lost = true;
        reader.interrupt();
      }
    }

    /**
     * The next event, or nothing if none comes in time.
     *
     * @throws InterruptedException if it has been too slow
     */
    Optional<Event> next(long millis) throws InterruptedException {
      return Optional.ofNullable(queue.poll(millis, TimeUnit.MILLISECONDS));
    }

    @Override
    public void close() {
      history.followers.remove(this);
    }
  }

  private final InstantSource clock;

  /** Tells this process's events from those of the ones before it. */
  private final String process;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition posted = lock.newCondition();
  private final EvictingQueue<Event> events = EvictingQueue.create(KEPT);
  private final CopyOnWriteArrayList<Follower> followers = new CopyOnWriteArrayList<>();
  private final Map<String, FlowHistory> flows = new HashMap<>();
  private final Thread thread;
  private @Nullable ImmutableMap<String, NodeStatus> newest;
  private ImmutableMap<String, NodeStatus> last = ImmutableMap.of();
  private long nextId = 1;
  private boolean closed;

  /** Begins to keep history. */
  public History(InstantSource clock) {
    this.clock = clock;
    this.process = Long.toString(clock.millis(), Character.MAX_RADIX);
    this.thread = Thread.ofVirtual().name("history").start(this::run);
  }

  /** Takes the newest snapshot; returns at once. Any thread. */
  public void stand(ImmutableMap<String, NodeStatus> statuses) {
    lock.lock();
    try {
      newest = statuses;
      posted.signal();
    } finally {
      lock.unlock();
    }
  }

  private void run() {
    try {
      while (true) {
        ImmutableMap<String, NodeStatus> taken = take();
        if (taken == null) {
          return;
        }
        try {
          compare(taken);
        } catch (RuntimeException e) {
          log.error("a fault of ours; history goes on", e);
        }
        Thread.sleep(PAUSE_MILLIS);
      }
    } catch (InterruptedException e) {
      // Closed.
    }
  }

  private @Nullable ImmutableMap<String, NodeStatus> take() throws InterruptedException {
    lock.lock();
    try {
      while (newest == null && !closed) {
        posted.await();
      }
      ImmutableMap<String, NodeStatus> taken = newest;
      newest = null;
      return closed ? null : taken;
    } finally {
      lock.unlock();
    }
  }

  private void compare(ImmutableMap<String, NodeStatus> statuses) {
    for (var entry : statuses.entrySet()) {
      @Nullable NodeStatus before = last.get(entry.getKey());
      if (!entry.getValue().equals(before)) {
        compare(entry.getKey(), before, entry.getValue());
      }
    }
    for (String gone : last.keySet()) {
      if (!statuses.containsKey(gone)) {
        add(Event.Kind.NODE, gone, "not served any more", Optional.empty());
        lock.lock();
        try {
          flows.remove(gone);
        } finally {
          lock.unlock();
        }
      }
    }
    last = statuses;
  }

  private void compare(String node, @Nullable NodeStatus before, NodeStatus now) {
    String state = NodeView.state(now);
    if (before == null || !NodeView.state(before).equals(state)) {
      add(Event.Kind.NODE, node, state, Optional.empty());
    }
    ImmutableList<Repair> known = before == null ? ImmutableList.of() : before.repairs();
    @Nullable Repair newestKnown = Iterables.getLast(known, null);
    int from = newestKnown == null ? 0 : now.repairs().lastIndexOf(newestKnown) + 1;
    for (Repair repair : now.repairs().subList(from, now.repairs().size())) {
      add(Event.Kind.REPAIR, node, "repaired: " + repair, Optional.of(NodeView.json(repair)));
    }
    mirrors(node, before, now);
    if (before == null || !before.installed().equals(now.installed())) {
      flows(node).look(clock.instant(), now);
    }
  }

  private void mirrors(String node, @Nullable NodeStatus before, NodeStatus now) {
    if (before != null
        && before.intent().equals(now.intent())
        && before.node().podPorts().equals(now.node().podPorts())) {
      return;
    }
    boolean wasAll = before != null && before.intent().everything();
    if (wasAll != now.intent().everything()) {
      // Of everything, not of each: thousands of pods would leave no room for anything else.
      String words =
          wasAll ? "not everything is mirrored any more" : "everything is to be mirrored";
      add(Event.Kind.NODE, node, words, Optional.empty());
      return;
    }
    List<PodInterface> was = before == null ? List.of() : mirrored(before);
    List<PodInterface> is = mirrored(now);
    is.stream().filter(at -> !was.contains(at)).forEach(at -> add(node, at, "is to be mirrored"));
    was.stream()
        .filter(at -> !is.contains(at))
        .forEach(at -> add(node, at, "is not mirrored any more"));
  }

  private static List<PodInterface> mirrored(NodeStatus status) {
    List<PodInterface> all = new ArrayList<>();
    status.node().podPorts().stream()
        .map(port -> port.podInterface())
        .filter(at -> status.intent().everything() || status.intent().pods().containsKey(at))
        .forEach(all::add);
    return all;
  }

  private void add(String node, PodInterface at, String words) {
    add(
        Event.Kind.MIRROR,
        Optional.of(node),
        Optional.of(at.pod().namespace()),
        Optional.of(at.pod().name()),
        at + " " + words,
        Optional.empty());
  }

  private void add(Event.Kind kind, String node, String text, Optional<ObjectNode> detail) {
    add(kind, Optional.of(node), Optional.empty(), Optional.empty(), text, detail);
  }

  /** Somebody has asked for something of a pod, or for everything. */
  void requested(Optional<String> namespace, Optional<String> pod, String text) {
    add(Event.Kind.REQUEST, Optional.empty(), namespace, pod, text, Optional.empty());
  }

  private void add(
      Event.Kind kind,
      Optional<String> node,
      Optional<String> namespace,
      Optional<String> pod,
      String text,
      Optional<ObjectNode> detail) {
    lock.lock();
    try {
      Event event = new Event(nextId++, clock.instant(), kind, node, namespace, pod, text, detail);
      events.add(event);
      followers.forEach(follower -> follower.tell(event));
    } finally {
      lock.unlock();
    }
  }

  /** The newest events after this one, the oldest first; 0 for all that are kept. */
  ImmutableList<Event> after(long id) {
    lock.lock();
    try {
      return events.stream()
          .filter(event -> event.id() > id)
          .collect(ImmutableList.toImmutableList());
    } finally {
      lock.unlock();
    }
  }

  /**
   * Follows from after this event on; what is not kept any more is not told. A thread that comes
   * for events too seldom is interrupted, whatever it is doing.
   */
  Follower follow(long after) {
    Follower follower = new Follower(this, Thread.currentThread());
    lock.lock();
    try {
      events.stream().filter(event -> event.id() > after).forEach(follower::tell);
      followers.add(follower);
    } finally {
      lock.unlock();
    }
    return follower;
  }

  int followers() {
    return followers.size();
  }

  /** What has changed of a node's entries. */
  FlowHistory flows(String node) {
    lock.lock();
    try {
      return flows.computeIfAbsent(node, name -> new FlowHistory());
    } finally {
      lock.unlock();
    }
  }

  /** An event's id for who follows, across processes: its process, and its own. */
  String followedId(long id) {
    return process + "-" + id;
  }

  /**
   * After which event who has had this one last is to go on; 0 for the first that is kept, if that
   * was an event of another process, or of none.
   */
  long after(String followedId) {
    String ours = process + "-";
    if (!followedId.startsWith(ours)) {
      return 0;
    }
    @Nullable Long id = Longs.tryParse(followedId.substring(ours.length()));
    return id == null || id < 0 || id > newestId() ? 0 : id;
  }

  /** The id of the newest event; 0 before the first. */
  long newestId() {
    lock.lock();
    try {
      return nextId - 1;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      posted.signalAll();
    } finally {
      lock.unlock();
    }
    thread.interrupt();
  }
}
