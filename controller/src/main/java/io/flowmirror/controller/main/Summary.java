// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import io.flowmirror.config.Settings;
import io.flowmirror.flows.FlowDiff;
import java.util.Collections;
import java.util.Locale;
import java.util.StringJoiner;

/** A difference, or a configuration, in a few words. */
final class Summary {
  private Summary() {}

  /** Such as {@code 2 nodes, 3 mirrors to mirror0}. */
  static String of(Settings settings) {
    int nodes = settings.nodes().size();
    int mirrors = settings.mirrors().size();
    return nodes
        + (nodes == 1 ? " node, " : " nodes, ")
        + (settings.enableMirror()
            ? "everything is mirrored"
            : mirrors + (mirrors == 1 ? " mirror" : " mirrors"))
        + " to "
        + settings.mirrorIface();
  }

  /** Such as {@code 3 missing, 1 surplus}; {@code in sync} if there is no drift. */
  static String of(FlowDiff diff) {
    StringJoiner words = new StringJoiner(", ");
    for (FlowDiff.Drift kind : FlowDiff.Drift.values()) {
      int count = Collections.frequency(diff.drift().values(), kind);
      if (count > 0) {
        words.add(count + " " + kind.name().toLowerCase(Locale.ROOT));
      }
    }
    if (!diff.conflicts().isEmpty()) {
      words.add(diff.conflicts().size() + " whose place is taken");
    }
    return words.length() == 0 ? "in sync" : words.toString();
  }
}
