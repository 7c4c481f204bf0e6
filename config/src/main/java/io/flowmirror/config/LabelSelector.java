// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.config;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Which labels are meant, as {@code kubectl -l} writes it: {@code key}, {@code !key}, {@code
 * key=value}, {@code key==value}, {@code key!=value}, {@code key in (a, b)} and {@code key notin
 * (a, b)}, with commas between them; all of them must hold. An empty one means everything
 * (Kubernetes, concepts/overview/working-with-objects/labels).
 *
 * @param text as it was written
 * @param requirements what must hold
 */
public record LabelSelector(String text, ImmutableList<Requirement> requirements) {
  private static final String KEY =
      "(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9](?:[-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?";
  private static final String VALUE = "(?:[A-Za-z0-9](?:[-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?)?";
  private static final Pattern EXISTS = Pattern.compile("(!?)\\s*(" + KEY + ")");
  private static final Pattern EQUALS =
      Pattern.compile("(" + KEY + ")\\s*(=|==|!=)\\s*(" + VALUE + ")");
  private static final Pattern IN =
      Pattern.compile("(" + KEY + ")\\s+(in|notin)\\s*\\(([^()]*)\\)");
  private static final Splitter VALUES = Splitter.on(',').trimResults();

  /**
   * One of them.
   *
   * @param key the label's key
   * @param values the values that are meant; empty for any
   * @param wanted whether the label must have one of them, or must not
   */
  public record Requirement(String key, ImmutableSet<String> values, boolean wanted) {
    boolean matches(Map<String, String> labels) {
      @Nullable String value = labels.get(key);
      return wanted == (value != null && (values.isEmpty() || values.contains(value)));
    }
  }

  /** The one that means everything. */
  public static LabelSelector everything() {
    return new LabelSelector("", ImmutableList.of());
  }

  /**
   * The selector that a text means.
   *
   * @throws IllegalArgumentException if it means none
   */
  public static LabelSelector parse(String text) {
    ImmutableList.Builder<Requirement> requirements = ImmutableList.builder();
    // A comma inside of parentheses is the list's.
    for (String part : Splitter.on(Pattern.compile(",(?![^()]*\\))")).trimResults().split(text)) {
      if (!part.isEmpty() || text.contains(",")) {
        requirements.add(requirement(part, text));
      }
    }
    return new LabelSelector(text, requirements.build());
  }

  private static Requirement requirement(String part, String text) {
    Matcher equals = EQUALS.matcher(part);
    if (equals.matches()) {
      return new Requirement(
          equals.group(1), ImmutableSet.of(equals.group(3)), !equals.group(2).equals("!="));
    }
    Matcher in = IN.matcher(part);
    if (in.matches()) {
      ImmutableSet<String> values = ImmutableSet.copyOf(VALUES.split(in.group(3)));
      if (values.stream().allMatch(value -> value.matches(VALUE))) {
        return new Requirement(in.group(1), values, in.group(2).equals("in"));
      }
    }
    Matcher exists = EXISTS.matcher(part);
    if (exists.matches()) {
      return new Requirement(exists.group(2), ImmutableSet.of(), exists.group(1).isEmpty());
    }
    throw BadValueException.found(text, "a label selector as kubectl -l takes it, such as a=b,!c");
  }

  /** Whether these labels are meant. */
  public boolean matches(Map<String, String> labels) {
    return requirements.stream().allMatch(requirement -> requirement.matches(labels));
  }

  /** As it was written. */
  @Override
  public String toString() {
    return text;
  }
}
