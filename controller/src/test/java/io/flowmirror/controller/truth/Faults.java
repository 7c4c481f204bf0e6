// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Iterables;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/** The faults that the controller must survive. */
final class Faults {
  /** What ovs-appctl and ovn-appctl are told of the controller on a node. */
  private static final String OVN_CONTROLLER = "ovn-controller";

  private static final int PODS = Integer.getInteger("chaos.pods", 20);

  private Faults() {}

  static final Fault RECOMPUTE =
      Fault.harmless(
          "recompute", stage -> stage.node("ovn-appctl", "-t", OVN_CONTROLLER, "recompute"));

  static final Fault INC_ENGINE_RECOMPUTE =
      Fault.harmless(
          "inc-engine/recompute",
          stage -> stage.node("ovn-appctl", "-t", OVN_CONTROLLER, "inc-engine/recompute"));

  static final Fault OVN_CONTROLLER_RESTARTED =
      Fault.wipe("ovn-controller restarted", stage -> restart(stage, OVN_CONTROLLER, "exit"));

  static final Fault OVN_CONTROLLER_KILLED =
      Fault.wipe(
          "ovn-controller killed and started", stage -> restart(stage, OVN_CONTROLLER, "kill"));

  static final Fault OVN_CONTROLLER_TWICE =
      Fault.wipe(
          "ovn-controller restarted twice at once",
          stage -> {
            stage.sandbox("restart", Cluster.NODE, OVN_CONTROLLER, "--no-wait");
            stage.sandbox("restart", Cluster.NODE, OVN_CONTROLLER);
          });

  static final Fault OVN_CONTROLLER_WAITS =
      Fault.wipe(
          "ovn-controller restarted with wait-before-clear",
          stage -> {
            String key = "external_ids:ovn-ofctrl-wait-before-clear";
            stage.brInt.vsctl("set", "Open_vSwitch", ".", key + "=500");
            restart(stage, OVN_CONTROLLER, "exit");
            stage.brInt.vsctl(
                "remove", "Open_vSwitch", ".", "external_ids", "ovn-ofctrl-wait-before-clear");
          });

  static final Fault OVN_CONTROLLER_AWAY =
      Fault.wipe(
          "ovn-controller away and back",
          stage -> {
            stage.sandbox("stop", Cluster.NODE, OVN_CONTROLLER);
            stage.sandbox("start", Cluster.NODE, OVN_CONTROLLER);
          });

  static final Fault VSWITCHD_KILLED =
      Fault.wipe(
          "ovs-vswitchd killed and started", stage -> restart(stage, "ovs-vswitchd", "kill"));

  static final Fault OVS_RESTARTED =
      Fault.wipe(
          "OVS restarted as Kube-OVN does",
          stage -> stage.sandbox("restart", Cluster.NODE, "ovs", "--kube-ovn"));

  static final Fault OVSDB_RESTARTED =
      Fault.harmless("ovsdb-server restarted", stage -> restart(stage, "ovsdb-server", "kill"));

  static final Fault CENTRAL_RESTARTED =
      new Fault(
          "northd and the databases restarted",
          false,
          false,
          false,
          stage -> {
            for (String daemon : List.of("ovn-northd", "ovsdb-nb", "ovsdb-sb")) {
              stage.sandbox("restart", "central", daemon);
            }
          });

  static final Fault OURS_DELETED =
      Fault.harmless("our entries deleted", stage -> stage.brInt.removeOurEntries());

  static final Fault ALL_DELETED =
      Fault.wipe(
          "del-flows br-int, then ovn-controller restarted",
          stage -> {
            ofctl("del-flows", stage.brInt.openflow());
            // OVN does not notice: nothing but this brings its entries back.
            restart(stage, OVN_CONTROLLER, "exit");
          });

  static final Fault ONE_DELETED =
      Fault.harmless(
          "one entry deleted",
          stage -> ofctl("--strict", "del-flows", stage.brInt.openflow(), identity(any(stage))));

  static final Fault ONE_OVERWRITTEN =
      Fault.harmless(
          "one entry overwritten",
          stage -> {
            String entry = any(stage);
            ofctl(
                "add-flow",
                stage.brInt.openflow(),
                "cookie=0x77," + identity(entry) + " actions=" + onward(entry));
          });

  static final Fault ONE_MODIFIED =
      Fault.harmless(
          "one entry modified",
          stage -> {
            String entry = any(stage);
            ofctl(
                "--strict",
                "mod-flows",
                stage.brInt.openflow(),
                identity(entry) + " actions=" + onward(entry));
          });

