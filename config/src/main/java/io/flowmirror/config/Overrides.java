// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.config;

import java.util.Optional;

/**
 * Kube-OVN's flags, which take the place of the top-level keys of the same name.
 *
 * @param enableMirror {@code --enable-mirror[=true|false]}, if given
 * @param mirrorIface {@code --mirror-iface=NAME}, if given; {@link SettingsReader} checks it along
 *     with the file. A node's own {@code mirror-iface} stays, since it says more.
 */
public record Overrides(Optional<Boolean> enableMirror, Optional<String> mirrorIface) {
  private static final Overrides NONE = new Overrides(Optional.empty(), Optional.empty());

  /** No flag was given. */
  public static Overrides none() {
    return NONE;
  }
}
