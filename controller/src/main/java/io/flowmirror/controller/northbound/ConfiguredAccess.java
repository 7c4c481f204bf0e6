// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import io.flowmirror.config.KubernetesSettings;
import io.flowmirror.config.NorthboundSettings;
import io.flowmirror.config.Settings;
import io.flowmirror.controller.kubernetes.AskedMirrors;
import io.flowmirror.controller.kubernetes.Reviews;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Who may ask as the configuration in force says: the token file's word counts alone; without one
 * the API's, if it is followed, since on a node's own network any pod with hostNetwork is on this
 * machine; without both everybody on this machine. Whether the API is followed may change from one
 * request to the next; the rest is as it was at the start.
 */
final class ConfiguredAccess implements Access {
  private final Supplier<Settings> inForce;
  private final Optional<TokenFile> file;
  private final ApiAccess api;
  private final boolean onLoopback;

  /**
   * Reads the token file, if there is one.
   *
   * @param reviews how to ask the API who asks; not called before the API is followed
   * @param mirrors how to write there what callers ask for; used while Mirrors are followed
   * @throws IllegalArgumentException if the tokens cannot be read
   */
  ConfiguredAccess(
      NorthboundSettings settings,
      Supplier<Settings> inForce,
      Supplier<Reviews> reviews,
      AskedMirrors mirrors) {
    this.inForce = inForce;
    this.file = settings.tokens().map(TokenFile::new);
    this.api =
        new ApiAccess(
            reviews,
            () ->
                inForce
                    .get()
                    .kubernetes()
                    .filter(KubernetesSettings::mirrorResources)
                    .map(followed -> mirrors));
    this.onLoopback = settings.listen().isLoopback();
  }

  @Override
  public Caller caller(Optional<String> bearerToken, String address) {
    if (file.isPresent()) {
      return file.get().caller(bearerToken, address);
    }
    if (inForce.get().kubernetes().isPresent()) {
      return api.caller(bearerToken, address);
    }
    if (onLoopback) {
      return Caller.local();
    }
    throw Problem.forbidden(
        "nobody may ask any more: the configuration has no kubernetes now, and northbound no"
            + " tokens");
  }
}
