// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.reconcile;

import com.google.common.base.Ticker;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Lists;
import com.google.common.collect.Maps;
import io.flowmirror.controller.openflow.DatapathReport;
import io.flowmirror.controller.openflow.DatapathSession;
import io.flowmirror.controller.ovsdb.BridgeReport;
import io.flowmirror.controller.ovsdb.BridgeSession;
import io.flowmirror.controller.ovsdb.Lock;
import io.flowmirror.controller.reconcile.Obstacle.On;
import io.flowmirror.controller.reconcile.Repair.Cause;
import io.flowmirror.flows.Action;
import io.flowmirror.flows.Departed;
import io.flowmirror.flows.FlowChange;
import io.flowmirror.flows.FlowDiff;
import io.flowmirror.flows.FlowDiff.Drift;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.FlowKey;
import io.flowmirror.flows.InstalledEntry;
import io.flowmirror.flows.MirrorCompiler;
import io.flowmirror.flows.MirrorEntries;
import io.flowmirror.flows.NodeIntent;
import io.flowmirror.flows.Plan;
import io.flowmirror.flows.PlannedEntry;
import io.flowmirror.flows.RowChange;
import io.flowmirror.topology.Bridge;
import io.flowmirror.topology.Datapath;
import io.flowmirror.topology.Interface;
import io.flowmirror.topology.LogicalPort;
import io.flowmirror.topology.Node;
import io.flowmirror.topology.Port;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One node's round: compare what is wanted with what was read last, and hand the difference to the
 * sessions, one round at a time. Confined to the loop's thread.
 */
final class NodeLoop {
  /** Rounds and connections are numbered; 0 comes before the first. */
  private static final long NONE = 0;

  private final boolean mayWrite;
  private final Ticker ticker;
  private final RepairLog repairs;
  private final Pace entryPace;
  private final Pace rowPace;
  private final Pace upPace;
  private final Pace claimPace;

  private NodeIntent intent;
  private boolean mayBegin = true;

  /** What tells this writer from those before it; empty where there is only one, ever. */
  private OptionalLong generation = OptionalLong.empty();

  /**
   * The generation that this controller may claim: the newest when it was its duty to write, or
   * when it was given the lock. One that has come since is for another to claim.
   */
  private OptionalLong mandate = OptionalLong.empty();

  /** What has been done about the lock, and is done again if it is taken from us. */
  private Lock.Wish wish = Lock.Wish.WAIT;

  /** Whether another had claimed the role with a newer generation when the last round was sent. */
  private boolean overruled;

  /** Whether the lock has not been given up for nothing lately. */
  private boolean mayYield = true;

  /** Where a claim was sent last, and which holds as far as it is known. */
  private long claimedConnection = NONE;

  private OptionalLong claimed = OptionalLong.empty();
  private @Nullable DatapathSession datapathSession;
  private @Nullable BridgeSession bridgeSession;
  private DatapathReport datapathReport =
      new DatapathReport(
          Optional.empty(), ImmutableList.of(), NONE, ImmutableMap.of(), "", 0, false);
  private BridgeReport bridgeReport =
      new BridgeReport(Optional.empty(), "", NONE, "", Lock.UNKNOWN);

  private long connection = NONE;
  private long confirmedConnection = NONE;
  private long entryRound = NONE;
  private long rowRound = NONE;
  private ImmutableList<RowChange> rowsSent = ImmutableList.of();
  private String rowsRefused = "";
  private NodeStatus.Writer writer = NodeStatus.Writer.UNDECIDED;
  private ImmutableMap<FlowKey, String> refused = ImmutableMap.of();
  private ImmutableSet<FlowKey> heldBack = ImmutableSet.of();

  /** What might change before what was refused is tried again, and when it was refused. */
  private @Nullable Circumstances refusedUnder;

  private long refusedNanos;

  /** Identities at which an entry of ours has been on this connection. */
  private ImmutableSet<FlowKey> owned = ImmutableSet.of();

  /** The entries that were wanted when all was well, or a round was sent, last. */
  private ImmutableMap<FlowKey, PlannedEntry> lastPlan = ImmutableMap.of();

