// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.common.base.Ascii;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.flowmirror.config.Direction;
import io.flowmirror.controller.northbound.Pods.Seen;
import io.flowmirror.controller.northbound.Pods.State;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.topology.Bridge;
import io.flowmirror.topology.BridgeMirror;
import io.flowmirror.topology.InterfaceCounters;
import io.flowmirror.topology.PodName;
import io.flowmirror.topology.PodPort;
import io.flowmirror.topology.Port;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Why a pod's packets are seen at the mirror port, or not: the chain from what is asked for to the
 * copies, link by link. The first link that is broken is the answer.
 */
final class Explanation {
  /** How a link is. */
  enum Verdict {
    OK,
    BROKEN,
    /** It holds, and something is not as one would expect. */
    WARNING,
    /** It cannot be told, since an earlier link is broken or nobody answers. */
    UNKNOWN
  }

  /**
   * One link.
   *
   * @param name its name, always the same
   * @param says what was found
   * @param advice what to do; empty if nothing
   */
  record Link(String name, Verdict verdict, String says, String advice) {}

  private final PodName pod;
  private final ImmutableList<Link> links;

  private Explanation(PodName pod, List<Link> links) {
    this.pod = pod;
    this.links = ImmutableList.copyOf(links);
  }

  /** The link to mend: the first that is broken, or else the first that warns. */
  Optional<Link> firstBroken() {
    return links.stream()
        .filter(link -> link.verdict() == Verdict.BROKEN)
        .findFirst()
        .or(() -> links.stream().filter(link -> link.verdict() == Verdict.WARNING).findFirst());
  }

  ImmutableList<Link> links() {
    return links;
  }

  ObjectNode json() {
    ObjectNode json = Json.object();
    json.put("namespace", pod.namespace());
    json.put("name", pod.name());
    json.put("ok", links.stream().noneMatch(link -> link.verdict() == Verdict.BROKEN));
    firstBroken().ifPresent(link -> json.set("firstBroken", json(link)));
    ArrayNode array = json.putArray("links");
    links.forEach(link -> array.add(json(link)));
    return json;
  }

  private static ObjectNode json(Link link) {
    return Json.object()
        .put("name", link.name())
        .put("verdict", Ascii.toLowerCase(link.verdict().name()))
        .put("says", link.says())
        .put("advice", link.advice());
  }

  /** For a terminal. */
  ImmutableList<String> lines() {
    ImmutableList.Builder<String> lines = ImmutableList.builder();
    for (Link link : links) {
      lines.add(
          String.format(
              "%-8s %-14s %s", Ascii.toLowerCase(link.verdict().name()), link.name(), link.says()));
    }
    lines.add("");
    Optional<Link> broken = firstBroken();
    if (broken.isEmpty()) {
      lines.add(pod + " is mirrored, and every link holds.");
    } else {
      lines.add(
          (broken.get().verdict() == Verdict.BROKEN ? "Broken: " : "Look at: ")
              + broken.get().name()
              + ": "
              + broken.get().says());
      if (!broken.get().advice().isEmpty()) {
        lines.add("Do: " + broken.get().advice());
      }
    }
    return lines.build();
  }

  /** What is looked at for one explanation. */
  record Evidence(
      PodName pod,
      ImmutableList<Seen> seen,
      ImmutableMap<String, NodeStatus> statuses,
      Optional<String> refusedByApi,
      ImmutableMap<String, InterfaceCounters> counters) {

    /** The interfaces whose counters would tell more: the mirror port and the pod's own. */
    static ImmutableList<String> interfaces(NodeStatus status, Seen seen) {
      ImmutableList.Builder<String> names = ImmutableList.builder();
      status.intent().mirrorIface().ifPresent(names::add);
      seen.port().ifPresent(port -> names.add(port.interfaceName()));
      return names.build();
    }
  }

  /** The interface that the explanation is about: one that is asked for, where there is one. */
  static Optional<Seen> subject(ImmutableList<Seen> seen) {
    return seen.stream()
        .filter(each -> each.state() == State.PENDING && each.port().isPresent())
        .findFirst()
        .or(() -> seen.stream().filter(each -> each.state() != State.NOT_MIRRORED).findFirst())
        .or(() -> seen.stream().findFirst());
  }

