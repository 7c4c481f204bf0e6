// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.bench;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/**
 * What the controller's own work costs when the JVM has done its: a swarm as in {@link
 * ControlBench}, and the same disturbances again and again in one run. Says the CPU time of each
 * round, and whose it was.
 */
public final class WarmBench {
  /** Where recordings of the controller go; none are made without it. */
  private static final String PROFILE = System.getProperty("bench.profile", "");

  /** JFR's settings for them. */
  private static final String SETTINGS = System.getProperty("bench.settings", "profile");

  /** What a round has left to do: the second look at each node. */
  private static final Duration AFTERWARDS = Duration.ofMillis(1_500);

  private interface Disturbance {
    Stopwatch disturb();
  }

  private final ControllerProcess controller;
  private final ObjectNode result = new JsonMapper().createObjectNode();

  private WarmBench(ControllerProcess controller) {
    this.controller = controller;
  }

  /**
   * Runs it.
   *
   * @param arguments the checkout, how many nodes, how many pods each has, how many rounds of each
   *     kind, within how many seconds the nodes are wiped, for how many the rest is measured, the
   *     kinds (wipe, cut, anew; by commas), and options of the controller's JVM
   */
  public static void main(String[] arguments) throws Exception {
    Path root = Path.of(arguments[0]).toAbsolutePath();
    int nodes = Integer.parseInt(arguments[1]);
    SwarmShape shape = SwarmShape.of(Integer.parseInt(arguments[2]), 0);
    int rounds = Integer.parseInt(arguments[3]);
    Duration within = Duration.ofMillis((long) (1000 * Double.parseDouble(arguments[4])));
    Duration idle = Duration.ofSeconds(Integer.parseInt(arguments[5]));
    List<String> kinds = List.of(arguments[6].split(",", -1));
    Path work = Files.createTempDirectory("fmwarm");
    Path config = work.resolve("flowmirror.yaml");
    Path log = work.resolve("flowmirror.log");
    try (Swarm swarm = new Swarm(SwarmPlan.of(nodes, shape))) {
      Files.writeString(config, swarm.configuration(work));
      Stopwatch start = swarm.startAnew();
      try (ControllerProcess controller = new ControllerProcess(root, config, log, arguments[7])) {
        ControlBench.await("all in sync", controller, start);
        WarmBench bench = new WarmBench(controller);
        bench.result.put("nodes", nodes).put("pods", shape.pods());
        bench.result.put("coldCpu", round(controller.cpuSeconds()));
        bench.result.put("coldSeconds", round(start.lastMillis() / 1000));
        for (String kind : kinds) {
          bench.rounds(
              kind,
              rounds,
              switch (kind) {
                case "wipe" -> () -> swarm.wipeAll(within, nodes);
                case "cut" -> swarm::cutAll;
                case "anew" -> swarm::forgetAll;
                default -> throw new IllegalArgumentException(kind);
              });
        }
        if (!idle.isZero()) {
          bench.rest(idle);
        }
        System.out.println(bench.result);
        if (swarm.failure() != null) {
          throw new IOException(swarm.failure());
        }
      }
    } finally {
      Files.deleteIfExists(config);
      Files.deleteIfExists(log);
      Files.deleteIfExists(work);
    }
  }

  private void rounds(String kind, int rounds, Disturbance disturbance) throws Exception {
    List<Double> cpu = new ArrayList<>();
    List<Double> seconds = new ArrayList<>();
    Map<String, Double> threads = Map.of();
    for (int i = 0; i < rounds; i++) {
      Thread.sleep(AFTERWARDS);
      if (i == rounds / 2) {
        // The first half is for the compilers.
        threads = controller.cpuSecondsByThread();
        record(kind);
      }
      double before = controller.cpuSeconds();
      Stopwatch watch = disturbance.disturb();
      ControlBench.await(kind, controller, watch);
      seconds.add(round(watch.lastMillis() / 1000));
      Thread.sleep(AFTERWARDS);
      cpu.add(round(controller.cpuSeconds() - before));
    }
    recorded(kind);
    result.put(kind + "Cpu", cpu.toString());
    List<Double> half = new ArrayList<>(cpu.subList(rounds / 2, rounds));
    Collections.sort(half);
    result.put(kind + "CpuMedian", half.get(half.size() / 2));
    result.put(kind + "Seconds", seconds.toString());
    byThread(kind, threads, rounds - rounds / 2);
    System.err.println(result);
  }

  private void byThread(String kind, Map<String, Double> before, double by) throws IOException {
    ObjectNode whose = result.putObject(kind + "CpuByThread");
    controller
        .cpuSecondsByThread()
        .forEach(
            (name, after) -> {
              double took = round((after - before.getOrDefault(name, 0.0)) / by);
              if (took > 0.005) {
                whose.put(name, took);
              }
            });
  }

  private void rest(Duration idle) throws Exception {
    Thread.sleep(AFTERWARDS);
    double cpu = controller.cpuSeconds();
    Map<String, Double> threads = controller.cpuSecondsByThread();
    record("rest");
    Thread.sleep(idle);
    recorded("rest");
    result.put(
        "idlePercent", round(100 * (controller.cpuSeconds() - cpu) / (idle.toMillis() / 1000.0)));
    byThread("idle", threads, idle.toSeconds() / 100.0);
    result.put("liveHeapMib", round(controller.liveHeapMib()));
  }

  private void record(String name) throws Exception {
    if (!PROFILE.isEmpty()) {
      controller.jcmd("JFR.start", "name=" + name, "settings=" + SETTINGS);
    }
  }

  private void recorded(String name) throws Exception {
    if (!PROFILE.isEmpty()) {
      Path file = Path.of(PROFILE).toAbsolutePath().resolve(name + ".jfr");
      controller.jcmd("JFR.stop", "name=" + name, "filename=" + file);
    }
  }

  private static double round(double value) {
    return Math.round(value * 100) / 100.0;
  }
}
