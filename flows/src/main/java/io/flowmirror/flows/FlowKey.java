// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

/** A flow entry's identity (OpenFlow 1.3.5, section 5.2): table id, priority and match. */
public record FlowKey(int table, int priority, Match match) {}
