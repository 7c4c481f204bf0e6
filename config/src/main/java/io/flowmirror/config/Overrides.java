// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.config;

import java.util.Optional;

/**
 * The flags that take the place of what the file says; two of them are Kube-OVN's.
 *
 * @param enableMirror {@code --enable-mirror[=true|false]}, if given
 * @param mirrorIface {@code --mirror-iface=NAME}, if given; {@link SettingsReader} checks it along
 *     with the file. A node's own {@code mirror-iface} stays, since it says more.
 * @param node {@code --node-name=NAME}, if given: this node alone, by its unix sockets
 */
public record Overrides(
    Optional<Boolean> enableMirror, Optional<String> mirrorIface, Optional<String> node) {
  private static final Overrides NONE =
      new Overrides(Optional.empty(), Optional.empty(), Optional.empty());

  /** No flag was given. */
  public static Overrides none() {
    return NONE;
  }
}
