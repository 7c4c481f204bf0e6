// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * Who may what by the northbound in a cluster, as a real API server says, over TLS: each cell of
 * who × what × where. The controller has the rights that are shipped with it, and no others.
 */
@ExtendWith({SharedCluster.class, SharedKube.class})
final class NorthboundKubernetesIT {
  private static final String RIGHTS =
      """
      apiVersion: v1
      kind: Namespace
      metadata: {name: other}
      ---
      apiVersion: v1
      kind: ServiceAccount
      metadata: {name: nobody, namespace: demo}
      ---
      apiVersion: v1
      kind: ServiceAccount
      metadata: {name: viewer, namespace: demo}
      ---
      apiVersion: v1
      kind: ServiceAccount
      metadata: {name: tapper, namespace: demo}
      ---
      apiVersion: v1
      kind: ServiceAccount
      metadata: {name: operator, namespace: demo}
      ---
      apiVersion: rbac.authorization.k8s.io/v1
      kind: Role
      metadata: {name: mirror-viewer, namespace: demo}
      rules: [{apiGroups: [flowmirror.io], resources: [mirrors], verbs: [get]}]
      ---
      apiVersion: rbac.authorization.k8s.io/v1
      kind: RoleBinding
      metadata: {name: viewer, namespace: demo}
      roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: mirror-viewer}
      subjects: [{kind: ServiceAccount, name: viewer, namespace: demo}]
      ---
      apiVersion: rbac.authorization.k8s.io/v1
      kind: RoleBinding
      metadata: {name: tapper, namespace: demo}
      roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: flowmirror-mirror}
      subjects: [{kind: ServiceAccount, name: tapper, namespace: demo}]
      ---
      apiVersion: rbac.authorization.k8s.io/v1
      kind: ClusterRoleBinding
      metadata: {name: mirror-operator}
      roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: flowmirror-mirror}
      subjects: [{kind: ServiceAccount, name: operator, namespace: demo}]
      """;

  private static final Pattern TOKEN = Pattern.compile("token: *\"?([^\"\\s]+)");

  @TempDir Path folder;
  private final Cluster cluster;
  private final Kube kube;
  private Serving controller;

  NorthboundKubernetesIT(Cluster cluster, Kube kube) {
    this.cluster = cluster;
    this.kube = kube;
  }

  private void start() throws IOException {
    Path rights = folder.resolve("rights.yaml");
    Files.writeString(rights, RIGHTS);
    kube.kubectl("apply", "-f", rights.toString());
    kube.kubectl(
        "-n",
        "demo",
        "run",
        "web",
        "--image=none",
        "--restart=Never",
        "--overrides={\"spec\": {\"nodeName\": \"" + Cluster.NODE + "\"}}");
    Path key = folder.resolve("key.pem");
    Path certificate = folder.resolve("cert.pem");
    Program.run(
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=flowmirror",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-keyout",
        key.toString(),
        "-out",
        certificate.toString());
    controller =
        Serving.started(
            "northbound-kubernetes",
            Intent.NOTHING.yaml(cluster)
                + "kubernetes: {mirror-resources: true}\n"
                + "northbound: {listen: '127.0.0.1:0', certificate: "
                + certificate
                + ", private-key: "
                + key
                + "}\n",
            certificate,
            "--kubeconfig",
            kube.controllersConfig().toString());
  }

  @AfterEach
  void end() {
    if (controller != null) {
      controller.close();
    }
    kube.kubectl("-n", "demo", "delete", "pod", "web", "--force", "--grace-period=0");
    kube.kubectl("-n", "demo", "delete", "mirrors.flowmirror.io", "--all");
    kube.kubectl("delete", "namespace", "other", "--wait=false");
    kube.kubectl("delete", "clusterrolebinding", "mirror-operator");
    RunningController.clean(cluster);
  }

  private record Cell(String method, String path, Optional<String> body, String who, int status) {}

  private static Cell get(String path, String who, int status) {
    return new Cell("GET", path, Optional.empty(), who, status);
  }

  private static Cell put(String path, String who, int status) {
    return new Cell("PUT", path, Optional.of("{\"for\": \"10m\"}"), who, status);
  }

  private static Cell delete(String path, String who, int status) {
    return new Cell("DELETE", path, Optional.empty(), who, status);
  }

