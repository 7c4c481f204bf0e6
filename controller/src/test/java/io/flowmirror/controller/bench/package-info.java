// SPDX-License-Identifier: Apache-2.0
/**
 * What the control plane costs: a swarm of switches that are none, the real controller beside it,
 * and what is measured of both. Run by {@code bench/control} and {@code bench/micro}.
 */
package io.flowmirror.controller.bench;
