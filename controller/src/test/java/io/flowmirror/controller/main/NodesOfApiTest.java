// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import static org.assertj.core.api.Assertions.assertThat;

import io.flowmirror.controller.main.FakeServer.Answer;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Commands that reach the nodes themselves, where the API says which those are. */
final class NodesOfApiTest {
  private final FakeServer api = new FakeServer();
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @TempDir private Path folder;
  private Path config;
  private Path kubeconfig;

  @BeforeEach
  void write() throws IOException {
    config =
        Files.writeString(
            folder.resolve("flowmirror.yaml"),
            """
            insecure: true
            kubernetes:
              nodes-from-api: true
              node-selector: kubernetes.io/os=linux
            """);
    kubeconfig =
        Files.writeString(
            folder.resolve("kubeconfig"),
            """
            apiVersion: v1
            kind: Config
            clusters: [{name: c, cluster: {server: '%s'}}]
            contexts: [{name: c, context: {cluster: c, user: u}}]
            users: [{name: u, user: {}}]
            current-context: c
            """
                .formatted(api.url()));
  }

  @AfterEach
  void close() {
    api.close();
  }

  private static String node(String name, String addresses) {
    return "{\"metadata\": {\"name\": \""
        + name
        + "\", \"labels\": {\"kubernetes.io/os\": \"linux\"}}, \"status\": {\"addresses\": ["
        + addresses
        + "]}}";
  }

  private void nodes(String... nodes) {
    api.answer(
        "GET /api/v1/nodes",
        Answer.json(
            "{\"kind\": \"NodeList\", \"apiVersion\": \"v1\", \"metadata\": {}, \"items\": ["
                + String.join(",", nodes)
                + "]}"));
  }

  private int execute(String command) {
    out.getBuffer().setLength(0);
    err.getBuffer().setLength(0);
    return Flowmirror.commandLine()
        .setOut(new PrintWriter(out))
        .setErr(new PrintWriter(err))
        .execute(
            command,
            "--config",
            config.toString(),
            "--kubeconfig",
            kubeconfig.toString(),
            "--timeout",
            "1");
  }

  /** One that does not answer, and one that has no address: nothing was done, and that is said. */
  @Test
  void nodesThatCannotBeReachedAreNotClean() {
    nodes(node("n1", "{\"type\": \"InternalIP\", \"address\": \"127.0.0.1\"}"), node("n2", ""));
    assertThat(execute("clean")).isEqualTo(Flowmirror.FAILED);
    assertThat(out.toString())
        .contains("n1: NOT clean: ", "n2: NOT clean: it has no InternalIP")
        .doesNotContain(": clean");
    assertThat(execute("flows")).isEqualTo(Flowmirror.FAILED);
    assertThat(out.toString()).contains("# node n1: no connection");
    assertThat(err.toString()).contains("node n2: it has no InternalIP");
  }

  /** No node at all is no success. */
  @Test
  void noNodeIsNothingDone() {
    nodes();
    for (String command : new String[] {"clean", "flows"}) {
      assertThat(execute(command)).isEqualTo(Flowmirror.WRONG);
      assertThat(err.toString()).contains("kubernetes.nodes-from-api", "has no node");
    }
  }

  @Test
  void anApiThatDoesNotAnswerIsNothingDone() {
    api.answer("GET /api/v1/nodes", Answer.problem(403, "you may not"));
    for (String command : new String[] {"clean", "flows"}) {
      assertThat(execute(command)).isEqualTo(Flowmirror.WRONG);
      assertThat(err.toString())
          .contains("kubernetes.nodes-from-api", "does not say which nodes there are");
    }
  }
}
