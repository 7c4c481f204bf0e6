// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * The time from a change of intent to the entry on the switch, so many changes a second, over a
 * swarm: from the moment the request is sent to that at which the node has made the change. One pod
 * after the other is mirrored, and then one after the other not any more.
 */
public final class ChangesBench implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /** Requests that are not answered yet, as many as a new HTTP/2 connection may have at once. */
  private static final int IN_FLIGHT = 100;

  /** How far the next pod is: it has no divisor with the number of pods. */
  private static final int STRIDE = 7919;

  /** What was asked for, and when. */
  private record Asked(long nanos, boolean on) {}

  private final SwarmPlan plan;
  private final Swarm swarm;
  private final ControllerProcess controller;
  private final Intents intents;
  private final Path folder;
  private final Path root;
  private final Path kube;
  private final boolean[] mirrored;
  private final Map<Integer, Asked> asked = new ConcurrentHashMap<>();
  private final Queue<Long> tookNanos = new ConcurrentLinkedQueue<>();
  private int turn;

  /**
   * Runs.
   *
   * @param arguments the checkout, the file to write, {@code rest} or {@code annotations}, the
   *     swarm ({@link SwarmPlan#parse}), and how many changes a second for how many seconds, as in
   *     {@code 1:30,100:20}
   */
  public static void main(String[] arguments) throws Exception {
    Path root = Path.of(arguments[0]).toAbsolutePath();
    ObjectNode result = new JsonMapper().createObjectNode();
    boolean annotations = arguments[2].equals("annotations");
    try (ChangesBench bench =
        new ChangesBench(root, SwarmPlan.parse(arguments[3]).withNames(), annotations)) {
      result.put("part", "changes").put("how", arguments[2]);
      result.put("nodes", bench.plan.nodes()).put("pods", bench.plan.shape().pods());
      bench.phase(100, Duration.ofSeconds(10));
      for (String phase : arguments[4].split(",", -1)) {
        String[] words = phase.split(":", -1);
        ObjectNode measured =
            bench.phase(Integer.parseInt(words[0]), Duration.ofSeconds(Integer.parseInt(words[1])));
        result.withArray("phases").add(measured);
        System.out.println(measured);
      }
      Throwable failure = bench.swarm.failure();
      result.put("swarmFailure", failure == null ? "" : failure.toString());
    }
    Files.writeString(Path.of(arguments[1]), result.toPrettyString() + "\n");
  }

  /**
   * Starts everything, and returns when all nodes have been read.
   *
   * @param annotations whether a Kubernetes API of its own is asked, or the controller by REST
   */
  ChangesBench(Path root, SwarmPlan plan, boolean annotations) throws Exception {
    this.root = root;
    this.plan = plan;
    mirrored = new boolean[plan.nodes() * plan.shape().pods()];
    folder = Files.createTempDirectory("fmchanges");
    kube = annotations ? Path.of("/run/flowmirror-kube/" + folder.getFileName()) : Path.of("");
    if (annotations) {
      // Whatever becomes of this JVM, the API does not stay.
      Runtime.getRuntime()
          .addShutdownHook(
              new Thread(
                  () -> {
                    if (!Files.exists(folder)) {
                      return; // It has been closed, and the API with it.
                    }
                    try {
                      kube("down");
                    } catch (IOException e) {
                      System.err.println(e);
                    }
                  }));
      kube("up");
      for (String file : new String[] {"namespace", "rbac"}) {
        kube("kubectl", "apply", "-f", "config/kubernetes/base/" + file + ".yaml");
      }
      Files.writeString(folder.resolve("kubeconfig"), kube("config", "flowmirror/flowmirror"));
    }
    int port = freePort();
    intents = annotations ? Intents.annotations(kube) : Intents.rest(port);
    if (annotations) {
      List<CompletableFuture<Boolean>> made = new ArrayList<>();
      for (int i = 0; i < mirrored.length; i++) {
        made.add(intents.make(pod(i), SwarmPlan.node(i / plan.shape().pods())));
        if (i % IN_FLIGHT == 0) {
          all(made);
        }
      }
      all(made);
    }
    swarm = new Swarm(plan);
    swarm.witness(this::changed);
    Path config = folder.resolve("flowmirror.yaml");
    Files.writeString(
        config,
        swarm.nodes(folder)
            + (annotations
                ? "kubernetes: {}\n"
                : "northbound: {listen: \"127.0.0.1:" + port + "\"}\n"));
    controller =
        annotations
            ? new ControllerProcess(
                root,
                config,
                folder.resolve("flowmirror.log"),
                "-Xmx1g",
                "--kubeconfig",
                folder.resolve("kubeconfig").toString())
            : new ControllerProcess(root, config, folder.resolve("flowmirror.log"), "-Xmx1g");
    ControlBench.await("all read", controller, swarm.reconnecting());
    // It listens, and follows: a first change gets through.
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!change(0).handle((taken, failure) -> failure == null && taken).join()) {
      undo(0);
      if (System.nanoTime() > deadline) {
        throw new IOException("no change is taken: " + controller.tail());
      }
      LockSupport.parkNanos(100_000_000);
    }
    settle();
    turn = 1;
  }

  private static void all(List<CompletableFuture<Boolean>> made) throws IOException {
    for (CompletableFuture<Boolean> each : made) {
      if (!each.join()) {
        throw new IOException("the API has not taken a pod");
      }
    }
    made.clear();
  }

  private static int freePort() throws IOException {
    try (ServerSocket any = new ServerSocket(0)) {
      return any.getLocalPort();
    }
  }

  private String kube(String... words) throws IOException {
    List<String> command = new ArrayList<>();
    command.addAll(List.of(root.resolve("sandbox/kube").toString(), "--state", kube.toString()));
    command.addAll(List.of(words));
    Process process =
        new ProcessBuilder(command)
            .directory(root.toFile())
            .redirectError(folder.resolve("kube.log").toFile())
            .start();
    String said = new String(process.getInputStream().readAllBytes(), UTF_8);
    if (process.onExit().join().exitValue() != 0) {
      throw new IOException(command + ": " + Files.readString(folder.resolve("kube.log")));
    }
    return said;
  }

  private String pod(int index) {
    return plan.pod(index / plan.shape().pods(), index % plan.shape().pods());
  }

  private CompletableFuture<Boolean> change(int index) {
    boolean on = !mirrored[index];
    mirrored[index] = on;
    asked.put(index, new Asked(System.nanoTime(), on));
    return intents.set(pod(index), on);
  }

  private void undo(int index) {
    asked.remove(index);
    mirrored[index] = !mirrored[index];
  }

  private void changed(int node, int pod, boolean there) {
    int index = node * plan.shape().pods() + pod;
    Asked wanted = asked.get(index);
    if (wanted != null && wanted.on() == there && asked.remove(index, wanted)) {
      tookNanos.add(System.nanoTime() - wanted.nanos());
    }
  }

  /** Waits until every change is there that will ever be. */
  private void settle() throws IOException {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!asked.isEmpty() && System.nanoTime() < deadline) {
      if (!controller.isRunning()) {
        throw new IOException("the controller has ended: " + controller.tail());
      }
      LockSupport.parkNanos(1_000_000);
    }
  }

  /** So many changes a second; where they are not taken as fast, as many as are. */
  ObjectNode phase(int rate, Duration length) throws Exception {
    tookNanos.clear();
    asked.clear();
    Semaphore places = new Semaphore(IN_FLIGHT);
    AtomicInteger refused = new AtomicInteger();
    Queue<Long> answers = new ConcurrentLinkedQueue<>();
    MachineShare share = new MachineShare(controller);
    double cpu = controller.cpuSeconds();
    long begin = System.nanoTime();
    int count = Math.toIntExact(rate * length.toSeconds());
    int overtaken = 0;
    for (int i = 0; i < count; i++) {
      long due = begin + i * 1_000_000_000L / rate;
      for (long left; (left = due - System.nanoTime()) > 0; ) {
        LockSupport.parkNanos(left);
      }
      places.acquire();
      int index = Math.floorMod(turn++ * STRIDE, mirrored.length);
      overtaken += asked.containsKey(index) ? 1 : 0;
      long sent = System.nanoTime();
      var unused =
          change(index)
              .whenComplete(
                  (taken, failure) -> {
                    places.release();
                    answers.add(System.nanoTime() - sent);
                    if (failure != null || !taken) {
                      refused.incrementAndGet();
                    }
                  });
    }
    double seconds = (System.nanoTime() - begin) / 1e9;
    places.acquire(IN_FLIGHT);
    settle();
    double whole = (System.nanoTime() - begin) / 1e9;
    ObjectNode result = new JsonMapper().createObjectNode();
    result.put("wanted", rate).put("attained", round(count / seconds)).put("changes", count);
    result.put("confirmed", tookNanos.size()).put("overtaken", overtaken);
    result.put("refused", refused.get()).put("missing", asked.size());
    result.put("p50Millis", millis(tookNanos, 0.5)).put("p99Millis", millis(tookNanos, 0.99));
    result.put("maxMillis", millis(tookNanos, 1));
    result.put("answerP50Millis", millis(answers, 0.5));
    result.put("answerP99Millis", millis(answers, 0.99));
    result.put("cpuPercent", round(100 * (controller.cpuSeconds() - cpu) / whole));
    return result.put("othersPercent", round(share.othersPercent()));
  }

  private static double millis(Queue<Long> nanos, double share) {
    long[] sorted = nanos.stream().mapToLong(Long::longValue).toArray();
    Arrays.sort(sorted);
    return sorted.length == 0
        ? -1
        : round(sorted[(int) Math.ceil(share * (sorted.length - 1))] / 1e6);
  }

  private static double round(double value) {
    return Math.round(value * 10) / 10.0;
  }

  /** The last lines that the controller has written. */
  String tail() throws IOException {
    return controller.tail();
  }

  @Override
  public void close() throws IOException {
    controller.close();
    swarm.close();
    if (!kube.toString().isEmpty()) {
      kube("down");
    }
    for (String name :
        new String[] {
          "flowmirror.yaml",
          "flowmirror.log",
          "kubeconfig",
          "kube.log",
          "key.pem",
          "cert.pem",
          "ca.pem"
        }) {
      Files.deleteIfExists(folder.resolve(name));
    }
    Files.deleteIfExists(folder);
  }
}
