// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.config.Direction;
import io.flowmirror.config.Mirror;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.flows.FlowDiff.Drift;
import io.flowmirror.flows.FlowKey;
import io.flowmirror.flows.PlannedEntry;
import io.flowmirror.topology.PodInterface;
import io.flowmirror.topology.PodName;
import io.flowmirror.topology.PodPort;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Pods' interfaces as the northbound shows them: of one moment. */
final class Pods {
  /** Whether what is asked for of an interface is there. */
  enum State {
    /** Nobody asks for it. */
    NOT_MIRRORED,
    /** All entries that there should be are there. */
    MIRRORED,
    /** It is asked for, and not (all) there: the reason says why. */
    PENDING;

    String text() {
      return switch (this) {
        case NOT_MIRRORED -> "not-mirrored";
        case MIRRORED -> "mirrored";
        case PENDING -> "pending";
      };
    }
  }

  /**
   * An interface of a pod, at one of its ports or nowhere.
   *
   * @param node where it is, if it is anywhere
   * @param port its port, if both channels agree that there is one
   * @param direction what is asked for
   * @param askedBy by whom
   * @param byApi by whom of them in the Kubernetes API
   * @param reason why it is pending
   * @param sent how much of what it sends was copied; empty where that is counted for all at once
   * @param received how much of what it is delivered was copied
   */
  record Seen(
      PodInterface at,
      Optional<String> node,
      Optional<PodPort> port,
      Optional<Direction> direction,
      ImmutableList<String> askedBy,
      ImmutableList<String> byApi,
      State state,
      String reason,
      Optional<Copies.Count> sent,
      Copies.Count received) {

    ObjectNode json() {
      ObjectNode json = Json.object();
      json.put("namespace", at.pod().namespace());
      json.put("name", at.pod().name());
      json.put("interface", at.provider());
      node.ifPresent(name -> json.put("node", name));
      port.ifPresent(
          found -> {
            ObjectNode its = json.putObject("port");
            its.put("name", found.interfaceName());
            its.put("ofport", found.ofport());
            found
                .keys()
                .ifPresent(
                    keys -> {
                      its.put("datapathKey", keys.datapathKey());
                      its.put("portKey", keys.portKey());
                    });
          });
      json.put("mirrored", state != State.NOT_MIRRORED);
      json.put("state", state.text());
      json.put("reason", reason);
      direction.ifPresent(asked -> json.put("direction", asked.toString()));
      json.set("askedBy", Json.texts(askedBy));
      ObjectNode copies = json.putObject("copies");
      sent.ifPresent(count -> copies.set("fromPod", count.json()));
      copies.set("toPod", received.json());
      return json;
    }
  }

  private static final Comparator<Seen> ORDER =
      Comparator.comparing(Seen::at)
          .thenComparing(seen -> seen.node().orElse(""))
          .thenComparing(seen -> seen.port().map(PodPort::interfaceName).orElse(""));

  private final World world;
  private final RequestBook book;
  private final ImmutableMap<String, NodeStatus> statuses;
  private final ImmutableMap<String, Mirror> configured;

  /** By node, who asks in the API. */
  private final Map<String, ImmutableMap<PodInterface, ImmutableList<String>>> api =
      new HashMap<>();

  Pods(World world, RequestBook book) {
    this.world = world;
    this.book = book;
    this.statuses = world.statuses();
    this.configured =
        world.settings().mirrors().stream()
            .collect(ImmutableMap.toImmutableMap(Mirror::namespacedPod, mirror -> mirror));
  }

  /** All that are there or are asked for, in the order of pod, interface, node. */
  ImmutableList<Seen> all() {
    List<Seen> all = new ArrayList<>();
    statuses.forEach((node, status) -> all.addAll(on(node, status)));
    all.addAll(nowhere(all));
    all.sort(ORDER);
    return ImmutableList.copyOf(all);
  }

  /** Those of one pod. */
  ImmutableList<Seen> of(PodName pod) {
    return all().stream()
        .filter(seen -> seen.at().pod().equals(pod))
        .collect(ImmutableList.toImmutableList());
  }

