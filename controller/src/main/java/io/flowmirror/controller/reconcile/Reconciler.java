// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.reconcile;

import com.google.common.base.Ticker;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Sets;
import io.flowmirror.config.ConnectionMethod;
import io.flowmirror.config.Direction;
import io.flowmirror.config.NodeSettings;
import io.flowmirror.config.Settings;
import io.flowmirror.controller.openflow.DatapathReport;
import io.flowmirror.controller.openflow.DatapathSession;
import io.flowmirror.controller.ovsdb.BridgeReport;
import io.flowmirror.controller.ovsdb.BridgeSession;
import io.flowmirror.controller.ovsdb.Lock;
import io.flowmirror.controller.reconcile.Repair.Cause;
import io.flowmirror.controller.transport.UnansweredException;
import io.flowmirror.flows.Asked;
import io.flowmirror.flows.EntryFilter;
import io.flowmirror.flows.InstalledEntry;
import io.flowmirror.flows.NodeIntent;
import io.flowmirror.topology.Datapath;
import io.flowmirror.topology.Fact;
import io.flowmirror.topology.Interface;
import io.flowmirror.topology.InterfaceCounters;
import io.flowmirror.topology.Node;
import io.flowmirror.topology.PodInterface;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
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

  /**
   * The least time from one snapshot to the next, for each node: a snapshot is made, and looked
   * through, at the cost of all nodes, and nodes report one by one.
   */
  private static final Duration REST_FOR_EACH = Duration.ofNanos(5_000);

  /** How often what had no effect, or was left to another controller, is tried again. */
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

  /**
   * Up to so many nodes are read by every one of several controllers, so that each can answer for
   * all of them; of more, each has its share, which is what divides the work (docs/scaling.md).
   */
  static final int READ_BY_ALL = 2_000;

  /** How long a node that is no longer configured is given to be cleaned. */
  private static final Duration LEAVE = Duration.ofSeconds(30);

  private sealed interface Message {
    record Configured(Settings settings) implements Message {}

    record Assigned(Assignment assignment) implements Message {}

    record Requested(String node, Asked asked) implements Message {}

    record RequestedElsewhere(Asked asked) implements Message {}

    record AskedFor(Requests requests) implements Message {}

    record Switch(String node, NodeLoop loop, DatapathReport report) implements Message {}

    record Database(String node, NodeLoop loop, BridgeReport report) implements Message {}

    record Demanded(Demands.Demand demand) implements Message {}

    /** To be completed when what came before it shows in the statuses. */
    record Turned(CompletableFuture<?> turned) implements Message {}
  }

  /** How long a node may take to answer a question, and for a dump of its entries. */
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private static final Duration DUMP = Duration.ofSeconds(60);

  /** So many entries may be held in memory for one question; {@link #dump} holds none. */
  public static final int MAX_ENTRIES = 400_000;

  /** By session, where there is one: a late report of a closed one is no newer than another's. */
  private record Key(@Nullable Object whose, Class<? extends Message> kind) {}

  private final Mailbox<Key, Message> mailbox = new Mailbox<>(Reconciler::merge);
  private final Map<String, Seat> seats = new LinkedHashMap<>();
  private final Mode mode;
  private final boolean force;
  private final Sessions sessions;
  private final Claims claims = new Claims();

  /** The nodes whose locks have been taken because that was asked for. */
  private final Set<String> forced = new HashSet<>();

  private final Consumer<ImmutableMap<String, NodeStatus>> listener;
  private final Thread thread;

  /** When, by {@link System#nanoTime}, a node is to be reconciled although nothing is reported. */
  private final Map<String, Long> wakes = new HashMap<>();

  private final CompletableFuture<Error> fault = new CompletableFuture<>();

  /** By node, where anything is asked for; bounded by {@link #requestElsewhere}. */
  private final Map<String, Asked> asked = new ConcurrentHashMap<>();

  private final Demands demands =
      new Demands(
          demand ->
              mailbox.post(new Key(demand, Message.Demanded.class), new Message.Demanded(demand)));
  private final List<CompletableFuture<?>> turned = new ArrayList<>();
  private Asked elsewhere = Asked.UNKNOWN;
  private Requests requests = Requests.NONE;
  private @Nullable Settings inForce;

  /** The settings in force, with what is asked for beside them. */
  private @Nullable Settings overlaid;

  /** What they say of pods, for all nodes. */
  private ImmutableMap<PodInterface, Direction> everywhere = ImmutableMap.of();

  private Assignment assignment;

  /** What has been observed of each node; one that is not here has not been observed. */
  private final Map<String, Node> nodes = new HashMap<>();

  /** Those that are no longer configured, and are being cleaned. */
  private final Set<String> leaving = new LinkedHashSet<>();

  /** Of every node, where it stood when it was reconciled last. */
  private final Map<String, NodeStatus> newest = new LinkedHashMap<>();

  /** Whether {@link #newest} has nodes that have no seat any more. */
  private boolean seatsWereRemoved;

  /** Whether {@link #newest} is not what was told last, and until when that may stay so. */
  private boolean untold;

  private long tellAtNanos = System.nanoTime();

  private volatile ImmutableMap<String, NodeStatus> statuses = ImmutableMap.of();
  private volatile boolean closed;

  /** A node's place in the loop. */
  private static final class Seat {
    final NodeSettings node;
    final Duration audit;
    final NodeLoop loop;

    /** Whether nothing is written from here, whatever becomes of the lock. */
    final boolean reads;

    /** When to give up cleaning a node that is no longer configured; empty if it is configured. */
    OptionalLong leaveBy = OptionalLong.empty();

    /** The interfaces that were mirrored when it ceased to be certain whose they are. */
    ImmutableMap<PodInterface, ImmutableSet<String>> only = ImmutableMap.of();

    /** Whether that was before there was a bridge: its interfaces alone do not say which. */
    boolean late;

    /** Whether it has been said, for certain and once at least, what is asked for here. */
    boolean heard;

    Seat(NodeSettings node, Duration audit, NodeLoop loop, boolean reads) {
      this.node = node;
      this.audit = audit;
      this.loop = loop;
      this.reads = reads;
    }

    /** Whether the same sessions would be opened for these settings. */
    boolean serves(NodeSettings wanted, Duration wantedAudit) {
      return node.ovsdb().equals(wanted.ovsdb())
          && node.openflow().equals(wanted.openflow())
          && node.tls().equals(wanted.tls())
          && audit.compareTo(wantedAudit) <= 0;
    }

    /** Takes over what was known at the place of the same node, by other sessions. */
    void follow(Seat before) {
      only = before.only;
      late = before.late;
      heard = before.heard;
    }

    boolean isLeaving() {
      return leaveBy.isPresent();
    }
  }

  private Reconciler(
      Mode mode,
      boolean force,
      Assignment assignment,
      Sessions sessions,
      Consumer<ImmutableMap<String, NodeStatus>> listener) {
    this.mode = mode;
    this.assignment = assignment;
    this.force = force;
    this.sessions = sessions;
    this.listener = listener;
    thread = Thread.ofPlatform().name("reconcile").unstarted(this::run);
  }

  /**
   * Opens the sessions of every node and starts the loop.
   *
   * @param force whether to write to nodes on which another controller is at work
   * @param listener told, on the loop's thread, of every new snapshot
   */
  public static Reconciler start(
      Settings settings,
      Mode mode,
      boolean force,
      Sessions sessions,
      Consumer<ImmutableMap<String, NodeStatus>> listener) {
    return start(settings, mode, force, Assignment.ALONE, sessions, listener);
  }

  /**
   * The same, for one of several controllers.
   *
   * @param assignment what is known of the others so far
   */
  public static Reconciler start(
      Settings settings,
      Mode mode,
      boolean force,
      Assignment assignment,
      Sessions sessions,
      Consumer<ImmutableMap<String, NodeStatus>> listener) {
    return start(settings, mode, force, assignment, Requests.NONE, sessions, listener);
  }

  /**
   * The same, with what has been asked for before, so that the first round knows it already.
   *
   * @param requests see {@link #request}
   */
  public static Reconciler start(
      Settings settings,
      Mode mode,
      boolean force,
      Assignment assignment,
      Requests requests,
      Sessions sessions,
      Consumer<ImmutableMap<String, NodeStatus>> listener) {
    Reconciler reconciler = new Reconciler(mode, force, assignment, sessions, listener);
    reconciler.requests = requests;
    reconciler.configure(settings, Cause.CONFIGURED);
    reconciler.thread.start();
    return reconciler;
  }

  /**
   * Takes other settings, at the loop's next turn. Nodes that are the same keep their sessions, and
   * entries that are wanted as before are not touched; a node that is no longer there is cleaned,
   * if it can be reached. A node at another address is another connection; what is at the old one
   * is left to its hold. Any thread.
   */
  public void update(Settings settings) {
    mailbox.post(new Key(null, Message.Configured.class), new Message.Configured(settings));
  }

  /**
   * Takes what is asked for on one node beside the settings; the newest of a node counts. A node
   * that is asked about before the settings have it is not forgotten. Any thread.
   */
  public void ask(String node, Asked wanted) {
    mailbox.post(new Key(node, Message.Requested.class), new Message.Requested(node, wanted));
  }

  /** Takes what is asked for beside the settings, at the loop's next turn. Any thread. */
  public void request(Requests wanted) {
    mailbox.post(new Key(null, Message.AskedFor.class), new Message.AskedFor(wanted));
  }

  /** Takes what this controller does among several, at the loop's next turn. Any thread. */
  public void assign(Assignment assigned) {
    mailbox.post(new Key(null, Message.Assigned.class), new Message.Assigned(assigned));
  }

  /** Takes what is asked for on nodes that have not been asked about. Any thread. */
  public void askElsewhere(Asked wanted) {
    mailbox.post(
        new Key(null, Message.RequestedElsewhere.class), new Message.RequestedElsewhere(wanted));
  }

  /** Where every node stands, by name. Any thread. */
  public ImmutableMap<String, NodeStatus> statuses() {
    return statuses;
  }

  /**
   * What has ended the loop, if ever anything does but {@link #close}: there is no going on after
   * an {@link Error}. The sessions are closed by then, so that another controller gets their locks;
   * entries stay as they are. Completed on the loop's thread.
   */
  public CompletableFuture<Error> fault() {
    return fault;
  }

  /**
   * Has both tables of a node read again now, whoever writes there. Any thread; so for the other
   * questions.
   *
   * @return done when {@link #statuses()} includes the reading. Like those of the other questions
   *     it is completed on a thread of its own, and fails with {@link
   *     io.flowmirror.controller.transport.UnansweredException} if there is no such node or no
   *     connection, if that is lost meanwhile, or after 5 s
   */
  public CompletableFuture<Void> audit(String node) {
    return demands.ask(
        node,
        "audit",
        PATIENCE,
        loop -> loop.datapathSession().audit().thenCompose(done -> turn()));
  }

  /** How many messages wait for the loop: at most one of a kind for each node. Any thread. */
  public int waiting() {
    return mailbox.size();
  }

  /**
   * Completes when the loop has turned once more: what was posted before shows then. Any thread.
   */
  public CompletableFuture<Void> turn() {
    CompletableFuture<Void> shown = new CompletableFuture<>();
    mailbox.post(new Key(shown, Message.Turned.class), new Message.Turned(shown));
    return shown;
  }

  /**
   * Reads entries from the live switch, whosever they are; see {@link DatapathSession#dump}. To end
   * it, cancel the future.
   *
   * @param batches may take its time, up to 60 s in all
   * @return how many entries there were; it fails like {@link #audit}, but after 60 s, and with
   *     whatever {@code batches} throws
   */
  public CompletableFuture<Long> dump(
      String node, EntryFilter filter, Consumer<ImmutableList<InstalledEntry>> batches) {
    return demands.ask(node, "dump", DUMP, loop -> loop.datapathSession().dump(filter, batches));
  }

  /** The same, as one list: for what is known to be few, up to {@value #MAX_ENTRIES}. */
  public CompletableFuture<ImmutableList<InstalledEntry>> entries(String node, EntryFilter filter) {
    List<InstalledEntry> found = new ArrayList<>();
    CompletableFuture<Long> dump =
        dump(
            node,
            filter,
            batch -> {
              if (found.size() + batch.size() > MAX_ENTRIES) {
                throw new UnansweredException(
                    UnansweredException.Why.TOO_LARGE, "more than " + MAX_ENTRIES + " entries");
              }
              found.addAll(batch);
            });
    CompletableFuture<ImmutableList<InstalledEntry>> all =
        dump.thenApply(count -> ImmutableList.copyOf(found));
    var unused = all.whenComplete((list, failure) -> dump.cancel(false));
    return all;
  }

  /**
   * Reads from a node's database what it says now of these interfaces; see {@link
   * BridgeSession#counters}.
   *
   * @return by name, those that there are; it fails like {@link #audit}
   */
  public CompletableFuture<ImmutableMap<String, InterfaceCounters>> counters(
      String node, ImmutableSet<String> interfaces) {
    return demands.ask(
        node, "counters", PATIENCE, loop -> loop.bridgeSession().counters(interfaces));
  }

  /** Ends the loop and closes the sessions; entries stay as they are. */
  @Override
  public void close() {
    closed = true;
    demands.close();
    thread.interrupt();
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    seats.values().forEach(seat -> seat.loop.close());
  }

  /** Often enough for an entry to be renewed at a third of its life, and many times after that. */
  private static Duration audit(Settings settings) {
    return Collections.min(List.of(settings.hold().dividedBy(8), settings.audit()));
  }

  /** A snapshot supersedes the one before, but not when it was noticed, nor that all was gone. */
  private static Message merge(Message unread, Message newer) {
    return unread instanceof Message.Switch before && newer instanceof Message.Switch after
        ? new Message.Switch(
            after.node(), after.loop(), DatapathReport.after(before.report(), after.report()))
        : newer;
  }

  /**
   * Takes settings, with what is asked for beside them.
   *
   * @param cause which of it is new
   */
  private void configure(Settings settings, Cause cause) {
    inForce = settings;
    overlaid = requests.over(settings);
    everywhere = NodeIntent.pods(overlaid);
    ImmutableSet<ConnectionMethod> ours =
        seats.values().stream()
            .filter(seat -> seat.loop.hasTheLock())
            .map(seat -> seat.node.openflow())
            .collect(ImmutableSet.toImmutableSet());
    Map<String, NodeSettings> wanted = new LinkedHashMap<>();
    settings.nodes().forEach(node -> wanted.put(node.name(), node));
    Map<String, Seat> before = new HashMap<>();
    for (String name : ImmutableList.copyOf(seats.keySet())) {
      Seat seat = Objects.requireNonNull(seats.get(name));
      NodeSettings node = wanted.get(name);
      if (duty(name) == Duty.NONE || (node == null && !seat.loop.mayClean())) {
        log.info("{}: left to another controller", name);
        remove(name);
      } else if (node == null && !isServedByAnother(seat, settings)) {
        dismiss(seat);
      } else if (node == null) {
        remove(name);
      } else if (seat.reads != (duty(name) == Duty.READ)) {
        // By a connection of its own: one that is closed has no lock, and waits for none.
        before.put(name, seat);
        remove(name);
      } else if (!seat.serves(node, audit(settings))) {
        if (!isServedByAnother(seat, settings)) {
          log.warn(
              "{}: is {} now; what is at {} is not cleaned, and ends with its hold",
              name,
              node.openflow(),
              seat.node.openflow());
        }
        before.put(name, seat);
        remove(name);
      }
    }
    for (NodeSettings node : settings.nodes()) {
      if (duty(node.name()) == Duty.NONE) {
        continue;
      }
      Seat seat = seats.get(node.name());
      if (seat == null) {
        // Whoever takes the lock from this process later is not to lose it by a reload.
        boolean steals = force && forced.add(node.name());
        seat(
            settings,
            node,
            steals || ours.contains(node.openflow()),
            before.get(node.name()),
            cause);
      } else {
        seat.leaveBy = OptionalLong.empty();
        leaving.remove(node.name());
        assign(seat.loop, node, false);
        want(settings, seat, cause);
      }
    }
  }

  private Duty duty(String node) {
    Duty duty = assignment.duty(node);
    return duty == Duty.READ && Objects.requireNonNull(inForce).nodes().size() > READ_BY_ALL
        ? Duty.NONE
        : duty;
  }

  /** Whether a node of the settings is this one's datapath, by its address or by its own word. */
  private boolean isServedByAnother(Seat seat, Settings settings) {
    Optional<Long> dpid = node(seat.node.name()).datapath().map(Datapath::dpid);
    return settings.nodes().stream()
        .anyMatch(
            node ->
                node.openflow().equals(seat.node.openflow())
                    || (!node.name().equals(seat.node.name())
                        && dpid.isPresent()
                        && node(node.name()).isOneSwitch()
                        && node(node.name()).datapath().map(Datapath::dpid).equals(dpid)));
  }

  /**
   * What is wanted of a node now; and nothing of it is done before all who may ask have spoken, nor
   * while it cannot be said which interfaces they meant.
   */
  private void want(Settings settings, Seat seat, Cause cause) {
    Asked wanted = asked(settings, seat.node);
    seat.heard |= wanted.standing() == Asked.Standing.CURRENT;
    bind(seat, wanted);
    boolean isClear = wanted.standing() != Asked.Standing.LAST || isBound(seat, wanted);
    seat.loop.want(intent(settings, seat.node, wanted, seat.only), cause);
    seat.loop.mayBegin(mode == Mode.CLEAN || (seat.heard && isClear));
  }

  /** Of how many nodes it is remembered what is asked for there. Any thread. */
  int remembered() {
    return asked.size();
  }

  private Asked asked(Settings settings, NodeSettings node) {
    return settings.kubernetes().isEmpty()
        ? Asked.NOTHING
        : asked.getOrDefault(node.name(), elsewhere);
  }

  private NodeIntent intent(
      Settings settings,
      NodeSettings node,
      Asked wanted,
      ImmutableMap<PodInterface, ImmutableSet<String>> only) {
    return mode == Mode.CLEAN
        ? NodeIntent.nothing()
        : NodeIntent.of(Objects.requireNonNull(overlaid), node, everywhere, wanted.pods(), only)
            .withEverything(requests.everything(settings, node.name()));
  }

  /** While nobody can say whose an interface is that comes, only those that are there count. */
  private void request(String name, Asked wanted) {
    if (wanted.equals(elsewhere)) {
      asked.remove(name);
    } else {
      asked.put(name, wanted);
    }
    apply(name);
  }

  /**
   * A node on which nothing is asked for is one of these: it may be gone, and is not remembered.
   */
  private void requestElsewhere(Asked wanted) {
    elsewhere = wanted;
    asked.values().removeIf(of -> of.pods().isEmpty());
    for (String name : ImmutableList.copyOf(seats.keySet())) {
      if (!asked.containsKey(name)) {
        apply(name);
      }
    }
  }

  private void apply(String name) {
    Seat seat = seats.get(name);
    Settings settings = inForce;
    if (seat == null || settings == null || seat.isLeaving()) {
      return;
    }
    want(settings, seat, Cause.KUBERNETES);
  }

  /** Which interfaces are meant by what was heard last may be possible to say only now. */
  private void observed(String name) {
    Seat seat = seats.get(name);
    if (seat != null && seat.late && inForce != null && !seat.isLeaving()) {
      want(inForce, seat, Cause.KUBERNETES);
    }
  }

  /**
   * While nobody can say whose an interface is that comes, only those count that are there; and of
   * a bridge that is seen for the first time since, only those at which there are entries of ours.
   */
  private void bind(Seat seat, Asked wanted) {
    if (wanted.standing() != Asked.Standing.LAST) {
      seat.only = ImmutableMap.of();
      seat.late = false;
      return;
    }
    if (isBound(seat, wanted)) {
      seat.late = false;
      return;
    }
    Node node = node(seat.node.name());
    if (node.bridge().isEmpty()) {
      seat.late = true;
    } else if (!seat.late || (node.datapath().isPresent() && node.isOneSwitch())) {
      Map<PodInterface, ImmutableSet<String>> only = new HashMap<>(seat.only);
      wanted
          .pods()
          .keySet()
          .forEach(pod -> only.computeIfAbsent(pod, it -> interfaces(node, seat, it)));
      seat.only = ImmutableMap.copyOf(only);
      seat.late = false;
    }
  }

  private static boolean isBound(Seat seat, Asked wanted) {
    return seat.only.keySet().containsAll(wanted.pods().keySet());
  }

  private static ImmutableSet<String> interfaces(Node node, Seat seat, PodInterface pod) {
    return node.bridge().stream()
        .flatMap(bridge -> bridge.interfaces().values().stream())
        .filter(row -> row.podInterface().equals(Optional.of(pod)))
        .filter(row -> !seat.late || seat.loop.hasEntriesAt(node, row))
        .map(Interface::name)
        .collect(ImmutableSet.toImmutableSet());
  }

  private void seat(
      Settings settings,
      NodeSettings node,
      boolean isTheWriter,
      @Nullable Seat before,
      Cause cause) {
    Ticker ticker = Ticker.systemTicker();
    Duration audit = audit(settings);
    String name = node.name();
    Asked wanted = asked(settings, node);
    boolean reads = duty(name) == Duty.READ;
    NodeLoop loop =
        new NodeLoop(
            intent(settings, node, wanted, ImmutableMap.of()),
            mode != Mode.OBSERVE && !reads,
            ticker);
    Seat seat = new Seat(node, audit, loop, reads);
    if (before != null) {
      seat.follow(before);
    }
    seats.put(name, seat);
    assign(loop, node, isTheWriter);
    want(settings, seat, cause);
    try {
      open(node, audit, isTheWriter, loop);
    } catch (RuntimeException e) {
      // A seat without sessions would look as if it were served.
      seats.remove(name);
      throw e;
    }
  }

  private void open(NodeSettings node, Duration audit, boolean isTheWriter, NodeLoop loop) {
    String name = node.name();
    loop.opened(
        sessions.openDatapath(
            node,
            audit,
            report ->
                mailbox.post(
                    new Key(loop, Message.Switch.class), new Message.Switch(name, loop, report))),
        sessions.openBridge(
            node,
            lockFor(node, isTheWriter),
            report ->
                mailbox.post(
                    new Key(loop, Message.Database.class),
                    new Message.Database(name, loop, report))));
  }

  private void assign(NodeLoop loop, NodeSettings node, boolean isTheWriter) {
    loop.assign(
        assignment.generation(), duty(node.name()) == Duty.WRITE, lockFor(node, isTheWriter));
  }

  /**
   * What is done about a node's lock. Among several controllers the one whose duty it is takes it,
   * but only as long as it knows that for certain: two that both believe would take it from each
   * other without end.
   */
  private Lock.Wish lockFor(NodeSettings node, boolean isTheWriter) {
    if (mode == Mode.OBSERVE || duty(node.name()) == Duty.READ) {
      return Lock.Wish.NONE;
    }
    if (assignment.generation().isEmpty()) {
      return isTheWriter ? Lock.Wish.STEAL : Lock.Wish.WAIT;
    }
    return assignment.current() && duty(node.name()) == Duty.WRITE
        ? Lock.Wish.STEAL
        : Lock.Wish.WAIT;
  }

  /** The node is to be as if we had never been there, before it is left alone. */
  private void dismiss(Seat seat) {
    if (!seat.isLeaving()) {
      seat.leaveBy = OptionalLong.of(System.nanoTime() + LEAVE.toNanos());
      leaving.add(seat.node.name());
      seat.loop.want(NodeIntent.nothing(), Cause.CONFIGURED);
    }
  }

  private void remove(String name) {
    Seat seat = seats.remove(name);
    if (seat != null) {
      seat.loop.close();
      wakes.remove(name);
      claims.release(name);
      leaving.remove(name);
      seatsWereRemoved = true;
      untold = true;
      observe(new Fact.NodeForgotten(name));
    }
  }

  private Node node(String name) {
    Node known = nodes.get(name);
    return known == null ? Node.unobserved(name) : known;
  }

  private void observe(Fact fact) {
    node(fact.node())
        .after(fact)
        .ifPresentOrElse(after -> nodes.put(fact.node(), after), () -> nodes.remove(fact.node()));
  }

  private void run() {
    try {
      reconcile(ImmutableSet.copyOf(seats.keySet()));
      long retryAt = System.nanoTime() + RETRY.toNanos();
      while (!closed) {
        try {
          retryAt = turn(retryAt);
        } catch (RuntimeException e) {
          log.error("a fault of ours; the loop goes on", e);
        }
      }
    } catch (InterruptedException e) {
      // It is closed.
    } catch (Error e) {
      end(e);
    }
  }

  /** One turn; says when what had no effect is tried again next. */
  private long turn(long retryAt) throws InterruptedException {
    Set<String> touched = new LinkedHashSet<>();
    for (Message message : mailbox.take(untilWake(retryAt))) {
      try {
        receive(message, touched);
      } catch (RuntimeException e) {
        log.error(
            "a fault of ours, by {}; the loop goes on", message.getClass().getSimpleName(), e);
      }
    }
    long now = System.nanoTime();
    long next = retryAt;
    if (retryAt - now <= 0) {
      seats.forEach(
          (name, seat) -> {
            if (seat.loop.retry()) {
              touched.add(name);
            }
          });
      next = now + RETRY.toNanos();
    }
    wakes.forEach(
        (name, at) -> {
          if (at - now <= 0) {
            touched.add(name);
          }
        });
    reconcile(touched);
    if (tellAtNanos - System.nanoTime() <= 0) {
      tell();
    }
    return next;
  }

  private Duration untilWake(long retryAt) {
    long now = System.nanoTime();
    long left = retryAt - now;
    for (long at : wakes.values()) {
      left = Math.min(left, at - now);
    }
    if (untold || !turned.isEmpty()) {
      left = Math.min(left, tellAtNanos - now);
    }
    return Duration.ofNanos(Math.max(left, 0));
  }

  /** Whoever cannot go on must not keep others from it by holding the locks. */
  private void end(Error error) {
    closed = true;
    try {
      log.error("a fault of ours that nothing can be done about: the loop ends", error);
    } finally {
      for (Seat seat : seats.values()) {
        try {
          seat.loop.close();
        } catch (RuntimeException | Error e) {
          error.addSuppressed(e);
        }
      }
      fault.complete(error);
    }
  }

  private void receive(Message message, Set<String> touched) {
    switch (message) {
      case Message.Configured(Settings settings) -> {
        configure(settings, Cause.CONFIGURED);
        touched.addAll(seats.keySet());
      }
      case Message.Assigned(Assignment assigned) -> {
        assignment = assigned;
        configure(Objects.requireNonNull(inForce), Cause.CONFIGURED);
        touched.addAll(seats.keySet());
      }
      case Message.AskedFor(Requests wanted) -> {
        if (!wanted.equals(requests)) {
          requests = wanted;
          configure(Objects.requireNonNull(inForce), Cause.REQUESTED);
          touched.addAll(seats.keySet());
        }
      }
      case Message.Requested(String node, Asked wanted) -> {
        request(node, wanted);
        touched.add(node);
      }
      case Message.RequestedElsewhere(Asked wanted) -> {
        requestElsewhere(wanted);
        touched.addAll(seats.keySet());
      }
      case Message.Switch(String node, NodeLoop loop, DatapathReport report) -> {
        if (isSeated(node, loop)) {
          loop.received(report);
          observe(new Fact.DatapathObserved(node, report.datapath()));
          observed(node);
          touched.add(node);
        }
      }
      case Message.Database(String node, NodeLoop loop, BridgeReport report) -> {
        if (isSeated(node, loop)) {
          loop.received(report);
          observe(new Fact.BridgeObserved(node, report.bridge()));
          observed(node);
          touched.add(node);
        }
      }
      case Message.Demanded(Demands.Demand demand) -> {
        Seat seat = seats.get(demand.node());
        demand.ask().accept(seat == null ? null : seat.loop);
      }
      case Message.Turned(CompletableFuture<?> shown) -> turned.add(shown);
    }
  }

  /** A session that was closed may have left a report. */
  private boolean isSeated(String node, NodeLoop loop) {
    Seat seat = seats.get(node);
    return seat != null && seat.loop == loop;
  }

  /** Of the others, what stands has not changed: with a thousand nodes, one report is one's. */
  private void reconcile(Set<String> touched) {
    boolean left = false;
    for (String name : ImmutableList.copyOf(Sets.union(touched, leaving))) {
      Seat seat = seats.get(name);
      if (seat == null) {
        continue;
      }
      if (touched.contains(name)) {
        untold |= reconcile(name, seat.loop);
      }
      if (seat.isLeaving() && hasLeft(name, seat, Optional.ofNullable(newest.get(name)))) {
        remove(name);
        left = true;
      }
    }
    if (left) {
      // Its datapath may be another node's now.
      reconcile(ImmutableSet.copyOf(seats.keySet()));
    }
  }

  /** Shows where all nodes stand, and tells who waits for that. */
  private void tell() {
    if (seatsWereRemoved) {
      // A seat that was taken anew is in its old place here until it is reconciled.
      newest.keySet().retainAll(seats.keySet());
      seatsWereRemoved = false;
    }
    if (untold) {
      statuses = ImmutableMap.copyOf(newest);
      untold = false;
    }
    try {
      listener.accept(statuses);
    } catch (RuntimeException e) {
      log.error("the status listener failed", e);
    }
    turned.forEach(shown -> shown.complete(null));
    turned.clear();
    tellAtNanos = System.nanoTime() + REST_FOR_EACH.multipliedBy(newest.size()).toNanos();
  }

  private static boolean hasLeft(String name, Seat seat, Optional<NodeStatus> status) {
    if (status.filter(NodeStatus::isClean).isPresent()) {
      log.info("{}: not in the configuration any more: clean, and left alone", name);
      return true;
    }
    if (System.nanoTime() - seat.leaveBy.orElseThrow() < 0) {
      return false;
    }
    log.warn(
        "{}: not in the configuration any more, and could not be cleaned: what is ours there ends"
            + " with its hold, unless somebody else renews it",
        name);
    return true;
  }

  /** A fault of ours on one node is no reason to leave the others, or this one, without repair. */
  private boolean reconcile(String name, NodeLoop loop) {
    wakes.remove(name);
    try {
      Node node = node(name);
      // Before OVSDB has confirmed it, a datapath id is anybody's word.
      Optional<String> otherHolder =
          node.bridge().isPresent() && node.isOneSwitch()
              ? node.datapath().flatMap(datapath -> claims.otherHolder(name, datapath.dpid()))
              : Optional.empty();
      newest.put(name, loop.reconcile(node, otherHolder));
      loop.wakeAfter().ifPresent(after -> wakes.put(name, System.nanoTime() + after.toNanos()));
      return true;
    } catch (RuntimeException e) {
      log.error("{}: a fault of ours; the node is tried again at its next report", name, e);
      wakes.put(name, System.nanoTime() + RETRY.toNanos());
      return false;
    }
  }
}
