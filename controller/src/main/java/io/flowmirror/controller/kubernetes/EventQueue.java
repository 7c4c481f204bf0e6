// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Events that wait to be written, the newest word for each. If there are too many, what gives way
 * is a word on a failure or a refusal, which is written again and again while something is wrong,
 * and only if there is none a start or a stop. From whatever thread.
 */
final class EventQueue {
  /**
   * What is so of an interface of a pod.
   *
   * @param interfaceName its provider; empty for the primary one, and for the pod
   * @param warning whether it is nothing good
   */
  record Fact(PodView pod, String interfaceName, boolean warning, String reason, String message) {
    private boolean mayGiveWay() {
      return !reason.equals(PodEvents.STARTED) && !reason.equals(PodEvents.STOPPED);
    }
  }

  private final int most;
  private final Map<String, Fact> waiting = new LinkedHashMap<>();

  EventQueue(int most) {
    this.most = most;
  }

  /** Takes what the Event of this name is to say; returns what will not be written for that. */
  synchronized Optional<Fact> put(String name, Fact fact) {
    // What waits already keeps its place.
    if (waiting.size() < most || waiting.containsKey(name)) {
      waiting.put(name, fact);
      return Optional.empty();
    }
    Optional<String> other =
        waiting.entrySet().stream()
            .filter(entry -> entry.getValue().mayGiveWay())
            .map(Map.Entry::getKey)
            .findFirst();
    if (other.isEmpty() && fact.mayGiveWay()) {
      return Optional.of(fact);
    }
    Optional<Fact> lost =
        Optional.ofNullable(waiting.remove(other.orElse(waiting.keySet().iterator().next())));
    waiting.put(name, fact);
    return lost;
  }

  synchronized int size() {
    return waiting.size();
  }

  /** Takes the one that has waited for the longest time, if any does. */
  synchronized Optional<Fact> take() {
    @Nullable String first = waiting.keySet().stream().findFirst().orElse(null);
    return first == null ? Optional.empty() : Optional.ofNullable(waiting.remove(first));
  }
}
