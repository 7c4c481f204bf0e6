// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.google.common.collect.ImmutableList;
import io.flowmirror.config.Direction;
import io.flowmirror.config.KubernetesSettings;
import io.flowmirror.controller.northbound.Explanation.Evidence;
import io.flowmirror.controller.northbound.Explanation.Link;
import io.flowmirror.controller.northbound.Explanation.Verdict;
import io.flowmirror.controller.northbound.Pods.Seen;
import io.flowmirror.controller.northbound.Pods.State;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.controller.reconcile.Obstacle;
import io.flowmirror.controller.reconcile.Obstacle.On;
import io.flowmirror.topology.Bridge;
import io.flowmirror.topology.BridgeMirror;
import io.flowmirror.topology.Datapath;
import io.flowmirror.topology.InterfaceCounters;
import io.flowmirror.topology.LogicalPort;
import io.flowmirror.topology.PodPort;
import io.flowmirror.topology.Port;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Builds the chain of an {@link Explanation}; what comes after a link that must hold and does not
 * is unknown. Each obstacle that the node has told of is at the link that it is about.
 */
final class Chain {
  private final Evidence evidence;
  private final Optional<Seen> subject;
  private final @Nullable NodeStatus status;
  private final List<Link> links = new ArrayList<>();

  Chain(Evidence evidence) {
    this.evidence = evidence;
    this.subject = Explanation.subject(evidence.seen());
    this.status = subject.flatMap(Seen::node).map(evidence.statuses()::get).orElse(null);
  }

  List<Link> links() {
    heard();
    asked();
    found();
    attached();
    writer();
    bound();
    keys();
    mirrorPort();
    entries();
    doubled();
    mirrorPortMtu();
    mirrorPortDrops();
    counted();
    return links;
  }

  private void ok(String name, String says) {
    links.add(new Link(name, Verdict.OK, says, ""));
  }

  private void broken(String name, String says, String advice) {
    links.add(new Link(name, Verdict.BROKEN, says, advice));
  }

  private void warn(String name, String says, String advice) {
    links.add(new Link(name, Verdict.WARNING, says, advice));
  }

  private void unknown(String name, String says) {
    links.add(new Link(name, Verdict.UNKNOWN, says, ""));
  }

  /** What is in the way of the node, about one thing. */
  private Optional<String> obstacle(On on) {
    return status == null
        ? Optional.empty()
        : status.waiting().stream()
            .filter(obstacle -> obstacle.on() == on)
            .map(Obstacle::words)
            .findFirst();
  }

  /** Before the API has spoken, nobody knows what is asked for, and nothing is written. */
  private void heard() {
    if (evidence.kubernetes().isEmpty()) {
      return;
    }
    Optional<String> unheard =
        obstacle(On.INTENT).or(() -> evidence.unready().stream().findFirst());
    if (unheard.isPresent()) {
      broken(
          "api-heard",
          unheard.get(),
          "is the Kubernetes API up, and may this controller list pods there? Its log says why"
              + " not; /readyz says when");
    } else {
      ok("api-heard", "the Kubernetes API has said what is asked for");
    }
  }

  private void asked() {
    ImmutableList<Seen> wanted =
        evidence.seen().stream()
            .filter(each -> each.state() != State.NOT_MIRRORED)
            .collect(ImmutableList.toImmutableList());
    if (!wanted.isEmpty()) {
      Seen first = wanted.get(0);
      String direction =
          first.direction().map(Direction::toString).orElse(Direction.BOTH.toString());
      ok(
          "asked-for",
          "by "
              + (first.askedBy().isEmpty()
                  ? "the Kubernetes API"
                  : String.join(", ", first.askedBy()))
              + ", direction "
              + direction);
      evidence
          .refusedByApi()
          .ifPresent(why -> warn("allowed", "some of it is refused: " + why, ""));
      return;
    }
    if (evidence.refusedByApi().isPresent()) {
      ok("asked-for", "by the Kubernetes API");
      broken(
          "allowed",
          evidence.refusedByApi().get(),
          "mend the annotation, or allow the namespace (kubernetes.namespaces)");
      return;
    }
    broken("asked-for", "nobody asks for " + evidence.pod() + " to be mirrored", howToAsk());
  }

