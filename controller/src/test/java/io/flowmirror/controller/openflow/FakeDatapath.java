// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Iterables;
import com.google.common.collect.Lists;
import com.google.common.util.concurrent.MoreExecutors;
import io.flowmirror.controller.transport.UnansweredException;
import io.flowmirror.flows.Action;
import io.flowmirror.flows.Cookie;
import io.flowmirror.flows.EntryFilter;
import io.flowmirror.flows.FlowChange;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.FlowKey;
import io.flowmirror.flows.InstalledEntry;
import io.flowmirror.flows.MirrorEntries;
import io.flowmirror.flows.Opaque;
import io.flowmirror.flows.OvnPipeline;
import io.flowmirror.topology.Datapath;
import io.flowmirror.topology.LogicalPort;
import io.flowmirror.topology.Port;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * One datapath in memory, as its sessions show it: an OpenFlow 1.3 switch with OVN and others at
 * work on it, which fails when it is told to. {@link DatapathContract} holds it against a real one.
 *
 * <p>Any thread. Every call takes effect before it returns; reports come on a thread of each
 * session's own, and one that the consumer has not got round to gives way to a newer one.
 */
public final class FakeDatapath implements OtherSide {
  private static final AtomicLong CONNECTIONS = new AtomicLong();

  private static final Executor REPORTERS =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("fake-report-", 0).factory());

  /** As {@link OpenFlowOptions#of} has it. */
  private static final Duration AUDIT = Duration.ofSeconds(30);

  private final FlowTables tables = new FlowTables();
  private final Map<Integer, Port> ports = new TreeMap<>();
  private final Set<Session> sessions = new LinkedHashSet<>();
  private final List<FlowChange> flowMods = new ArrayList<>();
  private final Map<FlowKey, String> refusals = new LinkedHashMap<>();
  private long dpid;
  private int bundles;
  private Duration now = Duration.ZERO;
  private int nextPort = 1;
  private String unreachable = "";
  private boolean withholding;
  private boolean pretending;
  private Runnable afterEachRound = () -> {};

  /** A switch without ports and entries. */
  public FakeDatapath(long dpid) {
    this.dpid = dpid;
  }

  // Sessions.

  @Override
  public DatapathSession open(Consumer<DatapathReport> reports) {
    return open(AUDIT, reports);
  }

  /**
   * Opens a session, which connects at once if the switch can be reached, and otherwise when it
   * can.
   *
   * @param audit how often it reads and reports although it has heard of no change
   */
  public synchronized DatapathSession open(Duration audit, Consumer<DatapathReport> reports) {
    Session session = new Session(audit, reports);
    sessions.add(session);
    if (unreachable.isEmpty()) {
      session.connect();
    } else {
      session.lose();
    }
    return session;
  }

  /** The datapath id that it tells from now on. */
  public synchronized void dpid(long dpid) {
    this.dpid = dpid;
  }

  /** All changes of all rounds, those that were refused too. */
  public synchronized ImmutableList<FlowChange> flowMods() {
    return ImmutableList.copyOf(flowMods);
  }

  /** How many rounds there have been. */
  public synchronized int bundles() {
    return bundles;
  }

  // Ports.

  @Override
  public synchronized int addPort(String name) {
    int ofport = nextPort;
    addPort(name, ofport);
    return ofport;
  }

  @Override
  public synchronized void addPort(String name, int ofport) {
    addPort(new Port(ofport, Port.cut(name), true, true));
  }

  /** Adds a port whose device is somebody else's, such as a pod's. */
  public synchronized void addPort(Port port) {
    if (ports.putIfAbsent(port.ofport(), port) != null) {
      throw new IllegalArgumentException(port.ofport() + " is " + ports.get(port.ofport()));
    }
    nextPort = Math.max(nextPort, port.ofport() + 1);
    report();
  }

  @Override
  public synchronized void removePort(String name) {
    ports.values().stream()
        .filter(port -> port.isNamed(name))
        .findFirst()
        .ifPresent(
            port -> {
              ports.remove(port.ofport());
              sessions.forEach(session -> session.memory.forgetPort(port.ofport()));
              report();
            });
  }

  @Override
  public synchronized void setUp(String name, boolean up) {
    ports.replaceAll(
        (ofport, port) -> port.isNamed(name) ? new Port(ofport, port.name(), !up, !up) : port);
    report();
  }

  /** The ports, by number. */
  public synchronized ImmutableMap<Integer, Port> ports() {
    return ImmutableMap.copyOf(ports);
  }

  // Entries.

  @Override
  public void plant(String... entries) {
    plant(Lists.transform(Arrays.asList(entries), OvnText::parse));
  }

  /** Adds entries, as somebody else would. */
  public synchronized void plant(Iterable<FlowEntry> entries) {
    entries.forEach(entry -> tables.add(entry, now));
    report();
  }

  @Override
  public void uproot(FlowKey key) {
    uproot(entry -> entry.key().equals(key));
  }

  /** Deletes entries, whosever they are. */
  public synchronized void uproot(Predicate<FlowEntry> gone) {
    if (tables.deleteIf(gone)) {
      report();
    }
  }

  @Override
  public void wipe() {
    uproot(entry -> true);
  }

  @Override
  public synchronized ImmutableList<FlowEntry> entries() {
    return tables.entries();
  }

  // Packets and time.

  @Override
  public synchronized ImmutableList<Integer> reach(Packet packet) {
    return Translation.of(tables, ports.keySet(), packet).ports();
  }

  @Override
  public synchronized void send(Packet packet) {
    Translation.of(tables, ports.keySet(), packet)
        .selected()
        .forEach(key -> tables.count(key, Packet.BYTES));
  }

  @Override
  public synchronized void elapse(Duration time) {
    now = now.plus(time);
    if (tables.expire(now)) {
      report();
    }
    sessions.forEach(Session::auditWhenDue);
  }

  // Failures.

  /** Loses the connections, for a reason in words; nobody connects until {@link #connect}. */
  public synchronized void disconnect(String reason) {
    unreachable = reason;
    sessions.forEach(Session::lose);
  }

  /** Lets sessions connect again, each by a connection with a new number. */
  public synchronized void connect() {
    unreachable = "";
    sessions.forEach(Session::connect);
  }

  @Override
  public void cut() {
    disconnect("connection reset by peer");
  }

  @Override
  public void mend() {
    connect();
  }

  /** Entries are in the memory of ovs-vswitchd only; devices outlive it. */
  @Override
  public synchronized void crash() {
    disconnect("the switch closed the connection");
    tables.deleteIf(entry -> true);
  }

  @Override
  public void restart() {
    connect();
  }

  /** From now on an entry of this identity is refused. */
  public synchronized void refuse(FlowKey key, String error) {
    refusals.put(key, error);
  }

  /** Nothing is refused any more that a switch would take. */
  public synchronized void acceptAll() {
    refusals.clear();
  }

  /** From now on a round is applied and its outcome not told, until {@link #tellOutcomes}. */
  public synchronized void withholdOutcomes() {
    withholding = true;
  }

  /** Tells what was withheld. */
  public synchronized void tellOutcomes() {
    withholding = false;
    report();
  }

  /** From now on a round is answered as if it had been applied, and is not. */
  public synchronized void pretend() {
    pretending = true;
  }

  /** What somebody does as soon as a round has been applied, such as undo it. */
  public synchronized void afterEachRound(Runnable deed) {
    afterEachRound = deed;
  }

  private void report() {
    sessions.forEach(Session::report);
  }

  /**
   * What Open vSwitch answers to an entry that it does not take (ofproto/ofproto.c, add_flow_init;
   * lib/ofp-actions.c, ofpact_check_output_port).
   */
  private static Optional<String> refusal(FlowEntry entry) {
    if (entry.key().table() > FlowTables.HIDDEN_TABLE) {
      return Optional.of("OFPET_FLOW_MOD_FAILED/OFPFMFC_BAD_TABLE_ID");
    }
    if (entry.key().table() == FlowTables.HIDDEN_TABLE) {
      return Optional.of("OFPET_BAD_REQUEST/OFPBRC_EPERM");
    }
    for (Action action : entry.actions()) {
      if (action instanceof Action.Output(int port) && port >= Port.MAX) {
        return Optional.of("OFPET_BAD_ACTION/OFPBAC_BAD_OUT_PORT");
      }
    }
    return Optional.empty();
  }

  private final List<Long> claims = new CopyOnWriteArrayList<>();
  private long generation;
  private @Nullable Session master;

  /** The generations that sessions have claimed to be the master of. */
  public ImmutableList<Long> claims() {
    return ImmutableList.copyOf(claims);
  }

  /** One session, and what its connection knows. Guarded by the datapath's lock. */
  private final class Session implements DatapathSession {
    private static final long NONE = 0;

    private final Duration audit;
    private final Consumer<DatapathReport> reports;
    private final Executor reporter = MoreExecutors.newSequentialExecutor(REPORTERS);
    private final AtomicReference<@Nullable DatapathReport> unread = new AtomicReference<>();
    private volatile boolean closed;

    /** Why this connection may change nothing; empty if it may. */
    private String whyNot = "";

    private long connection = NONE;
    private long applied;
    private ImmutableMap<FlowKey, String> refused = ImmutableMap.of();
    private long toldRound;
    private ImmutableMap<FlowKey, String> toldRefused = ImmutableMap.of();
    private OptionalInt deliveryTable = OptionalInt.empty();
    private Duration lastRead = Duration.ZERO;
    private KeyMemory memory = new KeyMemory();

    @Override
    public void claim(long onConnection, long newGeneration) {
      synchronized (FakeDatapath.this) {
        if (closed || onConnection == NONE || onConnection != connection) {
          return;
        }
        claims.add(newGeneration);
        if (newGeneration < generation) {
          whyNot = DatapathReport.OVERRULED + "OFPET_ROLE_REQUEST_FAILED/OFPRRFC_STALE";
          return;
        }
        generation = newGeneration;
        if (master != null && master != this) {
          master.whyNot = "OFPBCT_OPEN_REQUEST refused: OFPET_BAD_REQUEST/OFPBRC_IS_SLAVE";
        }
        master = this;
        whyNot = "";
      }
    }

    Session(Duration audit, Consumer<DatapathReport> reports) {
      this.audit = audit;
      this.reports = reports;
    }

    /** Section 6.3: nothing of an earlier connection holds for a new one. */
    void connect() {
      connection = CONNECTIONS.incrementAndGet();
      whyNot = "";
      applied = 0;
      refused = ImmutableMap.of();
      toldRound = 0;
      toldRefused = ImmutableMap.of();
      deliveryTable = OptionalInt.empty();
      memory = new KeyMemory();
      report();
    }

    void lose() {
      connection = NONE;
      post(
          new DatapathReport(
              Optional.empty(),
              ImmutableList.of(),
              0,
              ImmutableMap.of(),
              unreachable,
              System.nanoTime(),
              false));
    }

    @Override
    public void apply(long ofConnection, long round, List<FlowChange> changes, boolean proven) {
      Runnable deed;
      synchronized (FakeDatapath.this) {
        if (closed || ofConnection == NONE || ofConnection != connection) {
          return;
        }
        flowMods.addAll(changes);
        bundles++;
        refused = refused(changes);
        if (refused.isEmpty() && !pretending) {
          tables.commit(changes, now);
        }
        applied = round;
        FakeDatapath.this.report();
        deed = afterEachRound;
      }
      deed.run();
    }

    /** An atomic bundle: one message that is refused is enough for none to be applied. */
    private ImmutableMap<FlowKey, String> refused(List<FlowChange> changes) {
      ImmutableMap.Builder<FlowKey, String> unsent = ImmutableMap.builder();
      changes.forEach(
          change ->
              FlowEncoder.refusal(change).ifPresent(reason -> unsent.put(change.key(), reason)));
      ImmutableMap<FlowKey, String> ours = unsent.buildKeepingLast();
      if (!ours.isEmpty()) {
        return ours;
      }
      ImmutableMap.Builder<FlowKey, String> theirs = ImmutableMap.builder();
      if (!whyNot.isEmpty()) {
        changes.forEach(change -> theirs.put(change.key(), whyNot));
        return theirs.buildKeepingLast();
      }
      for (FlowChange change : changes) {
        if (refusals.containsKey(change.key())) {
          theirs.put(change.key(), refusals.get(change.key()));
        } else if (change instanceof FlowChange.Add(FlowEntry entry)) {
          refusal(entry).ifPresent(error -> theirs.put(entry.key(), error));
        }
      }
      return theirs.buildKeepingLast();
    }

    @Override
    public void bringUp(long ofConnection, int ofport) {
      synchronized (FakeDatapath.this) {
        Port port = ports.get(ofport);
        if (!closed && ofConnection == connection && port != null) {
          setUp(port.name(), true);
        }
      }
    }

    @Override
    public void read() {
      synchronized (FakeDatapath.this) {
        report();
      }
    }

    @Override
    public CompletableFuture<Void> audit() {
      CompletableFuture<Void> told = new CompletableFuture<>();
      synchronized (FakeDatapath.this) {
        if (isUp(told)) {
          report();
          reporter.execute(() -> told.complete(null));
        }
      }
      return told;
    }

    @Override
    public CompletableFuture<Long> dump(
        EntryFilter filter, Consumer<ImmutableList<InstalledEntry>> batches) {
      CompletableFuture<Long> outcome = new CompletableFuture<>();
      synchronized (FakeDatapath.this) {
        if (isUp(outcome)) {
          List<InstalledEntry> found =
              tables.dump(now).stream().filter(there -> filter.includes(there.entry())).toList();
          MoreExecutors.newSequentialExecutor(REPORTERS)
              .execute(() -> deliver(found, batches, outcome));
        }
      }
      return outcome;
    }

    private static void deliver(
        List<InstalledEntry> found,
        Consumer<ImmutableList<InstalledEntry>> batches,
        CompletableFuture<Long> outcome) {
      try {
        for (List<InstalledEntry> batch : Lists.partition(found, 100)) {
          if (!outcome.isDone()) {
            batches.accept(ImmutableList.copyOf(batch));
          }
        }
        outcome.complete((long) found.size());
      } catch (RuntimeException e) {
        outcome.completeExceptionally(e);
      }
    }

    private boolean isUp(CompletableFuture<?> answer) {
      if (closed || connection == NONE) {
        answer.completeExceptionally(
            new UnansweredException(
                UnansweredException.Why.NOT_CONNECTED,
                "no OpenFlow connection: " + (closed ? "the session is closed" : unreachable)));
        return false;
      }
      return true;
    }

    @Override
    public void close() {
      synchronized (FakeDatapath.this) {
        closed = true;
        sessions.remove(this);
      }
    }

    void auditWhenDue() {
      if (now.minus(lastRead).compareTo(audit) >= 0) {
        report();
      }
    }

    void report() {
      if (closed || connection == NONE) {
        return;
      }
      lastRead = now;
      if (!withholding) {
        toldRound = applied;
        toldRefused = refused;
      }
      List<FlowEntry> entries = tables.entries();
      ImmutableList<LogicalPort> candidates = OvnPipeline.candidates(in(0, entries));
      if (deliveryTable.isEmpty()) {
        deliveryTable =
            candidates.stream()
                .flatMapToInt(port -> OvnPipeline.deliveryTable(port, entries).stream())
                .findFirst();
      }
      OptionalInt table = deliveryTable;
      ImmutableList<LogicalPort> logicalPorts =
          table.isEmpty()
              ? ImmutableList.of()
              : OvnPipeline.logicalPorts(candidates, in(table.getAsInt(), entries));
      boolean ours = entries.stream().anyMatch(entry -> Cookie.isOurs(entry.cookie()));
      ImmutableList<LogicalPort> remembered =
          memory.update(logicalPorts, ports.keySet(), ours, now.toNanos());
      if (logicalPorts.isEmpty() && (!candidates.isEmpty() || remembered.isEmpty())) {
        // OVN has moved its tables: it is looked for anew.
        deliveryTable = OptionalInt.empty();
      }
      boolean natInLabel = table.isPresent() && entries.stream().anyMatch(this::isNatInLabel);
      post(
          new DatapathReport(
              Optional.of(
                  new Datapath(
                      connection,
                      dpid,
                      "3.1.0",
                      ImmutableMap.copyOf(ports),
                      table,
                      ImmutableList.copyOf(Iterables.concat(logicalPorts, remembered)),
                      natInLabel,
                      remembered.stream()
                          .map(LogicalPort::ofport)
                          .collect(ImmutableSet.toImmutableSet()))),
              tables.dump(now).stream()
                  .filter(installed -> isReported(installed, table))
                  .collect(ImmutableList.toImmutableList()),
              toldRound,
              toldRefused,
              "",
              System.nanoTime(),
              !remembered.isEmpty()));
    }

    private static Iterable<FlowEntry> in(int table, List<FlowEntry> entries) {
      return Iterables.filter(entries, entry -> entry.key().table() == table);
    }

    private boolean isReported(InstalledEntry installed, OptionalInt table) {
      FlowEntry entry = installed.entry();
      boolean watched =
          entry.key().table() == OvnPipeline.INGRESS_TABLE
              || (table.isPresent() && entry.key().table() == table.getAsInt());
      return Cookie.isOurs(entry.cookie())
          || (watched && MirrorEntries.mayBeHiddenBy(entry.key().priority()));
    }

    /** Whether it matches on bit 1 of ct_label (NXM_NX_CT_LABEL, 108, under a mask) being 1. */
    private boolean isNatInLabel(FlowEntry entry) {
      return entry.key().match().others().stream()
          .map(Opaque::toString)
          .filter(oxm -> oxm.startsWith("0001d920"))
          .map(oxm -> oxm.substring(8))
          .anyMatch(label -> isBit1(label.charAt(31)) && isBit1(label.charAt(63)));
    }

    private static boolean isBit1(char digit) {
      return (Character.digit(digit, 16) & 2) != 0;
    }

    private void post(DatapathReport report) {
      if (unread.getAndSet(report) == null) {
        reporter.execute(
            () -> {
              DatapathReport newest = unread.getAndSet(null);
              if (newest != null && !closed) {
                reports.accept(newest);
              }
            });
      }
    }
  }
}