  /** A port that comes or goes costs packets in tunnels, controller or not (see {@link Probes}). */
  static final Fault PODS_COME_AND_GO =
      new Fault(
          PODS + " pods added and removed",
          false,
          true,
          false,
          stage -> {
            // A hundred at a time: above 250 ports what pods receive is not copied.
            for (int left = PODS; left > 0; left -= 100) {
              String count = Integer.toString(Math.min(left, 100));
              stage.sandbox(
                  "pods",
                  "add",
                  "--count",
                  count,
                  "--prefix",
                  "brief",
                  "--node",
                  Cluster.NODE,
                  "--dummy");
              stage.sandbox("pod", "del", "--name-prefix", "brief");
            }
          });

  static final Fault MANY_FOREIGN_ENTRIES =
      Fault.wipe(
          "200,000 foreign entries, and ovn-controller restarted",
          stage -> {
            stage.flood(200_000);
            restart(stage, OVN_CONTROLLER, "exit");
          });

  static final Fault CONNECTION_CUT =
      Fault.harmless("connection cut", stage -> stage.proxy().cut()).atTheConnection();

  static final Fault CONNECTION_CUT_AND_WIPED =
      Fault.wipe(
              "connection cut, and ovn-controller restarted meanwhile",
              stage -> {
                stage.proxy().hold(true);
                stage.proxy().cut();
                restart(stage, OVN_CONTROLLER, "exit");
                stage.proxy().hold(false);
              })
          .atTheConnection();

  /** As when the controller is killed there: the switch drops what was not committed. */
  static final Fault CUT_WHILE_REPAIRING =
      Fault.harmless(
              "connection cut in the middle of a repair",
              stage -> {
                stage.proxy().delay(Duration.ofMillis(50));
                stage.brInt.removeOurEntries();
                Duration moment = Duration.ofMillis(50 + stage.random.nextInt(150));
                Wait.within(moment, () -> false);
                stage.proxy().cut();
                stage.proxy().delay(Duration.ZERO);
              })
          .atTheConnection();

  static final Fault HALF_OPEN =
      Fault.harmless(
              "connection half-open, until it is given up",
              stage -> {
                stage.proxy().hold(true);
                stage.controllerNotices("the loss", status -> status.node().datapath().isEmpty());
                stage.proxy().cut();
                stage.proxy().hold(false);
              })
          .atTheConnection();

  static final Fault SLOW_SWITCH =
      Fault.wipe(
              "slow switch, and ovn-controller restarted",
              stage -> {
                stage.proxy().delay(Duration.ofMillis(100));
                restart(stage, OVN_CONTROLLER, "exit");
                stage.controllerNotices(
                    "the repair", io.flowmirror.controller.reconcile.NodeStatus::settled);
                stage.proxy().delay(Duration.ZERO);
              })
          .atTheConnection();

  /**
   * The controller does not read what the switch says, which therefore pauses its flow monitor:
   * that one of our entries is gone, the monitor tells late, or not at all.
   */
  static final Fault STALLED_READER =
      Fault.harmless("stalled reader, until the flow monitor is paused", Faults::stall)
          .atTheConnection();

  static final Fault CONTROLLER_RESTARTED =
      Fault.harmless(
          "our controller restarted",
          stage -> {
            if (stage.hasController()) {
              stage.stopController();
              stage.startController();
            }
          });

  static final Fault CONTROLLER_AWAY_WHILE_WIPED =
      Fault.wipe(
          "our controller away while ovn-controller restarts",
          stage -> {
            boolean had = stage.hasController();
            if (had) {
              stage.stopController();
            }
            restart(stage, OVN_CONTROLLER, "exit");
            if (had) {
              stage.startController();
            }
          });

  /** All of them. */
  static final ImmutableList<Fault> ALL =
      ImmutableList.of(
          RECOMPUTE,
          INC_ENGINE_RECOMPUTE,
          OVN_CONTROLLER_RESTARTED,
          OVN_CONTROLLER_KILLED,
          OVN_CONTROLLER_TWICE,
          OVN_CONTROLLER_WAITS,
          OVN_CONTROLLER_AWAY,
          VSWITCHD_KILLED,
          OVS_RESTARTED,
          OVSDB_RESTARTED,
          CENTRAL_RESTARTED,
          OURS_DELETED,
          ALL_DELETED,
          ONE_DELETED,
          ONE_OVERWRITTEN,
          ONE_MODIFIED,
          PODS_COME_AND_GO,
          MANY_FOREIGN_ENTRIES,
          CONNECTION_CUT,
          CONNECTION_CUT_AND_WIPED,
          CUT_WHILE_REPAIRING,
          HALF_OPEN,
          SLOW_SWITCH,
          STALLED_READER,
          CONTROLLER_RESTARTED,
          CONTROLLER_AWAY_WHILE_WIPED);

