// SPDX-License-Identifier: Apache-2.0
/**
 * Tests against a real OVN: the truth is what the pods' eth0 saw, and mirror0 must have seen
 * exactly that, as a multiset of frames.
 *
 * <p>{@link io.flowmirror.controller.truth.Cluster} is the sandbox with its pods, one per JVM.
 * {@link io.flowmirror.controller.truth.Watch} captures at every place that matters, {@link
 * io.flowmirror.controller.truth.Truth} computes the expected copies from what was captured, and
 * {@link io.flowmirror.controller.truth.TrafficCase} is one row of the table. {@link
 * io.flowmirror.controller.truth.Controller} is what makes the copies: in this JVM, or {@link
 * io.flowmirror.controller.truth.FlowmirrorProcess}, the program, which reaches nodes over TCP.
 */
@NullMarked
package io.flowmirror.controller.truth;

import org.jspecify.annotations.NullMarked;