  /** The mirror port's number then; empty if there was none. */
  private OptionalInt lastMirrorPort = OptionalInt.empty();

  /** When the first of what is new since then was noticed; 0 if nothing was. */
  private long noticedNanos;

  /** What was planned last, and of what: most reports change neither. */
  private record Planned(NodeIntent intent, Node node, Plan plan) {}

  private @Nullable Planned planned;

  /** What was compared last, and the difference. */
  private record Compared(
      Plan plan,
      ImmutableList<InstalledEntry> entries,
      ImmutableSet<FlowKey> heldBack,
      ImmutableSet<FlowKey> owned,
      FlowDiff diff) {
    @SuppressWarnings("ReferenceEquality") // It is what costs less than to compare once more.
    private boolean isOf(
        Plan otherPlan,
        ImmutableList<InstalledEntry> otherEntries,
        ImmutableSet<FlowKey> otherHeldBack,
        ImmutableSet<FlowKey> otherOwned) {
      return plan == otherPlan
          && entries == otherEntries
          && heldBack == otherHeldBack
          && owned == otherOwned;
    }
  }

  private @Nullable Compared compared;

  /** What is claimed, and where. */
  private record Claim(long connection, long generation) {}

  /** What is wanted, observed, and there that is not ours. */
  private record Circumstances(NodeIntent intent, Node node, ImmutableSet<FlowEntry> foreign) {
    /** What is wanted of pods that are elsewhere is no reason to try again. */
    private boolean areThoseOf(Circumstances other) {
      return node.equals(other.node)
          && foreign.equals(other.foreign)
          && MirrorCompiler.compilesTheSame(intent, other.intent, node);
    }
  }

  NodeLoop(NodeIntent intent, boolean mayWrite, Ticker ticker) {
    this.intent = intent;
    this.mayWrite = mayWrite;
    this.ticker = ticker;
    this.repairs = new RepairLog(ticker);
    this.entryPace = new Pace(ticker);
    this.rowPace = new Pace(ticker);
    this.upPace = new Pace(ticker);
    this.claimPace = new Pace(ticker);
  }

  void opened(DatapathSession datapathSession, BridgeSession bridgeSession) {
    this.datapathSession = datapathSession;
    this.bridgeSession = bridgeSession;
  }

  DatapathSession datapathSession() {
    return Objects.requireNonNull(datapathSession);
  }

  BridgeSession bridgeSession() {
    return Objects.requireNonNull(bridgeSession);
  }

  /** Whether this controller is known to be the only one at work here. */
  boolean isTheWriter() {
    return writer == NodeStatus.Writer.US;
  }

  /** Whether the database says so now. */
  boolean hasTheLock() {
    return bridgeReport.lock() == Lock.OURS;
  }

  /** Whether an entry of ours copies what an interface sends, or what is delivered to it. */
  boolean hasEntriesAt(Node node, Interface row) {
    Optional<Integer> ofport = node.port(row).map(Port::ofport);
    if (ofport.isEmpty()) {
      return false;
    }
    int number = ofport.get();
    Optional<LogicalPort> keys = node.datapath().map(live -> live.plainLogicalPorts().get(number));
    return datapathReport.entries().stream()
        .anyMatch(there -> MirrorEntries.copiesAt(there.entry(), number, keys));
  }

  /**
   * Takes what this controller does here among several.
   *
   * @param isToWrite whether it is its duty to write here, as far as it knows
   */
  void assign(OptionalLong newGeneration, boolean isToWrite, Lock.Wish newWish) {
    boolean anew = !newGeneration.equals(generation) || newWish != wish;
    mayYield |= !newGeneration.equals(generation);
    boolean takenBack = wish == Lock.Wish.STEAL && newWish == Lock.Wish.WAIT;
    generation = newGeneration;
    if (isToWrite || overruled) {
      mandate = generation;
    }
    wish = newWish;
    if (reads()) {
      // Who does not ask for the lock is not told of it: one of the others has it.
      writer = NodeStatus.Writer.ANOTHER;
    }
    if (takenBack && generation.isPresent() && bridgeSession != null) {
      // A database that comes back later is not for this controller to take from anybody.
      bridgeSession.lock(Lock.Wish.WAIT);
    }
    if (anew && generation.isPresent()) {
      takeTheLock();
    }
  }

