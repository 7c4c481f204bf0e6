// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import io.flowmirror.topology.Port;
import java.util.List;
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

  private static final long ALL_ONES = -1;

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
      case "cookie" -> cookie = number(word, value, ALL_ONES);
      case "table" -> table = (int) number(word, value, 0xff);
      case "priority" -> priority = (int) number(word, value, 0xffff);
      case "hard_timeout" -> hardTimeout = (int) number(word, value, 0xffff);
      case "send_flow_rem" -> sendFlowRemoved = true;
      // What dump-flows says about an entry's life is not part of the entry.
      case "duration", "n_packets", "n_bytes", "idle_age", "hard_age" -> {}
      default -> readField(word, name, value);
    }
  }

  private void readField(String word, String name, String value) {
    if (word.startsWith("oxm:")) {
      match =
          new Match(
              match.fields(),
              ImmutableList.<Opaque>builder()
                  .addAll(match.others())
                  .add(opaque(word, word.substring("oxm:".length())))
                  .build());
      return;
    }
    Field field =
        Field.named(name).orElseThrow(() -> bad(word, "is not a field that Flowmirror uses"));
    if (match.has(field)) {
      throw bad(word, "matches on the same field twice");
    }
    Long reserved = field == Field.IN_PORT ? FlowText.RESERVED_PORTS.get(value) : null;
    if (reserved != null) {
      match = match.with(field, reserved);
      return;
    }
    int slash = value.indexOf('/');
    long max = field.allOnes();
    if (slash < 0) {
      match = match.with(field, number(word, value, max));
    } else {
      match =
          match.with(
              field,
              number(word, value.substring(0, slash), max),
              number(word, value.substring(slash + 1), max));
    }
  }

  private Action readAction(String text) {
    Matcher load = LOAD.matcher(text);
    if (load.matches()) {
      return readLoad(text, load);
    }
    Matcher set = SET_FIELD.matcher(text);
    if (set.matches()) {
      Field field = field(text, set.group(2));
      return new Action.SetField(field, number(text, set.group(1), field.allOnes()));
    }
    Matcher resubmit = RESUBMIT.matcher(text);
    if (resubmit.matches()) {
      return new Action.Resubmit((int) number(text, resubmit.group(1), 0xff));
    }
    Matcher output = OUTPUT.matcher(text);
    if (output.matches()) {
      return new Action.Output((int) number(text, output.group(1), Port.MAX));
    }
    Matcher other = OTHER.matcher(text);
    if (other.matches()) {
      return new Action.Other(opaque(text, other.group(1)));
    }
    throw bad(text, "is not an action that Flowmirror uses");
  }

  private Action readLoad(String text, Matcher load) {
    Field field = field(text, load.group(2));
    int highest = field.bytes() * 8 - 1;
    int first = load.group(3) == null ? 0 : (int) number(text, load.group(3), highest);
    int last =
        load.group(4) != null
            ? (int) number(text, load.group(4), highest)
            : load.group(3) != null ? first : highest;
    if (last < first) {
      throw bad(text, "ends before it begins");
    }
    int bits = last - first + 1;
    return new Action.Load(field, first, bits, number(text, load.group(1), ALL_ONES >>> 64 - bits));
  }

  private Field field(String text, String name) {
    return Field.named(name)
        .orElseThrow(() -> bad(text, "names a field that Flowmirror does not use"));
  }

  /** An unsigned number that is no larger than this. */
  private long number(String word, String text, long max) {
    long number;
    try {
      number =
          text.startsWith("0x")
              ? Long.parseUnsignedLong(text.substring(2), 16)
              : Long.parseUnsignedLong(text);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "\"" + word + "\": \"" + text + "\" is not a number, in: " + line, e);
    }
    if (Long.compareUnsigned(number, max) > 0) {
      throw bad(word, "has a number above " + Long.toUnsignedString(max));
    }
    return number;
  }

  private Opaque opaque(String word, String digits) {
    try {
      return Opaque.ofHex(digits);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "\"" + word + "\": \"" + digits + "\" is not hexadecimal, in: " + line, e);
    }
  }

  private IllegalArgumentException bad(String word, String why) {
    return new IllegalArgumentException("\"" + word + "\" " + why + ", in: " + line);
  }

  /** Splits at commas outside parentheses: {@code resubmit(,0)} is one action. */
  private ImmutableList<String> splitActions(String text) {
    ImmutableList.Builder<String> actions = ImmutableList.builder();
    int depth = 0;
    int start = 0;
    for (int i = 0; i <= text.length(); i++) {
      char at = i < text.length() ? text.charAt(i) : ',';
      if (at == '(') {
        depth++;
      } else if (at == ')') {
        depth--;
        if (depth < 0) {
          throw bad(text, "closes a parenthesis that is not open");
        }
      } else if (at == ',' && depth == 0) {
        actions.add(text.substring(start, i));
        start = i + 1;
      }
    }
    if (depth > 0) {
      throw bad(text, "leaves a parenthesis open");
    }
    return actions.build();
  }
}
