// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

import com.google.common.collect.ImmutableBiMap;
import com.google.common.collect.ImmutableList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Writes flow entries in ovs-ofctl's syntax (ovs-ofctl(8), ovs-actions(7)), so that a line can be
 * given to {@code ovs-ofctl -O OpenFlow13 add-flow} and held against {@code dump-flows}. {@link
 * FlowParser} reads it back.
 */
public final class FlowText {
  /** The reserved ports that a packet may come from, by ovs-ofctl's names (section 7.2.1). */
  static final ImmutableBiMap<String, Long> RESERVED_PORTS =
      ImmutableBiMap.of("LOCAL", 0xffff_fffeL, "CONTROLLER", 0xffff_fffdL);

  /** OFP_DEFAULT_PRIORITY: of an entry that does not say its own. */
  private static final int DEFAULT_PRIORITY = 32768;

  private FlowText() {}

  /** The whole entry on one line. */
  public static String format(FlowEntry entry) {
    StringBuilder line = new StringBuilder();
    line.append("cookie=0x").append(Long.toHexString(entry.cookie()));
    line.append(", table=").append(entry.key().table());
    if (entry.hardTimeout() != 0) {
      line.append(", hard_timeout=").append(entry.hardTimeout());
    }
    if (entry.sendFlowRemoved()) {
      line.append(", send_flow_rem");
    }
    line.append(", priority=").append(entry.key().priority());
    String match = format(entry.key().match());
    if (!match.isEmpty()) {
      line.append(',').append(match);
    }
    return line.append(" actions=").append(formatActions(entry.actions())).toString();
  }

  /**
   * The entry as {@code ovs-ofctl --no-stats --no-names dump-flows} of Open vSwitch 3.1 prints it
   * ({@code lib/ofp-flow.c}, ofputil_flow_stats_format), without the blank that it begins with. An
   * entry with a field or an action that has no name here is a comment, which begins with {@code #}
   * and which ovs-ofctl skips.
   */
  public static String dump(FlowEntry entry) {
    if (!hasNames(entry)) {
      return "# " + format(entry);
    }
    StringBuilder line = new StringBuilder();
    if (entry.cookie() != 0) {
      line.append("cookie=0x").append(Long.toHexString(entry.cookie())).append(", ");
    }
    if (entry.key().table() != 0) {
      line.append("table=").append(entry.key().table()).append(", ");
    }
    if (entry.hardTimeout() != 0) {
      line.append("hard_timeout=").append(entry.hardTimeout()).append(", ");
    }
    if (entry.sendFlowRemoved()) {
      line.append("send_flow_rem ");
    }
    String match = format(entry.key().match());
    if (entry.key().priority() != DEFAULT_PRIORITY) {
      String priority = "priority=" + entry.key().priority();
      match = match.isEmpty() ? priority : priority + "," + match;
    }
    if (!match.isEmpty()) {
      line.append(match).append(' ');
    }
    return line.append("actions=")
        .append(formatActions(entry.actions()).replace(":0x0->", ":0->"))
        .toString();
  }

  /** Whether an entry has nothing but fields and actions that have a name here. */
  public static boolean hasNames(FlowEntry entry) {
    return entry.key().match().others().isEmpty()
        && entry.actions().stream().noneMatch(Action.Other.class::isInstance);
  }

  /** Table, priority and match: what identifies an entry. */
  public static String format(FlowKey key) {
    String match = format(key.match());
    return "table="
        + key.table()
        + ", priority="
        + key.priority()
        + (match.isEmpty() ? "" : "," + match);
  }

  /** A match; empty for a match on every packet. */
  public static String format(Match match) {
    ImmutableList.Builder<String> parts = ImmutableList.builder();
    match.forEach((field, value, mask) -> parts.add(format(field, value, mask)));
    match.others().forEach(oxm -> parts.add("oxm:" + oxm));
    return String.join(",", parts.build());
  }

  private static String format(Field field, long value, long mask) {
    if (field == Field.IN_PORT && mask == field.allOnes()) {
      String name = RESERVED_PORTS.inverse().get(value);
      if (name != null) {
        return field.text() + "=" + name;
      }
    }
    String text = field.text() + "=" + number(field, value);
    return mask == field.allOnes() ? text : text + "/0x" + Long.toHexString(mask);
  }

  /** A list of actions; {@code drop} for none. */
  public static String formatActions(List<Action> actions) {
    return actions.isEmpty()
        ? "drop"
        : actions.stream().map(FlowText::format).collect(Collectors.joining(","));
  }

  private static String format(Action action) {
    return switch (action) {
      case Action.Output output -> "output:" + output.port();
      case Action.SetField set ->
          "set_field:0x" + Long.toHexString(set.value()) + "->" + set.field().text();
      case Action.Load load ->
          "load:0x"
              + Long.toHexString(load.value())
              + "->"
              + load.field().nxmName()
              + bits(load.field(), load.offset(), load.bits());
      case Action.Resubmit resubmit -> "resubmit(," + resubmit.table() + ")";
      case Action.Other other -> "action:" + other.bytes();
    };
  }

  private static String bits(Field field, int offset, int bits) {
    if (offset == 0 && bits == field.bytes() * 8) {
      return "[]";
    }
    return bits == 1 ? "[" + offset + "]" : "[" + offset + ".." + (offset + bits - 1) + "]";
  }

  /** ovs-ofctl prints ports in decimal and everything else in hexadecimal, but for a plain zero. */
  private static String number(Field field, long value) {
    return field == Field.IN_PORT || value == 0
        ? Long.toUnsignedString(value)
        : "0x" + Long.toHexString(value);
  }
}
