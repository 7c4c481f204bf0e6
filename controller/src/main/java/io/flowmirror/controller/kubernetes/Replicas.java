// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

import com.google.common.base.Joiner;
import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSortedSet;
import com.google.common.primitives.Longs;
import io.fabric8.kubernetes.api.model.coordination.v1.Lease;
import io.fabric8.kubernetes.api.model.coordination.v1.LeaseBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which controllers are alive, agreed on by Leases: each renews one of its own, and one more says
 * who the members are. The first by name of those that are alive keeps that one right; each change
 * of it is a new generation, made by comparing and swapping. Generations are times, at least: who
 * deletes that Lease does not make the switches, which remember the last one, refuse the next.
 *
 * <p>As client-go does, nobody trusts another's clock: a member is alive as long as its Lease goes
 * on changing, by the watcher's own time. Without the API the members stay who they were.
 *
 * <p>A thread of its own, on which the listener is called.
 */
public final class Replicas implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Replicas.class);

  private static final String LABEL = "flowmirror.io/lease";
  private static final String MEMBER = "member";
  private static final String MEMBERS_ANNOTATION = "flowmirror.io/members";
  private static final String GENERATION = "flowmirror.io/generation";

  /** The Lease that says who the members are. */
  static final String GROUP = "flowmirror";

  private static final String MEMBER_PREFIX = "flowmirror-";

  /** How often a member shows that it is alive. */
  public static final Duration RENEW = Duration.ofSeconds(1);

  /** For how long it may fail to, before it counts as dead. */
  public static final Duration EXPIRY = Duration.ofSeconds(5);

  /** Called on the thread of the replicas. */
  public interface Listener {
    /**
     * Tells who the members are.
     *
     * @param members their names
     * @param generation grows with each change of them
     * @param current whether that is known now, or was heard last
     */
    void members(ImmutableList<String> members, long generation, boolean current);
  }

  private record Sign(String renewed, long seenNanos) {}

  private record Told(ImmutableList<String> members, long generation, boolean current) {}

  private final KubernetesClient client;
  private final String namespace;
  private final String self;
  private final Listener listener;
  private final ScheduledExecutorService thread;
  private final Map<String, Sign> signs = new HashMap<>();
  private long succeededNanos = System.nanoTime();
  private String trouble = "";
  private @Nullable Told told;
  private boolean closed;

  /**
   * Joins.
   *
   * @param namespace where the Leases are
   * @param self this controller's name among the others: an RFC 1123 subdomain, such as its pod's
   */
  public Replicas(KubernetesClient client, String namespace, String self, Listener listener) {
    this.client = client;
    this.namespace = namespace;
    this.self = self;
    this.listener = listener;
    this.thread =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().name("replicas").daemon().factory());
    var unused = thread.scheduleAtFixedRate(this::turn, 0, RENEW.toMillis(), TimeUnit.MILLISECONDS);
  }

  private void turn() {
    if (closed) {
      return;
    }
    try {
      renew();
      look();
      succeededNanos = System.nanoTime();
      if (!trouble.isEmpty()) {
        log.info("Leases: the API is back");
        trouble = "";
      }
    } catch (KubernetesClientException e) {
      if (trouble.isEmpty()) {
        trouble = Reasons.of(e);
        log.warn("Leases: {}; the members stay who they were", trouble);
      }
      Told last = told;
      if (last != null && System.nanoTime() - succeededNanos > EXPIRY.toNanos()) {
        tell(new Told(last.members(), last.generation(), false));
      }
    } catch (RuntimeException e) {
      log.error("a fault of ours; the replicas go on", e);
    }
  }

  private void renew() {
    Lease mine =
        new LeaseBuilder()
            .withNewMetadata()
            .withNamespace(namespace)
            .withName(MEMBER_PREFIX + self)
            .addToLabels(LABEL, MEMBER)
            .endMetadata()
            .withNewSpec()
            .withHolderIdentity(self)
            .withLeaseDurationSeconds(Math.toIntExact(EXPIRY.toSeconds()))
            .withRenewTime(ZonedDateTime.now(ZoneOffset.UTC))
            .endSpec()
            .build();
    // Nobody else writes to it: whatever is there is ours, of a life before this one perhaps.
    try {
      var unused = client.leases().resource(mine).update();
    } catch (KubernetesClientException e) {
      if (e.getCode() != 404) {
        throw e;
      }
      var unused = client.leases().resource(mine).create();
    }
  }

  private void look() {
    List<Lease> all = client.leases().inNamespace(namespace).list().getItems();
    long now = System.nanoTime();
    TreeSet<String> seen = new TreeSet<>();
    for (Lease lease : all) {
      if (isMember(lease)) {
        String name = lease.getSpec().getHolderIdentity();
        seen.add(name);
        String renewed = String.valueOf(lease.getSpec().getRenewTime());
        Sign before = signs.get(name);
        if (before == null || !before.renewed().equals(renewed)) {
          signs.put(name, new Sign(renewed, now));
        }
      }
    }
    signs.keySet().retainAll(seen);
    ImmutableSortedSet<String> alive =
        seen.stream()
            .filter(
                name ->
                    name.equals(self)
                        || now - Objects.requireNonNull(signs.get(name)).seenNanos()
                            < EXPIRY.toNanos())
            .collect(ImmutableSortedSet.toImmutableSortedSet(Comparator.naturalOrder()));
    @Nullable Lease group =
        all.stream()
            .filter(lease -> lease.getMetadata().getName().equals(GROUP))
            .findFirst()
            .orElse(null);
    if (alive.first().equals(self) && !members(group).equals(alive.asList())) {
      group = change(group, alive.asList());
    }
    if (group != null) {
      tell(new Told(members(group), generation(group), true));
    }
    sweep(all, alive);
  }

  /** Members that have long been dead leave their Leases behind. */
  private void sweep(List<Lease> all, ImmutableSortedSet<String> alive) {
    if (!alive.first().equals(self)) {
      return;
    }
    ZonedDateTime old = ZonedDateTime.now(ZoneOffset.UTC).minusHours(1);
    for (Lease lease : all) {
      if (isMember(lease)
          && !alive.contains(lease.getSpec().getHolderIdentity())
          && lease.getSpec().getRenewTime() != null
          && lease.getSpec().getRenewTime().isBefore(old)) {
        var unused = client.leases().resource(lease).delete();
      }
    }
  }

  private static boolean isMember(Lease lease) {
    Map<String, String> labels = lease.getMetadata().getLabels();
    return labels != null
        && MEMBER.equals(labels.get(LABEL))
        && lease.getSpec() != null
        && lease.getSpec().getHolderIdentity() != null;
  }

  private static ImmutableList<String> members(@Nullable Lease group) {
    Map<String, String> annotations = group == null ? null : group.getMetadata().getAnnotations();
    String text = annotations == null ? "" : annotations.getOrDefault(MEMBERS_ANNOTATION, "");
    return ImmutableList.copyOf(Splitter.on(',').omitEmptyStrings().split(text));
  }

  private static long generation(@Nullable Lease group) {
    Map<String, String> annotations = group == null ? null : group.getMetadata().getAnnotations();
    Long number =
        annotations == null ? null : Longs.tryParse(annotations.getOrDefault(GENERATION, ""));
    return number == null ? 0 : number;
  }

  private Lease change(@Nullable Lease group, ImmutableList<String> members) {
    LeaseBuilder next = group == null ? new LeaseBuilder() : new LeaseBuilder(group);
    Lease changed =
        next.editOrNewMetadata()
            .withNamespace(namespace)
            .withName(GROUP)
            .addToAnnotations(MEMBERS_ANNOTATION, Joiner.on(',').join(members))
            .addToAnnotations(
                GENERATION,
                Long.toString(Math.max(generation(group) + 1, System.currentTimeMillis())))
            .endMetadata()
            .editOrNewSpec()
            .withHolderIdentity(self)
            .withRenewTime(ZonedDateTime.now(ZoneOffset.UTC))
            .endSpec()
            .build();
    // With the resource version that was read: if somebody else was faster, this one fails.
    return group == null
        ? client.leases().resource(changed).create()
        : client.leases().resource(changed).update();
  }

  private void tell(Told now) {
    if (!now.equals(told)) {
      log.info(
          "Leases: members {}, generation {}{}",
          now.members(),
          now.generation(),
          now.current() ? "" : ", as heard last");
      told = now;
      listener.members(now.members(), now.generation(), now.current());
    }
  }

  /** Leaves: the others need not wait for its Lease to run out. */
  @Override
  public void close() {
    thread.execute(
        () -> {
          closed = true;
          try {
            var unused =
                client.leases().inNamespace(namespace).withName(MEMBER_PREFIX + self).delete();
          } catch (KubernetesClientException e) {
            log.debug("Leases: could not leave: {}", Reasons.of(e));
          }
          thread.shutdown();
        });
    try {
      if (!thread.awaitTermination(6, TimeUnit.SECONDS)) {
        thread.shutdownNow();
      }
    } catch (InterruptedException e) {
      thread.shutdownNow();
      Thread.currentThread().interrupt();
    }
  }
}
