// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/** Gives tests the one API server of this JVM, as {@link SharedCluster} does with the cluster. */
final class SharedKube implements ParameterResolver {
  private static @Nullable Kube kube;

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    return parameter.getParameter().getType() == Kube.class;
  }

  @Override
  public Kube resolveParameter(ParameterContext parameter, ExtensionContext context) {
    return shared();
  }

  private static synchronized Kube shared() {
    Kube there = kube;
    if (there == null) {
      there = Kube.up();
      kube = there;
    }
    return there;
  }
}
