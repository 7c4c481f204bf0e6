// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.topology.PodInterface;
import io.flowmirror.topology.PodName;

/**
 * Where a node stands that this controller writes to.
 *
 * @param known whether the node can be told of: what was mirrored when it was lost may be still
 * @param mirrored the interfaces all of whose entries are there, whoever asks for them
 * @param tapped those of which anything is copied, or may be: whoever asks, and until the last
 *     entry is gone
 * @param copies what has been copied of its pods since their entries were made
 * @param troubles why what the API asks for is not mirrored
 */
public record NodeStand(
    boolean known,
    ImmutableSet<PodInterface> mirrored,
    ImmutableSet<PodInterface> tapped,
    ImmutableMap<PodName, Copies> copies,
    ImmutableMap<PodInterface, Trouble> troubles) {}