  /** Whether it is one of several controllers, and not its duty to write here, nor to stand by. */
  private boolean reads() {
    return wish == Lock.Wish.NONE && generation.isPresent();
  }

  private void takeTheLock() {
    if (bridgeSession != null && wish == Lock.Wish.STEAL && !isTheWriter()) {
      bridgeSession.lock(Lock.Wish.STEAL);
    }
  }

  /**
   * Whoever has the lock and is overruled by a newer claim can do nothing with it; whoever waits
   * may be able to. Once, lest two such pass it to and fro, and again with each {@link #retry}.
   */
  private void yieldIfOverruled() {
    if (bridgeSession != null
        && mayYield
        && generation.isPresent()
        && bridgeReport.lock() == Lock.OURS
        && overruled) {
      mayYield = false;
      bridgeSession.lock(Lock.Wish.YIELD);
    }
  }

  /** Whether it is for this controller to clean the node when it is not wanted any more. */
  boolean mayClean() {
    return generation.isEmpty() || isTheWriter();
  }

  /**
   * Says to the switch, once on each connection, that whoever wrote before is not to any more, and
   * again when the switch says that another has said so since. Only who has the lock may say so:
   * while the database is away, nobody knows who has taken it since.
   */
  private void claim() {
    claimPace.rest();
    if (mandate.isPresent()
        && bridgeReport.lock() == Lock.OURS
        && (claimedConnection != connection || !claimed.equals(mandate))
        && claimPace.allows(ImmutableSet.of(new Claim(connection, mandate.getAsLong())))) {
      claimedConnection = connection;
      claimed = mandate;
      overruled = false;
      // What was refused to who was not the master is not refused to who is.
      letTryAgain();
      Objects.requireNonNull(datapathSession).claim(connection, mandate.getAsLong());
    }
  }

  /** Whether all who may ask for something have spoken: before, nothing is written. */
  void mayBegin(boolean begin) {
    mayBegin = begin;
  }

  /**
   * Takes what is wanted from now on; what was refused may not be any more.
   *
   * @param cause who says so
   */
  void want(NodeIntent wanted, Cause cause) {
    if (!wanted.equals(intent)) {
      Planned last = planned;
      boolean elsewhere =
          last != null && MirrorCompiler.compilesTheSame(intent, wanted, last.node());
      intent = wanted;
      if (elsewhere) {
        // Whoever is fought with here, or has refused, is not to be tried again for that.
        return;
      }
      repairs.askedOtherwise(cause);
      entryPace.begin();
      notice(ticker.read());
      letTryAgain();
    }
  }

  void close() {
    if (datapathSession != null) {
      datapathSession.close();
    }
    if (bridgeSession != null) {
      bridgeSession.close();
    }
  }

  void received(DatapathReport report) {
    long live = report.datapath().map(Datapath::connection).orElse(NONE);
    notice(report.noticedNanos());
    if (live != connection) {
      // The report of the loss may have given way to that of the next connection.
      if (connection != NONE) {
        repairs.lost(report.noticedNanos());
      }
      // A round on a connection that is gone is over, whatever became of it: the next read tells.
      connection = live;
      entryRound = NONE;
      refused = ImmutableMap.of();
      heldBack = ImmutableSet.of();
      owned = ImmutableSet.of();
    } else if (report.round() == entryRound && report.round() != datapathReport.round()) {
      repairs.answered(report.refused().isEmpty());
      ImmutableMap.Builder<FlowKey, String> still = ImmutableMap.builder();
      refused.forEach(
          (key, error) -> {
            if (heldBack.contains(key)) {
              still.put(key, error);
            }
          });
      refused = still.putAll(report.refused()).buildKeepingLast();
      heldBack = refused.keySet();
      refusedUnder = null;
      overruled = report.isOverruled();
      yieldIfOverruled();
      if (report.isSlave()) {
        // With the lock in hand it is claimed anew; and if it is another's, it has told so.
        claimed = OptionalLong.empty();
      }
    }
    datapathReport = report;
    confirm();
  }

