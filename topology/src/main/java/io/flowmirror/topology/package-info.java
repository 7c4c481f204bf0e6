// SPDX-License-Identifier: Apache-2.0
/**
 * The observed world: what OVSDB, OpenFlow and OVN's own flow entries said of each node, as
 * immutable values.
 *
 * <p>Nothing here does I/O, reads a clock or knows what anybody wants mirrored. Sessions post
 * {@link io.flowmirror.topology.Fact facts}; {@link io.flowmirror.topology.Topology#with} yields
 * the next state. A fact is a whole snapshot of its source, so the newest one is all that has to be
 * kept.
 */
@NullMarked
package io.flowmirror.topology;

import org.jspecify.annotations.NullMarked;
