// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

import com.google.common.base.Joiner;
import com.google.common.base.Splitter;
import com.google.common.base.Throwables;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSortedSet;
import com.google.common.primitives.Longs;
import io.fabric8.kubernetes.api.model.coordination.v1.Lease;
import io.fabric8.kubernetes.api.model.coordination.v1.LeaseBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.net.HttpURLConnection;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
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
 * <p>What all members are to know beside that is a word in the same Lease: it is read with it, so
 * that nobody is told who the members are and not what they share.
 *
 * <p>A thread of its own, on which the listener is called.
 */
public final class Replicas implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Replicas.class);

  private static final String LABEL = "flowmirror.io/lease";
  private static final String MEMBER = "member";
  private static final String MEMBERS_ANNOTATION = "flowmirror.io/members";
  private static final String GENERATION = "flowmirror.io/generation";

  /** What all members are to know beside that, as whoever told it wrote it. */
  private static final String SHARED = "flowmirror.io/shared";

  /** Of what the API takes of annotations, the rest is for ours (metav1.ObjectMeta: 256 KiB). */
  static final int MAX_SHARED = 200_000;

  /** How often a change is tried again that somebody else's has overtaken. */
  private static final int ATTEMPTS = 5;

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

    /**
     * Tells what all members share, before them, and whenever it changes.
     *
     * @param text what {@link Replicas#share} was given; empty if nothing has been shared
     */
    default void shared(String text) {}
  }

  private record Sign(String renewed, long seenNanos) {}

  private record Told(
      ImmutableList<String> members, long generation, boolean current, String shared) {}

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
        tell(new Told(last.members(), last.generation(), false, last.shared()));
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
      tell(new Told(members(group), generation(group), true, shared(group)));
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

  private static String annotation(@Nullable Lease group, String key) {
    Map<String, String> annotations = group == null ? null : group.getMetadata().getAnnotations();
    return annotations == null ? "" : annotations.getOrDefault(key, "");
  }

  private static ImmutableList<String> members(@Nullable Lease group) {
    return ImmutableList.copyOf(
        Splitter.on(',').omitEmptyStrings().split(annotation(group, MEMBERS_ANNOTATION)));
  }

  private static long generation(@Nullable Lease group) {
    Long number = Longs.tryParse(annotation(group, GENERATION));
    return number == null ? 0 : number;
  }

  private static String shared(@Nullable Lease group) {
    return annotation(group, SHARED);
  }

  /**
   * Tells all members something in place of what was shared before; empty for nothing. Any thread:
   * it waits for the thread of the replicas, on which the listener has heard of it then.
   *
   * @throws IllegalStateException in words, if the API does not do it, or it is not known yet who
   *     the members are
   * @throws IllegalArgumentException if it is more than {@value #MAX_SHARED} letters
   */
  public void share(String text) throws InterruptedException {
    if (text.length() > MAX_SHARED) {
      throw new IllegalArgumentException("more than " + MAX_SHARED + " letters");
    }
    try {
      thread.submit(() -> put(text)).get();
    } catch (ExecutionException e) {
      Throwable cause = Objects.requireNonNullElse(e.getCause(), e);
      if (cause instanceof KubernetesClientException refusal) {
        throw new IllegalStateException(Reasons.of(refusal), refusal);
      }
      Throwables.throwIfUnchecked(cause);
      throw new IllegalStateException(cause);
    }
  }

  private void put(String text) {
    for (int attempt = 1; ; attempt++) {
      @Nullable Lease group = client.leases().inNamespace(namespace).withName(GROUP).get();
      if (group == null) {
        throw new IllegalStateException("it is not known yet who the members are");
      }
      LeaseBuilder next = new LeaseBuilder(group);
      // With the resource version that was read.
      Lease changed =
          text.isEmpty()
              ? next.editMetadata().removeFromAnnotations(SHARED).endMetadata().build()
              : next.editMetadata().addToAnnotations(SHARED, text).endMetadata().build();
      try {
        Lease done = client.leases().resource(changed).update();
        tell(new Told(members(done), generation(done), true, shared(done)));
        return;
      } catch (KubernetesClientException e) {
        if (e.getCode() != HttpURLConnection.HTTP_CONFLICT || attempt == ATTEMPTS) {
          throw e;
        }
      }
    }
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
    Told last = told;
    if (group == null && last != null && !last.shared().isEmpty()) {
      // Who deletes the Lease does not change what is mirrored.
      changed.getMetadata().getAnnotations().put(SHARED, last.shared());
    }
    // With the resource version that was read: if somebody else was faster, this one fails.
    return group == null
        ? client.leases().resource(changed).create()
        : client.leases().resource(changed).update();
  }

  private void tell(Told now) {
    Told before = told;
    if (now.equals(before)) {
      return;
    }
    told = now;
    if (before == null || !before.shared().equals(now.shared())) {
      listener.shared(now.shared());
    }
    if (before == null
        || now.generation() != before.generation()
        || now.current() != before.current()
        || !now.members().equals(before.members())) {
      log.info(
          "Leases: members {}, generation {}{}",
          now.members(),
          now.generation(),
          now.current() ? "" : ", as heard last");
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
