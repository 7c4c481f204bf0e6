// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import com.google.common.base.Ticker;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.controller.openflow.Handshake.Greeting;
import io.flowmirror.controller.openflow.Incoming.PortStatus;
import io.flowmirror.controller.openflow.Incoming.SwitchError;
import io.flowmirror.controller.openflow.TableReader.Reading;
import io.flowmirror.controller.transport.UnansweredException;
import io.flowmirror.flows.FlowChange;
import io.flowmirror.flows.FlowKey;
import io.flowmirror.topology.Datapath;
import io.flowmirror.topology.LogicalPort;
import io.flowmirror.topology.Port;
import io.netty.channel.Channel;
import io.netty.util.concurrent.ScheduledFuture;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Queue;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The datapath behind one connection, from its handshake until the connection is gone: its ports,
 * when its tables are read, and the rounds that are applied to it. On the connection's event loop.
 */
final class LiveDatapath implements Connection.Listener {

  /** What the session wants to know. */
  interface Owner {
    void onState(OpenFlowSession.State state);

    void onReport(DatapathReport report);

    /** Goes on when the consumer has been given all reports so far. */
    void afterReports(Runnable next);

    /** The end, and whether it is for what the switch did. */
    void onLost(String reason, boolean misbehaved);
  }

  private record Round(long number, List<FlowChange> changes, boolean proven) {}

  private static final Logger LOG = LoggerFactory.getLogger(LiveDatapath.class);

  /**
   * The least time between two readings that changes ask for, so that a storm of changes is read a
   * few times and not once for each; a long reading is followed by as long a pause.
   */
  private static final Duration MIN_GAP = Duration.ofMillis(20);

  private static final Duration MAX_GAP = Duration.ofMillis(100);

  /**
   * When the tables are read to see whether what is known is so: after a round, and when an entry
   * is said to be removed that is there. The switch may say that long after the entry has been made
   * again (ofproto/ofproto.c, remove_rule_rcu__).
   */
  private static final Duration SECOND_LOOK = Duration.ofMillis(250);

  private final long number;
  private final OpenFlowOptions options;
  private final Owner owner;
  private final Connection connection;
  private final TableReader reader;
  private final TreeMap<Integer, PortDescription> ports = new TreeMap<>();

  /** Those as they are told, until they change. */
  private @Nullable ImmutableMap<Integer, Port> toldPorts;

  /** Ports deleted since the last reading began. */
  private final Set<Integer> goneWhileReading = new HashSet<>();

  /** Whether ports have changed since the last report. */
  private boolean portsChanged;

  /** Whether the monitor has told of a change since the last report. */
  private boolean entriesChanged;

  /** Whether at some moment since the last report all entries were gone. */
  private boolean wiped;

  /** Whether the end of what the monitor has to tell for now is being waited for. */
  private boolean settling;

  /** Whether the monitor leaves changes untold. */
  private boolean paused;

  /** When the first change since the last report was noticed; 0 if none was. */
  private long noticedNanos;

  private final Queue<Round> rounds = new ArrayDeque<>();
  private final Dumps dumps;

  /** Who waits for a reading that begins after he has asked, and for the one that is under way. */
  private List<CompletableFuture<Void>> wantReading = new ArrayList<>();

  private List<CompletableFuture<Void>> awaitReading = List.of();
  private @Nullable Greeting greeting;
  private boolean read;
  private OptionalInt deliveryTable = OptionalInt.empty();
  private @Nullable Bundle bundle;
  private OptionalInt claimXid = OptionalInt.empty();
  private String claimRefused = "";
  private boolean claiming;
  private @Nullable ScheduledFuture<?> delayed;
  private @Nullable ScheduledFuture<?> audit;
  private @Nullable ScheduledFuture<?> secondLook;
  private boolean changed;
  private boolean urgent;
  private boolean reading;
  private boolean closed;
  private long nextReadNanos = System.nanoTime();
  private long applied;
  private long errorsNotTold;
  private ImmutableMap<FlowKey, String> refused = ImmutableMap.of();
  private long reported;
  private ImmutableMap<FlowKey, String> reportedRefused = ImmutableMap.of();

  /**
   * Builds the channel's pipeline.
   *
   * @param number the number of this connection
   */
  LiveDatapath(long number, OpenFlowOptions options, Channel channel, Codecs codecs, Owner owner) {
    this.number = number;
    this.options = options;
    this.owner = owner;
    this.connection =
        new Connection(channel, codecs, options, new Unasked(Ticker.systemTicker()), this);
    this.reader = new TableReader(connection, options.maxEntries());
    this.dumps =
        new Dumps(connection, () -> !closed && !reading && bundle == null && rounds.isEmpty());
  }

