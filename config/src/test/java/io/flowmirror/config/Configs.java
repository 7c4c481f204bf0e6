// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.config;

import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.common.collect.ImmutableList;

/** Configurations for tests; messages call them {@code f.yaml}. */
final class Configs {
  /** The least that is right, in one line, so that what a test puts before it keeps its line. */
  static final String NODES = "nodes: [{name: n1, ovsdb: 'unix:/db', openflow: 'unix:/of'}]\n";

  private Configs() {}

  static Settings read(String yaml) {
    return SettingsReader.parse("f.yaml", yaml, Overrides.none());
  }

  static ImmutableList<String> problems(String yaml) {
    return problems(yaml, Overrides.none());
  }

  static ImmutableList<String> problems(String yaml, Overrides overrides) {
    ConfigException exception =
        catchThrowableOfType(
            ConfigException.class, () -> SettingsReader.parse("f.yaml", yaml, overrides));
    return exception == null ? ImmutableList.of() : exception.problems();
  }
}
