// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.config.Settings;
import io.flowmirror.topology.PodInterface;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Who asks the running controller for mirrors. From whatever thread. */
final class LiveAskers implements AuditLog.Askers {
  private final Settings atFirst;
  private final Supplier<@Nullable KubernetesLink> link;
  private volatile ImmutableMap<String, String> byRest = ImmutableMap.of();

  /**
   * Asks there.
   *
   * @param link what knows the settings and the API; nothing as long as there is none
   */
  LiveAskers(Settings atFirst, Supplier<@Nullable KubernetesLink> link) {
    this.atFirst = atFirst;
    this.link = link;
  }

  /** Takes who asks by REST now. */
  void byRest(ImmutableMap<String, String> asking) {
    byRest = asking;
  }

  @Override
  public Settings settings() {
    @Nullable KubernetesLink linked = link.get();
    return linked == null ? atFirst : linked.settings();
  }

  @Override
  public ImmutableMap<String, String> byRest() {
    return byRest;
  }

  @Override
  public ImmutableMap<PodInterface, ImmutableSet<String>> byApi(String node) {
    @Nullable KubernetesLink linked = link.get();
    return linked == null ? ImmutableMap.of() : linked.askedByApi(node);
  }

  @Override
  public ImmutableMap<PodInterface, String> uids(String node) {
    @Nullable KubernetesLink linked = link.get();
    return linked == null ? ImmutableMap.of() : linked.uids(node);
  }
}