  long number() {
    return number;
  }

  /** Begins the handshake, when the channel is connected. */
  void start() {
    Requests.whenDone(
        connection::close,
        new Handshake(connection, owner::onState).run(),
        (found, failure) -> {
          if (failure != null) {
            connection.giveUp(failure);
          } else if (!closed) {
            greeting = found;
            found.ports().forEach(this::putPort);
            owner.onState(OpenFlowSession.State.READING);
            read();
          }
        });
  }

  void close(String reason) {
    connection.close(reason);
  }

  /** Applies a round after those that were asked for before it. */
  void apply(long round, List<FlowChange> changes, boolean proven) {
    LOG.debug("{}: round {} of {} changes", options.node(), round, changes.size());
    rounds.add(new Round(round, changes, proven));
    nextRound();
  }

  /** Claims the role MASTER; rounds that come later wait for the answer. */
  void claim(long generation) {
    int xid = connection.nextXid();
    claimXid = OptionalInt.of(xid);
    claimRefused = "";
    claiming = true;
    connection.send(Outgoing.claim(xid, generation));
    // The error, if there is one, comes before the barrier's reply.
    Requests.whenDone(
        connection::close,
        Handshake.barrier(connection),
        (reply, failure) -> {
          if (failure != null) {
            connection.giveUp(failure);
            return;
          }
          claiming = false;
          if (claimRefused.isEmpty()) {
            LOG.info("{}: master of generation {}", options.node(), generation);
          } else {
            LOG.warn("{}: generation {} is refused: {}", options.node(), generation, claimRefused);
          }
          nextRound();
        });
  }

  /** Brings a port up; nothing happens if there is no such port (any more). */
  void bringUp(int ofport) {
    PortDescription port = ports.get(ofport);
    if (port != null) {
      LOG.info("{}: port {} {} is down: bringing it up", options.node(), ofport, port.name());
      connection.send(Outgoing.bringUp(connection.nextXid(), port));
    }
  }

  /** Reads the tables as soon as no other reading or round is under way. */
  void read() {
    changed = true;
    urgent = true;
    maybeRead();
  }

  /** The same, for whoever wants to know when the report of it has been given to the consumer. */
  void audit(CompletableFuture<Void> told) {
    wantReading.add(told);
    read();
  }

  /** Reads entries on demand, when there is nothing else to do. */
  void dump(Dump dump) {
    dumps.add(dump);
  }

  @Override
  public void onPortStatus(PortStatus status) {
    if (greeting == null) {
      // The port description comes after this and includes it.
      return;
    }
    PortDescription port = status.port();
    if (!port.isInterface()) {
      return;
    }
    toldPorts = null;
    if (status.reason() == Ofp.OFPPR_DELETE) {
      ports.remove(port.number());
      goneWhileReading.add(port.number());
      reader.forgetPort(port.number());
    } else {
      ports.put(port.number(), port);
    }
    LOG.debug(
        "{}: port {} {} reason {}", options.node(), port.number(), port.name(), status.reason());
    notice();
    portsChanged = true;
    changed = true;
  }

  private void notice() {
    if (noticedNanos == 0) {
      noticedNanos = System.nanoTime();
    }
  }

  /** A storm of changes makes one report of all that came with one turn of the socket. */
  @Override
  public void onBatchEnd() {
    reportPorts();
    if (entriesChanged && reader.isWiped() && !paused) {
      // There is nothing more to be told, and nothing to lose but time.
      report();
    }
    settle();
    maybeRead();
  }

  private void reportPorts() {
    if (portsChanged) {
      report();
    }
  }

  /**
   * Reports what the monitor has told, when it has told all: the reply to a barrier comes after
   * every update of what happened before it. Half a wipe would be repaired twice.
   */
  private void settle() {
    if (closed || !read || !entriesChanged || settling || paused) {
      return;
    }
    settling = true;
    Requests.whenDone(
        connection::close,
        Handshake.barrier(connection),
        (reply, failure) -> {
          settling = false;
          if (failure != null) {
            connection.giveUp(failure);
          } else if (entriesChanged && !paused) {
            report();
            if (reader.mustRead()) {
              changed = true;
            }
          }
        });
  }

  private void putPort(PortDescription port) {
    if (port.isInterface()) {
      toldPorts = null;
      ports.put(port.number(), port);
    }
  }

  @Override
  public void onFlowUpdate(FlowUpdate update) {
    if (!paused && reader.update(update)) {
      notice();
      entriesChanged = true;
      wiped |= reader.isWiped();
    }
  }

  /** What is known is of no use any more, and nothing is concluded from it. */
  @Override
  public void onMonitorPaused() {
    paused = true;
    notice();
  }

