// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.flowmirror.config.Overrides;
import io.flowmirror.config.SettingsReader;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.controller.truth.Capture.Side;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Kube-OVN's own mirror, m0, beside ours: what goes to the pod would arrive twice. */
@ExtendWith(SharedCluster.class)
final class KubeOvnMirrorIT {
  private static final int ECHOES = 20;

  private final Cluster cluster;
  private final Pod web;
  private final Pod db;
  private final BrInt brInt;

  KubeOvnMirrorIT(Cluster cluster) {
    this.cluster = cluster;
    this.web = cluster.pod("web");
    this.db = cluster.pod("db");
    this.brInt = cluster.brInt(Cluster.NODE);
  }

  @BeforeEach
  void begin() {
    cluster.sandbox().run("kube-ovn-mirror", Cluster.NODE, "on");
  }

  @AfterEach
  void end() {
    RunningController.clean(cluster);
    cluster.sandbox().run("kube-ovn-mirror", Cluster.NODE, "off");
  }

  private void annotate(String pod) {
    cluster.sandbox().run("pod", "annotate", Pod.NAMESPACE + "/" + pod, "mirror=true");
  }

  private RunningController started(String kubeOvnMirror) {
    String yaml = Intent.ONE_POD.yaml(cluster) + "kube-ovn-mirror: " + kubeOvnMirror + "\n";
    RunningController controller =
        RunningController.started(SettingsReader.parse("test", yaml, Overrides.none()));
    controller.await("n1 to be settled", Cluster.NODE, NodeStatus::settled);
    return controller;
  }

  private List<String> selected() {
    String ports = brInt.vsctl("--bare", "get", "Mirror", "m0", "select_dst_port").strip();
    return ports.equals("[]") ? List.of() : ImmutableList.copyOf(ports.split(","));
  }

  /** How many copies there are of each echo that web gets, on mirror0. */
  private double copiesOfEachReply() {
    try (Capture copies =
        Capture.start(
            cluster.path(Cluster.NODE + ".netns"),
            "mirror0",
            Side.IN,
            "icmp[icmptype] == icmp-echoreply and dst host " + web.ip4())) {
      // A new flow each time: a change of a Mirror does not reach those that are in use.
      brInt.appctl("revalidator/purge");
      web.start("ping -n -q -c " + ECHOES + " -i 0.02 " + db.ip4()).success(Wait.LONG);
      Wait.until("the last copy", () -> copies.count() >= ECHOES, () -> "" + copies.count());
      Wait.within(java.time.Duration.ofMillis(300), () -> copies.count() > 2 * ECHOES);
      return (double) copies.count() / ECHOES;
    }
  }

  @Test
  void isReportedAndLeftAlone() {
    annotate("web");
    annotate("db");
    try (RunningController controller = started("report")) {
      assertThat(controller.status(Cluster.NODE).complaints())
          .anyMatch(line -> line.startsWith("Doubled by Mirror m0") && line.contains("demo/web"));
      assertThat(copiesOfEachReply()).isEqualTo(2);
      assertThat(selected()).hasSize(2);
    }
  }

  @Test
  void isTakenOverAsOftenAsItReturns() {
    annotate("web");
    annotate("db");
    try (RunningController controller = started("take-over")) {
      for (int i = 0; i < 3; i++) {
        Wait.until("web to be out of m0", () -> selected().size() == 1, () -> "" + selected());
        assertThat(copiesOfEachReply()).isEqualTo(1);
        annotate("web");
      }
      Wait.until("web to be out of m0", () -> selected().size() == 1, () -> "" + selected());
      assertThat(brInt.vsctl("get", "Mirror", "m0", "output_port")).contains("-");
      controller.await("n1 to be settled", Cluster.NODE, NodeStatus::settled);
      assertThat(controller.status(Cluster.NODE).complaints()).isEmpty();
    }
  }
}