  /** In a way that counts here. */
  private String howToAsk() {
    String rest = "flowmirror mirror on " + evidence.pod();
    Optional<KubernetesSettings> api = evidence.kubernetes();
    if (api.isEmpty()) {
      return rest + ", or mirrors in the configuration";
    }
    List<String> ways = new ArrayList<>();
    if (api.get().annotations()) {
      ways.add(
          "kubectl -n "
              + evidence.pod().namespace()
              + " annotate pod "
              + evidence.pod().name()
              + " ovn.kubernetes.io/mirror=true");
    }
    if (api.get().mirrorResources()) {
      ways.add(rest + ", which makes a Mirror");
    } else if (api.get().leases().isEmpty()) {
      ways.add(rest);
    }
    return ways.isEmpty() ? "add it to mirrors in the configuration" : String.join("; or ", ways);
  }

  private void found() {
    if (status != null) {
      ok("pod-found", "on node " + subject.flatMap(Seen::node).orElse(""));
      return;
    }
    ImmutableList<String> silent =
        evidence.statuses().entrySet().stream()
            .filter(entry -> entry.getValue().node().bridge().isEmpty())
            .map(entry -> entry.getKey())
            .collect(ImmutableList.toImmutableList());
    if (!silent.isEmpty()) {
      broken(
          "pod-found",
          "on none of the nodes that have answered; "
              + silent.size()
              + " have not, such as "
              + silent.get(0),
          "see flowmirror nodes, and why those do not answer");
    } else {
      broken(
          "pod-found",
          "no interface of any node's br-int has pod_namespace="
              + evidence.pod().namespace()
              + " and pod_name="
              + evidence.pod().name(),
          "is the pod running, is its node served, is it in its node's network (hostNetwork)?"
              + " ovs-vsctl --columns=name,external_ids find Interface"
              + " external_ids:pod_name="
              + evidence.pod().name());
    }
  }

  private void attached() {
    if (status == null) {
      unknown("node-attached", "which node is not known");
      return;
    }
    Optional<String> wrongAddress = obstacle(On.ADDRESSES);
    Optional<String> starting = obstacle(On.SWITCH);
    if (status.node().datapath().isEmpty()) {
      broken(
          "node-attached",
          obstacle(On.OPENFLOW).orElse("no OpenFlow connection"),
          "on the node: ovs-ofctl show br-int; is the address right, does a firewall drop it?");
    } else if (!status.node().bridgeConfirmed()) {
      broken(
          "node-attached",
          obstacle(On.OVSDB).orElse("no OVSDB connection"),
          "on the node: ovs-vsctl show; is the address right, does a firewall drop it?");
    } else if (wrongAddress.isPresent()) {
      broken(
          "node-attached",
          wrongAddress.get(),
          "mend the node's ovsdb: and openflow: addresses; on the node: ovs-vsctl get Bridge br-int"
              + " datapath_id");
    } else if (starting.isPresent()) {
      broken(
          "node-attached",
          starting.get(),
          "it is over when ovs-ctl has done; if it stays: ovs-vsctl remove Open_vSwitch ."
              + " other_config flow-restore-wait");
    } else {
      ok("node-attached", "OpenFlow and OVSDB are connected");
    }
  }

  private void writer() {
    if (status == null) {
      unknown("writer", "which node is not known");
      return;
    }
    Optional<String> other = obstacle(On.WRITER);
    if (other.isPresent()) {
      broken("writer", other.get(), "stop the other controller, or ask it");
      return;
    }
    switch (status.writer()) {
      case US -> ok("writer", "this controller writes to the node");
      case ANOTHER -> ok("writer", "another replica writes to the node; this one stands by");
      case UNDECIDED -> unknown("writer", "it has not been found out who writes to the node");
    }
  }

  private void bound() {
    if (status == null || subject.isEmpty()) {
      unknown("interface", "which node is not known");
    } else if (subject.get().port().isPresent()) {
      PodPort port = subject.get().port().get();
      ok("interface", port.interfaceName() + ", port " + port.ofport());
    } else {
      String where = String.join(", ", Whereabouts.of(status.node(), subject.get().at()));
      broken(
          "interface",
          "it " + where,
          "on the node: ovs-vsctl list Interface; ip link: does the pod's veth exist?");
    }
  }

