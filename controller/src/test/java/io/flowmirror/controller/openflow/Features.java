// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import com.google.common.base.Splitter;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Fields that {@code ovs-ofctl dump-table-features} lists, as {@code tun_{id,ipv6_{src,dst}}}. */
final class Features {
  private static final Splitter WORDS = Splitter.on(' ').omitEmptyStrings();
  private static final Pattern RANGE = Pattern.compile("(.*?)(\\d+)\\.\\.\\.\\1(\\d+)");

  private Features() {}

  /** The fields in the first line with this heading. */
  static Set<String> named(String features, String heading) {
    String line =
        features.lines().filter(l -> l.strip().startsWith(heading + ":")).findFirst().orElseThrow();
    Set<String> fields = new LinkedHashSet<>();
    for (String word : WORDS.split(line.substring(line.indexOf(':') + 1))) {
      expand("", word, fields);
    }
    return fields;
  }

  private static void expand(String before, String word, Set<String> into) {
    int open = word.indexOf('{');
    if (open >= 0) {
      String prefix = before + word.substring(0, open);
      for (String part : Texts.split(word.substring(open + 1, word.length() - 1), '{', '}')) {
        expand(prefix, part, into);
      }
      return;
    }
    Matcher range = RANGE.matcher(word);
    if (!range.matches()) {
      into.add(before + word);
      return;
    }
    int last = Integer.parseInt(range.group(3));
    for (int i = Integer.parseInt(range.group(2)); i <= last; i++) {
      into.add(before + range.group(1) + i);
    }
  }
}
