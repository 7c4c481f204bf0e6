// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.flowmirror.config.NorthboundSettings.Listen;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class HealthAndMetricsTest {
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

  private static int status(HttpClient client, int port, String path)
      throws IOException, InterruptedException {
    return client
        .send(
            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path)).build(),
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
              "jvm_memory_used_bytes",
              "process_files_open_files")
          .doesNotContain("pod=\"db\"");
      // The same status again is no other repair.
      server.metrics.stand(server.world.statuses());
      assertThat(server.get("/metrics").body())
          .contains("flowmirror_repairs_total{cause=\"wiped\"} 1.0");
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
