// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.config.Direction;
import io.flowmirror.config.LabelSelector;
import io.flowmirror.config.LabelSelector.Requirement;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a {@code Mirror} asks for.
 *
 * @param pod the pod's name, if it is one pod
 * @param selector otherwise the pods of its namespace that are meant, by their labels
 * @param provider Kube-OVN's provider of the interface, as {@link
 *     io.flowmirror.topology.PodInterface} has it; empty for the primary one
 * @param direction which of the frames
 * @param until from when on it asks for nothing any more
 */
record MirrorSpec(
    Optional<String> pod,
    Optional<LabelSelector> selector,
    String provider,
    Direction direction,
    Optional<Instant> until) {
  private static final Pattern INTERFACE =
      Pattern.compile("[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?");

  /** Something in a spec that the schema lets pass, or that is older than the schema. */
  static final class WrongSpecException extends Exception {
    private static final long serialVersionUID = 1;

    WrongSpecException(String field, @Nullable Object found, String expected) {
      super("spec." + field + ": found " + shown(found) + "; expected " + expected);
    }

    private static String shown(@Nullable Object found) {
      String text = found == null ? "nothing" : "\"" + found + "\"";
      return text.length() > 200 ? text.substring(0, 200) + "…" : text;
    }
  }

  /**
   * Reads a spec.
   *
   * @param spec as JSON has it
   * @throws WrongSpecException if anything in it is wrong: nothing of it counts then
   */
  static MirrorSpec of(@Nullable Object spec) throws WrongSpecException {
    if (!(spec instanceof Map<?, ?> map)) {
      throw new WrongSpecException("", spec, "a mapping");
    }
    Optional<String> pod = text(map, "pod");
    Optional<LabelSelector> selector =
        map.get("selector") == null ? Optional.empty() : Optional.of(selector(map.get("selector")));
    if (pod.isPresent() == selector.isPresent()) {
      throw new WrongSpecException(
          "pod", pod.isPresent() ? pod.get() + ", and a selector" : null, "pod or selector");
    }
    return new MirrorSpec(pod, selector, provider(map), direction(map), until(map));
  }

  private static Optional<String> text(Map<?, ?> map, String key) throws WrongSpecException {
    Object value = map.get(key);
    if (value != null && !(value instanceof String)) {
      throw new WrongSpecException(key, value, "text");
    }
    return Optional.ofNullable((String) value);
  }

  private static String provider(Map<?, ?> map) throws WrongSpecException {
    Optional<String> name = text(map, "interface");
    if (name.isPresent() && !INTERFACE.matcher(name.get()).matches()) {
      throw new WrongSpecException("interface", name.get(), "NAD.NAMESPACE");
    }
    return name.map(nad -> nad + "." + MirrorAnnotations.OVN).orElse("");
  }

  private static Direction direction(Map<?, ?> map) throws WrongSpecException {
    Optional<String> direction = text(map, "direction");
    try {
      return direction.isPresent() ? Direction.parse(direction.get()) : Direction.BOTH;
    } catch (IllegalArgumentException e) {
      throw new WrongSpecException("direction", direction.get(), "both, from-pod or to-pod");
    }
  }

  private static Optional<Instant> until(Map<?, ?> map) throws WrongSpecException {
    Optional<String> until = text(map, "until");
    try {
      return until.map(text -> OffsetDateTime.parse(text).toInstant());
    } catch (DateTimeException e) {
      throw new WrongSpecException(
          "until",
          until.orElse(null),
          "a time such as 2030-01-31T18:00:00Z (RFC 3339; at most 18 hours from UTC)");
    }
  }

  private static LabelSelector selector(@Nullable Object selector) throws WrongSpecException {
    if (!(selector instanceof Map<?, ?> map)) {
      throw new WrongSpecException("selector", selector, "matchLabels or matchExpressions");
    }
    for (Object key : map.keySet()) {
      if (!Objects.equals(key, "matchLabels") && !Objects.equals(key, "matchExpressions")) {
        throw new WrongSpecException("selector", key, "matchLabels or matchExpressions");
      }
    }
    ImmutableList.Builder<Requirement> requirements = ImmutableList.builder();
    @Nullable Object labels = map.get("matchLabels");
    if (labels instanceof Map<?, ?> pairs) {
      pairs.forEach(
          (key, value) ->
              requirements.add(
                  new Requirement(
                      String.valueOf(key), ImmutableSet.of(String.valueOf(value)), true)));
    } else if (labels != null) {
      throw new WrongSpecException("selector.matchLabels", labels, "a mapping");
    }
    @Nullable Object expressions = map.get("matchExpressions");
    if (expressions instanceof List<?> list) {
      for (Object expression : list) {
        requirements.add(requirement(expression));
      }
    } else if (expressions != null) {
      throw new WrongSpecException("selector.matchExpressions", expressions, "a list");
    }
    return new LabelSelector(selector.toString(), requirements.build());
  }

  private static Requirement requirement(@Nullable Object expression) throws WrongSpecException {
    String where = "selector.matchExpressions";
    if (!(expression instanceof Map<?, ?> map) || !(map.get("key") instanceof String key)) {
      throw new WrongSpecException(where, expression, "key, operator and values");
    }
    ImmutableSet.Builder<String> values = ImmutableSet.builder();
    if (map.get("values") instanceof List<?> list) {
      list.forEach(value -> values.add(String.valueOf(value)));
    }
    ImmutableSet<String> all = values.build();
    String operator = String.valueOf(map.get("operator"));
    boolean isList = operator.equals("In") || operator.equals("NotIn");
    // An empty list of values would mean any of them, where Kubernetes means none.
    if (isList == all.isEmpty()) {
      throw new WrongSpecException(
          where, expression, isList ? "values with " + operator : "no values with " + operator);
    }
    return switch (operator) {
      case "In", "Exists" -> new Requirement(key, all, true);
      case "NotIn", "DoesNotExist" -> new Requirement(key, all, false);
      default -> throw new WrongSpecException(where, operator, "In, NotIn, Exists or DoesNotExist");
    };
  }

  /** Whether it asks for this pod of its own namespace. */
  boolean chooses(PodView candidate) {
    return pod.isPresent()
        ? pod.get().equals(candidate.name())
        : selector.filter(labels -> labels.matches(candidate.labels())).isPresent();
  }

  /** Whether its time is over. */
  boolean isOver(Instant now) {
    return until.isPresent() && !now.isBefore(until.get());
  }
}
