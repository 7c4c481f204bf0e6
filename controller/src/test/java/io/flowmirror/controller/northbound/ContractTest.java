// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import com.google.common.io.Resources;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import com.networknt.schema.ValidationMessage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpResponse;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What is served, and the document that describes it, are one. */
final class ContractTest {
  private static final ObjectNode DOCUMENT = document();
  private static final ImmutableSet<String> METHODS =
      ImmutableSet.of("get", "put", "post", "delete");

  /** Of the paths, those that need no description: for browsers, kubelets and Prometheus. */
  private static final ImmutableSet<String> UNDESCRIBED =
      ImmutableSet.of(
          "GET /",
          "GET /api",
          "GET /page/{file}",
          "GET /livez",
          "GET /readyz",
          "GET /startupz",
          "GET /metrics");

  private static Server server;

  private static ObjectNode document() {
    try {
      return (ObjectNode)
          new YAMLMapper()
              .readTree(
                  Resources.toByteArray(Resources.getResource(Northbound.class, "openapi.yaml")));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @BeforeAll
  static void open() {
    server = new Server();
    assertThat(server.put("/v1/mirrors/demo/db", "{\"for\": \"1h\"}").statusCode()).isEqualTo(201);
  }

  @AfterAll
  static void close() {
    server.close();
  }

  /** Requests that are answered, each with what the document calls its path. */
  record Sample(String method, String path, String described, Optional<String> body, int status) {}

  private static Sample get(String path, String described) {
    return new Sample("GET", path, described, Optional.empty(), 200);
  }

  static ImmutableList<Sample> samples() {
    return ImmutableList.of(
        get("/v1/nodes", "/v1/nodes"),
        get("/v1/nodes?limit=1", "/v1/nodes"),
        get("/v1/nodes/n1", "/v1/nodes/{node}"),
        get("/v1/nodes/n2", "/v1/nodes/{node}"),
        new Sample("POST", "/v1/nodes/n1/audit", "/v1/nodes/{node}/audit", Optional.empty(), 200),
        new Sample("POST", "/v1/nodes/n2/audit", "/v1/nodes/{node}/audit", Optional.empty(), 503),
        get("/v1/nodes/n1/copies", "/v1/nodes/{node}/copies"),
        new Sample("GET", "/v1/nodes/n2/copies", "/v1/nodes/{node}/copies", Optional.empty(), 503),
        get("/v1/openapi.json", "/v1/openapi.json"),
        get("/v1/nodes/n1/flows", "/v1/nodes/{node}/flows"),
        get("/v1/nodes/n1/flows?view=installed&pod=demo/web&table=0", "/v1/nodes/{node}/flows"),
        get("/v1/nodes/n1/flows?owner=ovn", "/v1/nodes/{node}/flows"),
        get("/v1/nodes/n1/flows/diff", "/v1/nodes/{node}/flows/diff"),
        get("/v1/nodes/n1/flows/diff?since=2026-01-01T00:00:00Z", "/v1/nodes/{node}/flows/diff"),
        get("/v1/pods", "/v1/pods"),
        get("/v1/pods?mirrored=true&namespace=demo&node=n1&limit=1", "/v1/pods"),
        get("/v1/pods/demo/web", "/v1/pods/{namespace}/{pod}"),
        get("/v1/pods/demo/nowhere", "/v1/pods/{namespace}/{pod}"),
        get("/v1/pods/demo/web/explain", "/v1/pods/{namespace}/{pod}/explain"),
        get("/v1/pods/demo/unheard-of/explain", "/v1/pods/{namespace}/{pod}/explain"),
        get("/v1/mirrors", "/v1/mirrors"),
        get("/v1/mirrors?limit=1", "/v1/mirrors"),
        get("/v1/mirrors/demo/web", "/v1/mirrors/{namespace}/{pod}"),
        get("/v1/mirrors/demo/db", "/v1/mirrors/{namespace}/{pod}"),
        new Sample(
            "PUT",
            "/v1/mirrors/other/api",
            "/v1/mirrors/{namespace}/{pod}",
            Optional.of("{\"direction\": \"to-pod\", \"until\": \"2999-01-31T10:00:00Z\"}"),
            201),
        new Sample(
            "DELETE",
            "/v1/mirrors/other/api",
            "/v1/mirrors/{namespace}/{pod}",
            Optional.empty(),
            204),
        get("/v1/global", "/v1/global"),
        new Sample(
            "PUT",
            "/v1/global",
            "/v1/global",
            Optional.of("{\"mode\": \"nodes\", \"nodes\": [\"n1\"]}"),
            200),
        get("/v1/global", "/v1/global"),
        get("/v1/history", "/v1/history"),
        get("/v1/history?limit=1&after=1", "/v1/history"),
        new Sample(
            "GET", "/v1/pods/demo/unheard-of", "/v1/pods/{namespace}/{pod}", Optional.empty(), 404),
        new Sample("GET", "/v1/nodes/n3", "/v1/nodes/{node}", Optional.empty(), 404),
        new Sample("GET", "/v1/nodes?limit=0", "/v1/nodes", Optional.empty(), 400));
  }

  /** The same answer without its body; over one connection, which a body would put out of step. */
  @ParameterizedTest
  @MethodSource("samples")
  void headIsGetWithoutItsBody(Sample sample) {
    if (!sample.method().equals("GET")) {
      return;
    }
    HttpResponse<String> get = server.get(sample.path());
    for (int i = 0; i < 2; i++) {
      HttpResponse<String> head = server.send("HEAD", sample.path(), Optional.empty(), Map.of());
      assertThat(head.statusCode()).isEqualTo(get.statusCode());
      assertThat(head.body()).isEmpty();
      assertThat(head.headers().firstValue("Content-Type"))
          .isEqualTo(get.headers().firstValue("Content-Type"));
    }
  }

  @ParameterizedTest
  @MethodSource("samples")
  void isAsDescribed(Sample sample) {
    HttpResponse<String> response =
        server.send(
            sample.method(),
            sample.path(),
            sample.body(),
            sample.body().isPresent() ? Map.of("Content-Type", "application/json") : Map.of());
    assertThat(response.statusCode()).as(response.body()).isEqualTo(sample.status());
    JsonNode operation =
        DOCUMENT
            .path("paths")
            .path(sample.described())
            .path(sample.method().toLowerCase(Locale.ROOT));
    JsonNode described = operation.path("responses").path(Integer.toString(sample.status()));
    if (described.isMissingNode()) {
      described = DOCUMENT.path("components").path("responses").path("Problem");
      assertThat(sample.status()).isGreaterThanOrEqualTo(400);
    }
    if (sample.status() == 204) {
      assertThat(response.body()).isEmpty();
      return;
    }
    String type = response.headers().firstValue("Content-Type").orElse("").split(";", 2)[0];
    JsonNode schema = described.path("content").path(type).path("schema");
    assertThat(schema.isMissingNode()).as("%s is not described", type).isFalse();
    assertThat(errors(schema, Server.json(response))).isEmpty();
  }

  private static Set<ValidationMessage> errors(JsonNode schema, JsonNode body) {
    ObjectNode whole = schema.deepCopy();
    whole.set("components", DOCUMENT.get("components"));
    JsonSchema compiled =
        JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012).getSchema(whole);
    return compiled.validate(body);
  }

  /** A validator that finds nothing wrong with anything would make all of the above true. */
  @Test
  void whatIsNotDescribedIsFoundOut() {
    ObjectNode node = (ObjectNode) Server.json(server.get("/v1/nodes/n1"));
    JsonNode schema = DOCUMENT.path("components").path("schemas").path("Node");
    assertThat(errors(schema, node)).isEmpty();
    node.put("surplus", 1);
    assertThat(errors(schema, node)).isNotEmpty();
    node.remove("surplus");
    node.put("state", "no such state");
    assertThat(errors(schema, node)).isNotEmpty();
  }

  @Test
  void everyRouteIsDescribedAndEveryDescriptionHasItsRoute() {
    ImmutableSet.Builder<String> described = ImmutableSet.builder();
    for (Map.Entry<String, JsonNode> path : DOCUMENT.path("paths").properties()) {
      path.getValue()
          .fieldNames()
          .forEachRemaining(
              method -> {
                if (METHODS.contains(method)) {
                  described.add(method.toUpperCase(Locale.ROOT) + " " + path.getKey());
                }
              });
    }
    described.addAll(UNDESCRIBED);
    assertThat(
            server.routes().stream()
                .map(route -> route.method() + " " + route.path())
                .collect(ImmutableSet.toImmutableSet()))
        .isEqualTo(described.build());
  }

  @Test
  void everyOperationHasASample() {
    ImmutableSet<String> sampled =
        samples().stream()
            .map(sample -> sample.method() + " " + sample.described())
            .collect(ImmutableSet.toImmutableSet());
    assertThat(
            server.routes().stream()
                .map(route -> route.method() + " " + route.path())
                .filter(route -> !UNDESCRIBED.contains(route))
                // They have tests of their own.
                .filter(route -> !route.equals("GET /v1/events"))
                .filter(route -> !route.equals("GET /v1/openapi.yaml")))
        .allMatch(sampled::contains);
  }

  @Test
  void theDocumentIsServed() {
    HttpResponse<String> served = server.get("/v1/openapi.yaml");
    assertThat(served.statusCode()).isEqualTo(200);
    assertThat(served.body()).startsWith("# SPDX").contains("openapi: 3.1.0");
  }
}
