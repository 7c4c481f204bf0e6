// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import io.flowmirror.flows.FlowEntry;

/**
 * A change of one entry that somebody else has made, as the flow monitor tells of it (Open vSwitch,
 * include/openflow/nicira-ext.h, struct nx_flow_update_full; ONF extension 187 has the same).
 *
 * @param gone whether the entry was deleted or has expired; otherwise it was added, replaced or
 *     modified
 * @param entry the entry after the change, or before its end. The monitor does not tell its flags.
 */
record FlowUpdate(boolean gone, FlowEntry entry) {}
