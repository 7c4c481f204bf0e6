// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** The alert rules, by Prometheus' own tool. */
final class AlertsIT {
  private static final Path FOLDER = Sandbox.root().resolve("config/kubernetes/monitoring");

  @Test
  void areRulesAndDoWhatTheySay() {
    assertThat(Program.run("promtool", "check", "rules", FOLDER.resolve("alerts.yaml").toString()))
        .contains("SUCCESS");
    assertThat(
            Program.run("promtool", "test", "rules", FOLDER.resolve("alerts-test.yaml").toString()))
        .contains("SUCCESS");
  }
}
