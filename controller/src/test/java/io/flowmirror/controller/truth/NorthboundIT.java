// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.common.util.concurrent.RateLimiter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The program with its northbound, beside Open vSwitch's own tools. */
@ExtendWith(SharedCluster.class)
final class NorthboundIT {
  private static final int CLIENTS = 50;

  /** Of each: with no pause at all they would measure who gets the machine's two processors. */
  private static final double REQUESTS_PER_SECOND = 4;

  /** In MiB of resident memory; an idle one takes some 150. */
  private static final long MEMORY = 700;

  private final Cluster cluster;
  private final BrInt brInt;
  private final Path book;
  private Serving controller;

  NorthboundIT(Cluster cluster) throws IOException {
    this.cluster = cluster;
    this.brInt = cluster.brInt(Cluster.NODE);
    this.book = Files.createTempDirectory("northbound").resolve("mirrors.json");
    this.controller = start();
  }

  private Serving start() {
    return Serving.started(
        "northbound",
        Intent.THREE_PODS.yaml(cluster)
            + "northbound: {listen: '127.0.0.1:0', file: "
            + book
            + "}\n");
  }

  @BeforeEach
  void begin() {
    controller.awaitInSync(Cluster.NODE);
  }

  @AfterEach
  void end() throws IOException {
    controller.close();
    RunningController.clean(cluster);
    Files.deleteIfExists(book);
    Files.delete(book.getParent());
  }

  private ImmutableList<String> ofctl(String match) {
    return Program.run(
            "ovs-ofctl", "-O", "OpenFlow13", "--no-stats", "dump-flows", brInt.openflow(), match)
        .lines()
        .map(String::strip)
        .filter(line -> line.contains("actions="))
        .sorted()
        .collect(ImmutableList.toImmutableList());
  }

  private ImmutableList<String> dump(String path) {
    return controller.lines(path).stream()
        .filter(line -> !line.startsWith("#") && !line.isEmpty())
        .sorted()
        .collect(ImmutableList.toImmutableList());
  }

  /** The dump and ovs-ofctl's, of the same entries, are the same text. */
  @Test
  void aDumpIsWhatOvsOfctlPrints() throws IOException {
    ImmutableList<String> ours = ofctl("cookie=0x464d000000000000/0xffff000000000000");
    assertThat(ours).hasSize(10);
    assertThat(dump("/v1/nodes/n1/flows?view=installed")).isEqualTo(ours);
    assertThat(dump("/v1/nodes/n1/flows?view=desired")).isEqualTo(ours);
    assertThat(dump("/v1/nodes/n1/flows?view=drift")).isEmpty();
    assertThat(dump("/v1/nodes/n1/flows?pod=demo/web&table=0"))
        .isEqualTo(
            ours.stream()
                .filter(line -> line.contains("in_port=" + brInt.ofport(port("web")) + " "))
                .filter(line -> !line.contains("table="))
                .toList());
    // OVN's own entries of a pod's port, as far as they concern it alone.
    int ofport = brInt.ofport(port("web"));
    assertThat(dump("/v1/nodes/n1/flows?owner=ovn&pod=demo/web"))
        .containsExactlyElementsOf(
            ImmutableList.sortedCopyOf(
                ImmutableList.<String>builder()
                    .addAll(ofctl("cookie=0/0xffffffff00000000,table=0,in_port=" + ofport))
                    .addAll(ofctl("cookie=0/0xffffffff00000000,table=65,out_port=" + ofport))
                    .build()));
    // What is dumped can be added: ovs-ofctl itself finds no difference to what is there.
    Path file = Files.createTempFile("dump", ".txt");
    try {
      Files.write(file, controller.lines("/v1/nodes/n1/flows"));
      Files.write(
          file, controller.lines("/v1/nodes/n1/flows?owner=ovn"), StandardOpenOption.APPEND);
      Program diff =
          Program.start(
              "ovs-ofctl", "-O", "OpenFlow13", "diff-flows", brInt.openflow(), file.toString());
      int status = diff.status(Duration.ofSeconds(60));
      // 2 is said where there are differences: of entries of OVN's without a name here.
      assertThat(status).as(diff.output()).isIn(0, 2);
      assertThat(diff.output()).doesNotContain("cookie=0x464d");
    } finally {
      Files.delete(file);
    }
  }

