// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.topology;

import com.google.common.collect.ImmutableSet;

/**
 * A row of OVSDB's Mirror table on br-int, such as Kube-OVN's {@code m0}. One that outputs to our
 * mirror port and selects a mirrored pod's port makes every copy arrive twice.
 *
 * @param name the mirror's name
 * @param outputPort the name of the port that it outputs to, or empty
 * @param selectAll whether it selects every port
 * @param selected the names of the ports in {@code select_src_port} and {@code select_dst_port}
 */
public record BridgeMirror(
    String name, String outputPort, boolean selectAll, ImmutableSet<String> selected) {

  /** Whether it copies anything at all. */
  public boolean selectsAnything() {
    return selectAll || !selected.isEmpty();
  }
}