  private void keys() {
    Optional<PodPort> port = subject.flatMap(Seen::port);
    Optional<String> wiped = obstacle(On.OVN);
    if (port.isEmpty()) {
      unknown("logical-port", "its port is not known");
    } else if (wiped.isPresent() && isRemembered(port.get())) {
      broken(
          "logical-port",
          wiped.get(),
          "on the node: is ovn-controller running, does it reach the southbound database? Until its"
              + " entries are back nothing of the pod's is delivered");
    } else if (port.get().keys().isEmpty()) {
      broken(
          "logical-port",
          "OVN has not bound the port: no entry of OVN's maps port "
              + port.get().ofport()
              + "; what it receives is not copied",
          "is ovn-controller running? ovn-sbctl find Port_Binding logical_port=…; iface-id of "
              + port.get().interfaceName());
    } else {
      ok(
          "logical-port",
          "logical datapath "
              + port.get().keys().get().datapathKey()
              + ", logical port "
              + port.get().keys().get().portKey());
    }
  }

  /** Whether OVN's entries of this port are gone, and ours are kept by what was known. */
  private boolean isRemembered(PodPort port) {
    return status != null
        && status
            .node()
            .datapath()
            .map(Datapath::remembered)
            .filter(remembered -> remembered.contains(port.ofport()))
            .isPresent();
  }

  private void mirrorPort() {
    if (status == null) {
      unknown("mirror-port", "which node is not known");
      return;
    }
    if (status.node().datapath().isEmpty()) {
      unknown("mirror-port", "its node is not connected");
      return;
    }
    String name = status.intent().mirrorIface().orElse("");
    Optional<Port> port = status.node().port(name);
    Optional<String> refusal =
        status.plan().refusals().stream()
            .filter(line -> line.startsWith("mirror-iface"))
            .findFirst();
    Optional<String> obstacle = obstacle(On.MIRROR_PORT);
    if (port.isEmpty()) {
      broken(
          "mirror-port",
          refusal.or(() -> obstacle).orElse(name + " is not a port of br-int"),
          "config/node/attach on the node makes it");
    } else if (port.get().adminDown()) {
      broken(
          "mirror-port",
          name + " is down and swallows every copy",
          "on the node: ip link set " + name + " up");
    } else if (refusal.isPresent()) {
      broken("mirror-port", refusal.get(), "");
    } else if (obstacle.isPresent()) {
      broken("mirror-port", obstacle.get(), "who else on the node changes br-int's ports?");
    } else if (port.get().linkDown()) {
      warn("mirror-port", name + " has no link", "is the cable, or the other end, there?");
    } else {
      ok("mirror-port", name + " is port " + port.get().ofport() + ", and up");
    }
  }

  private void entries() {
    if (subject.isEmpty() || subject.get().state() == State.NOT_MIRRORED) {
      unknown("entries", "none are wanted");
      return;
    }
    Seen seen = subject.get();
    if (seen.port().isEmpty() || status == null) {
      unknown("entries", "its port is not known");
    } else if (seen.port().get().keys().isEmpty()) {
      unknown("entries", "OVN has not bound its port");
    } else if (seen.state() == State.PENDING) {
      broken(
          "entries",
          seen.reason(),
          "flowmirror flows --pod " + evidence.pod() + " shows them, wanted and installed");
    } else {
      Optional<String> limit =
          status.plan().refusals().stream()
              .filter(line -> concerns(line, seen, status))
              .findFirst();
      if (limit.isPresent()) {
        broken("entries", limit.get(), "");
      } else {
        ok("entries", "all are there, as they should be");
      }
    }
  }

  /** Whether what is refused on the node has to do with this pod, and what is asked for of it. */
  private static boolean concerns(String refusal, Seen seen, NodeStatus status) {
    Direction direction = seen.direction().orElse(Direction.BOTH);
    if (refusal.contains("is not copied")) {
      return direction.toPod();
    }
    // What it sends is copied again where it is delivered, on its own logical switch.
    return refusal.contains("left out")
        && direction.fromPod()
        && status.node().podPorts().stream()
            .filter(
                port ->
                    Optional.ofNullable(status.intent().pods().get(port.podInterface()))
                        .filter(Direction::toPod)
                        .isPresent())
            .anyMatch(port -> datapath(Optional.of(port)).equals(datapath(seen.port())));
  }

  private static Optional<Long> datapath(Optional<PodPort> port) {
    return port.flatMap(PodPort::keys).map(LogicalPort::datapathKey);
  }

