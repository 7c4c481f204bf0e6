// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

import com.google.common.base.Ticker;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Sets;
import io.flowmirror.controller.kubernetes.ClusterView.Choice;
import io.flowmirror.controller.kubernetes.ClusterView.Requests;
import io.flowmirror.controller.kubernetes.MirrorStatus.Part;
import io.flowmirror.topology.PodName;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Sees to it that the status of each Mirror says what is so. At each {@link #tick} what is so is
 * held against what the API says, and the difference is written: so nothing is written again by a
 * controller that was started anew, and nothing is lost if a write fails.
 *
 * <p>Of several controllers, the one that writes to a node writes that node's part. Whatever
 * follows from the parts is written along with one, or by whoever sees that it is amiss where there
 * are none: all would write the same.
 *
 * <p>Where each node has a controller of its own, a Mirror on many nodes is news to all of them at
 * once, and what each writes is told to all of them, with all parts. So each looks at what the
 * others have written since it looked last, and the more that is, the less likely it writes itself
 * now, rather than the next time: a thousand spread over minutes, and one alone does not wait.
 *
 * <p>Confined to the session's thread.
 */
final class MirrorReports {
  /** The same is not written again before the API can have told of it. */
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  /** Numbers of copies alone are news so often at most. */
  private static final Duration COUNTING = Duration.ofSeconds(60);

  /** And where each node has its controller, all of which hear of each write. */
  private static final Duration COUNTING_EACH = Duration.ofMinutes(5);

  /** Between two looks so many parts may be told to everybody before anybody holds back. */
  private static final int TOLD_TOGETHER = 2000;

  /** So many set right, at a look, what is nobody's own and amiss. */
  private static final int MENDING = 10;

  /** What is amiss on a node is told by the log in full. */
  private static final int LONGEST = 400;

  /** Where a patch goes. */
  interface Writer {
    /** Takes a merge patch of a Mirror's status; false if it cannot for now. Returns at once. */
    boolean write(MirrorView mirror, Map<String, Object> patch);
  }

  private record Written(Map<String, Object> patch, long nanos) {}

  private final Writer writer;
  private final Ticker ticker;

  private final boolean complete;

  private final RandomGenerator chance;

  /** By uid of a Mirror, its nodes' parts when they were looked at last. */
  private final Map<String, ImmutableMap<String, Part>> seen = new HashMap<>();

  private final Map<String, ImmutableList<Choice>> choices = new HashMap<>();
  private final Map<String, NodeStand> stands = new HashMap<>();
  private final Map<String, Written> written = new HashMap<>();

  /**
   * Knows of nothing yet.
   *
   * @param complete whether all nodes' pods are known, and not one node's only
   * @param chance decides who of many writes first
   */
  MirrorReports(Writer writer, Ticker ticker, boolean complete, RandomGenerator chance) {
    this.writer = writer;
    this.ticker = ticker;
    this.complete = complete;
    this.chance = chance;
  }

  /** Takes what is asked for on one node. */
  void asked(String node, Requests requests) {
    if (requests.choices().isEmpty()) {
      choices.remove(node);
    } else {
      choices.put(node, requests.choices());
    }
  }

  /** Takes where a node stands that this controller writes to. */
  void stands(String node, NodeStand stand) {
    stands.put(node, stand);
  }

  /** A node is not ours to tell of, or not any more. */
  void leave(String node) {
    stands.remove(node);
  }

  /** Looks at all Mirrors. */
  void tick(Iterable<MirrorView> mirrors, Instant now) {
    Map<String, Set<String>> concerned = new HashMap<>();
    Map<String, Map<String, Part>> parts = parts(concerned);
    Set<String> there = new HashSet<>();
    for (MirrorView mirror : mirrors) {
      there.add(mirror.uid());
      if (!mirror.deleted()) {
        look(
            mirror,
            parts.getOrDefault(mirror.key(), Map.of()),
            concerned.getOrDefault(mirror.key(), Set.of()),
            now);
      }
    }
    written.keySet().retainAll(there);
    seen.keySet().retainAll(there);
  }

  /** Our nodes' parts, by Mirror and node; and all nodes that a Mirror concerns. */
  private Map<String, Map<String, Part>> parts(Map<String, Set<String>> concerned) {
    Map<String, Map<String, Part>> parts = new HashMap<>();
    choices.forEach(
        (node, chosen) -> {
          @Nullable NodeStand stand = stands.get(node);
          for (Choice choice : chosen) {
            concerned.computeIfAbsent(choice.mirror(), key -> new HashSet<>()).add(node);
            if (stand != null) {
              parts
                  .computeIfAbsent(choice.mirror(), key -> new HashMap<>())
                  .merge(node, part(choice, stand), MirrorReports::both);
            }
          }
        });
    return parts;
  }

  private static Part part(Choice choice, NodeStand stand) {
    PodName pod = new PodName(choice.pod().namespace(), choice.pod().name());
    if (choice.at().isEmpty()) {
      return new Part(
          1, 0, pod + " is in its node's network: it has no interface on br-int", Copies.NONE);
    }
    boolean mirrored = choice.at().stream().anyMatch(stand.mirrored()::contains);
    Copies copies =
        choice.at().stream()
            .map(at -> stand.copies().getOrDefault(at.pod(), Copies.NONE))
            .reduce(Copies.NONE, Copies::and);
    return new Part(1, mirrored ? 1 : 0, mirrored ? "" : trouble(choice, stand), copies);
  }

  /** Of a VM's two names the later one is that which its interfaces have. */
  private static String trouble(Choice choice, NodeStand stand) {
    String words =
        choice.at().stream()
            .flatMap(at -> Optional.ofNullable(stand.troubles().get(at)).stream())
            .map(Trouble::words)
            .reduce("", (one, other) -> other);
    return words.length() > LONGEST ? words.substring(0, LONGEST) + "…" : words;
  }

  private static Part both(Part one, Part other) {
    return new Part(
        one.pods() + other.pods(),
        one.mirrored() + other.mirrored(),
        one.reason().isEmpty() ? other.reason() : one.reason(),
        one.copies().and(other.copies()));
  }

  private void look(MirrorView mirror, Map<String, Part> own, Set<String> concerned, Instant now) {
    ImmutableMap<String, Part> said = mirror.status().nodes();
    int others = othersSince(mirror.uid(), said, own.keySet());
    // Who sees the pods of all nodes sees that of a node that is not there any more, too.
    ImmutableSet<String> gone =
        Sets.filter(
                said.keySet(),
                node -> !concerned.contains(node) && (complete || stands.containsKey(node)))
            .stream()
            .collect(ImmutableSet.toImmutableSet());
    Map<String, Part> all = new HashMap<>(said);
    all.keySet().removeAll(gone);
    boolean counted = Sets.union(all.keySet(), own.keySet()).size() <= MirrorStatus.MOST_COUNTED;
    own.forEach(
        (node, part) ->
            all.put(
                node,
                counted
                    ? part
                    : new Part(part.pods(), part.mirrored(), part.reason(), Copies.UNCOUNTED)));
    if (own.isEmpty() && gone.isEmpty() && !all.isEmpty()) {
      // Others write there, and the rest along with it.
      return;
    }
    boolean isOurs =
        !gone.isEmpty()
            || own.keySet().stream().anyMatch(node -> !saysTheSame(all.get(node), said.get(node)));
    MirrorStatus status = MirrorStatus.of(mirror, all, now);
    boolean news = !status.saysAs(mirror.status());
    if ((news || !status.equals(mirror.status())) && isOurTurn(isOurs, all.size(), others)) {
      write(mirror, status.patch(own.keySet(), gone), news);
    }
  }

  private static boolean saysTheSame(@Nullable Part part, @Nullable Part said) {
    return part != null && said != null && part.saysOf(said);
  }

  /** How many parts others have written since the last look. */
  private int othersSince(String uid, ImmutableMap<String, Part> said, Set<String> own) {
    ImmutableMap<String, Part> before = seen.getOrDefault(uid, ImmutableMap.of());
    seen.put(uid, said);
    return before.equals(said)
        ? 0
        : (int)
            Sets.union(before.keySet(), said.keySet()).stream()
                .filter(node -> !own.contains(node))
                .filter(node -> !Objects.equals(before.get(node), said.get(node)))
                .count();
  }

  /** Whether to write now, what else has been written being so much; if not, perhaps next time. */
  private boolean isOurTurn(boolean isOurs, int nodes, int others) {
    if (complete) {
      return true;
    }
    double share;
    if (isOurs) {
      double free = Math.max(1.0, (double) TOLD_TOGETHER / Math.max(1, nodes));
      share = others <= free ? 1 : (free / others) * (free / others);
    } else {
      // Everybody sees that, and whoever writes his part sets it right as well.
      share = others == 0 ? (double) MENDING / Math.max(1, nodes) : 0;
    }
    return share >= 1 || chance.nextDouble() < share;
  }

  private void write(MirrorView mirror, Map<String, Object> patch, boolean news) {
    Optional<Written> last = Optional.ofNullable(written.get(mirror.uid()));
    long since = last.map(before -> ticker.read() - before.nanos()).orElse(Long.MAX_VALUE);
    boolean same = last.filter(before -> Objects.equals(before.patch(), patch)).isPresent();
    Duration counting = complete ? COUNTING : COUNTING_EACH;
    if ((same && since < PATIENCE.toNanos()) || (!news && since < counting.toNanos())) {
      return;
    }
    if (writer.write(mirror, patch)) {
      written.put(mirror.uid(), new Written(patch, ticker.read()));
    }
  }
}
