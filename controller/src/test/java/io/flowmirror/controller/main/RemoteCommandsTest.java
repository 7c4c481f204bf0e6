// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.flowmirror.controller.main.FakeServer.Answer;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The commands that ask a controller, against one that answers what the test says. */
final class RemoteCommandsTest {
  private static final String NODE =
      """
      {"name":"n1","inSync":false,"state":"repairing","writer":"us",
       "connections":{"openflow":true,"ovsdb":true},"dpid":"0000020000000101","ovsVersion":"3.1.0",
       "deliveryTable":65,"mirrorPort":{"name":"mirror0","ofport":5,"state":"down"},
       "everything":false,"podPorts":2,"mirroredPods":1,
       "entries":{"wanted":4,"installed":3,"drift":"1 missing"},
       "complaints":["mirror-iface mirror0 is down\\nand swallows every copy"],
       "lastRepair":{"cause":"moved","noticed":"2026-12-01T08:38:42.703454379Z","tookMillis":1.0,
                     "entries":4,"gapMillis":77.923705,"text":"moved"}}""";

  private final FakeServer server = new FakeServer();
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @TempDir private Path folder;

  @AfterEach
  void close() {
    server.close();
  }

  @Test
  void nodesAreATable() {
    server.answer("GET /v1/nodes", Answer.json("{\"items\":[" + NODE + "],\"total\":1}"));
    assertThat(execute("nodes")).isZero();
    assertThat(out.toString())
        .isEqualTo(
            """
            NAME  STATE      WRITER  MIRROR-PORT   PODS  MIRRORED  ENTRIES  LAST-REPAIR           LAST-GAP
            n1    repairing  us      mirror0 down  2     1         3 of 4   2026-12-01T08:38:42Z  77.9 ms

            n1: mirror-iface mirror0 is down?and swallows every copy
            """);
  }

  @Test
  void programsAreGivenWhatTheServerGives() throws IOException {
    server.answer("GET /v1/nodes/n1", Answer.json(NODE));
    assertThat(execute("nodes", "n1", "-o", "json")).isZero();
    assertThat(Remote.JSON.readTree(out.toString())).isEqualTo(Remote.JSON.readTree(NODE));
    out.getBuffer().setLength(0);
    assertThat(execute("nodes", "n1", "-o", "yaml")).isZero();
    assertThat(out.toString())
        .contains("name: n1\n", "dpid: \"0000020000000101\"\n", "\n  gapMillis: 77.923705\n");
    out.getBuffer().setLength(0);
    server.answer(
        "GET /v1/global", Answer.json("{\"mode\":\"off\",\"nodes\":[],\"configured\":\"all\"}"));
    assertThat(execute("global", "-o", "yaml")).isZero();
    assertThat(out.toString()).isEqualTo("mode: \"off\"\nnodes: []\nconfigured: all\n");
  }

  @Test
  void pagesAreFollowed() throws IOException {
    String pod =
        "{\"namespace\":\"a\",\"name\":\"%s\",\"interface\":\"\",\"mirrored\":false,"
            + "\"state\":\"not-mirrored\",\"reason\":\"\",\"askedBy\":[],\"copies\":{}}";
    server.answer(
        "GET /v1/pods",
        Answer.json(
            "{\"items\":[" + pod.formatted("x") + "],\"total\":2,\"continue\":\"a\\u0001x+&\"}"),
        Answer.json("{\"items\":[" + pod.formatted("y") + "],\"total\":2}"));
    assertThat(execute("pods", "-n", "a", "-o", "json")).isZero();
    JsonNode found = Remote.JSON.readTree(out.toString());
    assertThat(found.path("items").findValuesAsText("name")).containsExactly("x", "y");
    assertThat(found.path("total").asInt()).isEqualTo(2);
    assertThat(server.requests)
        .containsExactly(
            "GET /v1/pods?namespace=a&limit=1000",
            "GET /v1/pods?namespace=a&limit=1000&continue=a%01x%2B%26");
  }

  /** A server whose pages lead in a circle is not followed for ever. */
  @Test
  void pagesThatLeadNowhereEnd() {
    server.answer("GET /v1/nodes", Answer.json("{\"items\":[],\"total\":2,\"continue\":\"a\"}"));
    assertThat(execute("nodes")).isZero();
    assertThat(server.requests).hasSize(2);
  }