  private ImmutableList<Seen> on(String node, NodeStatus status) {
    Copies copies = Copies.of(status);
    ImmutableMap<PodName, String> wrong = wrong(status);
    ImmutableList.Builder<Seen> seen = ImmutableList.builder();
    for (PodPort port : status.node().podPorts()) {
      PodInterface at = port.podInterface();
      boolean everything = status.intent().everything();
      @Nullable Direction asked = everything ? Direction.BOTH : status.intent().pods().get(at);
      String reason = asked == null ? "" : reason(status, port, wrong);
      seen.add(
          new Seen(
              at,
              Optional.of(node),
              Optional.of(port),
              Optional.ofNullable(asked),
              asked == null ? ImmutableList.of() : askedBy(node, status, at),
              byApi(node, at),
              asked == null
                  ? State.NOT_MIRRORED
                  : reason.isEmpty() ? State.MIRRORED : State.PENDING,
              reason,
              copies.from(port),
              copies.to(port)));
    }
    return seen.build();
  }

  /** What is asked for of pods that have no port on any node. */
  private ImmutableList<Seen> nowhere(List<Seen> somewhere) {
    Set<PodInterface> known = new LinkedHashSet<>();
    somewhere.forEach(seen -> known.add(seen.at()));
    TreeMap<PodInterface, String> wanted = new TreeMap<>();
    statuses.forEach(
        (node, status) ->
            status.intent().pods().keySet().stream()
                .filter(at -> !known.contains(at))
                .forEach(
                    at ->
                        wanted.merge(
                            at,
                            Whereabouts.isOn(status.node(), at) ? node : "",
                            (one, other) -> one.isEmpty() ? other : one)));
    ImmutableList.Builder<Seen> seen = ImmutableList.builder();
    wanted.forEach(
        (at, node) -> {
          @Nullable NodeStatus status = statuses.get(node);
          String reason =
              status == null
                  ? "it is on no node: it is mirrored when it comes"
                  : "it " + String.join(", ", Whereabouts.of(status.node(), at));
          seen.add(
              new Seen(
                  at,
                  status == null ? Optional.empty() : Optional.of(node),
                  Optional.empty(),
                  Optional.ofNullable(direction(at)),
                  askedBy(node, status, at),
                  byApi(node, at),
                  State.PENDING,
                  reason,
                  Optional.of(Copies.Count.NONE),
                  Copies.Count.NONE));
        });
    return seen.build();
  }

  private @Nullable Direction direction(PodInterface at) {
    for (NodeStatus status : statuses.values()) {
      @Nullable Direction asked = status.intent().pods().get(at);
      if (asked != null) {
        return asked;
      }
    }
    return null;
  }

  /** Who asks for it, in words: the configuration, REST and by whom, the API and by what. */
  private ImmutableList<String> askedBy(String node, @Nullable NodeStatus status, PodInterface at) {
    ImmutableList.Builder<String> by = ImmutableList.builder();
    if (status != null && status.intent().everything()) {
      by.add(
          book.global().isPresent()
              ? "global mirroring by REST (" + book.global().get().by() + ")"
              : "global mirroring by the configuration (enable-mirror)");
    }
    if (at.isPrimary()) {
      String pod = at.pod().toString();
      if (configured.containsKey(pod)) {
        by.add("the configuration");
      }
      book.entry(pod).ifPresent(entry -> by.add("REST (" + entry.by() + ")"));
    }
    by.addAll(byApi(node, at));
    return by.build();
  }

  private ImmutableList<String> byApi(String node, PodInterface at) {
    return api.computeIfAbsent(node, world::askedByApi).getOrDefault(at, ImmutableList.of());
  }