  private void notice(long nanos) {
    if (noticedNanos == 0) {
      noticedNanos = nanos;
    }
  }

  void received(BridgeReport report) {
    notice(ticker.read());
    if (report.round() == rowRound && report.round() != bridgeReport.round()) {
      rowsRefused = report.refused();
      if (report.isUnanswered()) {
        // As if it had not been sent: the report of the loss may have given way to this one.
        rowsSent = ImmutableList.of();
        rowsRefused = "";
      }
    }
    if (bridgeReport.bridge().isEmpty() && report.bridge().isPresent()) {
      // What was refused for want of a connection is not refused any more.
      rowsSent = ImmutableList.of();
      rowsRefused = "";
    }
    switch (report.lock()) {
      case OURS -> {
        if (bridgeReport.lock() != Lock.OURS) {
          // Whoever wrote meanwhile may have claimed the role, with this very generation.
          claimed = OptionalLong.empty();
          mandate = generation;
        }
        // Who has not asked for it has no say, whatever the database tells of it.
        writer = reads() ? NodeStatus.Writer.ANOTHER : NodeStatus.Writer.US;
      }
      case ANOTHERS, REFUSED -> writer = NodeStatus.Writer.ANOTHER;
      // Who had it when the database went away goes on with what may be done without it.
      case UNKNOWN -> {}
    }
    bridgeReport = report;
    confirm();
  }

  private void confirm() {
    if (bridgeReport.bridge().isPresent()) {
      confirmedConnection = connection;
    }
  }

  /**
   * Lets what had no effect, or was left to another controller, be tried again; says whether there
   * is anything of that kind, and be it an entry that is refused only for so long.
   */
  boolean retry() {
    boolean isOver = rowsSent.isEmpty() && heldBack.isEmpty();
    rowsSent = ImmutableList.of();
    mayYield = true;
    if (generation.isPresent()) {
      takeTheLock();
      yieldIfOverruled();
    }
    return !isOver;
  }

  private void letTryAgain() {
    heldBack = ImmutableSet.of();
    rowsSent = ImmutableList.of();
  }

  /**
   * The switch would say the same of the same, so that what it has refused is not sent again until
   * something is different, or as much time has gone as after which entries are renewed.
   */
  private void reconsiderRefusals(Node node) {
    if (heldBack.isEmpty()) {
      refusedUnder = null;
      return;
    }
    Circumstances now =
        new Circumstances(
            intent,
            node,
            datapathReport.entries().stream()
                .filter(there -> !there.isOurs())
                .map(InstalledEntry::entry)
                .collect(ImmutableSet.toImmutableSet()));
    if (refusedUnder == null) {
      refusedUnder = now;
      refusedNanos = ticker.read();
    } else if (!refusedUnder.areThoseOf(now)
        || ticker.read() - refusedNanos > Duration.ofSeconds(intent.holdSeconds()).toNanos() / 3) {
      heldBack = ImmutableSet.of();
      refusedUnder = null;
    }
  }

  private void remember(Node node, Plan plan, FlowDiff diff) {
    if (!isRemembered(plan)) {
      ImmutableSet.Builder<FlowKey> ours = ImmutableSet.builder();
      owned.stream().filter(plan.entries()::containsKey).forEach(ours::add);
      for (InstalledEntry there : datapathReport.entries()) {
        if (there.isOurs() && plan.entries().containsKey(there.entry().key())) {
          ours.add(there.entry().key());
        }
      }
      owned = ours.build();
    }
    if (diff.inSync()) {
      lastPlan = plan.entries();
      lastMirrorPort = mirrorPort(node);
      noticedNanos = 0;
    }
  }

