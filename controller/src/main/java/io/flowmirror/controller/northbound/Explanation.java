// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.common.base.Ascii;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.flowmirror.config.KubernetesSettings;
import io.flowmirror.controller.northbound.Pods.Seen;
import io.flowmirror.controller.northbound.Pods.State;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.topology.InterfaceCounters;
import io.flowmirror.topology.PodName;
import java.util.List;
import java.util.Optional;

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

  /**
   * What is looked at for one explanation.
   *
   * @param kubernetes how the Kubernetes API is followed, if it is
   * @param unready why it is not known what is asked for
   * @param refusedByApi why what the API asks for of the pod does not count
   * @param counters what the database says of interfaces now, by name
   */
  record Evidence(
      PodName pod,
      ImmutableList<Seen> seen,
      ImmutableMap<String, NodeStatus> statuses,
      Optional<KubernetesSettings> kubernetes,
      ImmutableList<String> unready,
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
}
