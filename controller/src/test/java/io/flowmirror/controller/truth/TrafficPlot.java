// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import com.google.common.collect.ImmutableMap;
import io.flowmirror.controller.truth.TrafficCells.Spread;
import java.util.Locale;
import java.util.Map;

/**
 * A plot of bars, one group for each row and one bar for each mode: its median, with a line from
 * the least to the most.
 */
record TrafficPlot(
    String file, String title, ImmutableMap<String, ImmutableMap<TrafficMode, Spread>> groups) {
  private static final int WIDTH = 900;
  private static final int HEIGHT = 360;
  private static final int LEFT = 60;
  private static final int TOP = 60;
  private static final int BOTTOM = 40;
  private static final ImmutableMap<TrafficMode, String> COLOURS =
      ImmutableMap.of(
          TrafficMode.NONE, "#999999",
          TrafficMode.OVS_POD, "#9ecae1",
          TrafficMode.FLOWMIRROR_POD, "#2171b5",
          TrafficMode.OVS_ALL, "#fdae6b",
          TrafficMode.FLOWMIRROR_ALL, "#d94801");

  String svg() {
    StringBuilder svg = new StringBuilder();
    add(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\""
            + " font-family=\"sans-serif\" font-size=\"12\">%n"
            + "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>%n"
            + "<text x=\"%d\" y=\"20\" font-size=\"14\">%s, by row</text>%n",
        WIDTH,
        HEIGHT,
        LEFT,
        title);
    double most =
        groups.values().stream()
            .flatMap(bars -> bars.values().stream())
            .mapToDouble(Spread::most)
            .max()
            .orElse(1);
    double step = Math.pow(10, Math.floor(Math.log10(most)));
    step = most / step < 2 ? step / 4 : most / step < 5 ? step / 2 : step;
    for (double tick = 0; tick <= most; tick += step) {
      add(
          svg,
          "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%3$.1f\" stroke=\"#dddddd\"/>%n"
              + "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>%n",
          LEFT,
          WIDTH - 20,
          y(tick, most),
          LEFT - 6,
          y(tick, most) + 4,
          number(tick));
    }
    int place = 0;
    for (Map.Entry<TrafficMode, String> colour : COLOURS.entrySet()) {
      add(
          svg,
          "<rect x=\"%d\" y=\"32\" width=\"12\" height=\"12\" fill=\"%s\"/>"
              + "<text x=\"%d\" y=\"42\">%s</text>%n",
          LEFT + place * 150,
          colour.getValue(),
          LEFT + 17 + place * 150,
          colour.getKey().words);
      place++;
    }
    double group = (double) (WIDTH - 20 - LEFT) / Math.max(1, groups.size());
    double bar = group * 0.8 / TrafficMode.values().length;
    int index = 0;
    for (Map.Entry<String, ImmutableMap<TrafficMode, Spread>> entry : groups.entrySet()) {
      double left = LEFT + group * (index++ + 0.1);
      add(
          svg,
          "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>%n",
          left + group * 0.4,
          HEIGHT - BOTTOM + 18,
          entry.getKey());
      for (Map.Entry<TrafficMode, Spread> one : entry.getValue().entrySet()) {
        double x = left + bar * COLOURS.keySet().asList().indexOf(one.getKey());
        Spread spread = one.getValue();
        add(
            svg,
            "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>"
                + "<line x1=\"%.1f\" x2=\"%6$.1f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"black\"/>%n",
            x,
            y(spread.median(), most),
            bar * 0.9,
            y(0, most) - y(spread.median(), most),
            COLOURS.get(one.getKey()),
            x + bar * 0.45,
            y(spread.least(), most),
            y(spread.most(), most));
      }
    }
    return svg.append("</svg>\n").toString();
  }

  private static double y(double value, double most) {
    return HEIGHT - BOTTOM - value / most * (HEIGHT - BOTTOM - TOP);
  }

  private static String number(double value) {
    return value == Math.rint(value)
        ? String.format(Locale.ROOT, "%.0f", value)
        : String.format(Locale.ROOT, "%.2f", value).replaceFirst("0$", "");
  }

  @SuppressWarnings("AnnotateFormatMethod") // no annotation of that kind is among the dependencies
  private static void add(StringBuilder svg, String format, Object... values) {
    svg.append(String.format(Locale.ROOT, format, values));
  }
}
