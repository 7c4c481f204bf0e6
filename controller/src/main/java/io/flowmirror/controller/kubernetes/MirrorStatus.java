// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSortedMap;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The status of a {@code Mirror}. Each node's part is written by the controller that writes to that
 * node, and by no other; the rest follows from the parts and the spec, so that whoever writes it
 * from the same parts writes the same.
 *
 * @param observedGeneration the generation of the spec that it is about
 * @param state in one word
 * @param reason why it is not otherwise, in words; may be empty
 * @param pods how many pods are chosen, on all nodes together
 * @param mirrored how many of them are mirrored
 * @param nodes what there is on each node, by its name
 */
record MirrorStatus(
    long observedGeneration,
    String state,
    String reason,
    int pods,
    int mirrored,
    ImmutableMap<String, Part> nodes) {
  /** Everything that it chooses is mirrored. */
  static final String MIRRORING = "Mirroring";

  /** Some of it is. */
  static final String PARTIAL = "Partial";

  /** Nothing is, for now. */
  static final String PENDING = "Pending";

  /** Its time is over. */
  static final String ENDED = "Ended";

  /** Something is wrong in its spec. */
  static final String INVALID = "Invalid";

  static final MirrorStatus NONE = new MirrorStatus(0, "", "", 0, 0, ImmutableMap.of());

  /** Copies are counted where so many nodes are concerned: each count is a write. */
  static final int MOST_COUNTED = 10;

  /**
   * What there is on one node.
   *
   * @param pods the pods that are chosen there
   * @param mirrored those of them that are mirrored
   * @param reason why others are not, in words
   * @param copies what has been copied of them
   */
  record Part(int pods, int mirrored, String reason, Copies copies) {
    private Part counting(Copies others) {
      return new Part(pods, mirrored, reason, others);
    }

    /** Whether it says the same, but for the numbers of copies. */
    boolean saysOf(Part other) {
      return counting(other.copies).equals(other);
    }
  }

  /** API servers before 1.21, at least, refuse an empty text as "null". */
  private static @Nullable String orNull(String text) {
    return text.isEmpty() ? null : text;
  }

  private static void put(Copies copies, Map<String, @Nullable Object> json) {
    boolean counted = !copies.equals(Copies.UNCOUNTED);
    json.put("packets", counted ? copies.packets() : null);
    json.put("bytes", counted ? copies.bytes() : null);
  }

  /**
   * What is to be said of a Mirror.
   *
   * @param parts all nodes that it concerns
   */
  static MirrorStatus of(MirrorView mirror, Map<String, Part> parts, Instant now) {
    ImmutableMap<String, Part> nodes = ImmutableSortedMap.copyOf(parts);
    int pods = nodes.values().stream().mapToInt(Part::pods).sum();
    int mirrored = nodes.values().stream().mapToInt(Part::mirrored).sum();
    String state;
    String reason;
    if (!mirror.problem().isEmpty()) {
      state = INVALID;
      reason =
          mirror.problem()
              + (pods == 0 ? "; nothing is mirrored" : "; what was in force before stays");
    } else if (mirror.spec().filter(spec -> spec.isOver(now)).isPresent()) {
      state = ENDED;
      reason = "spec.until has passed";
    } else if (pods == 0) {
      state = PENDING;
      reason = "no pod that it chooses is on a node that a controller serves";
    } else if (mirrored == pods) {
      state = MIRRORING;
      reason = "";
    } else {
      state = mirrored == 0 ? PENDING : PARTIAL;
      reason =
          nodes.entrySet().stream()
              .filter(node -> !node.getValue().reason().isEmpty())
              .findFirst()
              .map(node -> node.getKey() + ": " + node.getValue().reason())
              .orElse("the entries of some pods are not there (yet)");
    }
    return new MirrorStatus(mirror.generation(), state, reason, pods, mirrored, nodes);
  }

  /** Whether it says the same, but for the numbers of copies. */
  boolean saysAs(MirrorStatus other) {
    return observedGeneration == other.observedGeneration
        && state.equals(other.state)
        && reason.equals(other.reason)
        && pods == other.pods
        && mirrored == other.mirrored
        && nodes.keySet().equals(other.nodes.keySet())
        && nodes.entrySet().stream()
            .allMatch(
                node ->
                    node.getValue().saysOf(Objects.requireNonNull(other.nodes.get(node.getKey()))));
  }

  /**
   * The merge patch that makes the status be this one. It names no uid, which the API would not
   * compare: what it says of a Mirror that took the name since is set right when that is heard of.
   *
   * @param own the nodes whose parts are ours to write
   * @param gone the nodes whose parts are to go
   */
  Map<String, Object> patch(Iterable<String> own, Iterable<String> gone) {
    Map<String, @Nullable Object> parts = new LinkedHashMap<>();
    gone.forEach(node -> parts.put(node, null));
    for (String node : own) {
      @Nullable Part part = nodes.get(node);
      if (part != null) {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("pods", part.pods());
        json.put("mirrored", part.mirrored());
        json.put("reason", orNull(part.reason()));
        put(part.copies(), json);
        parts.put(node, json);
      }
    }
    Map<String, @Nullable Object> copies = new LinkedHashMap<>();
    put(nodes.values().stream().map(Part::copies).reduce(Copies.NONE, Copies::and), copies);
    Map<String, @Nullable Object> status = new LinkedHashMap<>();
    status.put("observedGeneration", observedGeneration);
    status.put("state", state);
    status.put("reason", orNull(reason));
    status.put("pods", pods);
    status.put("mirrored", mirrored);
    status.put("copies", copies);
    status.put("nodes", parts);
    return ImmutableMap.of("status", status);
  }

  /** Reads one, as JSON has it; what is not as it should be is taken as not there. */
  static MirrorStatus of(@Nullable Object status) {
    if (!(status instanceof Map<?, ?> map)) {
      return NONE;
    }
    ImmutableSortedMap.Builder<String, Part> nodes = ImmutableSortedMap.naturalOrder();
    if (map.get("nodes") instanceof Map<?, ?> parts) {
      parts.forEach(
          (node, part) -> {
            if (node instanceof String name && part instanceof Map<?, ?> said) {
              nodes.put(
                  name,
                  new Part(
                      (int) number(said, "pods", 0),
                      (int) number(said, "mirrored", 0),
                      text(said, "reason"),
                      new Copies(number(said, "packets", -1), number(said, "bytes", -1))));
            }
          });
    }
    return new MirrorStatus(
        number(map, "observedGeneration", 0),
        text(map, "state"),
        text(map, "reason"),
        (int) number(map, "pods", 0),
        (int) number(map, "mirrored", 0),
        nodes.buildOrThrow());
  }

  private static long number(Map<?, ?> map, String key, long otherwise) {
    return map.get(key) instanceof Number number ? number.longValue() : otherwise;
  }

  private static String text(Map<?, ?> map, String key) {
    return map.get(key) instanceof String text ? text : "";
  }
}
