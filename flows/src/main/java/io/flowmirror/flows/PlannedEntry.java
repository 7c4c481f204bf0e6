// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

import io.flowmirror.topology.PodName;
import java.util.Optional;

/**
 * A wanted entry, and what it is for.
 *
 * @param entry the entry
 * @param pod the pod whose traffic it copies, if it is one pod's
 * @param purpose what it does, in words, for a person who reads a dump
 * @param needs the entry without which this one would do harm: an E3 without its E1 would keep
 *     frames from being copied at all
 */
public record PlannedEntry(
    FlowEntry entry, Optional<PodName> pod, String purpose, Optional<FlowKey> needs) {}
