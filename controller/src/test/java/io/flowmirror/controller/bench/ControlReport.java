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
import java.util.function.ToDoubleFunction;

/** Makes the tables and the plots of {@code docs/performance/control.md} of what was measured. */
public final class ControlReport {
  private static final String BEGIN = "<!-- tables -->\n";
  private static final String END = "<!-- end of tables -->\n";

  private final List<JsonNode> cases;

  private ControlReport(List<JsonNode> cases) {
    this.cases = cases;
  }

  /**
   * Writes them.
   *
   * @param arguments the document, beside which the JSON and the plots go, and the file of each
   *     case
   */
  public static void main(String[] arguments) throws IOException {
    JsonMapper json = new JsonMapper();
    List<JsonNode> cases = new ArrayList<>();
    for (int i = 1; i < arguments.length; i++) {
      cases.add(json.readTree(Path.of(arguments[i]).toFile()));
    }
    cases.sort(
        Comparator.<JsonNode>comparingInt(each -> each.get("tunnels").asInt())
            .thenComparingInt(each -> each.get("pods").asInt())
            .thenComparingInt(each -> each.get("nodes").asInt()));
    ControlReport report = new ControlReport(cases);
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
    ArrayNode all = json.createArrayNode().addAll(cases);
    Files.writeString(Path.of(name + ".json"), all.toPrettyString() + "\n");
    Files.writeString(Path.of(name + ".svg"), report.plots());
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
    return out.append('\n').toString();
  }

  /** What is left when everything has been compiled. */
  private static double work(JsonNode each) {
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
    out.append(" | ").append(integer(each, "pods"));
    out.append(" | ").append(integer(each, "tunnels"));
    for (String cell : cells) {
      out.append(" | ").append(cell);
    }
    out.append(" |\n");
  }

  private static String percent(JsonNode each, String key) {
    return String.format(Locale.ROOT, "%.0f %%", each.get(key).asDouble());
  }

  private static String integer(JsonNode each, String key) {
    return String.format(Locale.ROOT, "%,d", each.get(key).asLong());
  }

  private static String number(JsonNode each, String key) {
    double value = each.get(key).asDouble();
    return String.format(Locale.ROOT, value >= 100 ? "%,.0f" : "%.1f", value);
  }

  private static final int WIDTH = 300;
  private static final int HEIGHT = 220;
  private static final int MARGIN = 50;

  private String plots() {
    StringBuilder out = new StringBuilder();
    out.append("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 800 600\"");
    out.append(" font-family=\"sans-serif\" font-size=\"11\">\n");
    out.append("<rect width=\"800\" height=\"600\" fill=\"white\"/>\n");
    plot(out, 0, 0, "cold start, CPU s", each -> each.get("coldCpuSeconds").asDouble());
    plot(out, 1, 0, "live heap, MiB", each -> each.get("liveHeapMib").asDouble());
    plot(out, 0, 1, "idle CPU without the JVM's compilers, % of a core", ControlReport::work);
    plot(out, 1, 1, "wipe and repair, CPU s", each -> each.get("wipeCpuSeconds").asDouble());
    return out.append("</svg>\n").toString();
  }

  /** Both axes logarithmic: what is linear goes up by one square for each to the right. */
  private void plot(
      StringBuilder out, int column, int line, String title, ToDoubleFunction<JsonNode> value) {
    int left = MARGIN + column * (WIDTH + 2 * MARGIN);
    int bottom = MARGIN / 2 + HEIGHT + line * (HEIGHT + 2 * MARGIN - 20);
    double least = Math.floor(cases.stream().mapToDouble(each -> log(value, each)).min().orElse(0));
    double most = Math.ceil(cases.stream().mapToDouble(each -> log(value, each)).max().orElse(1));
    most = Math.max(most, least + 1);
    text(out, left, bottom - HEIGHT - 8, "start", title);
    text(out, left + WIDTH / 2.0, bottom + 28, "middle", "nodes");
    for (int power = 1; power <= 4; power++) {
      double x = left + (power - 1) / 3.0 * WIDTH;
      line(out, x, bottom, x, bottom - HEIGHT);
      text(out, x, bottom + 14, "middle", String.format(Locale.ROOT, "%,.0f", Math.pow(10, power)));
    }
    for (double power = least; power <= most; power++) {
      double y = bottom - (power - least) / (most - least) * HEIGHT;
      line(out, left, y, left + WIDTH, y);
      text(out, left - 4, y + 4, "end", label(Math.pow(10, power)));
    }
    String[] colours = {"#1b6ca8", "#c4501b", "#3c8d40", "#7a4fa3"};
    int used = 0;
    for (String kind : cases.stream().map(ControlReport::kind).distinct().toList()) {
      String colour = colours[used % colours.length];
      StringBuilder points = new StringBuilder();
      double y = bottom - HEIGHT + 14 + 14 * used++;
      for (JsonNode each : cases) {
        if (kind(each).equals(kind)) {
          double x = left + (Math.log10(each.get("nodes").asDouble()) - 1) / 3 * WIDTH;
          double up = bottom - (log(value, each) - least) / (most - least) * HEIGHT;
          points.append(String.format(Locale.ROOT, "%.1f,%.1f ", x, up));
          out.append(
              String.format(
                  Locale.ROOT,
                  "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>%n",
                  x,
                  up,
                  colour));
        }
      }
      out.append("<polyline fill=\"none\" stroke=\"").append(colour).append("\" points=\"");
      out.append(points.toString().strip()).append("\"/>\n");
      out.append("<g fill=\"").append(colour).append("\">");
      text(out, left + 6, y, "start", kind);
      out.append("</g>\n");
    }
  }

  private static double log(ToDoubleFunction<JsonNode> value, JsonNode each) {
    return Math.log10(Math.max(0.01, value.applyAsDouble(each)));
  }

  private static String label(double value) {
    return value < 1
        ? String.format(Locale.ROOT, "%.2f", value)
        : String.format(Locale.ROOT, "%,.0f", value);
  }

  private static String kind(JsonNode each) {
    return each.get("pods").asInt()
        + " pods a node"
        + (each.get("tunnels").asInt() == 0 ? "" : ", tunnels to all others");
  }

  private static void line(StringBuilder out, double x1, double y1, double x2, double y2) {
    out.append(
        String.format(
            Locale.ROOT,
            "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/>%n",
            x1,
            y1,
            x2,
            y2));
  }

  private static void text(StringBuilder out, double x, double y, String anchor, String text) {
    out.append(
        String.format(
            Locale.ROOT,
            "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>%n",
            x,
            y,
            anchor,
            text));
  }
}