  /** If the database said it one day, we would have to. */
  @Test
  void ovnsVersionIsNotKnownWhereTheDatabaseDoesNotSayIt() {
    JsonNode node = controller.get("/v1/nodes/n1");
    assertThat(node.path("ovsVersion").asText()).isNotEmpty();
    assertThat(node.path("ovnVersion").asText()).isEqualTo("unknown");
    String version =
        cluster.sandbox().run("node-exec", Cluster.NODE, "--", "ovn-controller", "--version");
    Matcher number = Pattern.compile("ovn-controller ([0-9.]+)").matcher(version);
    assertThat(number.find()).as(version).isTrue();
    assertThat(Program.run("ovsdb-client", "dump", brInt.ovsdb(), "Open_vSwitch"))
        .contains("ovs_version")
        .doesNotContain(number.group(1));
  }

  private String port(String pod) {
    return cluster.pod(pod).port();
  }

  @Test
  void whatIsAskedForIsDoneAndOutlivesTheProcess() {
    JsonNode made = controller.put("/v1/mirrors/demo/plain", "{\"direction\": \"to-pod\"}");
    assertThat(made.path("by").asText()).isEqualTo("local");
    awaitState("plain", "mirrored");
    assertThat(controller.get("/v1/nodes/n1").path("lastRepair").path("cause").asText())
        .isEqualTo("requested");
    JsonNode plain = controller.get("/v1/pods/demo/plain").path("interfaces").path(0);
    assertThat(plain.path("direction").asText()).isEqualTo("to-pod");
    assertThat(plain.path("askedBy").toString()).contains("REST (local)");
    assertThat(dump("/v1/nodes/n1/flows?pod=demo/plain&view=installed"))
        .isNotEmpty()
        .isSubsetOf(ofctl(""));
    // The next one knows it before its first round: no entry goes, and none is made anew.
    ImmutableMap<String, Double> before = brInt.ourEntriesWithAges();
    controller.close();
    controller = start();
    controller.awaitInSync(Cluster.NODE);
    awaitState("plain", "mirrored");
    ImmutableMap<String, Double> after = brInt.ourEntriesWithAges();
    assertThat(after.keySet()).isEqualTo(before.keySet());
    before.forEach((entry, age) -> assertThat(after.get(entry)).isGreaterThan(age));
    assertThat(controller.get("/v1/nodes/n1").path("repairs")).isEmpty();

    controller.delete("/v1/mirrors/demo/plain");
    awaitState("plain", "not-mirrored");
    // Twice is once.
    controller.delete("/v1/mirrors/demo/plain");

    controller.put("/v1/mirrors/demo/plain", "{\"for\": \"2s\"}");
    awaitState("plain", "mirrored");
    // By itself.
    awaitState("plain", "not-mirrored");
  }

  private void awaitState(String pod, String state) {
    Wait.until(
        pod + " to be " + state,
        () ->
            controller
                .get("/v1/pods/demo/" + pod)
                .path("interfaces")
                .path(0)
                .path("state")
                .asText()
                .equals(state),
        () -> controller.get("/v1/pods/demo/" + pod).toPrettyString());
  }

  /** Everything on one node, and the other as it was. */
  @Test
  void everythingOnOneNode() {
    ImmutableList<String> others = cluster.brInt(Cluster.OTHER_NODE).ourEntries();
    controller.put("/v1/global", "{\"mode\": \"nodes\", \"nodes\": [\"n1\"]}");
    Wait.until(
        "n1 to mirror everything",
        () ->
            brInt.ourEntries().stream().anyMatch(line -> line.contains("priority=39990"))
                && controller.get("/v1/nodes/n1").path("inSync").asBoolean(),
        () -> brInt.ourEntries().toString());
    assertThat(cluster.brInt(Cluster.OTHER_NODE).ourEntries()).isEqualTo(others);
    controller.put("/v1/global", "{\"mode\": \"configured\"}");
    Wait.until(
        "n1 to mirror three pods",
        () -> brInt.ourEntries().stream().noneMatch(line -> line.contains("priority=39990")),
        () -> brInt.ourEntries().toString());
  }

