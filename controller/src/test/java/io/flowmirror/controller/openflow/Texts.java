// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import java.util.ArrayList;
import java.util.List;

/** What ovs-ofctl prints, cut into pieces. */
final class Texts {
  private Texts() {}

  /** Splits at the commas that are outside of all brackets. */
  static List<String> split(String text, char open, char close) {
    List<String> parts = new ArrayList<>();
    int depth = 0;
    int start = 0;
    for (int i = 0; i <= text.length(); i++) {
      char at = i < text.length() ? text.charAt(i) : ',';
      depth += at == open ? 1 : at == close ? -1 : 0;
      if (at == ',' && depth == 0) {
        parts.add(text.substring(start, i));
        start = i + 1;
      }
    }
    return parts;
  }
}
