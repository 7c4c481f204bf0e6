// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/** Gives tests the one API server of this JVM, as {@link SharedCluster} does with the cluster. */
final class SharedKube implements ParameterResolver {
  /** In the order of the test classes: the API server may still be being made meanwhile. */
  static final int LAST = Integer.MAX_VALUE;

  private static final Namespace NAMESPACE = Namespace.create(SharedKube.class);

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    return parameter.getParameter().getType() == Kube.class;
  }

  @Override
  public Kube resolveParameter(ParameterContext parameter, ExtensionContext context) {
    return context
        .getRoot()
        .getStore(NAMESPACE)
        .getOrComputeIfAbsent(Kube.class, key -> Kube.up(), Kube.class);
  }
}
