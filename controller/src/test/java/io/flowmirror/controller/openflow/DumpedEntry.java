// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import io.flowmirror.flows.Action;
import io.flowmirror.flows.Field;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.FlowParser;
import io.flowmirror.flows.Match;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A line of {@code ovs-ofctl dump-flows}, to hold what FlowDecoder makes of an entry against.
 *
 * @param fields what it matches of the fields that we know
 * @param actions its actions and instructions, of which those are present that we know
 */
record DumpedEntry(
    long cookie,
    int table,
    int priority,
    int hardTimeout,
    boolean sendFlowRemoved,
    Match fields,
    ImmutableList<Optional<Action>> actions) {

  private static final Splitter WORDS = Splitter.onPattern("[,\\s]+").omitEmptyStrings();

  /** Ports that ovs-ofctl has words for, by their numbers of OpenFlow 1.1 and later. */
  private static final String LOCAL = "0xfffffffe";

  private static final String CONTROLLER = "0xfffffffd";

  /** These stand for a field of OpenFlow 1.0's width, which is another than ours on the wire. */
  private static final Pattern OTHER_IN_PORT = Pattern.compile("set_field:\\w+->in_port");

  static DumpedEntry parse(String line) {
    int actionsAt = line.indexOf("actions=");
    long cookie = 0;
    int table = 0;
    int priority = 32768;
    int hardTimeout = 0;
    boolean sendFlowRemoved = false;
    StringBuilder fields = new StringBuilder();
    for (String word : WORDS.split(line.substring(0, actionsAt))) {
      String name = word.substring(0, Math.max(word.indexOf('='), 0));
      String value = word.substring(name.isEmpty() ? 0 : name.length() + 1);
      switch (name.isEmpty() ? word : name) {
        case "cookie" -> cookie = Long.parseUnsignedLong(value.substring(2), 16);
        case "table" -> table = Integer.parseInt(value);
        case "priority" -> priority = Integer.parseInt(value);
        case "hard_timeout" -> hardTimeout = Integer.parseInt(value);
        case "send_flow_rem" -> sendFlowRemoved = true;
        default -> {
          if (Field.named(name).isPresent()) {
            fields.append(word.replace("LOCAL", LOCAL).replace("CONTROLLER", CONTROLLER));
            fields.append(',');
          }
        }
      }
    }
    return new DumpedEntry(
        cookie,
        table,
        priority,
        hardTimeout,
        sendFlowRemoved,
        FlowParser.parse(fields + " actions=drop").key().match(),
        actions(line.substring(actionsAt + "actions=".length()).strip()));
  }

  private static ImmutableList<Optional<Action>> actions(String text) {
    return text.equals("drop")
        ? ImmutableList.of()
        : Texts.split(text, '(', ')').stream()
            .map(DumpedEntry::action)
            .collect(ImmutableList.toImmutableList());
  }

  private static Optional<Action> action(String text) {
    if (OTHER_IN_PORT.matcher(text).matches()) {
      return Optional.empty();
    }
    try {
      return Optional.of(FlowParser.parse("actions=" + text).actions().get(0));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  /** Checks that all is told alike of which both tell. */
  void assertSameAs(FlowEntry entry) {
    assertThat(entry.cookie()).isEqualTo(cookie);
    assertThat(entry.key().table()).isEqualTo(table);
    assertThat(entry.key().priority()).isEqualTo(priority);
    assertThat(entry.hardTimeout()).isEqualTo(hardTimeout);
    assertThat(entry.sendFlowRemoved()).isEqualTo(sendFlowRemoved);
    assertThat(entry.key().match().fields()).isEqualTo(fields.fields());
    assertThat(entry.actions().stream().map(DumpedEntry::known)).isEqualTo(actions);
  }

  private static Optional<Action> known(Action action) {
    return action instanceof Action.Other ? Optional.empty() : Optional.of(action);
  }
}