  /**
   * Fifty clients read dumps and follow events, and one of them reads nothing that it is sent,
   * while OVN's wipes are repaired. How long the repairs took is printed beside how long they took
   * without the clients.
   */
  @Test
  void manyClientsHinderNoRepair() throws IOException, InterruptedException {
    List<Double> alone = repairs(3);
    AtomicBoolean over = new AtomicBoolean();
    AtomicInteger dumps = new AtomicInteger();
    List<String> wrong = Collections.synchronizedList(new ArrayList<>());
    List<Thread> clients = new ArrayList<>();
    try (Socket deaf = new Socket()) {
      deaf.setReceiveBufferSize(4_096);
      deaf.connect(
          new InetSocketAddress(InetAddress.getLoopbackAddress(), controller.uri("/").getPort()));
      deaf.getOutputStream()
          .write(
              "GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n"
                  .getBytes(StandardCharsets.US_ASCII));
      for (int i = 0; i < CLIENTS; i++) {
        boolean follows = i % 5 == 0;
        clients.add(
            Thread.ofVirtual()
                .start(
                    () -> {
                      if (follows) {
                        follow(over);
                      } else {
                        read(over, dumps, wrong);
                      }
                    }));
      }
      Wait.until("the clients", () -> dumps.get() > CLIENTS, () -> dumps + " dumps");
      List<Double> beside = repairs(5);
      System.out.printf(
          "repairs in ms: alone %s, beside %d clients with %d dumps %s%n",
          alone, CLIENTS, dumps.get(), beside);
      assertThat(beside).hasSize(5);
      over.set(true);
      controller.client().shutdownNow();
      for (Thread client : clients) {
        client.join(30_000);
      }
    }
    assertThat(wrong).isEmpty();
    assertThat(resident()).as("MiB").isLessThan(MEMORY);
  }

  private void follow(AtomicBoolean over) {
    try {
      controller
          .client()
          .send(
              HttpRequest.newBuilder(controller.uri("/v1/events")).build(), BodyHandlers.ofLines())
          .body()
          .takeWhile(line -> !over.get())
          .forEach(line -> {});
    } catch (IOException | UncheckedIOException e) {
      // The client was closed.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Half of them entries, half of them pods; each answer must be whole. */
  private void read(AtomicBoolean over, AtomicInteger dumps, List<String> wrong) {
    ImmutableSet<String> paths =
        ImmutableSet.of("/v1/nodes/n1/flows", "/v1/pods", "/v1/nodes", "/metrics");
    RateLimiter pace = RateLimiter.create(REQUESTS_PER_SECOND);
    while (!over.get()) {
      for (String path : paths) {
        try {
          var unused = pace.acquire();
          var response = controller.send("GET", path, Optional.empty(), "*/*");
          dumps.incrementAndGet();
          // While OVN's entries are gone the node may have no connection; that is an answer, too.
          if (response.statusCode() != 200
              && response.statusCode() != 503
              && response.statusCode() != 429) {
            wrong.add(path + ": " + response.body());
          }
        } catch (UncheckedIOException e) {
          if (!over.get()) {
            wrong.add(path + ": " + e);
          }
        }
      }
    }
  }

  /** Has OVN wipe all entries, so many times; how long each repair took. */
  private List<Double> repairs(int count) {
    List<Double> took = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int before = wipes();
      cluster.sandbox().run("restart", Cluster.NODE, "ovn-controller");
      Wait.until(
          "the repair",
          () -> wipes() > before && controller.get("/v1/nodes/n1").path("inSync").asBoolean(),
          () -> controller.get("/v1/nodes/n1").toPrettyString() + controller.log());
      JsonNode repairs = controller.get("/v1/nodes/n1").path("repairs");
      took.add(repairs.path(repairs.size() - 1).path("tookMillis").asDouble());
    }
    return took;
  }

  private int wipes() {
    int count = 0;
    for (JsonNode repair : controller.get("/v1/nodes/n1").path("repairs")) {
      if (repair.path("cause").asText().equals("wiped")) {
        count++;
      }
    }
    return count;
  }

  private long resident() throws IOException {
    String status = Files.readString(Path.of("/proc", Long.toString(controller.pid()), "status"));
    String rest = status.substring(status.indexOf("VmRSS:") + "VmRSS:".length()).strip();
    return Long.parseLong(rest.substring(0, rest.indexOf(' '))) / 1024;
  }
}
