// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.bench;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Map;
import java.util.function.BooleanSupplier;

/**
 * One case of {@code bench/control}: a swarm, in this process, and the controller, in one of its
 * own; cold start, rest, a wipe of every node, and a cut of every connection. Writes what was
 * measured as one JSON file.
 */
public final class ControlBench {
  private static final Duration PATIENCE =
      Duration.ofSeconds(Integer.getInteger("bench.patience", 300));

  /** Where recordings of the controller go (jcmd, JFR.start); none are made without it. */
  private static final String PROFILE = System.getProperty("bench.profile", "");

  private static final Duration WIPES_WITHIN = Duration.ofSeconds(10);

  private final SwarmPlan plan;
  private final Duration idle;
  private final Path work;
  private final String options;
  private double othersBefore;
  private long since;
  private final ObjectNode result = new JsonMapper().createObjectNode();

  private ControlBench(SwarmPlan plan, Duration idle, Path work, String options) {
    this.plan = plan;
    this.idle = idle;
    this.work = work;
    this.options = options;
  }

  /**
   * Runs a case.
   *
   * @param arguments the checkout, the file to write, the swarm ({@link SwarmPlan#parse}), for how
   *     many seconds the rest is measured, and options of the controller's JVM
   */
  public static void main(String[] arguments) throws Exception {
    Path root = Path.of(arguments[0]).toAbsolutePath();
    Path out = Path.of(arguments[1]).toAbsolutePath();
    SwarmPlan plan = SwarmPlan.parse(arguments[2]);
    Duration idle = Duration.ofSeconds(Integer.parseInt(arguments[3]));
    Path work = Files.createTempDirectory("fmcontrol");
    try {
      ObjectNode result = new ControlBench(plan, idle, work, arguments[4]).run(root);
      Files.writeString(out, result.toPrettyString() + "\n");
      System.out.println(result);
    } finally {
      for (String name : new String[] {"flowmirror.yaml", "key.pem", "cert.pem", "ca.pem"}) {
        Files.deleteIfExists(work.resolve(name));
      }
      Files.move(
          work.resolve("flowmirror.log"),
          Path.of(out + ".log"),
          StandardCopyOption.REPLACE_EXISTING);
      Files.deleteIfExists(work);
    }
  }

  /** What others have had of the machine since it was asked last, in percent of one processor. */
  private void others(String phase, ControllerProcess controller) throws Exception {
    double ours = controller.cpuSeconds() + ControllerProcess.ownCpuSeconds();
    double others = ControllerProcess.machineSeconds() - ours;
    long now = System.nanoTime();
    result.put(phase + "OthersPercent", round(100 * (others - othersBefore) * 1e9 / (now - since)));
    othersBefore = others;
    since = now;
  }

  private ObjectNode run(Path root) throws Exception {
    othersBefore = ControllerProcess.machineSeconds() - ControllerProcess.ownCpuSeconds();
    since = System.nanoTime();
    Path config = work.resolve("flowmirror.yaml");
    try (Swarm swarm = new Swarm(plan)) {
      Files.writeString(config, swarm.configuration(work));
      SwarmShape shape = plan.shape();
      result.put("nodes", plan.nodes()).put("pods", shape.pods()).put("tunnels", shape.tunnels());
      result.put("tls", plan.tls()).put("gone", plan.gone());
      result.put("entries", plan.nodes() * shape.wanted()).put("options", options);
      Stopwatch start = swarm.startAnew();
      double swarmCpu = ControllerProcess.ownCpuSeconds();
      try (ControllerProcess controller =
          new ControllerProcess(root, config, work.resolve("flowmirror.log"), options)) {
        cold(swarm, controller, start, swarmCpu);
        others("cold", controller);
        if (plan.gone() == 0) {
          rest(swarm, controller);
          others("rest", controller);
          wipe(swarm, controller);
          others("wipe", controller);
        }
        cut(swarm, controller);
        others("cut", controller);
        if (plan.gone() > 0) {
          restore(swarm, controller);
          others("restore", controller);
        }
        result.put("peakResidentMib", round(controller.peakResidentMib()));
        result.put("probesMissed", swarm.counts().probesMissed.sum());
        result.put("connectionsOpened", swarm.counts().opened.sum());
        Throwable failure = swarm.failure();
        result.put("swarmFailure", failure == null ? "" : failure.toString());
      }
    }
    return result;
  }

  private void cold(Swarm swarm, ControllerProcess controller, Stopwatch start, double swarmCpu)
      throws Exception {
    await("all in sync", controller, start);
    result.put("coldSeconds", round(start.lastMillis() / 1000));
    result.put("coldFirstSeconds", round(start.millis(0) / 1000));
    result.put("coldCpuSeconds", round(controller.cpuSeconds()));
    result.put("coldSwarmCpuSeconds", round(ControllerProcess.ownCpuSeconds() - swarmCpu));
    result.put("coldAdded", swarm.counts().added.sum());
    result.put("coldReplaced", swarm.counts().replaced.sum());
    result.put("coldDeleted", swarm.counts().deleted.sum());
    result.put("coldConnectionsLost", swarm.counts().closed.sum());
  }

