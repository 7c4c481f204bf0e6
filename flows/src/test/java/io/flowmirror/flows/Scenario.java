// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.config.Direction;
import io.flowmirror.config.KubeOvnMirror;
import io.flowmirror.topology.Bridge;
import io.flowmirror.topology.BridgeMirror;
import io.flowmirror.topology.Datapath;
import io.flowmirror.topology.Fact;
import io.flowmirror.topology.Interface;
import io.flowmirror.topology.LogicalPort;
import io.flowmirror.topology.PodInterface;
import io.flowmirror.topology.PodName;
import io.flowmirror.topology.Port;
import io.flowmirror.topology.Topology;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A scenario as its file tells it: statements about one node, and what follows from them.
 *
 * <pre>
 *   mirror default/web both            what is wanted
 *   everything                         enable-mirror: true
 *   mirror-iface mirror0
 *   table 65                           OVN's delivery table
 *   port 5 web_h pod=default/web key=2/3 type= down ours
 *   port 7 patch type=patch key=7/1 vlan=10   mapped by a VLAN, 0 for the untagged
 *   ports 300 first=100 key=2/100      many unmirrored local ports
 *   bridge-mirror m0 output=mirror0 select=web_h select-all
 *   nat-in-label
 *   no openflow | no ovsdb | unconfirmed
 *   - STATEMENT                        the statement no longer holds
 *   expect                             the entries, rows and refusals that follow, up to a blank line
 * </pre>
 */
final class Scenario {
  static final String NODE = "n1";
  private static final Splitter WORDS = Splitter.on(' ').omitEmptyStrings();

  /** Statements that hold at one moment, and the lines that are expected of it. */
  record Checkpoint(ImmutableList<String> statements, ImmutableList<String> expected) {}

  private Scenario() {}

  static ImmutableList<Checkpoint> read(String text) {
    ImmutableList.Builder<Checkpoint> checkpoints = ImmutableList.builder();
    List<String> statements = new ArrayList<>();
    List<String> expected = null;
    for (String line : Splitter.on('\n').split(text + "\n\n")) {
      if (expected != null) {
        if (line.isBlank()) {
          checkpoints.add(
              new Checkpoint(ImmutableList.copyOf(statements), ImmutableList.copyOf(expected)));
          expected = null;
        } else {
          expected.add(line);
        }
      } else if (line.equals("expect")) {
        expected = new ArrayList<>();
      } else if (line.startsWith("- ")) {
        if (!statements.remove(line.substring(2))) {
          throw new IllegalArgumentException("does not hold, so cannot end: " + line);
        }
      } else if (!line.isBlank() && !line.startsWith("#")) {
        statements.add(line);
      }
    }
    return checkpoints.build();
  }

  /** What the statements say is wanted. */
  static NodeIntent intent(List<String> statements) {
    String iface = "mirror0";
    boolean everything = false;
    KubeOvnMirror kubeOvnMirror = KubeOvnMirror.REPORT;
    Map<PodInterface, Direction> pods = new LinkedHashMap<>();
    for (String statement : statements) {
      List<String> words = WORDS.splitToList(statement);
      switch (words.get(0)) {
        case "mirror-iface" -> iface = words.get(1);
        case "everything" -> everything = true;
        case "kube-ovn-mirror" -> kubeOvnMirror = KubeOvnMirror.parse(words.get(1));
        case "mirror" ->
            pods.put(
                new PodInterface(pod(words.get(1)), words.size() > 3 ? words.get(3) : ""),
                Direction.parse(words.get(2)));
        default -> {}
      }
    }
    return new NodeIntent(
        Optional.of(iface),
        everything,
        1800,
        kubeOvnMirror,
        ImmutableMap.copyOf(pods),
        ImmutableMap.of());
  }