  /** Nearly always: all that is planned, and nothing else, has been seen before. */
  private boolean isRemembered(Plan plan) {
    return owned.size() == plan.entries().size() && plan.entries().keySet().containsAll(owned);
  }

  /** How long until this node wants to be reconciled although nothing was reported. */
  Optional<Duration> wakeAfter() {
    return Stream.of(
            entryPace.waiting(),
            rowPace.waiting(),
            upPace.waiting(),
            claimPace.waiting(),
            repairs.wakeAfter())
        .flatMap(Optional::stream)
        .min(Comparator.naturalOrder());
  }

  /**
   * Compares, starts what is to be done, and says where the node stands.
   *
   * @param otherHolder the other node whose datapath this one is, see {@link Claims}
   */
  NodeStatus reconcile(Node node, Optional<String> otherHolder) {
    boolean mayDelete = mayDelete(node) && otherHolder.isEmpty();
    boolean mayRepair = mayDelete && mayBegin && connection == confirmedConnection;
    if (mayRepair && node.datapath().isPresent()) {
      claim();
    }
    reconsiderRefusals(node);
    Plan plan = plan(node);
    FlowDiff diff = compare(plan);
    forgetRefusalsWithoutDrift(diff);
    if (node.datapath().isPresent()) {
      repairs.compared(diff, heldBack, noticed());
    }
    boolean working = false;
    entryPace.rest();
    rowPace.rest();
    upPace.rest();
    if (mayRepair) {
      FlowDiff allowed =
          isStillTheWriter() ? diff : diff.only(isOursToDelete(node, diff, plan, true));
      boolean isWhole = allowed.changes().size() == diff.changes().size();
      boolean entries = isWhole ? repairEntries(node, plan, diff) : deleteOnly(node, allowed);
      boolean rows = repairRows(plan, diff);
      working = entries || rows;
    } else if (mayDelete) {
      working = deleteOnly(node, diff.only(isOursToDelete(node, diff, plan, false)));
    }
    remember(node, plan, diff);
    ImmutableList<Obstacle> waiting = waiting(node, plan, otherHolder);
    boolean told = datapathReport.datapath().isPresent() && bridgeReport.bridge().isPresent();
    boolean settled =
        told
            && waiting.isEmpty()
            && !working
            && mayBegin
            && (!mayWrite || isTheWriter())
            && diff.inSync()
            && diff.conflicts().isEmpty()
            && diff.hidden().isEmpty()
            && refused.isEmpty()
            && plan.rows().isEmpty()
            && plan.bringUp().isEmpty()
            && !mirrorPortIsMissing(node);
    return new NodeStatus(
        intent,
        node,
        plan,
        datapathReport.entries(),
        diff,
        refused,
        writer,
        waiting,
        repairs.contest(),
        settled,
        repairs.newest());
  }

  @SuppressWarnings("ReferenceEquality") // What is equal is not to be kept twice.
  private Plan plan(Node node) {
    Planned last = planned;
    if (last == null
        || !last.node().equals(node)
        || !MirrorCompiler.compilesTheSame(last.intent(), intent, node)) {
      Plan plan = MirrorCompiler.compile(intent, node);
      // One that is the same stays the same object, which is compared at no cost.
      last =
          new Planned(intent, node, last != null && last.plan().equals(plan) ? last.plan() : plan);
      planned = last;
    } else if (last.intent() != intent) {
      // The old one may be the last to hold thousands of others' pods.
      planned = new Planned(intent, node, last.plan());
    }
    return last.plan();
  }

  /** What is wanted elsewhere, or told of OVSDB, makes no other difference here. */
  private FlowDiff compare(Plan plan) {
    Compared last = compared;
    if (last == null || !last.isOf(plan, datapathReport.entries(), heldBack, owned)) {
      last =
          new Compared(
              plan,
              datapathReport.entries(),
              heldBack,
              owned,
              FlowDiff.between(plan, datapathReport.entries(), heldBack, owned));
      compared = last;
    }
    return last.diff();
  }

  private long noticed() {
    return noticedNanos == 0 ? ticker.read() : noticedNanos;
  }