  private void doubled() {
    Optional<PodPort> port = subject.flatMap(Seen::port);
    if (status == null || port.isEmpty() || status.node().bridge().isEmpty()) {
      unknown("not-doubled", "its port is not known");
      return;
    }
    Bridge bridge = status.node().bridge().get();
    String name = port.get().interfaceName();
    String portName =
        bridge.interfaces().containsKey(name) ? bridge.interfaces().get(name).portName() : name;
    String out = status.intent().mirrorIface().orElse("");
    for (BridgeMirror mirror : bridge.mirrors()) {
      if (mirror.outputPort().equals(out)
          && (mirror.selectAll() || mirror.selected().contains(portName))) {
        broken(
            "not-doubled",
            "Doubled by Mirror "
                + mirror.name()
                + " of Open vSwitch, which copies it to "
                + out
                + " too",
            "kube-ovn-mirror: take-over, or switch Kube-OVN's mirror off (--enable-mirror=false)");
        return;
      }
    }
    ok("not-doubled", "no Mirror of Open vSwitch copies it to the same port");
  }

  private Optional<InterfaceCounters> mirrorCounters() {
    return status == null
        ? Optional.empty()
        : status
            .intent()
            .mirrorIface()
            .map(name -> Optional.ofNullable(evidence.counters().get(name)))
            .orElse(Optional.empty());
  }

  private Optional<InterfaceCounters> podCounters() {
    return subject
        .flatMap(Seen::port)
        .map(port -> Optional.ofNullable(evidence.counters().get(port.interfaceName())))
        .orElse(Optional.empty());
  }

  private void mirrorPortMtu() {
    OptionalInt mirror = mirrorCounters().map(InterfaceCounters::mtu).orElse(OptionalInt.empty());
    OptionalInt own = podCounters().map(InterfaceCounters::mtu).orElse(OptionalInt.empty());
    if (mirror.isEmpty() || own.isEmpty()) {
      unknown("mtu", "the database does not say");
    } else if (mirror.getAsInt() < own.getAsInt()) {
      broken(
          "mtu",
          String.format(
              "the mirror port's is %d, the pod's port's %d: larger frames are dropped there",
              mirror.getAsInt(), own.getAsInt()),
          "on the node: ovs-vsctl set Interface "
              + status(s -> s.intent().mirrorIface().orElse(""))
              + " mtu_request="
              + own.getAsInt());
    } else {
      ok("mtu", "the mirror port's is " + mirror.getAsInt() + ", the pod's " + own.getAsInt());
    }
  }

  private String status(Function<NodeStatus, String> of) {
    return status == null ? "" : of.apply(status);
  }

  private void mirrorPortDrops() {
    Optional<InterfaceCounters> mirror = mirrorCounters();
    if (mirror.isEmpty() || mirror.get().txDropped().isEmpty()) {
      unknown("drops", "the database does not say");
    } else if (mirror.get().txDropped().getAsLong() > 0) {
      warn(
          "drops",
          String.format(
              "the mirror port has dropped %d of the frames that were to go out (tx_dropped)",
              mirror.get().txDropped().getAsLong()),
          "is its reader fast enough, is its link, is its queue long enough?");
    } else {
      ok("drops", "the mirror port has dropped none");
    }
  }

  private void counted() {
    if (subject.isEmpty() || subject.get().port().isEmpty()) {
      unknown("counted", "its port is not known");
      return;
    }
    Seen seen = subject.get();
    String says =
        seen.sent().isPresent()
            ? String.format(
                "%d frames from the pod and %d to it copied since its entries were made",
                seen.sent().get().packets(), seen.received().packets())
            : String.format(
                "%d frames to the pod copied since its entry was made; what all pods send is"
                    + " counted by one entry",
                seen.received().packets());
    Optional<InterfaceCounters> own = podCounters();
    Optional<InterfaceCounters> mirror = mirrorCounters();
    if (own.isPresent()) {
      says +=
          String.format(
              "; its port has had %d and %d in its life",
              own.get().rxPackets().orElse(0), own.get().txPackets().orElse(0));
    }
    if (mirror.isPresent()) {
      says += String.format("; the mirror port has sent %d", mirror.get().txPackets().orElse(0));
    }
    boolean silent =
        seen.sent().map(Copies.Count::packets).orElse(0L) + seen.received().packets() == 0;
    if (seen.state() == State.NOT_MIRRORED) {
      unknown("counted", says);
    } else if (silent) {
      warn(
          "counted", says, "does the pod send or receive anything at all? ping it, and look again");
    } else {
      ok("counted", says);
    }
  }
}
