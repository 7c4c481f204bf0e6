// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import com.google.common.base.Strings;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.FlowParser;
import java.util.function.Function;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * Reads entries as OVN makes them, in ovs-ofctl's syntax: what {@link FlowParser} reads, and some
 * fields and actions that Flowmirror has no name for and keeps as bytes (ovs-fields(7),
 * ovs-actions(7)).
 */
public final class OvnText {
  private static final Pattern DL_DST = Pattern.compile("\\bdl_dst=([0-9a-f:]{17})");
  private static final Pattern DL_VLAN = Pattern.compile("\\bdl_vlan=(\\d+)");
  private static final Pattern CT_LABEL = Pattern.compile("\\bct_label=(\\w+)/(\\w+)");
  private static final Pattern SET_VLAN = Pattern.compile("\\bset_field:(\\d+)->vlan_vid\\b");

  private OvnText() {}

  /**
   * Reads one entry.
   *
   * @throws IllegalArgumentException as {@link FlowParser#parse}
   */
  public static FlowEntry parse(String line) {
    String text = line;
    text = replace(text, DL_DST, m -> "oxm:80000606" + m.group(1).replace(":", ""));
    // OFPVID_PRESENT (OpenFlow 1.3.5, section 7.2.3.7) comes with every VLAN id.
    text = replace(text, DL_VLAN, m -> "oxm:80000c02" + hex(0x1000 | number(m.group(1)), 2));
    text =
        replace(
            text,
            CT_LABEL,
            m -> "oxm:0001d920" + hex(number(m.group(1)), 16) + hex(number(m.group(2)), 16));
    text =
        replace(
            text,
            SET_VLAN,
            m -> "action:0019001080000c02" + hex(number(m.group(1)), 2) + "000000000000");
    text = text.replace("push_vlan:0x8100", "action:0011000881000000");
    text = text.replace("pop_vlan", "action:0012000800000000");
    return FlowParser.parse(text);
  }

  private static String replace(String text, Pattern pattern, Function<MatchResult, String> by) {
    return pattern.matcher(text).replaceAll(by);
  }

  private static long number(String text) {
    return Long.decode(text);
  }

  private static String hex(long value, int bytes) {
    return Strings.padStart(Long.toHexString(value), 2 * bytes, '0');
  }
}
