// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

/**
 * One step from what is installed to what is wanted. There is no MODIFY: it never changes a cookie
 * or flags (Open vSwitch, ofproto.c), while an ADD of the same identity replaces all of an entry.
 */
public sealed interface FlowChange {
  /** The identity of the entry that is concerned. */
  FlowKey key();

  /** OFPFC_ADD: create the entry, or replace the one with the same identity. */
  record Add(FlowEntry entry) implements FlowChange {
    @Override
    public FlowKey key() {
      return entry.key();
    }
  }

  /**
   * OFPFC_DELETE_STRICT of this identity, and only if it still bears this cookie ({@link
   * Cookie#DELETE_MASK}).
   */
  record Delete(FlowKey key, long cookie) implements FlowChange {}
}