  private void forgetRefusalsWithoutDrift(FlowDiff diff) {
    if (!diff.drift().keySet().containsAll(refused.keySet())) {
      refused =
          refused.entrySet().stream()
              .filter(entry -> diff.drift().containsKey(entry.getKey()))
              .collect(ImmutableMap.toImmutableMap(e -> e.getKey(), e -> e.getValue()));
    }
  }

  /**
   * Whether what has departed may be deleted: this is the writer, as far as it knows, and the
   * switch is the one that OVSDB has spoken of. For anything else all who may ask for something
   * must have spoken, and OVSDB must have said that saved flows are not being restored: that this
   * switch, on the very connection that is live, is not in the middle of ovs-ctl's restart.
   */
  private boolean mayDelete(Node node) {
    return mayWrite
        && isTheWriter()
        && node.bridge().isPresent()
        && node.isOneSwitch()
        && !restoring(node);
  }

  /**
   * Whether another that has taken the lock since would not be harmed: there is none, or the switch
   * takes nothing from this one then.
   */
  private boolean isStillTheWriter() {
    return bridgeReport.lock() == Lock.OURS
        || (generation.isPresent() && claimedConnection == connection);
  }

  /**
   * What may be done while it is not known what is wanted, or who writes: to delete what nobody can
   * want, and, on a connection that is known, what this controller has made and does not want any
   * more.
   */
  private Predicate<FlowChange> isOursToDelete(Node node, FlowDiff diff, Plan plan, boolean known) {
    if (diff.changes().isEmpty()) {
      return change -> false;
    }
    Departed departed = Departed.of(node);
    ImmutableSet<FlowKey> keys =
        datapathReport.entries().stream()
            .filter(InstalledEntry::isOurs)
            .map(InstalledEntry::entry)
            .filter(entry -> departed.includes(entry) || (known && isTakenBack(entry, plan)))
            .map(FlowEntry::key)
            .collect(ImmutableSet.toImmutableSet());
    return change -> change instanceof FlowChange.Delete && keys.contains(change.key());
  }

  private boolean isTakenBack(FlowEntry entry, Plan plan) {
    return isPlanned(entry, lastPlan) && !isPlanned(entry, plan.entries());
  }

  private static boolean isPlanned(FlowEntry entry, ImmutableMap<FlowKey, PlannedEntry> plan) {
    PlannedEntry planned = plan.get(entry.key());
    // One that was added between two renewals ends sooner than is planned, see FlowDiff.
    return planned != null && planned.entry().withHardTimeout(entry.hardTimeout()).equals(entry);
  }

  private void send(DatapathSession session, List<FlowChange> changes, boolean proven) {
    entryRound = Math.max(entryRound, datapathReport.round()) + 1;
    session.apply(connection, entryRound, changes, proven);
  }

  /** Starts or awaits a round on the entries; false when there is nothing to do. */
  private boolean repairEntries(Node node, Plan plan, FlowDiff diff) {
    if (node.datapath().isEmpty()) {
      return false;
    }
    if (datapathReport.round() < entryRound) {
      return true;
    }
    DatapathSession session = Objects.requireNonNull(datapathSession);
    if (plan.bringUp().isPresent() && upPace.allows(ImmutableSet.of(plan.bringUp().getAsInt()))) {
      session.bringUp(connection, plan.bringUp().getAsInt());
    }
    List<FlowChange> changes = diff.changes();
    if (changes.isEmpty()) {
      return false;
    }
    if (entryPace.allows(ImmutableSet.copyOf(Lists.transform(changes, FlowChange::key)))) {
      boolean planIsTheSame = plan.entries().equals(lastPlan);
      boolean sameMirrorPort = mirrorPort(node).equals(lastMirrorPort);
      Optional<Cause> moved =
          planIsTheSame
              ? Optional.empty()
              : Optional.of(sameMirrorPort ? Cause.MOVED : Cause.MIRROR_PORT);
      repairs.sent(diff, heldBack, moved, datapathReport.wiped(), noticed());
      lastPlan = plan.entries();
      lastMirrorPort = mirrorPort(node);
      noticedNanos = 0;
      boolean proven =
          planIsTheSame
              && refused.isEmpty()
              && diff.drift().values().stream().allMatch(kind -> kind == Drift.MISSING)
              && owned.containsAll(diff.drift().keySet());
      send(session, changes, proven);
    }
    return true;
  }