  @Test
  void aMirrorIsAskedForAsWasSaid() {
    server.answer(
        "PUT /v1/mirrors/shop/cart",
        Answer.json("{\"pod\":\"shop/cart\",\"direction\":\"from-pod\",\"madeBy\":\"rest\"}"));
    server.answer(
        "GET /v1/pods/shop/cart", Answer.json("{\"interfaces\":[{\"port\":{\"ofport\":5}}]}"));
    assertThat(execute("mirror", "on", "shop/cart", "--direction", "from-pod", "--for", "1h30m"))
        .isZero();
    assertThat(execute("mirror", "on", "shop/cart", "--until", "2026-12-24T18:00:00+01:00"))
        .isZero();
    assertThat(server.requests)
        .containsExactly(
            "PUT /v1/mirrors/shop/cart {\"direction\":\"from-pod\",\"for\":\"5400s\"}",
            "GET /v1/pods/shop/cart",
            "PUT /v1/mirrors/shop/cart {\"direction\":\"both\",\"until\":\"2026-12-24T17:00:00Z\"}",
            "GET /v1/pods/shop/cart");
    assertThat(err.toString()).isEmpty();
  }

  /** Not known at all, known by its name alone, and not for whoever asks to see. */
  @Test
  void aMirrorOfAPodThatIsNotKnownIsSaidToWait() {
    server.answer("PUT /v1/mirrors/shop/crat", Answer.json("{\"pod\":\"shop/crat\"}"));
    String waits = "flowmirror: shop/crat is not known yet: ";
    assertThat(execute("mirror", "on", "shop/crat")).isZero();
    assertThat(err.toString()).startsWith(waits).contains("It is mirrored when it comes");
    err.getBuffer().setLength(0);
    server.answer(
        "GET /v1/pods/shop/crat", Answer.json("{\"interfaces\":[{\"state\":\"pending\"}]}"));
    assertThat(execute("mirror", "on", "shop/crat", "-o", "json")).isZero();
    assertThat(err.toString()).startsWith(waits);
    err.getBuffer().setLength(0);
    server.answer("GET /v1/pods/shop/crat", Answer.problem(403, "you may not"));
    assertThat(execute("mirror", "on", "shop/crat")).isZero();
    assertThat(err.toString()).isEmpty();
  }

  @Test
  void whoStillAsksIsSaid() {
    server.answer("DELETE /v1/mirrors/shop/cart", new Answer(204, "text/plain", ""));
    server.answer(
        "GET /v1/mirrors",
        Answer.json(
            "{\"items\":[{\"pod\":\"shop/cart\",\"madeBy\":\"configuration\"},"
                + "{\"pod\":\"shop/cart2\",\"madeBy\":\"configuration\"}],\"total\":2}"));
    assertThat(execute("mirror", "off", "shop/cart")).isZero();
    assertThat(err.toString())
        .isEqualTo("flowmirror: shop/cart is still asked for by the configuration\n");
  }

  @Test
  void aBrokenLinkIsAFailure() {
    String path = "GET /v1/pods/shop/cart/explain";
    server.answer(path, Answer.text("ok       asked-for  by REST\n\nshop/cart is mirrored.\n"));
    assertThat(execute("explain", "shop/cart")).isZero();
    server.answer(path, Answer.text("broken   asked-for  nobody\n\nBroken: asked-for\n"));
    assertThat(execute("explain", "shop/cart")).isEqualTo(Flowmirror.FAILED);
    server.answer(path, Answer.text("warning  counted    none\n\nLook at: counted\n"));
    assertThat(execute("explain", "shop/cart")).isZero();
    server.answer(path, Answer.json("{\"links\":[{\"verdict\":\"ok\"},{\"verdict\":\"broken\"}]}"));
    assertThat(execute("explain", "shop/cart", "-o", "json")).isEqualTo(Flowmirror.FAILED);
  }

  @Test
  void anAuditThatLeavesDriftIsAFailure() {
    server.answer("POST /v1/nodes/n1/audit", Answer.json(NODE));
    assertThat(execute("audit", "n1")).isEqualTo(Flowmirror.FAILED);
    assertThat(out.toString()).contains("entries         3 of 4, 1 missing\n");
  }

