// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What traffic has the userspace datapath do, begun without any megaflow: not how long it takes,
 * but what is done, which is the same each time.
 *
 * @param megaflows those of IPv4, without statistics, and with recirculations numbered by their
 *     order, since the switch numbers them anew each time
 * @param upcalls how often ovs-vswitchd was asked, for whatever came meanwhile
 */
record DatapathCost(ImmutableList<String> megaflows, long upcalls) {
  private static final Pattern RECIRCULATION =
      Pattern.compile("recirc(?:_id)?\\((0x[0-9a-f]+|0)\\)");

  /** What is no echo request or answer, such as the tunnels' own frames on the way out. */
  private static final Pattern OTHERS = Pattern.compile("proto=(?:2|6|17),.*actions:");

  private static final Pattern STATISTICS =
      Pattern.compile("packets:\\d+, bytes:\\d+, used:[^,]+, (flags:[^,]*, )?");

  /** The datapath's own megaflows have names of ports, not numbers. */
  static DatapathCost of(BrInt brInt) {
    ImmutableList<String> lines =
        brInt
            .appctl("dpctl/dump-flows", "--names")
            .lines()
            .filter(line -> line.contains("eth_type(0x0800)") && !OTHERS.matcher(line).find())
            .map(line -> STATISTICS.matcher(line.strip()).replaceAll(""))
            .sorted()
            .collect(ImmutableList.toImmutableList());
    long upcalls =
        brInt
            .appctl("dpif-netdev/pmd-stats-show")
            .lines()
            .filter(line -> line.contains("miss with success upcall:"))
            .mapToLong(line -> Long.parseLong(line.replaceFirst(".*: *", "").strip()))
            .sum();
    return new DatapathCost(numbered(lines), upcalls);
  }

  /** In the order in which a frame that comes in meets them. */
  private static ImmutableList<String> numbered(ImmutableList<String> lines) {
    Map<String, String> numbers = new HashMap<>(Map.of("0", "0"));
    Map<String, ImmutableList.Builder<String>> by = new LinkedHashMap<>();
    for (String line : lines) {
      Matcher first = RECIRCULATION.matcher(line);
      by.computeIfAbsent(first.find() ? idOf(first.group(1)) : "0", any -> ImmutableList.builder())
          .add(line);
    }
    ImmutableList.Builder<String> all = ImmutableList.builder();
    Deque<String> next = new ArrayDeque<>(Set.of("0"));
    Set<String> done = new HashSet<>();
    while (!next.isEmpty()) {
      String id = next.remove();
      ImmutableList.Builder<String> these = by.get(id);
      if (!done.add(id) || these == null) {
        continue;
      }
      for (String line : these.build()) {
        Matcher actions = RECIRCULATION.matcher(line.substring(line.indexOf("actions:")));
        while (actions.find()) {
          String to = actions.group(1);
          numbers.computeIfAbsent(to, any -> "" + numbers.size());
          next.add(to);
        }
        all.add(
            RECIRCULATION
                .matcher(line)
                .replaceAll(
                    found ->
                        (found.group().startsWith("recirc_id") ? "recirc_id(" : "recirc(")
                            + numbers.getOrDefault(idOf(found.group(1)), "?")
                            + ")"));
      }
    }
    return all.build();
  }

  private static String idOf(String number) {
    return number.matches("0x0+") ? "0" : number;
  }

  /** How many of them a frame meets only when it has been recirculated. */
  long recirculated() {
    return megaflows.stream().filter(line -> !line.contains("recirc_id(0)")).count();
  }

  /** How many copies they make. */
  long outputsTo(String port) {
    return megaflows.stream()
        .mapToLong(line -> line.length() - withoutOutputs(line, port).length())
        .map(characters -> characters / (port.length() + 1))
        .sum();
  }

  /** The same, without the copies: what is done with the frame itself. */
  ImmutableSet<String> withoutOutputs(String port) {
    return megaflows.stream()
        .map(line -> withoutOutputs(line, port))
        .collect(ImmutableSet.toImmutableSet());
  }

  /** What of a connection's mark is looked at is not told apart either. */
  ImmutableSet<String> withoutOutputsAndMarks(String port) {
    return withoutOutputs(port).stream()
        .map(line -> line.replaceFirst("ct_mark\\([^)]*\\),", ""))
        .collect(ImmutableSet.toImmutableSet());
  }

  private static String withoutOutputs(String line, String port) {
    int actions = line.indexOf("actions:") + "actions:".length();
    return line.substring(0, actions)
        + ("," + line.substring(actions)).replace("," + port, "").replaceFirst("^,", "");
  }
}
