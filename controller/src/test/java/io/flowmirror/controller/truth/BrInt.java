// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A node's br-int as Open vSwitch's own tools show it.
 *
 * @param ovsdb the node's database
 * @param openflow the bridge's service connection
 * @param runFolder where ovs-vswitchd's pid file and control socket are
 */
record BrInt(String ovsdb, String openflow, String runFolder) {
  /** OVN's cookies are 32 bits wide; ours have an owner's mark in the upper half. */
  private static final String OVN = "cookie=0/0xffffffff00000000";

  private static final String OURS = "cookie=0x464d000000000000/0xffff000000000000";

  private static final Pattern DURATION = Pattern.compile("duration=([0-9.]+)s");
  private static final Pattern COUNTERS =
      Pattern.compile("(duration|n_packets|n_bytes|idle_age|hard_age|hard_timeout)=[0-9.]+s?, ?");

  /** Tables of the database, and what of them nobody but an administrator changes. */
  private static final ImmutableMap<String, String> COLUMNS =
      ImmutableMap.of(
          "Open_vSwitch", "_uuid,bridges,manager_options,other_config,ssl",
          "Manager", "_uuid,target,connection_mode,external_ids",
          "Controller", "_uuid,target,type,connection_mode,external_ids",
          "Bridge", "_uuid,name,ports,controller,fail_mode,datapath_id,mirrors,other_config",
          "Port", "_uuid,name,interfaces,external_ids",
          "Interface", "_uuid,name,type,mtu_request,options");

  /** Priorities above 65535 are ovs-vswitchd's own: in-band control's begin at 180000. */
  private static final int MAX_OPENFLOW_PRIORITY = 65535;

  /** Every entry, without statistics, sorted. */
  ImmutableList<String> entries() {
    return dump("--no-stats", "");
  }

  /** OVN's entries, without statistics, sorted. */
  ImmutableList<String> ovnEntries() {
    return dump("--no-stats", OVN);
  }

  /** Our entries, without statistics, sorted. */
  ImmutableList<String> ourEntries() {
    return dump("--no-stats", OURS);
  }

  /**
   * Our entries, without their counters, and for how many seconds each has been there. Without
   * their hard timeouts too: of one that was added after others that is shorter.
   */
  ImmutableMap<String, Double> ourEntriesWithAges() {
    return dump("--stats", OURS).stream()
        .collect(
            ImmutableMap.toImmutableMap(
                line -> COUNTERS.matcher(line).replaceAll(""), BrInt::duration));
  }

  private static double duration(String line) {
    Matcher matcher = DURATION.matcher(line);
    if (!matcher.find()) {
      throw new AssertionError("no duration: " + line);
    }
    return Double.parseDouble(matcher.group(1));
  }

  /** Removes our entries, as somebody who means no good might. */
  void removeOurEntries() {
    Program.run("ovs-ofctl", "-O", "OpenFlow13", "del-flows", openflow, OURS);
  }

  private ImmutableList<String> dump(String statistics, String match) {
    String lines =
        Program.run(
            "ovs-ofctl",
            "-O",
            "OpenFlow15",
            "--no-names",
            statistics,
            "dump-flows",
            openflow,
            match);
    return lines
        .lines()
        .map(String::strip)
        .filter(line -> line.contains("actions="))
        .sorted()
        .collect(ImmutableList.toImmutableList());
  }

  /** How br-int treats fragments. */
  String fragmentHandling() {
    return Program.run("ovs-ofctl", "get-frags", openflow).strip();
  }

  /** The primary controllers: there must never be one. */
  String primaryControllers() {
    return vsctl("get-controller", "br-int").strip();
  }

  /** Entries that no OpenFlow dump shows, such as in-band control's. */
  ImmutableList<String> hiddenEntries() {
    return appctl("bridge/dump-flows", "br-int")
        .lines()
        .filter(line -> priority(line) > MAX_OPENFLOW_PRIORITY)
        .map(line -> line.replaceFirst(".*(?=priority=)", ""))
        .sorted()
        .collect(ImmutableList.toImmutableList());
  }

  private static int priority(String line) {
    int at = line.indexOf("priority=");
    String rest = at < 0 ? "0" : line.substring(at + "priority=".length());
    return Integer.parseInt(rest.replaceFirst("\\D.*", ""));
  }

  /** Does some damage to our entries; says how long it took until all had been made anew. */
  Duration repaired(Runnable damage) {
    ImmutableSet<String> before = ourEntriesWithAges().keySet();
    if (before.isEmpty()) {
      throw new AssertionError("there is nothing to damage");
    }
    long begin = System.nanoTime();
    damage.run();
    Wait.until(
        "the repair of our entries",
        () -> {
          ImmutableMap<String, Double> now = ourEntriesWithAges();
          double since = (System.nanoTime() - begin) / 1e9;
          return now.keySet().equals(before) && now.values().stream().allMatch(age -> age < since);
        },
        () -> ourEntriesWithAges().toString());
    return Duration.ofNanos(System.nanoTime() - begin);
  }

  /** The database's rows, without what the daemons write to them, sorted. */
  ImmutableList<String> rows() {
    return COLUMNS.entrySet().stream()
        .flatMap(
            table ->
                vsctl("--format=csv", "--columns=" + table.getValue(), "list", table.getKey())
                    .lines()
                    .map(row -> table.getKey() + " " + row))
        .sorted()
        .collect(ImmutableList.toImmutableList());
  }

  /**
   * Waits until the datapath's cached flows say what the entries say: revalidator threads bring
   * them up to date (ofproto/ofproto-dpif-upcall.c), and no reply to a flow mod waits for that.
   * Twice, since the pass that is under way may have begun before the last change.
   */
  void awaitRevalidation() {
    appctl("revalidator/wait");
    appctl("revalidator/wait");
  }

  /** How ovs-vswitchd would treat this packet. */
  String trace(String packet) {
    return appctl("ofproto/trace", "br-int", packet);
  }

  /** The OpenFlow number of an interface. */
  int ofport(String interfaceName) {
    return Integer.parseInt(vsctl("get", "Interface", interfaceName, "ofport").strip());
  }

  String vsctl(String... arguments) {
    ImmutableList<String> command =
        ImmutableList.<String>builder()
            .add("ovs-vsctl", "--timeout=30", "--db=" + ovsdb)
            .add(arguments)
            .build();
    return Program.run(command.toArray(String[]::new));
  }

  String appctl(String... arguments) {
    try {
      Path folder = Path.of(runFolder);
      String pid = Files.readString(folder.resolve("ovs-vswitchd.pid")).strip();
      ImmutableList<String> command =
          ImmutableList.<String>builder()
              .add("ovs-appctl", "--timeout=30", "-t")
              .add(folder.resolve("ovs-vswitchd." + pid + ".ctl").toString())
              .add(arguments)
              .build();
      return Program.run(command.toArray(String[]::new));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
