// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

import com.google.common.collect.HashMultimap;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.SetMultimap;
import io.flowmirror.config.Direction;
import io.flowmirror.config.KubernetesSettings;
import io.flowmirror.config.NodeSettings;
import io.flowmirror.topology.PodInterface;
import io.flowmirror.topology.PodName;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What the API has said, and what that asks for. Confined to the session's thread. */
final class ClusterView {
  /**
   * One interface of a pod that is to be mirrored.
   *
   * @param pod the pod
   * @param at its interface, as br-int's rows name it
   * @param asks who asks for which of its frames, as {@link Askers} names them; at least one
   */
  record Request(PodView pod, PodInterface at, ImmutableMap<String, Direction> asks) {
    private Request and(Request other) {
      return new Request(pod, at, Askers.united(asks, other.asks));
    }

    /** Which of its frames: what all who ask want together. */
    Direction direction() {
      return Askers.together(asks);
    }

    /** Who asks. */
    ImmutableSet<String> by() {
      return asks.keySet();
    }

    private Optional<Request> within(@Nullable Direction before) {
      if (before == null) {
        return Optional.empty();
      }
      if (direction().and(before) == before) {
        return Optional.of(this);
      }
      ImmutableMap.Builder<String, Direction> left = ImmutableMap.builder();
      asks.forEach(
          (who, direction) -> {
            if (direction.and(before) == direction) {
              left.put(who, before);
            }
          });
      ImmutableMap<String, Direction> some = left.buildOrThrow();
      return some.isEmpty() ? Optional.empty() : Optional.of(new Request(pod, at, some));
    }
  }

  /**
   * A pod that a Mirror chooses.
   *
   * @param mirror the Mirror, as kubectl writes it
   * @param pod the pod
   * @param at what its interface is called on br-int, whichever of the two it is for a VM; nothing
   *     for a pod in its node's network
   */
  record Choice(String mirror, PodView pod, ImmutableSet<PodInterface> at) {}

  /**
   * What is asked for on one node.
   *
   * @param granted what is to be mirrored
   * @param refused what is not, although annotations ask for it, and why, in words
   * @param choices the pods that Mirrors choose
   */
  record Requests(
      ImmutableList<Request> granted,
      ImmutableMap<PodView, String> refused,
      ImmutableList<Choice> choices) {
    /** Who asks for what, where several pods have one interface for all of them. */
    Askers askers() {
      Map<PodInterface, ImmutableMap<String, Direction>> all = new LinkedHashMap<>();
      granted.forEach(request -> all.merge(request.at(), request.asks(), Askers::united));
      return new Askers(ImmutableMap.copyOf(all));
    }

    /** Of what is granted that alone which was asked for before: nothing begins. */
    Requests within(ImmutableMap<PodInterface, Direction> before) {
      return new Requests(
          granted.stream()
              .flatMap(request -> request.within(before.get(request.at())).stream())
              .collect(ImmutableList.toImmutableList()),
          refused,
          choices);
    }

    /** Which pod each of the interfaces is of, by uid. */
    ImmutableMap<PodInterface, String> uids() {
      Map<PodInterface, String> all = new LinkedHashMap<>();
      granted.forEach(request -> all.put(request.at(), request.pod().uid()));
      return ImmutableMap.copyOf(all);
    }
  }

  private final KubernetesSettings settings;
  private final Map<String, PodView> pods = new HashMap<>();
  private final SetMultimap<String, String> podsOfNode = HashMultimap.create();
  private final SetMultimap<String, String> podsOfNamespace = HashMultimap.create();

  /** By namespace and name of a VM, the pods that it runs in. */
  private final SetMultimap<String, String> podsOfVm = HashMultimap.create();

  /** By the pod's uid, what its annotations asked for when they were last understood. */
  private final Map<String, ImmutableMap<String, Direction>> understood = new HashMap<>();

  private final Mirrors mirrors = new Mirrors();
  private final Map<String, NamespaceView> namespaces = new HashMap<>();
  private final Map<String, NodeView> nodes = new TreeMap<>();

  /** By name, how a node was to be reached when that was last understood. */
  private final Map<String, NodeSettings> reached = new HashMap<>();

