// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.flowmirror.config.NorthboundSettings.Listen;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class HealthAndMetricsTest {
  private static final Pattern NAME = Pattern.compile("(flowmirror|jvm|process)_[a-z_]+");

  @Test
  void liveReadyAndStartedAreThree() {
    try (Server server = new Server()) {
      assertThat(server.get("/livez").body()).isEqualTo("ok\n");
      assertThat(server.get("/readyz").statusCode()).isEqualTo(200);
      assertThat(server.get("/startupz").statusCode()).isEqualTo(200);

      // A node that is away is no reason to restart anything.
      server.world.becomes(ImmutableMap.of("n2", FakeWorld.away()));
      assertThat(server.get("/livez").statusCode()).isEqualTo(200);
      assertThat(server.get("/readyz").statusCode()).isEqualTo(200);

      server.world.unready = ImmutableList.of("the API is silent");
      assertThat(server.get("/livez").statusCode()).isEqualTo(200);
      HttpResponse<String> ready = server.get("/readyz");
      assertThat(ready.statusCode()).isEqualTo(503);
      assertThat(ready.body()).contains("the API is silent");

      server.world.turns = false;
      assertThat(server.get("/livez").statusCode()).isEqualTo(503);
    }
  }

  /** They have an address of their own, and nothing else is there. */
  @Test
  void probesApart() throws IOException, InterruptedException {
    FakeWorld world = new FakeWorld();
    try (Metrics metrics = new Metrics();
        Probes probes = Probes.start(Listen.parse("127.0.0.1:0"), world, metrics);
        HttpClient client = HttpClient.newHttpClient()) {
      for (String path : ImmutableList.of("/livez", "/readyz", "/startupz")) {
        assertThat(status(client, probes.port(), path)).as(path).isEqualTo(200);
      }
      for (String path : ImmutableList.of("/metrics", "/v1/nodes", "/")) {
        assertThat(status(client, probes.port(), path)).as(path).isEqualTo(404);
      }
    }
  }

  /** Whatever else a neighbour does on loopback, the kubelet has its answer in its time. */
  @Test
  void aNeighbourDoesNotKeepProbesFromBeingAnswered() throws IOException, InterruptedException {
    List<Socket> idle = new ArrayList<>();
    try (Metrics metrics = new Metrics();
        Probes probes = Probes.start(Listen.parse("127.0.0.1:0"), new FakeWorld(), metrics);
        HttpClient client = HttpClient.newHttpClient()) {
      for (int i = 0; i < 1_200; i++) {
        idle.add(new Socket(InetAddress.getLoopbackAddress(), probes.port()));
        if (i % 2 == 0) {
          idle.get(i).getOutputStream().write("GET /live".getBytes(StandardCharsets.US_ASCII));
        }
      }
      assertThat(status(client, probes.port(), "/livez")).isEqualTo(200);
      // Those that say nothing are closed, so that new ones have room.
      idle.get(0).setSoTimeout(30_000);
      assertThat(idle.get(0).getInputStream().read()).isEqualTo(-1);
      idle.get(1).setSoTimeout(30_000);
      assertThat(idle.get(1).getInputStream().read()).isEqualTo(-1);
      for (int i = 0; i < 1_000; i++) {
        assertThat(status(client, probes.port(), "/livez")).isEqualTo(200);
      }
    } finally {
      for (Socket socket : idle) {
        socket.close();
      }
    }
  }

  private static int status(HttpClient client, int port, String path)
      throws IOException, InterruptedException {
    return client
        .send(
            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                .timeout(Duration.ofSeconds(6))
                .build(),
            BodyHandlers.ofString())
        .statusCode();
  }

  @Test
  void whatAMonitoringSystemReads() {
    try (Server server = new Server()) {
      String text = server.get("/metrics").body();
      assertThat(text)
          .contains(
              "flowmirror_node_in_sync{node=\"n1\"} 1.0",
              "flowmirror_node_in_sync{node=\"n2\"} 0.0",
              "flowmirror_node_entries_wanted{node=\"n1\"} 4.0",
              "flowmirror_node_drift{kind=\"missing\",node=\"n1\"} 0.0",
              "flowmirror_repairs_total{cause=\"wiped\"} 1.0",
              "flowmirror_repairs_total{cause=\"deleted\"} 0.0",
              "flowmirror_gap_seconds_count{cause=\"wiped\"} 1",
              "flowmirror_gap_seconds_bucket{cause=\"wiped\",le=\"0.005\"} 1",
              "flowmirror_repair_seconds_bucket{cause=\"wiped\",le=\"0.005\"} 0",
              "flowmirror_mirrored_packets_total{direction=\"from-pod\",interface=\"web_h\","
                  + "namespace=\"demo\",node=\"n1\",pod=\"web\"} 9.0",
              "flowmirror_queue_depth{queue=\"loop\"} 3.0",
              "flowmirror_kubernetes_silence_seconds 1.5",
              "jvm_memory_used_bytes",
              "process_files_open_files")
          .doesNotContain("pod=\"db\"");
      // The same status again is no other repair.
      server.metrics.stand(server.world.statuses());
      assertThat(server.get("/metrics").body())
          .contains("flowmirror_repairs_total{cause=\"wiped\"} 1.0");
      // Where no API is followed nothing is said of it.
      server.world.apiSilence = Optional.empty();
      assertThat(server.get("/metrics").body())
          .doesNotContain("\nflowmirror_kubernetes_silence_seconds ");
    }
  }

  /** A name that is misspelt there is an alert that never comes, and an empty graph. */
  @ParameterizedTest
  @ValueSource(strings = {"alerts.yaml", "alerts-test.yaml", "dashboard.json"})
  void whatAlertsAndGraphsNameIsThere(String file) throws IOException {
    String text = Files.readString(Path.of("../config/kubernetes/monitoring", file));
    try (Server server = new Server()) {
      String metrics = server.get("/metrics").body();
      assertThat(NAME.matcher(text).results().map(MatchResult::group).distinct())
          .isNotEmpty()
          .allSatisfy(name -> assertThat(metrics).containsPattern("(?m)^" + name + "[{ ]"));
    }
  }

  @Test
  void asOpenMetrics() {
    try (Server server = new Server()) {
      HttpResponse<String> response =
          server.send(
              "GET",
              "/metrics",
              Optional.empty(),
              ImmutableMap.of("Accept", "application/openmetrics-text; version=1.0.0"));
      assertThat(response.headers().firstValue("Content-Type").orElse(""))
          .startsWith("application/openmetrics-text");
      assertThat(response.body()).endsWith("# EOF\n");
    }
  }
}