  @Test
  void flowsWithoutConfigAskTheServer() {
    server.answer(
        "GET /v1/nodes/n1/flows",
        Answer.text(
            """
            # node n1, ours, all
            # node: keeps the mirror port's own frames out [installed]
            cookie=0x1, send_flow_rem priority=1,in_port=1 actions=drop
            # cookie=0x2, table=0, priority=1,oxm:80 actions=drop
            """));
    assertThat(execute("flows", "--node", "n1", "--plain", "--table", "0"))
        .isEqualTo(Flowmirror.FAILED);
    assertThat(out.toString())
        .isEqualTo(" cookie=0x1, send_flow_rem priority=1,in_port=1 actions=drop\n");
    assertThat(err.toString()).startsWith("flowmirror: 1 entries are left out");
    assertThat(server.requests).containsExactly("GET /v1/nodes/n1/flows?view=installed&table=0");
    assertThat(execute("flows", "--config", "x.yaml", "--view", "drift"))
        .isEqualTo(Flowmirror.WRONG);
    assertThat(execute("flows", "--plain", "-o", "json")).isEqualTo(Flowmirror.WRONG);
    assertThat(execute("flows", "--since", "10m", "--table", "3")).isEqualTo(Flowmirror.WRONG);
  }

  @Test
  void flowsOfAllNodesAreOneDocument() throws IOException {
    server.answer(
        "GET /v1/nodes",
        Answer.json("{\"items\":[{\"name\":\"a\"},{\"name\":\"b\"}],\"total\":2}"));
    server.answer("GET /v1/nodes/a/flows", Answer.json("{\"node\":\"a\",\"entries\":[]}"));
    server.answer("GET /v1/nodes/b/flows", Answer.json("{\"node\":\"b\",\"entries\":[]}"));
    assertThat(execute("flows", "-o", "json")).isZero();
    assertThat(Remote.JSON.readTree(out.toString()).path("items").findValuesAsText("node"))
        .containsExactly("a", "b");
  }

  @Test
  void exitCodesSayWhoseFaultItIs() {
    server.answer("GET /v1/nodes/n1", Answer.problem(400, "wrong"));
    assertThat(execute("nodes", "n1")).isEqualTo(Flowmirror.WRONG);
    for (int status : new int[] {401, 403}) {
      server.answer("GET /v1/nodes/n1", Answer.problem(status, "you may not"));
      err.getBuffer().setLength(0);
      assertThat(execute("nodes", "n1")).isEqualTo(Flowmirror.REFUSED);
      assertThat(err.toString()).isEqualTo("flowmirror: you may not\n");
    }
    for (int status : new int[] {404, 409, 429, 500, 503}) {
      server.answer("GET /v1/nodes/n1", Answer.problem(status, "not now"));
      assertThat(execute("nodes", "n1")).isEqualTo(Flowmirror.FAILED);
    }
    server.answer("GET /v1/nodes/n1", new Answer(502, "text/html", "<html>"));
    assertThat(execute("nodes", "n1")).isEqualTo(Flowmirror.FAILED);
    assertThat(err.toString()).contains(server.url() + " answers with status 502");
    server.answer("GET /v1/nodes/n1", new Answer(200, "text/html", "<html>"));
    assertThat(execute("nodes", "n1")).isEqualTo(Flowmirror.FAILED);
    assertThat(err.toString()).contains("is no Flowmirror").doesNotContain("\tat ");
  }

