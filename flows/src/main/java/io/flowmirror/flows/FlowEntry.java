// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

import com.google.common.collect.ImmutableList;

/**
 * A flow entry.
 *
 * @param key table id, priority and match
 * @param actions what OFPIT_APPLY_ACTIONS holds, in order
 * @param cookie see {@link Cookie}
 * @param hardTimeout seconds until the switch removes it by itself; 0 for never
 * @param sendFlowRemoved OFPFF_SEND_FLOW_REM: the switch tells us when it is removed
 */
public record FlowEntry(
    FlowKey key,
    ImmutableList<Action> actions,
    long cookie,
    int hardTimeout,
    boolean sendFlowRemoved) {

  /** The same with another hard timeout. */
  public FlowEntry withHardTimeout(int seconds) {
    return new FlowEntry(key, actions, cookie, seconds, sendFlowRemoved);
  }
}