  private final Set<String> changed = new LinkedHashSet<>();
  private boolean nodesChanged;

  ClusterView(KubernetesSettings settings) {
    this.settings = settings;
  }

  /** The same facts, as other settings take them; the nodes are not among them. */
  static ClusterView of(ClusterView before, KubernetesSettings settings) {
    ClusterView view = new ClusterView(settings);
    before.namespaces.values().forEach(view::put);
    before.pods.values().forEach(view::put);
    if (settings.mirrorResources()) {
      before.mirrors.all().forEach(view::put);
    }
    view.remember(before);
    return view;
  }

  /** A pod is there, or has changed. */
  void put(PodView pod) {
    @Nullable PodView before = pods.put(pod.key(), pod);
    if (pod.equals(before)) {
      return;
    }
    if (before != null) {
      leave(before);
      if (!before.uid().equals(pod.uid())) {
        understood.remove(before.uid());
      }
    } else {
      touchVm(pod.key());
    }
    podsOfNode.put(pod.node(), pod.key());
    podsOfNamespace.put(pod.namespace(), pod.key());
    pod.vm().ifPresent(vm -> podsOfVm.put(pod.namespace() + "/" + vm, pod.key()));
    if (mayBeAskedFor(pod) || before != null) {
      changed.add(pod.node());
    }
  }

  private boolean mayBeAskedFor(PodView pod) {
    return !pod.annotations().isEmpty() || mirrors.areIn(pod.namespace());
  }

  /** A pod is gone; not if another has taken its name since. */
  void removePod(String key, String uid) {
    @Nullable PodView there = pods.get(key);
    if (there != null && there.uid().equals(uid)) {
      pods.remove(key);
      understood.remove(uid);
      leave(there);
      touchVm(key);
    }
  }

  /** A VM's interfaces are its own only as long as no pod has its name. */
  private void touchVm(String key) {
    for (String pod : podsOfVm.get(key)) {
      @Nullable PodView running = pods.get(pod);
      if (running != null) {
        changed.add(running.node());
      }
    }
  }

  /** Takes over what was understood before a fresh list: what is not clear now stays as it was. */
  void remember(ClusterView before) {
    before.reached.forEach(reached::putIfAbsent);
    for (PodView pod : pods.values()) {
      @Nullable ImmutableMap<String, Direction> was = before.understood.get(pod.uid());
      if (was != null) {
        understood.putIfAbsent(pod.uid(), was);
      }
    }
    mirrors.remember(before.mirrors);
  }

  private void leave(PodView pod) {
    podsOfNode.remove(pod.node(), pod.key());
    podsOfNamespace.remove(pod.namespace(), pod.key());
    pod.vm().ifPresent(vm -> podsOfVm.remove(pod.namespace() + "/" + vm, pod.key()));
    if (mayBeAskedFor(pod)) {
      changed.add(pod.node());
    }
  }

  /** A Mirror is there, or has changed. */
  void put(MirrorView mirror) {
    if (mirrors.put(mirror)) {
      touchAll(mirror.namespace());
    }
  }

  /** A Mirror is gone; not if another has taken its name since. */
  void remove(MirrorView mirror) {
    if (mirrors.remove(mirror)) {
      touchAll(mirror.namespace());
    }
  }

  /** It is this time now: some Mirrors may have ended. */
  void passTo(Instant now) {
    mirrors.passTo(now).forEach(this::touchAll);
  }

  /** The Mirrors, and when they end. */
  Mirrors mirrors() {
    return mirrors;
  }

  /** Asked on the nodes of this namespace's pods is something else, perhaps. */
  private void touchAll(String namespace) {
    for (String key : podsOfNamespace.get(namespace)) {
      @Nullable PodView pod = pods.get(key);
      if (pod != null) {
        changed.add(pod.node());
      }
    }
  }

  void put(NamespaceView namespace) {
    if (!namespace.equals(namespaces.put(namespace.name(), namespace))) {
      touch(namespace.name());
    }
  }

  void removeNamespace(String name) {
    namespaces.remove(name);
    touch(name);
  }

