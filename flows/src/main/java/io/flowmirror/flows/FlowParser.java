// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads flow entries in ovs-ofctl's syntax: what {@link FlowText} writes, and what {@code ovs-ofctl
 * add-flow} takes or {@code dump-flows} prints for the same entries.
 */
public final class FlowParser {
  private static final Splitter WORDS = Splitter.onPattern("[,\\s]+").omitEmptyStrings();
  private static final Pattern LOAD =
      Pattern.compile("load:(\\w+)->(\\w+)\\[(?:(\\d+)(?:\\.\\.(\\d+))?)?\\]");
  private static final Pattern SET_FIELD = Pattern.compile("set_field:(\\w+)->(\\w+)");
  private static final Pattern RESUBMIT = Pattern.compile("resubmit\\(,(\\d+)\\)");
  private static final Pattern OUTPUT = Pattern.compile("output:(\\d+)");
  private static final Pattern OTHER = Pattern.compile("action:([0-9a-f]+)");

  private final String line;
  private int table;
  private int priority = 32768;
  private Match match = Match.ANY;
  private long cookie;
  private int hardTimeout;
  private boolean sendFlowRemoved;

  private FlowParser(String line) {
    this.line = line;
  }

  /**
   * Reads one entry.
   *
   * @throws IllegalArgumentException naming the word that could not be read, and the whole line
   */
  public static FlowEntry parse(String line) {
    return new FlowParser(line).parse();
  }

  private FlowEntry parse() {
    int actionsAt = line.indexOf("actions=");
    if (actionsAt < 0) {
      throw bad("actions=", "is missing");
    }
    for (String word : WORDS.split(line.substring(0, actionsAt))) {
      readWord(word);
    }
    List<String> texts = splitActions(line.substring(actionsAt + "actions=".length()).strip());
    ImmutableList.Builder<Action> actions = ImmutableList.builder();
    if (!texts.equals(List.of("drop"))) {
      texts.forEach(text -> actions.add(readAction(text)));
    }
    return new FlowEntry(
        new FlowKey(table, priority, match), actions.build(), cookie, hardTimeout, sendFlowRemoved);
  }

  private void readWord(String word) {
    int equals = word.indexOf('=');
    String name = equals < 0 ? word : word.substring(0, equals);
    String value = equals < 0 ? "" : word.substring(equals + 1);
    switch (name) {
      case "cookie" -> cookie = number(word, value);
      case "table" -> table = (int) number(word, value);
      case "priority" -> priority = (int) number(word, value);
      case "hard_timeout" -> hardTimeout = (int) number(word, value);
      case "send_flow_rem" -> sendFlowRemoved = true;
      // What dump-flows says about an entry's life is not part of the entry.
      case "duration", "n_packets", "n_bytes", "idle_age", "hard_age" -> {}
      default -> readField(word, name, value);
    }
  }

  private void readField(String word, String name, String value) {
    if (name.startsWith("oxm:")) {
      match =
          new Match(
              match.fields(),
              ImmutableList.<String>builder()
                  .addAll(match.others())
                  .add(name.substring("oxm:".length()))
                  .build());
      return;
    }
    Field field =
        Field.named(name).orElseThrow(() -> bad(word, "is not a field that Flowmirror uses"));
    if (match.fields().containsKey(field)) {
      throw bad(word, "matches on the same field twice");
    }
    int slash = value.indexOf('/');
    if (slash < 0) {
      match = match.with(field, number(word, value));
    } else {
      match =
          match.with(
              field,
              number(word, value.substring(0, slash)),
              number(word, value.substring(slash + 1)));
    }
  }

  private Action readAction(String text) {
    Matcher load = LOAD.matcher(text);
    if (load.matches()) {
      Field field = field(text, load.group(2));
      int first = load.group(3) == null ? 0 : Integer.parseInt(load.group(3));
      int last =
          load.group(4) != null
              ? Integer.parseInt(load.group(4))
              : load.group(3) != null ? first : field.bytes() * 8 - 1;
      return new Action.Load(field, first, last - first + 1, number(text, load.group(1)));
    }
    Matcher set = SET_FIELD.matcher(text);
    if (set.matches()) {
      return new Action.SetField(field(text, set.group(2)), number(text, set.group(1)));
    }
    return firstNumber(RESUBMIT, text)
        .<Action>map(Action.Resubmit::new)
        .or(() -> firstNumber(OUTPUT, text).map(Action.Output::new))
        .orElseGet(
            () -> {
              Matcher other = OTHER.matcher(text);
              if (other.matches()) {
                return new Action.Other(other.group(1));
              }
              throw bad(text, "is not an action that Flowmirror uses");
            });
  }

  private Optional<Integer> firstNumber(Pattern pattern, String text) {
    Matcher matcher = pattern.matcher(text);
    return matcher.matches() ? Optional.of((int) number(text, matcher.group(1))) : Optional.empty();
  }

  private Field field(String text, String name) {
    return Field.named(name)
        .orElseThrow(() -> bad(text, "names a field that Flowmirror does not use"));
  }

  private long number(String word, String text) {
    try {
      return text.startsWith("0x")
          ? Long.parseUnsignedLong(text.substring(2), 16)
          : Long.parseUnsignedLong(text);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "\"" + word + "\": \"" + text + "\" is not a number, in: " + line, e);
    }
  }

  private IllegalArgumentException bad(String word, String why) {
    return new IllegalArgumentException("\"" + word + "\" " + why + ", in: " + line);
  }

  /** Splits at commas outside parentheses: {@code resubmit(,0)} is one action. */
  private static ImmutableList<String> splitActions(String text) {
    ImmutableList.Builder<String> actions = ImmutableList.builder();
    int depth = 0;
    int start = 0;
    for (int i = 0; i <= text.length(); i++) {
      char at = i < text.length() ? text.charAt(i) : ',';
      if (at == '(') {
        depth++;
      } else if (at == ')') {
        depth--;
      } else if (at == ',' && depth == 0) {
        actions.add(text.substring(start, i));
        start = i + 1;
      }
    }
    return actions.build();
  }
}
