// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * Gives tests the one cluster of this JVM. It comes up when it is first asked for, and goes with
 * the JVM, as {@link Sandbox} sees to: where classes are handed to two JVMs one by one, none of
 * them is the last for JUnit.
 */
final class SharedCluster implements ParameterResolver {
  private static @Nullable Cluster cluster;

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    return parameter.getParameter().getType() == Cluster.class;
  }

  @Override
  public Cluster resolveParameter(ParameterContext parameter, ExtensionContext context) {
    return shared();
  }

  private static synchronized Cluster shared() {
    Cluster there = cluster;
    if (there == null) {
      there = Cluster.up();
      cluster = there;
    }
    return there;
  }
}
