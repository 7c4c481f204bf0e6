// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.bench;

import java.util.ArrayList;
import java.util.List;

/**
 * What a swarm is to be.
 *
 * @param nodes how many nodes are there
 * @param gone how many more the controller is told of that are not: their addresses drop what is
 *     sent to them
 * @param shape what each node has
 * @param tls whether both connections are TLS's
 * @param named whether a pod's name is that of one node only; otherwise all nodes' first pods are
 *     called alike, and so on
 */
record SwarmPlan(int nodes, int gone, SwarmShape shape, boolean tls, boolean named) {
  /**
   * Of words.
   *
   * @param words {@code NODES:PODS[:TUNNELS][:tls][:gone=NUMBER]}
   */
  static SwarmPlan parse(String words) {
    List<Integer> numbers = new ArrayList<>();
    int gone = 0;
    boolean tls = false;
    for (String word : words.split(":", -1)) {
      if (word.equals("tls")) {
        tls = true;
      } else if (word.startsWith("gone=")) {
        gone = Integer.parseInt(word.substring("gone=".length()));
      } else {
        numbers.add(Integer.parseInt(word));
      }
    }
    if (numbers.size() < 2 || numbers.size() > 3) {
      throw new IllegalArgumentException(
          words + ": expected NODES:PODS[:TUNNELS][:tls][:gone=NUMBER]");
    }
    int tunnels = numbers.size() == 3 ? numbers.get(2) : 0;
    return new SwarmPlan(numbers.get(0), gone, SwarmShape.of(numbers.get(1), tunnels), tls, false);
  }

  static SwarmPlan of(int nodes, SwarmShape shape) {
    return new SwarmPlan(nodes, 0, shape, false, false);
  }

  SwarmPlan byTls() {
    return new SwarmPlan(nodes, gone, shape, true, named);
  }

  SwarmPlan beside(int missing) {
    return new SwarmPlan(nodes, missing, shape, tls, named);
  }

  SwarmPlan withNames() {
    return new SwarmPlan(nodes, gone, shape, tls, true);
  }

  static String node(int index) {
    return "n" + (1 + index);
  }

  String pod(int node, int pod) {
    return "p" + (1 + pod) + (named ? "-" + node(node) : "");
  }
}
