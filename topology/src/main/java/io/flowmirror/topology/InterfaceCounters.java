// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.topology;

import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * What OVSDB's Interface table says of an interface at one moment (ovs-vswitchd.conf.db(5), columns
 * {@code mtu}, {@code admin_state}, {@code link_state}, {@code statistics} and {@code error}).
 * ovs-vswitchd writes the counters every 5 s, so they may be that old; one that it does not keep is
 * empty.
 *
 * <p>Received and transmitted are the switch's words: of a pod's interface, what is received is
 * what the pod sent. So it is for internal ports too: what the mirror port transmits is what
 * whoever listens there gets.
 *
 * @param name the interface's name
 * @param adminUp whether the device is set up; empty if the switch does not say
 * @param linkUp whether there is a link; empty if the switch does not say
 * @param error why the switch could not make the interface; empty if it could
 */
public record InterfaceCounters(
    String name,
    OptionalInt mtu,
    Optional<Boolean> adminUp,
    Optional<Boolean> linkUp,
    OptionalLong rxPackets,
    OptionalLong rxBytes,
    OptionalLong rxDropped,
    OptionalLong txPackets,
    OptionalLong txBytes,
    OptionalLong txDropped,
    String error) {}
