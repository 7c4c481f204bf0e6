// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.config.Settings;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.flows.EntryFilter;
import io.flowmirror.flows.InstalledEntry;
import io.flowmirror.topology.InterfaceCounters;
import io.flowmirror.topology.PodInterface;
import io.flowmirror.topology.PodName;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * What the northbound shows, and what it can have done. From whatever thread; futures fail with
 * what is to be told to the caller.
 */
public interface World {
  /** Where every node stands, by name. */
  ImmutableMap<String, NodeStatus> statuses();

  /** The configuration in force, without what was asked for by REST. */
  Settings settings();

  /** Completes when the loop has turned. */
  CompletableFuture<Void> turn();

  /** Why it is not known yet what is asked for, in words; empty if it is. */
  ImmutableList<String> unready();

  /** How much waits to be done, by the name of what it waits for. */
  ImmutableMap<String, Integer> queues();

  /** For how long the Kubernetes API has said nothing; empty where it is not followed. */
  Optional<Duration> apiSilence();

  /**
   * Tells all controllers that share the nodes something; empty for nothing. {@link
   * RequestBook#shared} of each hears of it.
   *
   * @throws IllegalStateException if that cannot be done now, in words
   */
  void share(String text);

  /** Has a node's tables read, and completes when {@link #statuses} has what was read. */
  CompletableFuture<Void> audit(String node);

  /** Reads entries from the switch, whosever they are. */
  CompletableFuture<Long> dump(
      String node, EntryFilter filter, Consumer<ImmutableList<InstalledEntry>> batches);

  /** Reads what a node's database says of these interfaces now. */
  CompletableFuture<ImmutableMap<String, InterfaceCounters>> counters(
      String node, ImmutableSet<String> interfaces);

  /** Who asks for what on a node by the Kubernetes API, in words. */
  ImmutableMap<PodInterface, ImmutableList<String>> askedByApi(String node);

  /** When what they ask for ends by itself, by who asks; absent where it does not. */
  ImmutableMap<String, Instant> endsByApi(String node);

  /** Why what the API asks for of a pod does not count, in words; empty if nothing is refused. */
  Optional<String> refusedByApi(PodName pod);
}
