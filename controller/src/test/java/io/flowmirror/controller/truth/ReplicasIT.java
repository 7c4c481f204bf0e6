// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.coordination.v1.Lease;
import io.flowmirror.controller.reconcile.Assignment;
import io.flowmirror.controller.reconcile.Duty;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.UnixDomainSocketAddress;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;

/** Several controllers, each a process, which share nothing but the API. */
@ExtendWith({SharedCluster.class, SharedKube.class})
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class ReplicasIT {
  private static final String MIRROR = "ovn.kubernetes.io/mirror";
  private static final String MASTER = "n1: master of generation ";
  private static final int ONE_POD = 4;
  private static final String TOKEN = "a-token-of-the-replicas";
  private static final String GLOBAL = "/v1/global";
  private static final ImmutableList<String> NAMES = ImmutableList.of("r1", "r2", "r3");
  private static final Path RUNS = Path.of("target", "flowmirror-runs").toAbsolutePath();

  private final Cluster cluster;
  private final Kube kube;
  private final BrInt brInt;
  private final Map<String, Program> replicas = new LinkedHashMap<>();

  ReplicasIT(Cluster cluster, Kube kube) {
    this.cluster = cluster;
    this.kube = kube;
    this.brInt = cluster.brInt(Cluster.NODE);
  }

  @BeforeAll
  void makeThePod() {
    kube.admin()
        .resource(
            new PodBuilder()
                .withNewMetadata()
                .withNamespace(Pod.NAMESPACE)
                .withName("web")
                .addToAnnotations(MIRROR, "true")
                .endMetadata()
                .withNewSpec()
                .withNodeName(Cluster.NODE)
                .addNewContainer()
                .withName("c")
                .withImage("none")
                .endContainer()
                .endSpec()
                .build())
        .create();
  }

  /** All three are there, and each has heard of the others. */
  @BeforeEach
  void begin() {
    for (String name : NAMES) {
      Program replica = replicas.get(name);
      if (replica == null || !replica.isRunning()) {
        start(name);
      }
    }
    awaitMembers(NAMES);
    awaitMirrored();
    for (Duty duty : List.of(Duty.WRITE, Duty.STAND_BY)) {
      String name = whoIsTo(duty);
      Wait.until(name + " on n1", () -> isOnTheNode(name), ReplicasIT::logs);
    }
    awaitWriter();
  }

  /** Whoever is to write has taken over: as a member of these, and not of some before. */
  private void awaitWriter() {
    Wait.until(
        "the writer",
        () -> lines(writer()).stream().anyMatch(line -> line.endsWith(MASTER + generation())),
        ReplicasIT::logs);
  }

  /** Whether its last word of a connection is that there is one. */
  private static boolean isOnTheNode(String name) {
    return lines(name).stream()
        .filter(
            line ->
                line.contains("n1: connected to datapath")
                    || line.contains("n1: no connection to")
                    || line.contains("n1: left to another controller"))
        .reduce((before, last) -> last)
        .filter(last -> last.contains("n1: connected to datapath"))
        .isPresent();
  }

  @AfterAll
  void end() {
    for (Program replica : replicas.values()) {
      signal(replica, "CONT");
      replica.close();
    }
    kube.admin().pods().inNamespace(Pod.NAMESPACE).withName("web").withGracePeriod(0).delete();
    kube.admin().leases().inNamespace("flowmirror").delete();
    RunningController.clean(cluster);
    cluster.awaitCalm();
  }

  private void start(String name) {
    Path config = RUNS.resolve(name + ".yaml");
    try {
      Files.createDirectories(RUNS);
      Files.writeString(
          config,
          Intent.NOTHING.yaml(cluster)
              + "kubernetes: {leases: flowmirror}\n"
              + "northbound: {listen: '127.0.0.1:0', tokens: "
              + Files.writeString(
                  RUNS.resolve("replicas.tokens"), "test " + TOKEN + " get,update *\n")
              + "}\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    replicas.put(
        name,
        Program.start(
            "sh",
            "-c",
            "exec \"$0\" run --config \"$1\" --kubeconfig \"$2\" --name \"$3\" >\"$4\" 2>&1",
            Sandbox.root().resolve("bin/flowmirror").toString(),
            config.toString(),
            kube.controllersConfig().toString(),
            name,
            log(name).toString()));
  }

  private static Path log(String name) {
    return RUNS.resolve(name + ".log");
  }

  private static String logs() {
    StringBuilder all = new StringBuilder();
    for (String name : NAMES) {
      try {
        all.append(name).append(":\n").append(Files.readString(log(name))).append('\n');
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return all.toString();
  }

  private ImmutableList<String> members() {
    String members = group("members");
    return members.isEmpty() ? ImmutableList.of() : ImmutableList.copyOf(members.split(","));
  }

  private String generation() {
    return group("generation");
  }

  private String group(String key) {
    Lease group = kube.admin().leases().inNamespace("flowmirror").withName("flowmirror").get();
    return group == null ? "" : group.getMetadata().getAnnotations().get("flowmirror.io/" + key);
  }

  /** They are the members, and each of them has heard so. */
  private void awaitMembers(List<String> expected) {
    Wait.until("members " + expected, () -> members().equals(expected), ReplicasIT::logs);
    for (String name : expected) {
      Wait.until(
          name + " to have heard of the newest members",
          () ->
              lines(name).stream()
                  .filter(line -> line.contains("Leases: members "))
                  .reduce((before, last) -> last)
                  .filter(last -> last.endsWith("generation " + generation()))
                  .isPresent(),
          ReplicasIT::logs);
    }
  }

  private void awaitMirrored() {
    Wait.until("entries", () -> brInt.ourEntries().size() == ONE_POD, ReplicasIT::logs);
  }

  private String writer() {
    return whoIsTo(Duty.WRITE);
  }

  /** The one whose duty that is on n1, by the members that the Leases name. */
  private String whoIsTo(Duty duty) {
    ImmutableList<String> members = members();
    return members.stream()
        .filter(
            name ->
                new Assignment(name, members, OptionalLong.of(1), true).duty(Cluster.NODE) == duty)
        .findFirst()
        .orElseThrow();
  }

  private static void signal(Program replica, String signal) {
    if (replica.isRunning()) {
      Program.run("kill", "-" + signal, Long.toString(replica.pid()));
    }
  }

  private Program replica(String name) {
    return java.util.Objects.requireNonNull(replicas.get(name));
  }

  private Duration untilRepaired(Runnable harm) {
    return brInt.repaired(
        () -> {
          harm.run();
          brInt.removeOurEntries();
        });
  }

  /** The writer is killed, and OVN wipes br-int in the same second. */
  @Test
  void theWriterIsKilledWhileOvnWipes() {
    String writer = writer();
    List<String> others = NAMES.stream().filter(name -> !name.equals(writer)).toList();
    ImmutableMap<String, Double> before = brInt.ourEntriesWithAges();
    Duration took =
        brInt.repaired(
            () -> {
              signal(replica(writer), "KILL");
              cluster.sandbox().run("restart", Cluster.NODE, "ovn-controller");
            });
    assertThat(brInt.ourEntriesWithAges().keySet()).isEqualTo(before.keySet());
    awaitMembers(others);
    System.out.printf(
        "replicas: writer killed and ovn-controller restarted: right again after %d ms%n",
        took.toMillis());
    // The Leases agree in the end, and it goes on being so.
    System.out.printf("replicas: repaired in %d ms then%n", untilRepaired(() -> {}).toMillis());
  }

  /** A writer that is stopped keeps its connections: nothing but the Lease tells. */
  @Test
  void aWriterThatSleepsIsReplacedAndChangesNothingWhenItWakes() {
    String writer = writer();
    List<String> others = NAMES.stream().filter(name -> !name.equals(writer)).toList();
    signal(replica(writer), "STOP");
    long begin = System.nanoTime();
    awaitMembers(others);
    Duration noticed = Duration.ofNanos(System.nanoTime() - begin);
    Duration took = untilRepaired(() -> {});
    System.out.printf(
        "replicas: a sleeping writer is replaced after %d ms; repaired in %d ms then%n",
        noticed.toMillis(), took.toMillis());
    ImmutableMap<String, Double> before = brInt.ourEntriesWithAges();
    signal(replica(writer), "CONT");
    awaitMembers(NAMES);
    awaitWriter();
    awaitMirrored();
    brInt
        .ourEntriesWithAges()
        .forEach((entry, age) -> assertThat(age).isGreaterThan(before.get(entry)));
  }

  /** Nobody can agree on anything then, and nobody has to: the lock passes by itself. */
  @Test
  void theWriterIsKilledWhileTheApiIsAway() {
    String writer = writer();
    kube.run("stop");
    try {
      Duration took = untilRepaired(() -> signal(replica(writer), "KILL"));
      System.out.printf(
          "replicas: writer killed without the API: right again after %d ms%n", took.toMillis());
    } finally {
      kube.run("start");
    }
    awaitMembers(NAMES.stream().filter(name -> !name.equals(writer)).toList());
    awaitMirrored();
  }

  /** Another claims the role with the writer's own generation, and has not got the lock. */
  @Test
  void aWriterThatIsMadeASlaveClaimsAgain() throws IOException {
    try (SocketChannel another =
        SocketChannel.open(
            UnixDomainSocketAddress.of(cluster.path(Cluster.NODE + ".br_int_mgmt")))) {
      claim(another, Long.parseLong(generation()));
      System.out.printf(
          "replicas: a writer that was made a slave: right again after %d ms%n",
          untilRepaired(() -> {}).toMillis());
    }
    awaitMirrored();
  }

  /** Whichever is asked, and whatever it does on a node, it has all of it. */
  @Test
  void anyOfThemAnswersForEveryNode() {
    String wanted = "\"state\":\"mirrored\"";
    for (String name : NAMES) {
      Wait.until(
          name + " to tell of the pod",
          () -> send(name, "GET", "/v1/pods/demo/web", "").replace(" ", "").contains(wanted),
          () -> send(name, "GET", "/v1/pods/demo/web", ""));
      for (String node : Cluster.NODES) {
        assertThat(send(name, "GET", "/v1/nodes/" + node, "")).contains("\"dpid\"");
        assertThat(send(name, "GET", "/v1/nodes/" + node + "/flows?owner=ovn", ""))
            .contains("entry");
      }
    }
  }

  /** OFPT_HELLO and OFPT_ROLE_REQUEST for OFPCR_ROLE_MASTER (OpenFlow 1.3.5, section 7.3.9). */
  private static void claim(SocketChannel channel, long generation) throws IOException {
    ByteBuffer out = ByteBuffer.allocate(32);
    out.put((byte) 4).put((byte) 0).putShort((short) 8).putInt(1);
    out.put((byte) 4).put((byte) 24).putShort((short) 24).putInt(2);
    out.putInt(2).putInt(0).putLong(generation).flip();
    while (out.hasRemaining()) {
      channel.write(out);
    }
    DataInputStream in = new DataInputStream(Channels.newInputStream(channel));
    int type;
    do {
      in.readByte();
      type = in.readByte();
      in.readFully(new byte[in.readUnsignedShort() - 4]);
    } while (type != 25 && type != 1);
    assertThat(type).as("the answer to the role request").isEqualTo(25);
  }

  /** One leaves as it is told to, and one comes: nothing is written for that. */
  @Test
  void aPlannedHandOver() {
    ImmutableMap<String, Double> before = brInt.ourEntriesWithAges();
    String writer = writer();
    replica(writer).close();
    TreeSet<String> left = new TreeSet<>(NAMES);
    left.remove(writer);
    awaitMembers(ImmutableList.copyOf(left));
    start(writer);
    awaitMembers(NAMES);
    awaitWriter();
    brInt
        .ourEntriesWithAges()
        .forEach((entry, age) -> assertThat(age).isGreaterThan(before.get(entry)));
  }

  /**
   * Any of them is told, all of them know; it outlives the writer, the Lease that says it, and the
   * one who was told.
   */
  @Test
  void globalMirroringIsOneWordOfAll() {
    String told = whoIsTo(Duty.STAND_BY);
    send(told, "PUT", "{\"mode\": \"nodes\", \"nodes\": [\"n1\"]}");
    try {
      awaitGlobal(NAMES, "nodes");
      Wait.until(
          "more than one pod's", () -> brInt.ourEntries().size() > ONE_POD, ReplicasIT::logs);
      awaitAll();
      ImmutableMap<String, Double> before = brInt.ourEntriesWithAges();

      String writer = writer();
      kube.admin().leases().inNamespace("flowmirror").withName("flowmirror").delete();
      replica(writer).close();
      awaitMembers(NAMES.stream().filter(name -> !name.equals(writer)).toList());
      start(writer);
      awaitMembers(NAMES);
      awaitGlobal(NAMES, "nodes");
      awaitWriter();
      assertThat(brInt.ourEntriesWithAges().keySet()).isEqualTo(before.keySet());
      before.forEach(
          (entry, age) -> assertThat(brInt.ourEntriesWithAges().get(entry)).isGreaterThan(age));
    } finally {
      send(NAMES.get(0), "PUT", "{\"mode\": \"configured\"}");
    }
    awaitGlobal(NAMES, "configured");
    awaitMirrored();
  }

  /** The writer has done all that it knows. */
  private void awaitAll() {
    Wait.until(
        "n1 to be in sync",
        () -> send(writer(), "GET", "/v1/nodes/n1", "").contains("\"state\":\"in-sync"),
        ReplicasIT::logs);
  }

  private void awaitGlobal(List<String> names, String mode) {
    for (String name : names) {
      Wait.until(
          name + " to know of " + mode,
          () -> send(name, "GET", "").contains("\"mode\":\"" + mode + "\""),
          ReplicasIT::logs);
    }
  }

  private static String send(String name, String method, String body) {
    return send(name, method, GLOBAL, body);
  }

  /** Asks one of them, as whoever may do everything. */
  private static String send(String name, String method, String path, String body) {
    String url =
        lines(name).stream()
            .filter(line -> line.contains("northbound: http"))
            .map(line -> line.substring(line.indexOf("http:")))
            .findFirst()
            .orElseThrow();
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(url + path))
            .header("Authorization", "Bearer " + TOKEN)
            .header("Content-Type", "application/json")
            .method(
                method,
                body.isEmpty()
                    ? HttpRequest.BodyPublishers.noBody()
                    : HttpRequest.BodyPublishers.ofString(body))
            .build();
    try (HttpClient client = HttpClient.newHttpClient()) {
      HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
      assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
      return response.body();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private static List<String> lines(String name) {
    try {
      return Files.readAllLines(log(name));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