  @Test
  void nobodyThereIsSaidInOneLine() throws IOException {
    int port;
    try (ServerSocket free = new ServerSocket(0)) {
      port = free.getLocalPort();
    }
    assertThat(run("nodes", "--server", "http://127.0.0.1:" + port)).isEqualTo(Flowmirror.FAILED);
    assertThat(err.toString())
        .isEqualTo(
            "flowmirror: cannot reach http://127.0.0.1:"
                + port
                + ": is flowmirror run up with northbound in its configuration?\n");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "127.0.0.1:9653",
        "ftp://h",
        "http://h/v1",
        "http://u:p@h",
        "http://h?x",
        "http:// h"
      })
  void aServerThatIsNoneIsWrong(String url) {
    if (!url.isEmpty()) {
      assertThat(run("nodes", "--server", url)).isEqualTo(Flowmirror.WRONG);
      assertThat(err.toString()).contains("expected a URL such as");
    }
  }

  @Test
  void aTokenIsShownToThisMachineOrOverTlsOnly() throws IOException {
    Path token = Files.writeString(folder.resolve("token"), "abc.DEF-123\n");
    server.answer("GET /v1/global", Answer.json("{\"mode\":\"off\"}"));
    assertThat(execute("global", "--token-file", token.toString())).isZero();
    assertThat(server.tokens).containsExactly("Bearer abc.DEF-123");
    assertThat(run("global", "--server", "http://192.0.2.1", "--token-file", token.toString()))
        .isEqualTo(Flowmirror.WRONG);
    assertThat(err.toString()).contains("over https: only").doesNotContain("abc.DEF");
    Files.writeString(token, "two words");
    assertThat(execute("global", "--token-file", token.toString())).isEqualTo(Flowmirror.WRONG);
    assertThat(ServerOptions.isThisMachine("127.0.0.1.example.org")).isFalse();
    assertThat(ServerOptions.isThisMachine("[::1]")).isTrue();
  }

  @Test
  void authoritiesAreRead() throws IOException {
    Path none = Files.writeString(folder.resolve("ca.pem"), "no certificate");
    assertThat(execute("global", "--ca", none.toString())).isEqualTo(Flowmirror.WRONG);
    assertThat(execute("global", "--ca", folder + "/none")).isEqualTo(Flowmirror.WRONG);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "pods cart",
        "pods a/b --mirrored",
        "mirror",
        "mirror on",
        "mirror on a/b --for 3",
        "mirror on a/b --for 3m --until 2026-12-24T18:00:00Z",
        "mirror on a/b --direction in",
        "global on",
        "global nodes",
        "global all n1",
        "nodes -o xml",
        "events --last 5000",
        "history --after -1",
        "capture a/b --count 0",
        "completion fish"
      })
  void aWrongCommandLineAsksNobody(String line) {
    assertThat(execute(line.split(" "))).isEqualTo(Flowmirror.WRONG);
    assertThat(server.requests).isEmpty();
    assertThat(err.toString()).doesNotContain("\tat ", "Exception");
  }

  @Test
  void eventsAreLines() {
    server.answer(
        "GET /v1/history",
        Answer.json(
            "{\"items\":[{\"id\":1,\"time\":\"2026-12-01T08:38:42.0949Z\",\"kind\":\"node\","
                + "\"node\":\"n1\",\"text\":\"in-sync\"},{\"id\":2,"
                + "\"time\":\"2026-12-01T08:38:43Z\",\"kind\":\"request\",\"text\":\"local asks\"}],"
                + "\"newest\":2}"));
    assertThat(execute("history")).isZero();
    assertThat(out.toString())
        .isEqualTo(
            """
            2026-12-01T08:38:42.094Z  node     n1  in-sync
            2026-12-01T08:38:43.000Z  request  -  local asks
            """);
    out.getBuffer().setLength(0);
    assertThat(execute("events", "--kind", "request", "-o", "json")).isZero();
    assertThat(out.toString().lines()).singleElement().asString().startsWith("{\"id\":2,");
  }

  @Test
  void everyCommandHelps() {
    for (String name : Flowmirror.commandLine().getSubcommands().keySet()) {
      out.getBuffer().setLength(0);
      assertThat(run(name, "--help")).isZero();
      assertThat(out.toString()).contains("Usage: flowmirror " + name, "Examples", "flowmirror ");
    }
    out.getBuffer().setLength(0);
    assertThat(run("completion", "bash")).isZero();
    assertThat(out.toString()).contains("complete -F _complete_flowmirror", "capture", "--follow");
  }

  private int execute(String... args) {
    String[] whole = Arrays.copyOf(args, args.length + 2);
    whole[args.length] = "--server";
    whole[args.length + 1] = server.url();
    return run(args[0].equals("completion") ? args : whole);
  }

  private int run(String... args) {
    return Flowmirror.commandLine()
        .setOut(new PrintWriter(out))
        .setErr(new PrintWriter(err))
        .execute(args);
  }
}