  private static String reason(
      NodeStatus status, PodPort port, ImmutableMap<PodName, String> wrong) {
    boolean toPod =
        status.intent().everything()
            || status.intent().pods().getOrDefault(port.podInterface(), Direction.BOTH).toPod();
    if (port.keys().isEmpty() && toPod) {
      return "OVN has not bound its port: what it receives cannot be copied yet";
    }
    @Nullable String entry = wrong.get(port.pod());
    if (entry != null) {
      return entry;
    }
    Optional<String> everybodys = wrongForAll(status);
    if (everybodys.isPresent()) {
      return everybodys.get();
    }
    boolean planned =
        status.intent().everything()
            ? !status.plan().entries().isEmpty()
            : status.plan().entries().values().stream()
                .anyMatch(wanted -> wanted.pod().equals(Optional.of(port.pod())));
    if (!planned) {
      return status.complaints().isEmpty()
          ? "no entry is planned yet"
          : "no entry is planned: see the node's complaints";
    }
    return "";
  }

  /** Pods one of whose entries is not there as it should be, with the first of them. */
  private static ImmutableMap<PodName, String> wrong(NodeStatus status) {
    ImmutableMap.Builder<PodName, String> wrong = ImmutableMap.builder();
    status
        .diff()
        .drift()
        .forEach((key, drift) -> entryOf(status, key, drift).ifPresent(found -> put(wrong, found)));
    status.diff().conflicts().keySet().forEach(key -> taken(status, key, wrong));
    status.diff().hidden().keySet().forEach(key -> hidden(status, key, wrong));
    return wrong.buildKeepingLast();
  }

  /** An entry that all pods of the node need, and that is not there as it should be. */
  private static Optional<String> wrongForAll(NodeStatus status) {
    if (!status.intent().everything()) {
      return Optional.empty();
    }
    return status.plan().entries().entrySet().stream()
        .filter(planned -> planned.getValue().pod().isEmpty())
        .filter(
            planned -> {
              @Nullable Drift drift = status.diff().drift().get(planned.getKey());
              return (drift != null && drift != Drift.DUE)
                  || status.diff().conflicts().containsKey(planned.getKey())
                  || status.diff().hidden().containsKey(planned.getKey());
            })
        .findFirst()
        .map(
            planned ->
                "the entry that " + planned.getValue().purpose() + " is not as it should be");
  }

  private record Wrong(PodName pod, String words) {}

  private static void put(ImmutableMap.Builder<PodName, String> wrong, Wrong found) {
    wrong.put(found.pod(), found.words());
  }

  private static Optional<Wrong> entryOf(NodeStatus status, FlowKey key, Drift drift) {
    @Nullable PlannedEntry planned = status.plan().entries().get(key);
    if (planned == null || drift == Drift.DUE || planned.pod().isEmpty()) {
      return Optional.empty();
    }
    @Nullable String refused = status.refused().get(key);
    return Optional.of(
        new Wrong(
            planned.pod().get(),
            refused != null
                ? "the switch refused its entry: " + refused
                : "the entry that " + planned.purpose() + " is " + words(drift)));
  }

  private static String words(Drift drift) {
    return switch (drift) {
      case MISSING -> "missing";
      case DIFFERENT -> "not as it should be";
      case OVERWRITTEN -> "overwritten by somebody else's";
      case SURPLUS -> "not wanted";
      case DUE -> "due for renewal";
    };
  }

  private static void taken(
      NodeStatus status, FlowKey key, ImmutableMap.Builder<PodName, String> wrong) {
    @Nullable PlannedEntry planned = status.plan().entries().get(key);
    if (planned != null) {
      planned
          .pod()
          .ifPresent(pod -> wrong.put(pod, "an entry of somebody else's stands where its would"));
    }
  }

  private static void hidden(
      NodeStatus status, FlowKey key, ImmutableMap.Builder<PodName, String> wrong) {
    @Nullable PlannedEntry planned = status.plan().entries().get(key);
    if (planned != null) {
      planned.pod().ifPresent(pod -> wrong.put(pod, "an entry of somebody else's hides its entry"));
    }
  }

  /** How many interfaces of pods are mirrored on a node, or are to be. */
  static long mirroredOf(NodeStatus status) {
    ImmutableSet<PodInterface> wanted = status.intent().pods().keySet();
    return status.node().podPorts().stream()
        .filter(port -> status.intent().everything() || wanted.contains(port.podInterface()))
        .count();
  }
}
