// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.Lists;
import io.flowmirror.controller.openflow.Requests.RefusedException;
import io.flowmirror.flows.Cookie;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.InstalledEntry;
import io.flowmirror.flows.MirrorEntries;
import io.flowmirror.flows.OvnPipeline;
import io.flowmirror.topology.LogicalPort;
import java.time.Duration;
import java.util.ArrayList;
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
 * reason.
 *
 * <p>Runs on the connection's event loop; one reading at a time. An entry that nobody needs is
 * dropped as soon as it is decoded.
 */
final class TableReader {

  /**
   * What one reading has found.
   *
   * @param entries ours, and foreign ones at priorities at which ours stand
   */
  record Reading(
      OptionalInt deliveryTable,
      ImmutableList<LogicalPort> logicalPorts,
      boolean natInLabel,
      ImmutableList<InstalledEntry> entries) {}

  private static final Logger LOG = LoggerFactory.getLogger(TableReader.class);

  /** How many ports one reading asks for T: each question scans every table. */
  private static final int MAX_QUESTIONS = 3;

  /** How often OVN's way to mark NAT is asked for again; it scans every table. */
  private static final Duration NAT_INTERVAL = Duration.ofMinutes(5);

  private final Connection connection;
  private final int maxEntries;
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

  /**
   * Begins without any knowledge of the switch.
   *
   * @param maxEntries how many entries may be kept of one reading
   */
  TableReader(Connection connection, int maxEntries) {
    this.connection = connection;
    this.maxEntries = maxEntries;
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

  /** Reads the tables; the future fails if the connection is of no further use. */
  CompletableFuture<Reading> read() {
    kept = everywhere == null ? 0 : everywhere.size();
    List<InstalledEntry> ingress = new ArrayList<>();
    List<InstalledEntry> delivery = new ArrayList<>();
    List<LogicalPort> candidates = new ArrayList<>();
    return monitor(OvnPipeline.INGRESS_TABLE)
        .thenCompose(done -> table(OvnPipeline.INGRESS_TABLE, ingress))
        .thenCompose(
            done -> {
              candidates.addAll(
                  OvnPipeline.candidates(Lists.transform(ingress, TableReader::entry)));
              return find(candidates);
            })
        .thenCompose(
            done ->
                deliveryTable.isPresent()
                    ? monitor(deliveryTable.getAsInt())
                        .thenCompose(watched -> table(deliveryTable.getAsInt(), delivery))
                    : CompletableFuture.completedFuture(null))
        .thenCompose(done -> askEverywhere())
        .thenCompose(done -> askNat())
        .thenApply(done -> reading(candidates, ingress, delivery));
  }

  private Reading reading(
      List<LogicalPort> candidates, List<InstalledEntry> ingress, List<InstalledEntry> delivery) {
    ImmutableList<LogicalPort> ports =
        OvnPipeline.logicalPorts(candidates, Lists.transform(delivery, TableReader::entry));
    ImmutableList.Builder<InstalledEntry> entries = ImmutableList.builder();
    for (List<InstalledEntry> table : List.of(ingress, delivery)) {
      for (InstalledEntry installed : table) {
        if (isReported(installed.entry())) {
          entries.add(installed);
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
    if (ports.isEmpty() && table.isPresent()) {
      // OVN has wiped its entries or moved its tables: the next reading asks all of it anew.
      deliveryTable = OptionalInt.empty();
      natAsked = false;
      everywhere = null;
    }
    return new Reading(table, ports, natInLabel, entries.build());
  }

  private static FlowEntry entry(InstalledEntry installed) {
    return installed.entry();
  }

  private static boolean isReported(FlowEntry entry) {
    return Cookie.isOurs(entry.cookie()) || MirrorEntries.standAt(entry.key().priority());
  }

  private static boolean isNeeded(FlowEntry entry) {
    return isReported(entry)
        || OvnPipeline.concernsIngress(entry)
        || OvnPipeline.concernsDelivery(entry);
  }

  private CompletableFuture<?> table(int table, List<InstalledEntry> into) {
    return flows(
        Outgoing.flowStats(connection.nextXid(), table, Ofp.OFPP_ANY, 0, 0, Outgoing::anyMatch),
        "OFPMP_FLOW of table " + table,
        TableReader::isNeeded,
        into);
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
                      candidate, Lists.transform(outputs, TableReader::entry));
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
            "OFPMP_FLOW of our cookies",
            // Those of the watched tables have just been read, and may be very many.
            entry -> Cookie.isOurs(entry.cookie()) && !watches(entry.key().table()),
            found)
        .thenAccept(done -> everywhere = found);
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