  /**
   * Starts or awaits a round of what may be deleted; no repair, for what is missing stays so. False
   * when there is nothing to do.
   */
  private boolean deleteOnly(Node node, FlowDiff allowed) {
    if (node.datapath().isEmpty()) {
      return false;
    }
    if (datapathReport.round() < entryRound) {
      return true;
    }
    List<FlowChange> changes = allowed.changes();
    if (changes.isEmpty()) {
      return false;
    }
    ImmutableSet<FlowKey> keys =
        changes.stream().map(FlowChange::key).collect(ImmutableSet.toImmutableSet());
    if (entryPace.allows(keys)) {
      // Whoever makes the same once more has reasons of his own.
      lastPlan = ImmutableMap.copyOf(Maps.filterKeys(lastPlan, key -> !keys.contains(key)));
      send(Objects.requireNonNull(datapathSession), changes, false);
    }
    return true;
  }

  /** Starts or awaits a round on br-int's rows; false when there is nothing to do. */
  private boolean repairRows(Plan plan, FlowDiff diff) {
    if (bridgeReport.bridge().isEmpty()) {
      return false;
    }
    if (bridgeReport.round() < rowRound) {
      return true;
    }
    ImmutableList<RowChange> wanted =
        plan.rows().isEmpty() ? removableNow(plan, diff) : plan.rows();
    if (wanted.equals(rowsSent)) {
      // Nothing to do, or it has been answered without effect.
      return false;
    }
    if (wanted.isEmpty()) {
      rowsSent = wanted;
      rowsRefused = "";
      return false;
    }
    // A port that comes and goes is worse than an entry that does: it can cost packets in tunnels.
    if (!rowPace.allows(ImmutableSet.copyOf(Lists.transform(wanted, RowChange::port)))) {
      return true;
    }
    rowsSent = wanted;
    rowRound++;
    Objects.requireNonNull(bridgeSession).apply(rowRound, wanted);
    return true;
  }

  /** A port of ours goes only after the last entry that outputs to it. */
  private ImmutableList<RowChange> removableNow(Plan plan, FlowDiff diff) {
    boolean told = datapathReport.datapath().isPresent();
    return told && diff.inSync() && refused.isEmpty()
        ? plan.removableRows().stream()
            .filter(row -> !outputsTo(row.port()))
            .collect(ImmutableList.toImmutableList())
        : ImmutableList.of();
  }

  private boolean outputsTo(String portName) {
    return datapathReport
        .datapath()
        .flatMap(datapath -> datapath.port(portName))
        .filter(
            port ->
                datapathReport.entries().stream()
                    .flatMap(there -> there.entry().actions().stream())
                    .anyMatch(new Action.Output(port.ofport())::equals))
        .isPresent();
  }

