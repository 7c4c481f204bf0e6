// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import java.util.List;

/** The list of every kind of flow entry, {@code corpus/every-entry.txt}; it explains itself. */
record EntryList(
    ImmutableSet<String> actionNames,
    ImmutableSet<String> fieldNames,
    ImmutableList<String> tlvMaps,
    ImmutableList<String> groups,
    ImmutableList<String> meters,
    ImmutableList<String> entries,
    ImmutableList<String> openFlow15Entries,
    ImmutableList<Refused> refused) {

  /** An entry that the switch or ovs-ofctl refuses, and a part of what it says then. */
  record Refused(String words, String entry) {}

  static EntryList read() {
    List<String> lines =
        Corpus.text("every-entry.txt")
            .lines()
            .filter(line -> !line.isBlank() && !line.startsWith("#"))
            .toList();
    return new EntryList(
        ImmutableSet.copyOf(words(lines, "action ")),
        ImmutableSet.copyOf(words(lines, "field ")),
        after(lines, "tlv-map "),
        after(lines, "group "),
        after(lines, "meter "),
        lines.stream()
            .filter(line -> line.contains("actions="))
            .filter(line -> !line.startsWith("of15 ") && !line.startsWith("refused "))
            .collect(ImmutableList.toImmutableList()),
        after(lines, "of15 "),
        after(lines, "refused ").stream()
            .map(line -> line.split(": ", 2))
            .map(parts -> new Refused(parts[0], parts[1]))
            .collect(ImmutableList.toImmutableList()));
  }

  private static ImmutableList<String> after(List<String> lines, String keyword) {
    return lines.stream()
        .filter(line -> line.startsWith(keyword))
        .map(line -> line.substring(keyword.length()))
        .collect(ImmutableList.toImmutableList());
  }

  private static List<String> words(List<String> lines, String keyword) {
    return Splitter.on(' ').splitToList(String.join(" ", after(lines, keyword)));
  }
}