  /** Looks at all links. */
  static Explanation of(Evidence evidence) {
    return new Explanation(evidence.pod(), new Chain(evidence).links());
  }

  /** Builds the chain; what comes after a link that must hold and does not is unknown. */
  private static final class Chain {
    private final Evidence evidence;
    private final Optional<Seen> subject;
    private final @Nullable NodeStatus status;
    private final List<Link> links = new ArrayList<>();

    Chain(Evidence evidence) {
      this.evidence = evidence;
      this.subject = subject(evidence.seen());
      this.status = subject.flatMap(Seen::node).map(evidence.statuses()::get).orElse(null);
    }

    List<Link> links() {
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
      broken(
          "asked-for",
          "nobody asks for " + evidence.pod() + " to be mirrored",
          "kubectl -n "
              + evidence.pod().namespace()
              + " annotate pod "
              + evidence.pod().name()
              + " ovn.kubernetes.io/mirror=true, or flowmirror mirror on "
              + evidence.pod());
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
      } else if (status.node().datapath().isEmpty()) {
        broken(
            "node-attached",
            String.join("; ", withPrefix(status, "no OpenFlow", "no OpenFlow connection")),
            "on the node: ovs-ofctl show br-int; is the address right, does a firewall drop it?");
      } else if (!status.node().bridgeConfirmed()) {
        broken(
            "node-attached",
            String.join("; ", withPrefix(status, "no OVSDB", "no OVSDB connection")),
            "on the node: ovs-vsctl show; is the address right, does a firewall drop it?");
      } else {
        ok("node-attached", "OpenFlow and OVSDB are connected");
      }
    }

    private static ImmutableList<String> withPrefix(
        NodeStatus status, String prefix, String otherwise) {
      ImmutableList<String> found =
          status.waiting().stream()
              .filter(line -> line.startsWith(prefix))
              .collect(ImmutableList.toImmutableList());
      return found.isEmpty() ? ImmutableList.of(otherwise) : found;
    }

    private void writer() {
      if (status == null) {
        unknown("writer", "which node is not known");
        return;
      }
      ImmutableList<String> waiting =
          status.waiting().stream()
              .filter(line -> !line.startsWith("no O") && !line.startsWith("mirror-iface"))
              .collect(ImmutableList.toImmutableList());
      switch (status.writer()) {
        case US -> {
          if (waiting.isEmpty()) {
            ok("writer", "this controller writes to the node");
          } else {
            broken("writer", waiting.get(0), "");
          }
        }
        case ANOTHER -> {
          if (waiting.isEmpty()) {
            ok("writer", "another replica writes to the node; this one stands by");
          } else {
            broken("writer", waiting.get(0), "stop the other controller, or ask it");
          }
        }
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
      if (port.isEmpty()) {
        unknown("logical-port", "its port is not known");
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

    private void mirrorPort() {
      if (status == null || status.node().datapath().isEmpty()) {
        unknown("mirror-port", "its node is not connected");
        return;
      }
      String name = status.intent().mirrorIface().orElse("");
      Optional<Port> port = status.node().port(name);
      Optional<String> refusal =
          status.plan().refusals().stream()
              .filter(line -> line.startsWith("mirror-iface"))
              .findFirst();
      if (port.isEmpty()) {
        broken(
            "mirror-port",
            refusal.orElse(name + " is not a port of br-int"),
            "config/node/attach on the node makes it");
      } else if (port.get().adminDown()) {
        broken(
            "mirror-port",
            name + " is down and swallows every copy",
            "on the node: ip link set " + name + " up");
      } else if (refusal.isPresent()) {
        broken("mirror-port", refusal.get(), "");
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
                .filter(line -> line.contains("is not copied") || line.contains("left out"))
                .findFirst();
        if (limit.isPresent()) {
          broken("entries", limit.get(), "");
        } else {
          ok("entries", "all are there, as they should be");
        }
      }
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
          String.format(
              "%d frames from the pod and %d to it copied since its entries were made",
              seen.sent().packets(), seen.received().packets());
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
      boolean silent = seen.sent().packets() + seen.received().packets() == 0;
      if (seen.state() == State.NOT_MIRRORED) {
        unknown("counted", says);
      } else if (silent) {
        warn(
            "counted",
            says,
            "does the pod send or receive anything at all? ping it, and look again");
      } else {
        ok("counted", says);
      }
    }
  }
}