  private ImmutableList<Obstacle> waiting(Node node, Plan plan, Optional<String> otherHolder) {
    ImmutableList.Builder<Obstacle> waiting = ImmutableList.builder();
    // Before the first report there is neither a connection nor a reason for its absence.
    if (datapathReport.datapath().isEmpty() && !datapathReport.reason().isEmpty()) {
      waiting.add(new Obstacle(On.OPENFLOW, "no OpenFlow: " + datapathReport.reason()));
    }
    if (bridgeReport.bridge().isEmpty() && !bridgeReport.reason().isEmpty()) {
      waiting.add(new Obstacle(On.OVSDB, "no OVSDB: " + bridgeReport.reason()));
    }
    if (!mayBegin) {
      waiting.add(
          new Obstacle(
              On.INTENT,
              "the Kubernetes API has not said yet what is to be mirrored: nothing is written, and what"
                  + " is there stays as long as its port does"));
    }
    if (restoring(node)) {
      waiting.add(
          new Obstacle(
              On.SWITCH,
              "the switch is restoring saved flows (flow-restore-wait): nothing is written"));
    }
    if (!rowsRefused.isEmpty()) {
      waiting.add(new Obstacle(On.MIRROR_PORT, "OVSDB refused " + rowsSent + ": " + rowsRefused));
    }
    if (!plan.rows().isEmpty()
        && plan.rows().equals(rowsSent)
        && bridgeReport.round() == rowRound
        && rowsRefused.isEmpty()) {
      waiting.add(
          new Obstacle(
              On.MIRROR_PORT,
              "OVSDB took " + rowsSent + ", and it is not so: does somebody else undo it?"));
    }
    if (rowPace.isStruggling()) {
      waiting.add(
          new Obstacle(
              On.MIRROR_PORT, "Contested: somebody removes our mirror port as fast as it is made"));
    }
    int remembered = node.datapath().map(datapath -> datapath.remembered().size()).orElse(0);
    if (remembered > 0) {
      waiting.add(
          new Obstacle(
              On.OVN,
              "OVN has removed all entries and has not put those of "
                  + remembered
                  + " ports back: is ovn-controller running? Ours are kept by what was known"));
    }
    otherHolder.ifPresent(
        other ->
            waiting.add(
                new Obstacle(
                    On.ADDRESSES,
                    "this is the datapath of node "
                        + other
                        + ", "
                        + node.datapath().map(Datapath::dpidText).orElse("")
                        + ", by another address: nothing is written; take one of the two out of the"
                        + " configuration")));
    if (bridgeReport.lock() == Lock.REFUSED) {
      waiting.add(
          new Obstacle(
              On.WRITER,
              "the database knows no locks, so that nobody can tell whether another controller is at"
                  + " work: nothing is written"));
    } else if (writer == NodeStatus.Writer.ANOTHER
        && otherHolder.isEmpty()
        && generation.isEmpty()) {
      waiting.add(
          new Obstacle(
              On.WRITER,
              "another controller is at work on this node: it holds the lock flowmirror in OVSDB."
                  + " Nothing is written until it is gone; --force takes over from it"));
    }
    if (!node.isOneSwitch()) {
      waiting.add(
          new Obstacle(
              On.ADDRESSES,
              "openflow: and ovsdb: of this node name two switches: OpenFlow's datapath id is "
                  + node.datapath().map(Datapath::dpidText).orElse("")
                  + ", that of OVSDB's br-int is "
                  + node.bridge().map(Bridge::datapathId).orElse("")
                  + "; nothing is written"));
    }
    if (mirrorPortIsMissing(node)
        && node.isOneSwitch()
        && plan.rows().isEmpty()
        && plan.refusals().isEmpty()
        && !isBeingMade(node)) {
      waiting.add(
          new Obstacle(
              On.MIRROR_PORT,
              "mirror-iface " + intent.mirrorIface().orElse("") + " is not a port of br-int"));
    }
    return waiting.build();
  }

  private OptionalInt mirrorPort(Node node) {
    return intent
        .mirrorIface()
        .flatMap(node::port)
        .map(port -> OptionalInt.of(port.ofport()))
        .orElse(OptionalInt.empty());
  }

  private boolean mirrorPortIsMissing(Node node) {
    return datapathReport.datapath().isPresent()
        && bridgeReport.bridge().isPresent()
        && intent.mirrorIface().isPresent()
        && node.port(intent.mirrorIface().get()).isEmpty();
  }

  /** OVSDB has the row, and the switch has not acted on it: a matter of milliseconds. */
  private boolean isBeingMade(Node node) {
    return node.bridge()
        .flatMap(
            bridge -> Optional.ofNullable(bridge.interfaces().get(intent.mirrorIface().orElse(""))))
        .filter(row -> row.error().isEmpty() && row.ofport().isEmpty())
        .isPresent();
  }

  private static boolean restoring(Node node) {
    return node.bridge().map(Bridge::flowRestoreWait).orElse(false);
  }
}
