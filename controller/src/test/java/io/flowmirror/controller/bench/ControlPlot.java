// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.bench;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** How what a controller needs grows with the nodes, as SVG. */
final class ControlPlot {
  private final List<JsonNode> cases;

  /**
   * Of what was measured.
   *
   * @param cases without TLS, and with all nodes there
   */
  ControlPlot(List<JsonNode> cases) {
    this.cases = cases;
  }

  private static final int WIDTH = 300;
  private static final int HEIGHT = 220;
  private static final int MARGIN = 50;

  String plots() {
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
    for (String kind : cases.stream().map(ControlPlot::kind).distinct().toList()) {
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
