// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.topology;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;

/**
 * br-int as OVSDB describes it.
 *
 * @param name the bridge's name
 * @param datapathId {@code Bridge.datapath_id}, 16 hexadecimal digits; empty until the switch has
 *     set it
 * @param flowRestoreWait whether {@code other_config:flow-restore-wait} is true: {@code ovs-ctl
 *     restart} is putting saved flows back, and nothing may be written
 * @param interfaces the interfaces of the bridge's ports, by name
 * @param mirrors the bridge's Mirror rows
 */
public record Bridge(
    String name,
    String datapathId,
    boolean flowRestoreWait,
    ImmutableMap<String, Interface> interfaces,
    ImmutableList<BridgeMirror> mirrors) {}
