// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.bench;

import java.io.IOException;

/** What others have of the machine while something is measured. Confined to one thread. */
final class MachineShare {
  private final ControllerProcess controller;
  private double others;
  private long sinceNanos;

  MachineShare(ControllerProcess controller) throws IOException {
    this.controller = controller;
    others = others();
    sinceNanos = System.nanoTime();
  }

  /** In percent of one processor, since it was asked last; this JVM and the controller apart. */
  double othersPercent() throws IOException {
    double before = others;
    long began = sinceNanos;
    others = others();
    sinceNanos = System.nanoTime();
    return 100 * (others - before) * 1e9 / (sinceNanos - began);
  }

  private double others() throws IOException {
    return ControllerProcess.machineSeconds()
        - controller.cpuSeconds()
        - ControllerProcess.ownCpuSeconds();
  }
}
