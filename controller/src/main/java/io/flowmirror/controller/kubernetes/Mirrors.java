// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The Mirrors that there are, and what of them is in force. Confined to the session's thread. */
final class Mirrors {
  /** By namespace and then by name. */
  private final Map<String, Map<String, MirrorView>> all = new HashMap<>();

  /** By uid, what a Mirror asked for when it was last understood. */
  private final Map<String, MirrorSpec> understood = new HashMap<>();

  private Instant now = Instant.MIN;

  /** What one of them asks for. */
  record Asks(MirrorView mirror, MirrorSpec spec) {}

  /** A Mirror is there; tells whether it asks for something else than before. */
  boolean put(MirrorView mirror) {
    @Nullable MirrorView before =
        all.computeIfAbsent(mirror.namespace(), namespace -> new TreeMap<>())
            .put(mirror.name(), mirror);
    if (before != null && !before.uid().equals(mirror.uid())) {
      understood.remove(before.uid());
    }
    mirror.spec().ifPresent(spec -> understood.put(mirror.uid(), spec));
    return before == null || !before.asksAs(mirror);
  }

  /** A Mirror is gone; not if another has taken its name since. Tells whether it was there. */
  boolean remove(MirrorView mirror) {
    @Nullable Map<String, MirrorView> there = all.get(mirror.namespace());
    @Nullable MirrorView last = there == null ? null : there.get(mirror.name());
    if (there == null || last == null || !last.uid().equals(mirror.uid())) {
      return false;
    }
    there.remove(mirror.name());
    if (there.isEmpty()) {
      all.remove(mirror.namespace());
    }
    understood.remove(mirror.uid());
    return true;
  }

  /** Takes over what was understood before a fresh list: what is wrong now stays as it was. */
  void remember(Mirrors before) {
    for (MirrorView mirror : all()) {
      @Nullable MirrorSpec was = before.understood.get(mirror.uid());
      if (was != null) {
        understood.putIfAbsent(mirror.uid(), was);
      }
    }
  }

  /** All of them, in no order. */
  ImmutableList<MirrorView> all() {
    return all.values().stream()
        .map(Map::values)
        .flatMap(Collection::stream)
        .collect(ImmutableList.toImmutableList());
  }

  /** Whether any is in this namespace. */
  boolean areIn(String namespace) {
    return all.containsKey(namespace);
  }

  /** What asks for this pod now, by the names of the Mirrors. */
  ImmutableList<Asks> askFor(PodView pod) {
    ImmutableList.Builder<Asks> asking = ImmutableList.builder();
    for (MirrorView mirror : all.getOrDefault(pod.namespace(), Map.of()).values()) {
      @Nullable MirrorSpec spec = understood.get(mirror.uid());
      if (spec != null && !mirror.deleted() && !spec.isOver(now) && spec.chooses(pod)) {
        asking.add(new Asks(mirror, spec));
      }
    }
    return asking.build();
  }

  /**
   * It is later (or, by a clock that was set, earlier) now.
   *
   * @return the namespaces whose Mirrors ask for something else since
   */
  ImmutableSet<String> passTo(Instant time) {
    Instant before = now;
    now = time;
    ImmutableSet.Builder<String> passed = ImmutableSet.builder();
    for (MirrorView mirror : all()) {
      @Nullable MirrorSpec spec = understood.get(mirror.uid());
      if (spec != null && spec.isOver(before) != spec.isOver(time)) {
        passed.add(mirror.namespace());
      }
    }
    return passed.build();
  }

  /** When the next of them ends. */
  Optional<Instant> nextEnd() {
    return understood.values().stream()
        .flatMap(spec -> spec.until().stream())
        .filter(until -> until.isAfter(now))
        .min(Instant::compareTo);
  }
}
