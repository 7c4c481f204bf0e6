// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.bench;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What several cases took in rounds, each once a round. Confined to one thread. */
final class Rounds {
  private final Map<String, List<Double>> took = new LinkedHashMap<>();

  void add(String name, double value) {
    took.computeIfAbsent(name, fresh -> new ArrayList<>()).add(value);
  }

  /**
   * Writes median and range of one, and the median of its ratios to another in the same round.
   *
   * @param base what it is compared with; nothing if empty
   */
  void write(ObjectNode out, String name, String base) {
    List<Double> values = took.getOrDefault(name, List.of());
    out.put("median", median(values));
    out.put("least", round(Collections.min(values)));
    out.put("most", round(Collections.max(values)));
    if (!base.isEmpty()) {
      List<Double> others = took.getOrDefault(base, List.of());
      List<Double> ratios = new ArrayList<>();
      for (int i = 0; i < Math.min(values.size(), others.size()); i++) {
        ratios.add(values.get(i) / Math.max(1e-3, others.get(i)));
      }
      out.put("ratio", Math.round(100 * middle(ratios)) / 100.0);
      out.put("ratioLeast", Math.round(100 * Collections.min(ratios)) / 100.0);
      out.put("ratioMost", Math.round(100 * Collections.max(ratios)) / 100.0);
    }
  }

  double median(String name) {
    return median(took.getOrDefault(name, List.of()));
  }

  private static double median(List<Double> values) {
    return round(middle(values));
  }

  private static double middle(List<Double> values) {
    List<Double> sorted = new ArrayList<>(values);
    Collections.sort(sorted);
    return sorted.get(sorted.size() / 2);
  }

  private static double round(double value) {
    return Math.round(value * 10) / 10.0;
  }
}