  @Override
  public void onMonitorResumed() {
    paused = false;
    changed = true;
  }

  @Override
  public void onFlowRemoved(FlowKey key) {
    if (!reader.watches(key.table())) {
      reader.lookEverywhere();
      changed = true;
    } else if (!reader.monitors()) {
      changed = true;
    } else if (reader.has(key)) {
      secondLook();
    }
  }

  @Override
  public boolean onError(SwitchError error) {
    if (claimXid.isPresent() && claimXid.getAsInt() == error.xid()) {
      claimRefused = ErrorText.of(error);
      return true;
    }
    return bundle != null && bundle.refuse(error);
  }

  @Override
  public void onStrayError(SwitchError error, int count) {
    if (greeting == null) {
      connection.close("the switch refused the handshake: " + words(error));
    } else if (count == 1) {
      tellErrors();
      LOG.warn("{}: {}", options.node(), words(error));
    } else {
      errorsNotTold++;
    }
  }

  private static String words(SwitchError error) {
    return ErrorText.of(error) + " for message " + Integer.toUnsignedString(error.xid());
  }

  private void tellErrors() {
    if (errorsNotTold > 0) {
      LOG.warn("{}: {} more errors after that one", options.node(), errorsNotTold);
      errorsNotTold = 0;
    }
  }

  @Override
  public void onWritable() {
    if (bundle != null) {
      bundle.pump();
    }
  }

  @Override
  public void onClosed(String reason, boolean misbehaved) {
    closed = true;
    cancel(delayed);
    cancel(audit);
    cancel(secondLook);
    Stream.of(wantReading, awaitReading).flatMap(List::stream).forEach(told -> lost(told, reason));
    dumps.abandon(reason);
    if (!misbehaved) {
      tellErrors();
    }
    owner.onLost(reason, misbehaved);
  }

  private static void lost(CompletableFuture<?> told, String reason) {
    told.completeExceptionally(
        new UnansweredException(
            UnansweredException.Why.LOST, "the connection was lost before the answer: " + reason));
  }

  private static void cancel(@Nullable ScheduledFuture<?> timer) {
    if (timer != null) {
      timer.cancel(false);
    }
  }

  private void nextRound() {
    if (closed || bundle != null || !read || claiming) {
      return;
    }
    Round round = rounds.poll();
    if (round == null) {
      return;
    }
    if (!claimRefused.isEmpty()) {
      applied = round.number();
      refused =
          round.changes().stream()
              .collect(
                  ImmutableMap.toImmutableMap(
                      FlowChange::key,
                      change -> DatapathReport.OVERRULED + claimRefused,
                      (one, same) -> one));
      onApplied(round);
      return;
    }
    long start = System.nanoTime();
    Bundle sent = new Bundle(connection, round.changes(), round.proven());
    bundle = sent;
    Requests.whenDone(
        connection::close,
        sent.apply(),
        (outcome, failure) -> {
          bundle = null;
          if (failure != null) {
            connection.giveUp(failure);
            return;
          }
          LOG.debug(
              "{}: round {} of {} changes, {} refused, in {} ms",
              options.node(),
              round.number(),
              round.changes().size(),
              outcome.size(),
              (System.nanoTime() - start) / 1_000_000);
          applied = round.number();
          refused = outcome;
          onApplied(round);
          nextRound();
          dumps.next();
        });
  }

  /** The switch's word is enough for now, unless nothing is watched where the changes were made. */
  private void onApplied(Round round) {
    List<FlowChange> changes = round.changes();
    boolean watched = changes.stream().allMatch(change -> reader.watches(change.key().table()));
    boolean known = refused.isEmpty() || !round.proven();
    if (!watched) {
      reader.lookEverywhere();
    }
    if (watched && known && reader.monitors() && !paused) {
      if (refused.isEmpty()) {
        reader.changed(changes);
      }
      reported = applied;
      reportedRefused = refused;
      report();
      secondLook();
    } else {
      read();
    }
  }

  /** Reads the tables in a while, to see whether what is known is so. */
  private void secondLook() {
    if (secondLook == null) {
      secondLook =
          connection
              .loop()
              .schedule(
                  () -> {
                    secondLook = null;
                    changed = true;
                    maybeRead();
                  },
                  SECOND_LOOK.toMillis(),
                  TimeUnit.MILLISECONDS);
    }
  }

