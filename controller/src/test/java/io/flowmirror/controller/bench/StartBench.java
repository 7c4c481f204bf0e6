// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.bench;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;

/**
 * From {@code flowmirror run} to the first entry on a node, without and with an AOT cache (JEP 483,
 * JEP 514), in turns.
 */
public final class StartBench {
  private StartBench() {}

  /**
   * Runs.
   *
   * @param arguments the checkout, and how many rounds
   */
  public static void main(String[] arguments) throws Exception {
    Path root = Path.of(arguments[0]).toAbsolutePath();
    int rounds = Integer.parseInt(arguments[1]);
    Path work = Files.createTempDirectory("fmstart");
    Path cache = work.resolve("flowmirror.aot");
    String plain = "-Xmx256m";
    // The default, which has bin/flowmirror leave it at that: with the JDK's own archive.
    String without = plain + " -XX:AOTMode=auto";
    String cached = plain + " -XX:AOTCache=" + cache;
    // It is written at the end of a run that has done what the others will do.
    start(root, work, plain + " -XX:AOTCacheOutput=" + cache);
    double[][] took = new double[2][rounds];
    double[][] cpu = new double[2][rounds];
    for (int round = 0; round < rounds; round++) {
      for (int turn = 0; turn < 2; turn++) {
        int which = (round + turn) % 2;
        double[] measured = start(root, work, which == 0 ? without : cached);
        took[which][round] = measured[0];
        cpu[which][round] = measured[1];
      }
    }
    System.out.printf(Locale.ROOT, "AOT cache: %.1f MiB%n", Files.size(cache) / 1024.0 / 1024.0);
    System.out.println("| | first entry, median ms | range | CPU ms, median |");
    System.out.println("|---|---|---|---|");
    for (int which = 0; which < 2; which++) {
      Arrays.sort(took[which]);
      Arrays.sort(cpu[which]);
      System.out.printf(
          Locale.ROOT,
          "| %s | %.0f | %.0f–%.0f | %.0f |%n",
          which == 0 ? "without" : "with the AOT cache",
          took[which][rounds / 2],
          took[which][0],
          took[which][rounds - 1],
          cpu[which][rounds / 2]);
    }
    for (String name :
        new String[] {
          "flowmirror.yaml", "flowmirror.log", "flowmirror.aot", "flowmirror.aot.config"
        }) {
      Files.deleteIfExists(work.resolve(name));
    }
    Files.delete(work);
  }

  /** Milliseconds to the first entries, and of a processor by then. */
  private static double[] start(Path root, Path work, String options) throws Exception {
    Path config = work.resolve("flowmirror.yaml");
    try (Swarm swarm = new Swarm(SwarmPlan.of(1, SwarmShape.of(20, 0)))) {
      Files.writeString(config, swarm.configuration(work));
      Stopwatch watch = swarm.startAnew();
      try (ControllerProcess controller =
          new ControllerProcess(root, config, work.resolve("flowmirror.log"), options)) {
        ControlBench.await("in sync", controller, watch);
        double cpu = 1000 * controller.cpuSeconds();
        return new double[] {watch.lastMillis(), cpu};
      }
    }
  }
}