  private void rest(Swarm swarm, ControllerProcess controller) throws Exception {
    // What the start has left to do: the second look at each node, and compilation.
    awaitQuiet(controller);
    double cpu = controller.cpuSeconds();
    double swarmCpu = ControllerProcess.ownCpuSeconds();
    Map<String, Double> threads = controller.cpuSecondsByThread();
    long begin = System.nanoTime();
    record("rest", controller);
    Thread.sleep(idle);
    recorded("rest", controller);
    double seconds = (System.nanoTime() - begin) / 1e9;
    result.put("idleCpuPercent", round(100 * (controller.cpuSeconds() - cpu) / seconds));
    result.put(
        "idleSwarmCpuPercent",
        round(100 * (ControllerProcess.ownCpuSeconds() - swarmCpu) / seconds));
    ObjectNode byThread = result.putObject("idleCpuPercentByThread");
    controller
        .cpuSecondsByThread()
        .forEach(
            (name, after) -> {
              double percent = round(100 * (after - threads.getOrDefault(name, 0.0)) / seconds);
              if (percent > 0) {
                byThread.put(name, percent);
              }
            });
    result.put("residentMib", round(controller.residentMib()));
    result.put("liveHeapMib", round(controller.liveHeapMib()));
    result.put("threads", controller.threads());
    result.put("descriptors", controller.descriptors());
    result.put("restAdded", swarm.counts().added.sum() - result.get("coldAdded").asLong());
  }

  private static void record(String name, ControllerProcess controller) throws Exception {
    if (!PROFILE.isEmpty()) {
      controller.jcmd("JFR.start", "name=" + name, "settings=profile");
    }
  }

  private static void recorded(String name, ControllerProcess controller) throws Exception {
    if (!PROFILE.isEmpty()) {
      Path file = Path.of(PROFILE).toAbsolutePath().resolve(name + ".jfr");
      controller.jcmd("JFR.stop", "name=" + name, "filename=" + file);
    }
  }

  /** Until it takes less than a tenth of a processor, or as little as before, for five seconds. */
  private static void awaitQuiet(ControllerProcess controller) throws Exception {
    double before = Double.MAX_VALUE;
    for (int i = 0; i < 6; i++) {
      double cpu = controller.cpuSeconds();
      Thread.sleep(5000);
      double took = controller.cpuSeconds() - cpu;
      if (took < 0.5 || took > 0.8 * before) {
        return;
      }
      before = took;
    }
  }

  private void wipe(Swarm swarm, ControllerProcess controller) throws Exception {
    double cpu = controller.cpuSeconds();
    long added = swarm.counts().added.sum();
    record("wipe", controller);
    Stopwatch wipe = swarm.wipeAll(WIPES_WITHIN, plan.nodes());
    await("all repaired", controller, wipe);
    recorded("wipe", controller);
    result.put("repairP50Millis", round(wipe.millis(0.5)));
    result.put("repairP99Millis", round(wipe.millis(0.99)));
    result.put("repairMaxMillis", round(wipe.millis(1)));
    result.put("wipeSeconds", round(wipe.lastMillis() / 1000));
    result.put("wipeCpuSeconds", round(controller.cpuSeconds() - cpu));
    result.put("wipeAdded", swarm.counts().added.sum() - added);
  }

  private void cut(Swarm swarm, ControllerProcess controller) throws Exception {
    awaitQuiet(controller);
    double cpu = controller.cpuSeconds();
    long added = swarm.counts().added.sum();
    long deleted = swarm.counts().deleted.sum();
    long missed = swarm.counts().probesMissed.sum();
    Stopwatch cut = swarm.cutAll();
    await("all back", controller, cut);
    result.put("backP50Millis", round(cut.millis(0.5)));
    result.put("backP99Millis", round(cut.millis(0.99)));
    result.put("backMaxMillis", round(cut.millis(1)));
    result.put("backCpuSeconds", round(controller.cpuSeconds() - cpu));
    awaitQuiet(controller);
    result.put(
        "backWritten", swarm.counts().added.sum() - added + swarm.counts().deleted.sum() - deleted);
    result.put("backProbesMissed", swarm.counts().probesMissed.sum() - missed);
  }

  private void restore(Swarm swarm, ControllerProcess controller) throws Exception {
    double cpu = controller.cpuSeconds();
    Stopwatch restored = swarm.restore();
    await("all that were gone in sync", controller, restored);
    result.put("restoreP50Millis", round(restored.millis(0.5)));
    result.put("restoreP99Millis", round(restored.millis(0.99)));
    result.put("restoreMaxMillis", round(restored.millis(1)));
    result.put("restoreCpuSeconds", round(controller.cpuSeconds() - cpu));
  }

  static void await(String what, ControllerProcess controller, Stopwatch watch) throws Exception {
    BooleanSupplier over = () -> watch.left() == 0;
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!over.getAsBoolean()) {
      if (!controller.isRunning() || System.nanoTime() > deadline) {
        throw new IOException(
            "waited for "
                + what
                + ", "
                + watch.left()
                + " of "
                + watch.count()
                + " nodes are not; the controller said\n"
                + controller.tail());
      }
      Thread.sleep(5);
    }
  }

  private static double round(double value) {
    return Math.round(value * 10) / 10.0;
  }
}
