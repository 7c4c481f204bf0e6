// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Probes between pods of every kind: mirrored and not, routed and not, on one node and on two.
 *
 * <p>Those between two nodes are for steps in which no port comes or goes. When one does, whosever
 * it is, Open vSwitch's userspace datapath can lose packets that go through tunnels: without any
 * controller, 6 of 9,370 while a port of nobody's was added and removed 18 times, and none within
 * the node.
 */
final class Probes implements AutoCloseable {
  /** So many answers after each step: its effect, had it any, lies between them. */
  private static final int ANSWERS = 200;

  private final Cluster cluster;
  private final List<Probe> probes = new ArrayList<>();
  private final StringBuilder steps = new StringBuilder();

  private Probes(Cluster cluster) {
    this.cluster = cluster;
  }

  /** Probes within n1. */
  static Probes withinNode(Cluster cluster) {
    return new Probes(cluster).add("web", "db").add("plain", "other").begin();
  }

  /** Probes between n1 and n2, begun by either. */
  static Probes betweenNodes(Cluster cluster) {
    return new Probes(cluster).add("far", "web").add("plain", "far2").begin();
  }

  /** Adds one more. */
  Probes add(String from, String to) {
    probes.add(Probe.start(cluster.pod(from), cluster.pod(to)));
    return this;
  }

  /** Waits until all of them are answered. */
  Probes begin() {
    awaitAnswers("in the beginning");
    return this;
  }

  /** Waits until what was done last has been probed by all. */
  void awaitAnswers(String step) {
    probes.forEach(probe -> probe.awaitAnswers(ANSWERS));
    steps
        .append(step)
        .append(": answers so far ")
        .append(probes.stream().map(Probe::answers).toList())
        .append('\n');
  }

  /** Ends all probes; fails if any packet of theirs was lost. */
  void assertNothingLost() {
    List<Probe> losers = probes.stream().filter(probe -> probe.lost() != 0).toList();
    assertThat(losers)
        .as("%s%s", steps, losers.stream().map(Probe::text).collect(Collectors.joining()))
        .isEmpty();
  }

  @Override
  public void close() {
    probes.forEach(Probe::close);
  }
}
