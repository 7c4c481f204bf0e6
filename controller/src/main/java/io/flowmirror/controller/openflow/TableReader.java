// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import com.google.common.collect.Collections2;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.Lists;
import io.flowmirror.controller.openflow.Requests.RefusedException;
import io.flowmirror.flows.Cookie;
import io.flowmirror.flows.FlowChange;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.FlowKey;
import io.flowmirror.flows.FlowText;
import io.flowmirror.flows.InstalledEntry;
import io.flowmirror.flows.OvnPipeline;
import io.flowmirror.topology.LogicalPort;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads one connection's flow tables. A full reading is tables 0 and T, each whole, for a request
 * for one table costs the switch next to nothing; what costs it a scan of every table (T itself,
 * entries of ours elsewhere, OVN's way to mark NAT) is asked once and again only when there is a
 * reason. Between readings the flow monitor tells what changes.
 *
 * <p>Runs on the connection's event loop; one reading at a time. An entry that nobody needs is
 * dropped as soon as it is decoded.
 */
final class TableReader {

  /**
   * What is known of the tables.
   *
   * @param remembered ports whose entries OVN has wiped, see {@link KeyMemory}
   * @param entries ours, and foreign ones that may stand in their way
   */
  record Reading(
      OptionalInt deliveryTable,
      ImmutableList<LogicalPort> logicalPorts,
      ImmutableList<LogicalPort> remembered,
      boolean natInLabel,
      ImmutableList<InstalledEntry> entries) {}

  private static final Logger LOG = LoggerFactory.getLogger(TableReader.class);

  /** How many ports one reading asks for T: each question scans every table. */
  private static final int MAX_QUESTIONS = 3;

  /** How often OVN's way to mark NAT is asked for again; it scans every table. */
  private static final Duration NAT_INTERVAL = Duration.ofMinutes(5);

  private static final String OURS = "OFPMP_FLOW of our cookies";

  private final Connection connection;
  private final int maxEntries;
  private final TableView view;
  private final KeyMemory memory = new KeyMemory();
  private int kept;
  private final Set<Integer> monitored = new HashSet<>();
  private boolean monitors = true;
  private OptionalInt deliveryTable = OptionalInt.empty();
  private boolean searching;
  private int asked;
  private boolean natAsked;
  private long natAskedNanos;
  private boolean natInLabel;
  private @Nullable List<InstalledEntry> everywhere;
  private ImmutableList<LogicalPort> candidates = ImmutableList.of();
  private ImmutableList<LogicalPort> logicalPorts = ImmutableList.of();

  /** The view's version of which those two were concluded, and T then. */
  private long concludedOf = -1;

  private OptionalInt concludedWith = OptionalInt.empty();

  /**
   * Begins without any knowledge of the switch.
   *
   * @param maxEntries how many entries may be kept of one reading
   */
  TableReader(Connection connection, int maxEntries) {
    this.connection = connection;
    this.maxEntries = maxEntries;
    this.view = new TableView(maxEntries);
  }

  /** Whether the switch tells of changes by itself. */
  boolean monitors() {
    return monitors;
  }

  /** Whether T is looked for, in a table that is not watched for changes, therefore. */
  boolean searching() {
    return searching;
  }

  /** Whether a full reading reads all of this table. */
  boolean watches(int table) {
    return table == OvnPipeline.INGRESS_TABLE
        || (deliveryTable.isPresent() && deliveryTable.getAsInt() == table);
  }

  /** Makes the next reading look for entries of ours in all tables once more. */
  void lookEverywhere() {
    everywhere = null;
  }

  /** Takes an update of the flow monitor; says whether it is of any concern. */
  boolean update(FlowUpdate update) {
    return view.update(update);
  }

  /** Takes changes of ours that the switch has made. */
  void changed(List<FlowChange> changes) {
    changes.forEach(view::changed);
  }

  /** Whether OVN's entries and ours are gone, and were there. */
  boolean isWiped() {
    return deliveryTable.isPresent() && view.isEmpty();
  }

  /** Whether an entry of this identity is known to be there. */
  boolean has(FlowKey key) {
    return view.has(key);
  }

  /** What is known of this number is void. */
  void forgetPort(int ofport) {
    view.forgetPort(ofport);
    memory.forgetPort(ofport);
  }

  /** Reads the tables; the future fails if the connection is of no further use. */
  CompletableFuture<?> read() {
    kept = everywhere == null ? 0 : everywhere.size();
    return monitor(OvnPipeline.INGRESS_TABLE)
        .thenCompose(done -> readTable(OvnPipeline.INGRESS_TABLE))
        .thenCompose(done -> find(candidates()))
        .thenCompose(done -> readDelivery())
        .thenCompose(done -> askEverywhere())
        .thenCompose(done -> askNat());
  }

  private CompletableFuture<?> readDelivery() {
    if (deliveryTable.isEmpty()) {
      return CompletableFuture.completedFuture(null);
    }
    // A wipe that is reported meanwhile makes it unknown.
    int table = deliveryTable.getAsInt();
    return monitor(table).thenCompose(watched -> readTable(table));
  }

  private CompletableFuture<?> readTable(int table) {
    List<InstalledEntry> found = new ArrayList<>();
    return table(table, found).thenAccept(done -> view.replace(table, found, nameOf(table)));
  }

  /** What others' entries say of the ports; concluded once, until any of them changes. */
  private void conclude() {
    long version = view.version();
    if (concludedOf == version && concludedWith.equals(deliveryTable)) {
      return;
    }
    candidates = OvnPipeline.candidates(entries(OvnPipeline.INGRESS_TABLE));
    logicalPorts =
        deliveryTable.isPresent()
            ? OvnPipeline.logicalPorts(candidates, entries(deliveryTable.getAsInt()))
            : ImmutableList.of();
    concludedOf = version;
    concludedWith = deliveryTable;
  }

  private ImmutableList<LogicalPort> candidates() {
    conclude();
    return candidates;
  }

  private Collection<FlowEntry> entries(int table) {
    return Collections2.transform(view.entries(table), InstalledEntry::entry);
  }

  /**
   * What is known now. It is told once: a wipe that it shows makes the next reading ask all anew.
   *
   * @param live the numbers of the ports that there are
   * @param nowNanos the time
   */
  Reading reading(Set<Integer> live, long nowNanos) {
    conclude();
    ImmutableList<LogicalPort> ports = logicalPorts;
    ImmutableList.Builder<InstalledEntry> entries = ImmutableList.builder();
    boolean ours = false;
    for (int table : watched()) {
      for (InstalledEntry installed : view.entries(table)) {
        if (TableView.isReported(installed.entry())) {
          entries.add(installed);
          ours |= installed.isOurs();
        }
      }
    }
    if (everywhere != null) {
      for (InstalledEntry installed : everywhere) {
        if (!watches(installed.entry().key().table())) {
          entries.add(installed);
        }
      }
    }
    OptionalInt table = deliveryTable;
    ImmutableList<LogicalPort> remembered = memory.update(ports, live, ours, nowNanos);
    if (ports.isEmpty() && table.isPresent()) {
      // OVN has wiped its entries or moved its tables: the next reading asks all of it anew, but
      // for T itself while OVN's entries are away altogether.
      natAsked = false;
      everywhere = null;
      if (!candidates.isEmpty() || remembered.isEmpty()) {
        view.forget(table.getAsInt());
        deliveryTable = OptionalInt.empty();
      }
    }
    return new Reading(table, ports, remembered, natInLabel, entries.build());
  }

  /** Whether what is known is not enough, so that the tables must be read. */
  boolean mustRead() {
    return !candidates().isEmpty() && (deliveryTable.isEmpty() || !natAsked || everywhere == null);
  }

  private List<Integer> watched() {
    return deliveryTable.isPresent() && deliveryTable.getAsInt() != OvnPipeline.INGRESS_TABLE
        ? List.of(OvnPipeline.INGRESS_TABLE, deliveryTable.getAsInt())
        : List.of(OvnPipeline.INGRESS_TABLE);
  }

  private CompletableFuture<?> table(int table, List<InstalledEntry> into) {
    return flows(
        Outgoing.flowStats(connection.nextXid(), table, Ofp.OFPP_ANY, 0, 0, Outgoing::anyMatch),
        nameOf(table),
        entry -> isOf(table, entry) && TableView.isNeeded(entry),
        into);
  }

  private static String nameOf(int table) {
    return "OFPMP_FLOW of table " + table;
  }

  private static boolean isOf(int table, FlowEntry entry) {
    if (entry.key().table() != table) {
      throw new MisbehaviourException(
          "an entry of table " + entry.key().table() + " in the reply to " + nameOf(table));
    }
    return true;
  }

  /** No two entries have one identity (OpenFlow 1.3.5, section 5.2). */
  private static List<InstalledEntry> unique(List<InstalledEntry> read, String name) {
    Set<FlowKey> keys = HashSet.newHashSet(read.size());
    for (InstalledEntry there : read) {
      if (!keys.add(there.entry().key())) {
        throw new MisbehaviourException(
            "an entry twice in the reply to " + name + ": " + FlowText.format(there.entry().key()));
      }
    }
    return read;
  }

  private CompletableFuture<?> flows(
      Outgoing request, String name, Predicate<FlowEntry> needed, List<InstalledEntry> into) {
    return connection.requestParts(
        request,
        name,
        Multipart.FLOW,
        part ->
            FlowDecoder.decode(
                part,
                installed -> {
                  if (needed.test(installed.entry())) {
                    keep(installed, name, into);
                  }
                }));
  }

  /** A table that is larger than any of OVN's would take the memory of all other nodes. */
  private void keep(InstalledEntry installed, String name, List<InstalledEntry> into) {
    if (++kept > maxEntries) {
      throw new MisbehaviourException(
          "more than " + maxEntries + " entries to keep, up to " + name);
    }
    into.add(installed);
  }

  /** Asks for updates of a table before it is first read, so that no change falls in between. */
  private CompletableFuture<?> monitor(int table) {
    if (!monitors || !monitored.add(table)) {
      return CompletableFuture.completedFuture(null);
    }
    return connection
        .requestParts(
            Outgoing.flowMonitor(connection.nextXid(), table),
            "ONF flow monitor",
            Multipart.EXPERIMENTER,
            part -> {})
        .handle(
            (reply, failure) -> {
              if (failure instanceof RefusedException) {
                LOG.debug("{}; tables are polled", failure.getMessage());
                monitors = false;
              } else if (failure != null) {
                throw new CompletionException(failure);
              }
              return null;
            });
  }

  /** Looks for T, by the ports that table 0 tells of, in ascending order. */
  private CompletableFuture<?> find(List<LogicalPort> candidates) {
    return deliveryTable.isPresent()
        ? CompletableFuture.completedFuture(null)
        : find(ImmutableList.copyOf(candidates), Math.min(candidates.size(), MAX_QUESTIONS));
  }

  private CompletableFuture<?> find(List<LogicalPort> candidates, int questions) {
    searching = !candidates.isEmpty();
    if (questions == 0) {
      return CompletableFuture.completedFuture(null);
    }
    LogicalPort candidate = candidates.get(asked++ % candidates.size());
    List<InstalledEntry> outputs = new ArrayList<>();
    return flows(
            Outgoing.flowStats(
                connection.nextXid(), Ofp.OFPTT_ALL, candidate.ofport(), 0, 0, Outgoing::anyMatch),
            "OFPMP_FLOW with out_port " + candidate.ofport(),
            OvnPipeline::concernsDelivery,
            outputs)
        .thenCompose(
            done -> {
              deliveryTable =
                  OvnPipeline.deliveryTable(
                      candidate, Lists.transform(outputs, InstalledEntry::entry));
              if (deliveryTable.isEmpty()) {
                return find(candidates, questions - 1);
              }
              searching = false;
              asked = 0;
              return CompletableFuture.completedFuture(null);
            });
  }

  private CompletableFuture<?> askEverywhere() {
    if (everywhere != null) {
      return CompletableFuture.completedFuture(null);
    }
    List<InstalledEntry> found = new ArrayList<>();
    return flows(
            Outgoing.flowStats(
                connection.nextXid(),
                Ofp.OFPTT_ALL,
                Ofp.OFPP_ANY,
                Cookie.OWNER,
                Cookie.OWNER_MASK,
                Outgoing::anyMatch),
            OURS,
            // Those of the watched tables have just been read, and may be very many.
            entry -> Cookie.isOurs(entry.cookie()) && !watches(entry.key().table()),
            found)
        .thenAccept(done -> everywhere = unique(found, OURS));
  }

  private CompletableFuture<?> askNat() {
    // While OVN is upgraded, northd changes over when the last old chassis is gone: nothing here
    // tells of that, so it is asked for.
    boolean stale = System.nanoTime() - natAskedNanos > NAT_INTERVAL.toNanos();
    if ((natAsked && !natInLabel && !stale) || deliveryTable.isEmpty()) {
      return CompletableFuture.completedFuture(null);
    }
    boolean[] found = new boolean[1];
    return connection
        .requestParts(
            Outgoing.flowStats(
                connection.nextXid(), Ofp.OFPTT_ALL, Ofp.OFPP_ANY, 0, 0, Outgoing::natInLabelMatch),
            "OFPMP_FLOW with ct_label",
            Multipart.FLOW,
            part -> found[0] |= part.isReadable())
        .handle(
            (reply, failure) -> {
              // A switch without ct_label cannot have an entry that matches on it.
              if (failure != null && !(failure instanceof RefusedException)) {
                throw new CompletionException(failure);
              }
              natAsked = true;
              natAskedNanos = System.nanoTime();
              natInLabel = found[0];
              return null;
            });
  }
}
