// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.Streams;
import io.flowmirror.topology.PodName;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code flowmirror pods}: which pods are mirrored. */
@Command(
    name = "pods",
    description = "Show pods, whether they are mirrored, and how much has been copied.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nExamples:%n",
    footer = {
      "  flowmirror pods --mirrored",
      "  flowmirror pods -n shop --node n1",
      "  flowmirror pods shop/cart",
      "  flowmirror pods -o json | jq -r '.items[] | select(.state == \"pending\").reason'"
    })
final class PodsCommand extends RemoteCommand {
  @Mixin private final OutputOptions output = new OutputOptions();

  @Parameters(
      arity = "0..1",
      paramLabel = "NS/POD",
      converter = Words.Pod.class,
      description = "Only this pod.")
  private @Nullable PodName pod;

  @Option(
      names = "--mirrored",
      arity = "0..1",
      fallbackValue = "true",
      paramLabel = "true|false",
      description = "Only pods that somebody asks for; false: only the others.")
  private @Nullable Boolean mirrored;

  @Option(
      names = {"-n", "--namespace"},
      paramLabel = "NAMESPACE",
      description = "Only this namespace's.")
  private @Nullable String namespace;

  @Option(names = "--node", paramLabel = "NODE", description = "Only this node's.")
  private @Nullable String node;

  @Override
  public Integer call() {
    JsonNode found;
    if (pod == null) {
      ImmutableMap.Builder<String, String> query = ImmutableMap.builder();
      if (mirrored != null) {
        query.put("mirrored", mirrored.toString());
      }
      if (namespace != null) {
        query.put("namespace", namespace);
      }
      if (node != null) {
        query.put("node", node);
      }
      found = remote().list(Remote.path("pods"), query.buildOrThrow());
    } else if (mirrored != null || namespace != null || node != null) {
      throw wrong("NS/POD names one pod: --mirrored, --namespace and --node go without it");
    } else {
      found = remote().get(Remote.path("pods", pod.namespace(), pod.name()));
    }
    if (output.isTable()) {
      table(out(), found.path(pod == null ? "items" : "interfaces"));
    } else {
      output.print(out(), found);
    }
    return Flowmirror.DONE;
  }

  private static void table(PrintWriter out, Iterable<JsonNode> interfaces) {
    boolean named = Streams.stream(interfaces).anyMatch(each -> !interfaceOf(each).isEmpty());
    List<String> names = new ArrayList<>(List.of("POD"));
    if (named) {
      names.add("INTERFACE");
    }
    names.addAll(List.of("NODE", "PORT", "STATE", "DIRECTION", "FROM-POD", "TO-POD", "WHY"));
    Table table = new Table(names.toArray(String[]::new));
    for (JsonNode each : interfaces) {
      List<String> row = new ArrayList<>();
      row.add(each.path("namespace").asText() + "/" + each.path("name").asText());
      if (named) {
        row.add(interfaceOf(each));
      }
      row.add(each.path("node").asText(""));
      row.add(each.path("port").path("ofport").asText(""));
      row.add(each.path("state").asText());
      row.add(each.path("direction").asText(""));
      row.add(copies(each, "fromPod"));
      row.add(copies(each, "toPod"));
      row.add(why(each));
      table.row(row.toArray(String[]::new));
    }
    table.print(out);
    out.flush();
  }

  private static String interfaceOf(JsonNode pod) {
    return pod.path("interface").asText("");
  }

  /** How many frames; of what is not mirrored none are counted, nor of one among all. */
  private static String copies(JsonNode pod, String direction) {
    return pod.path("mirrored").asBoolean()
        ? pod.path("copies").path(direction).path("packets").asText("-")
        : "";
  }

  private static String why(JsonNode pod) {
    String reason = pod.path("reason").asText("");
    return reason.isEmpty() ? String.join(", ", Words.texts(pod.path("askedBy"))) : reason;
  }
}
