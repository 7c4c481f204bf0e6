// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import io.flowmirror.config.Settings;

/** A configuration in a few words. */
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
}