  /** The facts that the statements make of the node. */
  static ImmutableList<Fact> facts(List<String> statements, long connection) {
    Map<String, Interface> interfaces = new LinkedHashMap<>();
    Map<Integer, Port> ports = new LinkedHashMap<>();
    ImmutableList.Builder<LogicalPort> logicalPorts = ImmutableList.builder();
    ImmutableList.Builder<BridgeMirror> mirrors = ImmutableList.builder();
    OptionalInt table = OptionalInt.empty();
    boolean openflow = true;
    boolean ovsdb = true;
    boolean natInLabel = false;
    boolean restoring = false;
    for (String statement : statements) {
      List<String> words = WORDS.splitToList(statement);
      switch (words.get(0)) {
        case "table" -> table = OptionalInt.of(Integer.parseInt(words.get(1)));
        case "nat-in-label" -> natInLabel = true;
        case "restoring" -> restoring = true;
        case "bridge-mirror" -> {
          ImmutableMap<String, String> options = options(words);
          mirrors.add(
              new BridgeMirror(
                  words.get(1),
                  options.getOrDefault("output", ""),
                  options.containsKey("select-all"),
                  ImmutableSet.copyOf(
                      Splitter.on('+')
                          .omitEmptyStrings()
                          .split(options.getOrDefault("select", "")))));
        }
        case "no" -> {
          openflow &= !words.get(1).equals("openflow");
          ovsdb &= !words.get(1).equals("ovsdb");
        }
        case "ports" -> {
          ImmutableMap<String, String> options = options(words);
          int first = Integer.parseInt(options.get("first"));
          LogicalPort keys = keys(options.get("key"), 1, "");
          for (int i = 0; i < Integer.parseInt(words.get(1)); i++) {
            int ofport = first + i;
            ports.put(ofport, new Port(ofport, "p" + ofport, false, false));
            interfaces.put("p" + ofport, row("p" + ofport, ofport, ImmutableMap.of()));
            logicalPorts.add(new LogicalPort(ofport, keys.datapathKey(), keys.portKey() + i, true));
          }
        }
        case "port" -> {
          int ofport = Integer.parseInt(words.get(1));
          String name = words.get(2);
          ImmutableMap<String, String> options = options(words);
          if (!options.containsKey("only-ovsdb")) {
            ports.put(ofport, new Port(ofport, Port.cut(name), options.containsKey("down"), false));
          }
          if (!options.containsKey("only-openflow")) {
            interfaces.put(name, row(name, ofport, options));
          }
          for (String key :
              Splitter.on('+').omitEmptyStrings().split(options.getOrDefault("key", ""))) {
            logicalPorts.add(keys(key, ofport, options.getOrDefault("vlan", "")));
          }
        }
        default -> {}
      }
    }
    Bridge bridge =
        new Bridge("br-int", "", restoring, ImmutableMap.copyOf(interfaces), mirrors.build());
    Datapath datapath =
        new Datapath(
            connection,
            1,
            "3.1.0",
            ImmutableMap.copyOf(ports),
            table,
            logicalPorts.build(),
            natInLabel,
            ImmutableSet.of());
    return ImmutableList.of(
        new Fact.BridgeObserved(NODE, ovsdb ? Optional.of(bridge) : Optional.empty()),
        new Fact.DatapathObserved(NODE, openflow ? Optional.of(datapath) : Optional.empty()));
  }

  /** The node that the statements describe, observed from nothing. */
  static Topology topology(List<String> statements) {
    Topology topology = Topology.empty();
    for (Fact fact : facts(statements, 1)) {
      topology = topology.with(fact);
    }
    return topology;
  }

  private static Interface row(String name, int ofport, ImmutableMap<String, String> options) {
    ImmutableMap.Builder<String, String> ids = ImmutableMap.builder();
    Optional<PodName> pod = Optional.ofNullable(options.get("pod")).map(Scenario::pod);
    pod.ifPresent(of -> ids.put("pod_namespace", of.namespace()).put("pod_name", of.name()));
    String id =
        options.getOrDefault(
            "iface-id", pod.map(of -> of.name() + "." + of.namespace()).orElse(""));
    if (!id.isEmpty()) {
      ids.put("iface-id", id + options.getOrDefault("provider", ""));
    }
    return new Interface(
        name,
        options.getOrDefault("type", ""),
        options.getOrDefault("of-port", name),
        options.containsKey("no-ofport")
            ? OptionalInt.empty()
            : OptionalInt.of(
                options.containsKey("ofport") ? Integer.parseInt(options.get("ofport")) : ofport),
        options.getOrDefault("error", "").replace('_', ' '),
        ids.buildOrThrow(),
        options.containsKey("ours")
            ? ImmutableMap.of(RowChange.OWNER_KEY, RowChange.OWNER_VALUE)
            : ImmutableMap.of());
  }

  private static ImmutableMap<String, String> options(List<String> words) {
    ImmutableMap.Builder<String, String> options = ImmutableMap.builder();
    for (String word : words) {
      int equals = word.indexOf('=');
      options.put(
          equals < 0 ? word : word.substring(0, equals),
          equals < 0 ? "" : word.substring(equals + 1));
    }
    return options.buildKeepingLast();
  }

  private static LogicalPort keys(String text, int ofport, String vlan) {
    List<String> parts = Splitter.on('/').splitToList(text);
    return new LogicalPort(
        ofport,
        Long.parseLong(parts.get(0)),
        Integer.parseInt(parts.get(1)),
        vlan.isEmpty(),
        !vlan.isEmpty() && !vlan.equals("0"));
  }

  private static PodName pod(String text) {
    List<String> parts = Splitter.on('/').splitToList(text);
    return new PodName(parts.get(0), parts.get(1));
  }
}