  private void touch(String namespace) {
    podsOfNamespace.get(namespace).stream()
        .map(pods::get)
        .filter(pod -> pod != null && !pod.annotations().isEmpty())
        .forEach(pod -> changed.add(pod.node()));
  }

  void put(NodeView node) {
    nodesChanged |= !node.equals(nodes.put(node.name(), node));
  }

  void removeNode(String name) {
    reached.remove(name);
    nodesChanged |= nodes.remove(name) != null;
  }

  /**
   * What is not there at all, and would be in any cluster: on a node there are at least the pods of
   * its network, and of the controller itself. Nothing if all is there.
   */
  String missing() {
    if (settings.nodes().isPresent() && nodes.isEmpty()) {
      return "node";
    }
    return pods.isEmpty() ? "pod" : "";
  }

  /** The nodes on which anything may be asked for. */
  ImmutableSet<String> nodesWithPods() {
    return ImmutableSet.copyOf(podsOfNode.keySet());
  }

  /** Takes the nodes of which something has changed since the last time. */
  ImmutableSet<String> takeChanged() {
    ImmutableSet<String> taken = ImmutableSet.copyOf(changed);
    changed.clear();
    return taken;
  }

  /** Takes whether the nodes themselves have changed since the last time. */
  boolean takeNodesChanged() {
    boolean taken = nodesChanged;
    nodesChanged = false;
    return taken;
  }

  /** What is asked for on one node. */
  Requests requests(String node) {
    ImmutableList.Builder<Request> granted = ImmutableList.builder();
    ImmutableMap.Builder<PodView, String> refused = ImmutableMap.builder();
    ImmutableList.Builder<Choice> choices = ImmutableList.builder();
    if (!node.isEmpty()) {
      podsOfNode.get(node).stream()
          .sorted()
          .map(pods::get)
          .filter(pod -> pod != null && !pod.over() && mayBeAskedFor(pod))
          .forEach(
              pod -> {
                Map<PodInterface, Request> all = new LinkedHashMap<>();
                byAnnotations(pod, refused)
                    .forEach((provider, direction) -> ask(pod, provider, direction, by(pod), all));
                byMirrors(pod, choices, all);
                granted.addAll(all.values());
              });
    }
    return new Requests(granted.build(), refused.buildOrThrow(), choices.build());
  }

  /** When those Mirrors end that choose a pod of this node and have an end, by who asks. */
  ImmutableMap<String, Instant> ends(String node) {
    ImmutableMap.Builder<String, Instant> ends = ImmutableMap.builder();
    podsOfNode.get(node).stream()
        .map(pods::get)
        .filter(pod -> pod != null)
        .flatMap(pod -> mirrors.askFor(pod).stream())
        .forEach(
            asks -> asks.spec().until().ifPresent(end -> ends.put(asks.mirror().asker(), end)));
    return ends.buildKeepingLast();
  }

  private static String by(PodView pod) {
    return pod.askedBy().isEmpty() ? "annotation" : "annotation:" + pod.askedBy();
  }

  private void byMirrors(
      PodView pod, ImmutableList.Builder<Choice> choices, Map<PodInterface, Request> all) {
    for (Mirrors.Asks asks : mirrors.askFor(pod)) {
      MirrorSpec spec = asks.spec();
      choices.add(
          new Choice(
              asks.mirror().key(),
              pod,
              pod.hostNetwork()
                  ? ImmutableSet.of()
                  : ask(pod, spec.provider(), spec.direction(), asks.mirror().asker(), all)));
    }
  }

  /** Asks for an interface under all names that br-int may have for it, which are given back. */
  private ImmutableSet<PodInterface> ask(
      PodView pod,
      String provider,
      Direction direction,
      String by,
      Map<PodInterface, Request> all) {
    ImmutableSet.Builder<PodInterface> names = ImmutableSet.builder();
    names.add(new PodInterface(new PodName(pod.namespace(), pod.name()), provider));
    pod.vm()
        .filter(vm -> isFree(pod, vm))
        .ifPresent(vm -> names.add(new PodInterface(new PodName(pod.namespace(), vm), provider)));
    ImmutableSet<PodInterface> at = names.build();
    at.forEach(
        name ->
            all.merge(name, new Request(pod, name, ImmutableMap.of(by, direction)), Request::and));
    return at;
  }