  /** All, or those whose names {@code -Dfaults=REGEX} finds. */
  static ImmutableList<Fault> wanted() {
    Pattern wanted = Pattern.compile(System.getProperty("faults", ""));
    return ALL.stream()
        .filter(fault -> wanted.matcher(fault.name()).find())
        .collect(ImmutableList.toImmutableList());
  }

  /** Those that touch no entry of ours: no copy may be missing. */
  static final ImmutableSet<Fault> WITHOUT_A_GAP =
      ImmutableSet.of(
          RECOMPUTE,
          INC_ENGINE_RECOMPUTE,
          OVSDB_RESTARTED,
          CENTRAL_RESTARTED,
          CONNECTION_CUT,
          HALF_OPEN,
          CONTROLLER_RESTARTED);

  private static void stall(Stage stage) {
    Set<String> ours = stage.brInt.ourEntriesWithAges().keySet();
    FlowMonitorWitness monitor = stage.proxy().flowMonitor();
    int pauses = monitor.pauses();
    int resumptions = monitor.resumptions();
    boolean cut;
    do {
      int connections = stage.proxy().connections();
      stage.proxy().stall(true);
      // Enough for the sockets and for what Open vSwitch queues, 128 KiB, before it pauses; and
      // more afterwards, which it then keeps to itself.
      stage.floodDelivery(1, 20_000);
      ofctl("--strict", "del-flows", stage.brInt.openflow(), identity(any(stage)));
      stage.floodDelivery(20_001, 100);
      stage.proxy().stall(false);
      if (stage.hasController()) {
        Wait.until(
            "the flow monitor to be resumed",
            () -> monitor.resumptions() > resumptions || stage.proxy().connections() > connections,
            () -> monitor.pauses() + " pauses, " + monitor.resumptions() + " resumptions");
      }
      stage.drain();
      // A connection that is silent for 10 s is given up, as on a machine that is very busy.
      cut = stage.proxy().connections() > connections;
    } while (cut && monitor.resumptions() == resumptions);
    if (stage.hasController()) {
      assertThat(monitor.pauses()).as("pauses").isGreaterThan(pauses);
      Wait.until(
          "our entries to be there again",
          () -> ours.equals(stage.brInt.ourEntriesWithAges().keySet()),
          () -> ours + " were there, and now " + stage.brInt.ourEntries());
    }
  }

  private static void restart(Stage stage, String daemon, String how) {
    stage.sandbox("restart", Cluster.NODE, daemon, "--how", how);
  }

  private static void ofctl(String... arguments) {
    List<String> command = new ArrayList<>(List.of("ovs-ofctl", "-O", "OpenFlow13"));
    command.addAll(List.of(arguments));
    Program.run(command.toArray(String[]::new));
  }

  /** One of our entries, as ovs-ofctl prints it; without a controller there is none. */
  private static String any(Stage stage) {
    List<String> ours = stage.brInt.ourEntries();
    return ours.isEmpty()
        ? "cookie=0x464d, table=0, priority=40000,metadata=0,in_port=60001 actions=drop"
        : Iterables.get(ours, stage.random.nextInt(ours.size()));
  }

  private static String identity(String entry) {
    String withoutActions = entry.substring(0, entry.indexOf(" actions="));
    return "table="
        + table(entry)
        + ","
        + withoutActions.substring(withoutActions.indexOf("priority="));
  }

  /** Actions like this entry's, on to OVN, but without the copy: no packet is lost by them. */
  private static String onward(String entry) {
    String table = table(entry);
    return table.equals("0")
        ? "set_field:1->metadata,resubmit(,0)"
        : "load:1->NXM_NX_REG14[24],resubmit(," + table + "),load:0->NXM_NX_REG14[24]";
  }

  private static String table(String entry) {
    int at = entry.indexOf("table=");
    return at < 0 ? "0" : entry.substring(at + 6).split("[, ]", 2)[0];
  }
}