  @Test
  void theMatrix() throws IOException {
    start();
    ImmutableMap.Builder<String, String> made = ImmutableMap.builder();
    made.put("stranger", "no-token-of-the-api-server-at-all");
    for (String account : ImmutableList.of("nobody", "viewer", "tapper", "operator")) {
      Matcher token = TOKEN.matcher(kube.run("config", "demo/" + account));
      assertThat(token.find()).as("a token of %s", account).isTrue();
      made.put(account, token.group(1));
    }
    ImmutableMap<String, String> tokens = made.buildOrThrow();
    Wait.until(
        "the API to be followed",
        () -> ask(get("/readyz", "", 200), tokens).statusCode() == 200,
        controller::log);
    ImmutableList<Cell> matrix =
        ImmutableList.of(
            get("/v1/nodes", "", 401),
            get("/v1/nodes", "stranger", 401),
            get("/v1/nodes", "nobody", 200),
            get("/v1/pods/demo/web/explain", "", 401),
            get("/v1/pods/demo/web/explain", "nobody", 403),
            get("/v1/pods/demo/web/explain", "viewer", 200),
            get("/v1/pods/demo/web/explain", "tapper", 200),
            get("/v1/pods/other/web/explain", "viewer", 403),
            get("/v1/pods/other/web/explain", "tapper", 403),
            get("/v1/pods/other/web/explain", "operator", 200),
            get("/v1/nodes/n1/flows", "tapper", 403),
            get("/v1/nodes/n1/flows", "operator", 200),
            get("/v1/nodes/n1/flows?pod=demo/web", "viewer", 200),
            get("/v1/nodes/n1/flows?pod=other/web", "viewer", 403),
            get("/v1/global", "tapper", 403),
            get("/v1/global", "operator", 200),
            get("/metrics", "viewer", 403),
            get("/metrics", "operator", 200),
            put("/v1/mirrors/demo/web", "", 401),
            put("/v1/mirrors/demo/web", "stranger", 401),
            put("/v1/mirrors/demo/web", "nobody", 403),
            put("/v1/mirrors/demo/web", "viewer", 403),
            put("/v1/mirrors/other/web", "tapper", 403),
            put("/v1/mirrors/demo/web", "tapper", 201),
            get("/v1/mirrors/demo/web", "viewer", 200),
            delete("/v1/mirrors/demo/web", "viewer", 403));
    for (Cell cell : matrix) {
      HttpResponse<String> response = ask(cell, tokens);
      assertThat(response.statusCode())
          .as("%s: %s", cell, response.body())
          .isEqualTo(cell.status());
    }
    // It is a resource, written by the caller, and in force by way of the API.
    assertThat(kube.kubectl("-n", "demo", "get", "mirrors.flowmirror.io", "-o", "name"))
        .isEqualTo("mirror.flowmirror.io/rest.web\n");
    BrInt brInt = cluster.brInt(Cluster.NODE);
    Wait.until("its entries", () -> brInt.ourEntries().size() == 4, controller::log);
    assertThat(ask(get("/v1/pods/demo/web", "viewer", 200), tokens).body())
        .contains("mirror:demo/rest.web");
    // Somebody has it ask for something else: it asks for what REST says again, and for that alone.
    kube.kubectl(
        "-n",
        "demo",
        "patch",
        "mirrors.flowmirror.io",
        "rest.web",
        "--type=merge",
        "-p={\"spec\": {\"pod\": \"db\", \"interface\": \"lan.demo\"}}");
    Wait.until("no entries", () -> brInt.ourEntries().isEmpty(), controller::log);
    assertThat(ask(get("/v1/mirrors/demo/web", "tapper", 404), tokens).statusCode()).isEqualTo(404);
    assertThat(ask(put("/v1/mirrors/demo/web", "tapper", 201), tokens).statusCode()).isEqualTo(201);
    assertThat(spec()).contains("\"pod\":\"web\"").doesNotContain("interface");
    Wait.until("its entries", () -> brInt.ourEntries().size() == 4, controller::log);
    assertThat(ask(delete("/v1/mirrors/demo/web", "tapper", 204), tokens).statusCode())
        .isEqualTo(204);
    Wait.until("no entries", () -> brInt.ourEntries().isEmpty(), controller::log);
    Wait.until(
        "the audit log",
        () ->
            count("audit: started pod=demo/web uid=") == 2
                && count("audit: stopped pod=demo/web uid=") == 2,
        controller::log);
    assertThat(controller.log())
        .containsPattern(
            "stopped pod=demo/web uid=[^-]\\S+ interface=primary port=\\S+ direction=both node=n1"
                + " by=mirror:demo/rest.web:flowmirror-northbound\\S* from=\\S+ to=\\S+");
    assertThat(kube.kubectl("-n", "demo", "get", "mirrors.flowmirror.io", "-o", "name")).isEmpty();
  }

  private String spec() {
    return kube.kubectl(
        "-n", "demo", "get", "mirrors.flowmirror.io", "rest.web", "-o", "jsonpath={.spec}");
  }

  private int count(String line) {
    return Splitter.on(line).splitToList(controller.log()).size() - 1;
  }

  private HttpResponse<String> ask(Cell cell, ImmutableMap<String, String> tokens) {
    return controller.send(
        cell.method(),
        cell.path(),
        cell.body(),
        "*/*",
        Optional.ofNullable(tokens.get(cell.who())));
  }
}