  private void maybeRead() {
    Greeting greeted = greeting;
    if (closed || greeted == null || reading || bundle != null || !changed) {
      return;
    }
    long wait = nextReadNanos - System.nanoTime();
    if (!urgent && wait > 0) {
      if (delayed == null) {
        delayed =
            connection
                .loop()
                .schedule(
                    () -> {
                      delayed = null;
                      maybeRead();
                    },
                    wait,
                    TimeUnit.NANOSECONDS);
      }
      return;
    }
    // Before the ports that are gone are forgotten.
    reportPorts();
    changed = false;
    urgent = false;
    reading = true;
    awaitReading = wantReading;
    wantReading = new ArrayList<>();
    entriesChanged = false;
    goneWhileReading.clear();
    long round = applied;
    ImmutableMap<FlowKey, String> roundRefused = refused;
    long start = System.nanoTime();
    Requests.whenDone(
        connection::close,
        reader.read(),
        (done, failure) -> {
          reading = false;
          if (failure != null) {
            connection.giveUp(failure);
            return;
          }
          long end = System.nanoTime();
          long gap = Math.clamp(end - start, MIN_GAP.toNanos(), MAX_GAP.toNanos());
          nextReadNanos = end + gap;
          if (round > reported) {
            reported = round;
            reportedRefused = roundRefused;
          }
          goneWhileReading.forEach(reader::forgetPort);
          onReading(greeted, end - start);
        });
  }

  private void onReading(Greeting greeted, long nanos) {
    if (!read) {
      read = true;
      report();
      LOG.info(
          "{}: connected to datapath {}, Open vSwitch {}, {} ports, delivery table {}{}",
          options.node(),
          String.format("%016x", greeted.dpid()),
          greeted.switchVersion(),
          ports.size(),
          table(deliveryTable),
          reader.monitors() ? "" : ", no flow monitor");
      owner.onState(OpenFlowSession.State.LIVE);
    } else {
      report();
    }
    List<CompletableFuture<Void>> waiting = awaitReading;
    awaitReading = List.of();
    if (!waiting.isEmpty()) {
      owner.afterReports(() -> waiting.forEach(told -> told.complete(null)));
    }
    LOG.debug("{}: read the tables in {} ms", options.node(), nanos / 1_000_000);
    scheduleAudit();
    nextRound();
    maybeRead();
    dumps.next();
  }

  private static String table(OptionalInt table) {
    return table.isPresent() ? Integer.toString(table.getAsInt()) : "unknown yet";
  }

  private void scheduleAudit() {
    cancel(audit);
    boolean told = reader.monitors() && !reader.searching();
    Duration interval = told ? options.audit() : options.poll();
    long millis =
        interval.toMillis() - ThreadLocalRandom.current().nextLong(interval.toMillis() / 5 + 1);
    audit = connection.loop().schedule(this::read, millis, TimeUnit.MILLISECONDS);
  }

  /** Reports what is known, once the tables have been read. */
  private void report() {
    Greeting greeted = greeting;
    if (greeted == null || !read) {
      return;
    }
    long now = System.nanoTime();
    Reading known = reader.reading(ports.keySet(), now);
    if (!known.deliveryTable().equals(deliveryTable)) {
      // Not to be known for a moment is part of every wipe; to be another one is news.
      if (deliveryTable.isPresent() && known.deliveryTable().isPresent()) {
        LOG.info("{}: delivery table {} now", options.node(), table(known.deliveryTable()));
      }
      deliveryTable = known.deliveryTable();
    }
    owner.onReport(
        new DatapathReport(
            Optional.of(datapath(greeted, known)),
            known.entries(),
            reported,
            reportedRefused,
            "",
            noticedNanos == 0 ? now : noticedNanos,
            wiped));
    wiped = false;
    if (noticedNanos != 0) {
      LOG.debug(
          "{}: reported {} us after a change was noticed",
          options.node(),
          (System.nanoTime() - noticedNanos) / 1000);
    }
    portsChanged = false;
    entriesChanged = false;
    noticedNanos = 0;
  }

  private Datapath datapath(Greeting greeted, Reading known) {
    ImmutableMap<Integer, Port> byNumber = toldPorts;
    if (byNumber == null) {
      ImmutableMap.Builder<Integer, Port> anew = ImmutableMap.builder();
      ports.values().forEach(port -> anew.put(port.number(), port.port()));
      byNumber = anew.buildOrThrow();
      toldPorts = byNumber;
    }
    return new Datapath(
        number,
        greeted.dpid(),
        greeted.switchVersion(),
        byNumber,
        known.deliveryTable(),
        known.remembered().isEmpty()
            ? known.logicalPorts()
            : ImmutableList.<LogicalPort>builder()
                .addAll(known.logicalPorts())
                .addAll(known.remembered())
                .build(),
        known.natInLabel(),
        known.remembered().stream()
            .map(LogicalPort::ofport)
            .collect(ImmutableSet.toImmutableSet()));
  }
}