  /** What a pod's annotations ask for, by provider; if it is refused, nothing, and why. */
  private ImmutableMap<String, Direction> byAnnotations(
      PodView pod, ImmutableMap.Builder<PodView, String> refused) {
    MirrorAnnotations asked = MirrorAnnotations.of(pod.annotations(), settings.podDirection());
    if (asked.wanted().isEmpty() && asked.unclear().isEmpty()) {
      understood.remove(pod.uid());
      return ImmutableMap.of();
    }
    if (!mayAsk(pod.namespace())) {
      refused.put(
          pod,
          "annotations on pods of namespace "
              + pod.namespace()
              + " do not count here (kubernetes.annotations, .namespaces, .namespace-selector)");
      return ImmutableMap.of();
    }
    if (pod.hostNetwork()) {
      refused.put(
          pod,
          "it is in its node's network (hostNetwork): it has no interface of its own on br-int");
      return ImmutableMap.of();
    }
    if (!asked.problems().isEmpty()) {
      refused.put(pod, String.join("; ", asked.problems()) + "; its mirror stays as it was");
    }
    Map<String, Direction> wanted = new TreeMap<>(asked.wanted());
    ImmutableMap<String, Direction> before = understood.getOrDefault(pod.uid(), ImmutableMap.of());
    for (String provider : asked.unclear()) {
      @Nullable Direction was = before.get(provider);
      if (was != null) {
        wanted.put(provider, was);
      }
    }
    understood.put(pod.uid(), ImmutableMap.copyOf(wanted));
    return ImmutableMap.copyOf(wanted);
  }

  /** A VM's interfaces bear its name; where a pod bears it too, nobody can tell them apart. */
  private boolean isFree(PodView pod, String vm) {
    return !pods.containsKey(pod.namespace() + "/" + vm);
  }

  /** Where its labels are not known, a namespace counts by its name alone, if at all. */
  private boolean mayAsk(String namespace) {
    @Nullable NamespaceView known = namespaces.get(namespace);
    return known == null
        ? settings.mayAskByName(namespace)
        : settings.mayAsk(namespace, known.labels());
  }

  /**
   * The nodes that are to be served.
   *
   * @param settings how each is reached
   * @param asBefore of those that are reached as before, because what is said of them now makes no
   *     sense: why
   * @param leftOut of those that cannot be reached, and never could: why
   */
  record Nodes(
      ImmutableList<NodeSettings> settings,
      ImmutableMap<String, String> asBefore,
      ImmutableMap<String, String> leftOut) {}

  Nodes nodes() {
    ImmutableList.Builder<NodeSettings> served = ImmutableList.builder();
    ImmutableMap.Builder<String, String> asBefore = ImmutableMap.builder();
    ImmutableMap.Builder<String, String> leftOut = ImmutableMap.builder();
    Set<String> matching = new HashSet<>();
    settings
        .nodes()
        .ifPresent(
            wanted -> {
              for (NodeView node : nodes.values()) {
                if (!wanted.selector().matches(node.labels())) {
                  continue;
                }
                matching.add(node.name());
                String problem = "it has no InternalIP";
                if (node.address().isPresent()) {
                  try {
                    reached.put(
                        node.name(),
                        wanted.node(node.name(), node.address().get(), node.mirrorIface()));
                    problem = "";
                  } catch (IllegalArgumentException e) {
                    problem = Optional.ofNullable(e.getMessage()).orElse("");
                  }
                }
                @Nullable NodeSettings how = reached.get(node.name());
                if (how != null) {
                  // It is there: it is not to be cleaned for what somebody has written of it.
                  served.add(how);
                }
                if (!problem.isEmpty()) {
                  (how == null ? leftOut : asBefore).put(node.name(), problem);
                }
              }
            });
    reached.keySet().retainAll(matching);
    return new Nodes(served.build(), asBefore.buildOrThrow(), leftOut.buildOrThrow());
  }
}
