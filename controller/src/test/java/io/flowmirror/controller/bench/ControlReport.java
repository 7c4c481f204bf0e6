// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Makes the tables and the plots of {@code docs/performance/control.md} of what was measured. */
public final class ControlReport {
  private static final String BEGIN = "<!-- tables -->\n";
  private static final String END = "<!-- end of tables -->\n";

  private final List<JsonNode> cases;
  private final List<JsonNode> all;

  private ControlReport(List<JsonNode> all) {
    this.all = all;
    cases = all.stream().filter(each -> !each.has("part") && !isBeside(each)).toList();
  }

  /** Whether some of the nodes were not there. */
  private static boolean isBeside(JsonNode each) {
    return each.path("gone").asInt() > 0;
  }

  /**
   * Writes them.
   *
   * @param arguments the document, beside which the JSON and the plots go, and the file of each
   *     case
   */
  public static void main(String[] arguments) throws IOException {
    JsonMapper json = new JsonMapper();
    List<JsonNode> all = new ArrayList<>();
    for (int i = 1; i < arguments.length; i++) {
      all.add(json.readTree(Path.of(arguments[i]).toFile()));
    }
    all.sort(
        Comparator.<JsonNode, String>comparing(each -> each.path("part").asText())
            .thenComparingInt(each -> each.path("gone").asInt())
            .thenComparingInt(each -> each.path("tunnels").asInt())
            .thenComparingInt(each -> each.path("pods").asInt())
            .thenComparingInt(each -> each.path("nodes").asInt())
            .thenComparingInt(each -> each.path("entries").asInt())
            .thenComparing(each -> each.path("how").asText())
            .thenComparing(each -> each.path("tls").asBoolean()));
    ControlReport report = new ControlReport(all);
    Path document = Path.of(arguments[0]);
    String text = Files.exists(document) ? Files.readString(document) : BEGIN + END;
    int from = text.indexOf(BEGIN);
    int to = text.indexOf(END);
    if (from < 0 || to < from) {
      throw new IOException(document + " has no place for the tables: " + BEGIN + END);
    }
    Files.writeString(
        document, text.substring(0, from + BEGIN.length()) + report.tables() + text.substring(to));
    String name = document.toString().replaceAll("\\.md$", "");
    ArrayNode whole = json.createArrayNode().addAll(all);
    Files.writeString(Path.of(name + ".json"), whole.toPrettyString() + "\n");
    List<JsonNode> plain =
        report.cases.stream().filter(each -> !each.path("tls").asBoolean()).toList();
    Files.writeString(Path.of(name + ".svg"), new ControlPlot(plain).plots());
  }

  private String tables() {
    StringBuilder out = new StringBuilder();
    out.append("\nCold start and rest:\n\n");
    out.append(
        "| nodes | pods each | tunnels each | entries | in sync s | entries/s | CPU s | live heap"
            + " MiB | KiB a node | resident MiB | threads | descriptors | idle CPU % of a core | without the JVM's compilers | others had meanwhile, start and rest |\n");
    out.append("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n");
    for (JsonNode each : cases) {
      double nodes = each.get("nodes").asDouble();
      row(
          out,
          each,
          integer(each, "entries"),
          number(each, "coldSeconds"),
          String.format(Locale.ROOT, "%,.0f", rate(each)),
          number(each, "coldCpuSeconds"),
          number(each, "liveHeapMib"),
          String.format(Locale.ROOT, "%.0f", each.get("liveHeapMib").asDouble() * 1024 / nodes),
          number(each, "residentMib"),
          integer(each, "threads"),
          integer(each, "descriptors"),
          number(each, "idleCpuPercent"),
          String.format(Locale.ROOT, "%.1f", work(each)),
          percent(each, "coldOthersPercent") + ", " + percent(each, "restOthersPercent"));
    }
    out.append("\nEach node wiped once within 10 s, and all connections cut at one moment:\n\n");
    out.append(
        "| nodes | pods each | tunnels each | repair ms p50 | p99 | slowest | CPU s | back ms p50 |"
            + " p99 | slowest | CPU s | written then | probes missed, ever | connections lost in the"
            + " start | others had meanwhile, wipe and cut |\n");
    out.append("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n");
    for (JsonNode each : cases) {
      row(
          out,
          each,
          number(each, "repairP50Millis"),
          number(each, "repairP99Millis"),
          number(each, "repairMaxMillis"),
          number(each, "wipeCpuSeconds"),
          number(each, "backP50Millis"),
          number(each, "backP99Millis"),
          number(each, "backMaxMillis"),
          number(each, "backCpuSeconds"),
          integer(each, "backWritten"),
          integer(each, "probesMissed"),
          integer(each, "coldConnectionsLost"),
          percent(each, "wipeOthersPercent") + ", " + percent(each, "cutOthersPercent"));
    }
    ControlParts.write(out, all, all.stream().filter(ControlReport::isBeside).toList());
    return out.append('\n').toString();
  }

  /** What is left when everything has been compiled. */
  static double work(JsonNode each) {
    JsonNode threads = each.get("idleCpuPercentByThread");
    double compilers = 0;
    for (Map.Entry<String, JsonNode> thread : threads.properties()) {
      if (thread.getKey().matches("C[12] Compiler.*")) {
        compilers += thread.getValue().asDouble();
      }
    }
    return Math.max(0, each.get("idleCpuPercent").asDouble() - compilers);
  }

  private static double rate(JsonNode each) {
    double seconds = each.get("coldSeconds").asDouble();
    return each.get("entries").asDouble() / Math.max(0.1, seconds);
  }

  private static void row(StringBuilder out, JsonNode each, String... cells) {
    out.append("| ").append(integer(each, "nodes"));
    out.append(each.path("tls").asBoolean() ? ", TLS" : "");
    out.append(" | ").append(integer(each, "pods"));
    out.append(" | ").append(integer(each, "tunnels"));
    for (String cell : cells) {
      out.append(" | ").append(cell);
    }
    out.append(" |\n");
  }

  static String percent(JsonNode each, String key) {
    return String.format(Locale.ROOT, "%.0f %%", each.get(key).asDouble());
  }

  static String integer(JsonNode each, String key) {
    return String.format(Locale.ROOT, "%,d", each.get(key).asLong());
  }

  static String number(JsonNode each, String key) {
    double value = each.get(key).asDouble();
    return String.format(Locale.ROOT, value >= 100 ? "%,.0f" : "%.1f", value);
  }
}
