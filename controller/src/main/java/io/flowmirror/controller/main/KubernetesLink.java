// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.LinkedHashMultimap;
import com.google.common.collect.Multimaps;
import com.google.common.collect.SetMultimap;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.flowmirror.config.KubernetesSettings;
import io.flowmirror.config.NodeSettings;
import io.flowmirror.config.Settings;
import io.flowmirror.controller.kubernetes.Askers;
import io.flowmirror.controller.kubernetes.Copies;
import io.flowmirror.controller.kubernetes.KubernetesSession;
import io.flowmirror.controller.kubernetes.Replicas;
import io.flowmirror.controller.reconcile.Assignment;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.controller.reconcile.Reconciler;
import io.flowmirror.flows.Action;
import io.flowmirror.flows.Asked;
import io.flowmirror.flows.Asked.Standing;
import io.flowmirror.flows.FlowDiff.Drift;
import io.flowmirror.flows.FlowKey;
import io.flowmirror.flows.InstalledEntry;
import io.flowmirror.flows.PlannedEntry;
import io.flowmirror.topology.PodInterface;
import io.flowmirror.topology.PodName;
import io.flowmirror.topology.PodPort;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Joins the Kubernetes session, the configuration and the reconciler: what the API asks for goes to
 * the reconciler, with the nodes if they are the API's, and where nodes stand goes back.
 *
 * <p>May be called from any thread.
 */
public final class KubernetesLink implements AutoCloseable {
  private final Reconciler reconciler;
  private final String self;
  private final Supplier<KubernetesClient> clients;

  /** By node, who asks for what there in the API. */
  private final Map<String, Askers> askers = new HashMap<>();

  /** By node, when it ends, by who asks. */
  private final Map<String, ImmutableMap<String, Instant>> ends = new HashMap<>();

  /** By node, what is asked for there in the API and refused. */
  private final Map<String, ImmutableMap<PodName, String>> refused = new HashMap<>();

  /** By node, what is asked for there in the API, if anything is. */
  private final Map<String, Asked> asked = new HashMap<>();

  private Settings settings;
  private Optional<ImmutableList<NodeSettings>> nodes = Optional.empty();

  /** The nodes that were handed on last. */
  private ImmutableList<NodeSettings> served = ImmutableList.of();

  private ImmutableMap<String, NodeStatus> last = ImmutableMap.of();
  private volatile boolean heard;
  private @Nullable KubernetesClient client;
  private @Nullable KubernetesSession session;
  private @Nullable Replicas replicas;

  /** The session's word; what comes of one that is not the newest any more is dropped. */
  private final class Ear implements KubernetesSession.Listener {
    @Override
    public void asked(String node, Asked asked) {
      synchronized (KubernetesLink.this) {
        if (asked.pods().isEmpty()) {
          KubernetesLink.this.asked.remove(node);
          askers.remove(node);
          ends.remove(node);
        } else {
          KubernetesLink.this.asked.put(node, asked);
        }
        reconciler.ask(node, asked);
      }
    }

    @Override
    public void refused(String node, ImmutableMap<PodName, String> why) {
      synchronized (KubernetesLink.this) {
        if (why.isEmpty()) {
          refused.remove(node);
        } else {
          refused.put(node, why);
        }
      }
    }

    @Override
    public void askers(String node, Askers askers) {
      synchronized (KubernetesLink.this) {
        KubernetesLink.this.askers.put(node, askers);
      }
    }

    @Override
    public void ends(String node, ImmutableMap<String, Instant> until) {
      synchronized (KubernetesLink.this) {
        ends.put(node, until);
      }
    }

    @Override
    public void elsewhere(Standing standing) {
      heard = true;
      reconciler.askElsewhere(new Asked(ImmutableMap.of(), standing));
    }

    @Override
    public void nodes(ImmutableList<NodeSettings> found) {
      synchronized (KubernetesLink.this) {
        nodes = Optional.of(found);
        reconciler.update(merged());
      }
    }
  }

  /**
   * Opens the session that the settings ask for, if they do.
   *
   * @param self the name of this controller among several
   * @param clients makes a client of the API
   */
  public KubernetesLink(
      Settings settings, Reconciler reconciler, String self, Supplier<KubernetesClient> clients) {
    this.settings = settings;
    this.served = settings.nodes();
    this.self = self;
    this.reconciler = reconciler;
    this.clients = clients;
    open(settings.kubernetes().isPresent() ? clients.get() : null);
  }

  /** What a reconciler may do before anything has been heard of other controllers. */
  public static Assignment atFirst(Settings settings, String self) {
    return settings.kubernetes().flatMap(KubernetesSettings::leases).isPresent()
        ? Assignment.unknown(self)
        : Assignment.ALONE;
  }

  /** Opens what is not open of what the settings ask for. */
  private synchronized void open(@Nullable KubernetesClient fresh) {
    if (fresh != null) {
      client = fresh;
    }
    if (client == null || settings.kubernetes().isEmpty()) {
      return;
    }
    Optional<String> leases = leases(settings);
    if (leases.isPresent() && replicas == null) {
      replicas =
          new Replicas(
              client,
              leases.get(),
              self,
              (members, generation, current) ->
                  reconciler.assign(
                      new Assignment(self, members, OptionalLong.of(generation), current)));
    }
    session =
        new KubernetesSession(
            client,
            settings.kubernetes().get(),
            settings.hold(),
            ImmutableSet.copyOf(asked.keySet()),
            new Ear());
  }

  private static Optional<String> leases(Settings settings) {
    return settings.kubernetes().flatMap(KubernetesSettings::leases);
  }

  /**
   * Takes other settings. Who else there is is asked anew only if that is another question now: a
   * controller that does not know it has no nodes.
   *
   * @throws io.fabric8.kubernetes.client.KubernetesClientException if the API is to be followed
   *     from now on and nobody says where it is; then nothing has changed
   */
  public void configured(Settings changed) {
    boolean anew;
    boolean others;
    synchronized (this) {
      anew =
          !changed.kubernetes().equals(settings.kubernetes())
              || !changed.hold().equals(settings.hold());
      others =
          !leases(changed).equals(leases(settings))
              || changed.kubernetes().isPresent() != settings.kubernetes().isPresent();
    }
    // Before anything is given up: it may fail.
    @Nullable KubernetesClient fresh =
        anew && others && changed.kubernetes().isPresent() ? clients.get() : null;
    synchronized (this) {
      settings = changed;
      if (changed.kubernetes().isEmpty()) {
        forget();
      } else {
        // Closed at once, whether the API answers or not.
        KubernetesSettings now = changed.kubernetes().get();
        ImmutableSet.copyOf(asked.keySet()).forEach(node -> endOthers(node, now));
      }
      if (anew && heard) {
        // Nobody follows the API in between: it is what was heard last.
        ImmutableMap.copyOf(asked).forEach((node, it) -> keep(node, it.last()));
        reconciler.askElsewhere(new Asked(ImmutableMap.of(), Standing.LAST));
      }
    }
    if (anew) {
      // Not under the lock: the session may be about to tell something.
      closeSession(others);
      heard = false;
      if (others) {
        reconciler.assign(atFirst(changed, self));
      }
      open(fresh);
    }
    synchronized (this) {
      reconciler.update(merged());
    }
  }

  private void keep(String node, Asked remaining) {
    asked.put(node, remaining);
    reconciler.ask(node, remaining);
  }

  /** The API is not followed any more: nothing is asked for there, and nothing is kept of it. */
  private void forget() {
    asked.keySet().forEach(node -> reconciler.ask(node, Asked.NOTHING));
    asked.clear();
    askers.clear();
    ends.clear();
    refused.clear();
    nodes = Optional.empty();
  }

  /**
   * Why it is not known what is asked for, in words; empty if it is, or is not the API's matter.
   */
  public synchronized Optional<String> unready() {
    return settings.kubernetes().isEmpty() || heard
        ? Optional.empty()
        : Optional.of("the Kubernetes API has not said yet what is asked for");
  }

  /** Why what the API asks for of a pod does not count, in words; empty if nothing is refused. */
  public synchronized Optional<String> refused(PodName pod) {
    return refused.values().stream()
        .flatMap(pods -> Optional.ofNullable(pods.get(pod)).stream())
        .findFirst();
  }

  /** On a node ends what nobody has asked for whose word counts still, and those words. */
  private void endOthers(String node, KubernetesSettings now) {
    Asked last = asked.getOrDefault(node, Asked.NOTHING);
    Askers left = askers.getOrDefault(node, Askers.NOBODY).only((at, who) -> counts(at, who, now));
    askers.put(node, left);
    if (!left.directions().equals(last.pods())) {
      keep(node, new Asked(left.directions(), last.standing()));
    }
  }

  /** Which labels a namespace has now is not known: those that a selector may match go on. */
  private static boolean counts(PodInterface at, String who, KubernetesSettings settings) {
    return who.startsWith("mirror:")
        ? settings.mirrorResources()
        : settings.mayAsk(at.pod().namespace(), ImmutableMap.of())
            || (settings.annotations() && settings.namespaceSelector().isPresent());
  }

  /** Who asks for what on a node in the API, as {@link #askedBy} says it. */
  public synchronized ImmutableMap<PodInterface, ImmutableSet<String>> askedByApi(String node) {
    return askers.getOrDefault(node, Askers.NOBODY).names();
  }

  /** When what they ask for ends, for those of {@link #askedByApi} whose asking has an end. */
  public synchronized ImmutableMap<String, Instant> endsByApi(String node) {
    return ends.getOrDefault(node, ImmutableMap.of());
  }

  /**
   * Who asks for what is mirrored on a node, for each interface: {@code file}, {@code
   * annotation[:MANAGER]} or {@code mirror:NAMESPACE/NAME[:MANAGER]}. What the file asks for is
   * named whatever node the pod is on.
   */
  public synchronized ImmutableMap<PodInterface, ImmutableSet<String>> askedBy(String node) {
    SetMultimap<PodInterface, String> all = LinkedHashMultimap.create();
    settings
        .mirrors()
        .forEach(
            mirror ->
                all.put(
                    PodInterface.primary(new PodName(mirror.namespace(), mirror.pod())), "file"));
    askedByApi(node).forEach(all::putAll);
    return Multimaps.asMap(all).entrySet().stream()
        .collect(
            ImmutableMap.toImmutableMap(
                Map.Entry::getKey, entry -> ImmutableSet.copyOf(entry.getValue())));
  }

  /** Before the API has said which nodes there are, those that there were go on being served. */
  private Settings merged() {
    Settings all =
        settings.kubernetes().flatMap(KubernetesSettings::nodes).isPresent()
            ? settings.withNodes(nodes.orElse(served))
            : settings;
    served = all.nodes();
    return all;
  }

  /** Takes where all nodes stand. */
  public void stand(ImmutableMap<String, NodeStatus> statuses) {
    @Nullable KubernetesSession to;
    ImmutableMap<String, NodeStatus> before;
    boolean counting;
    synchronized (this) {
      to = session;
      counting = settings.kubernetes().filter(KubernetesSettings::mirrorResources).isPresent();
      before = last;
      if (to != null) {
        // What no session has been told is news to the next one.
        last = statuses;
      }
    }
    if (to != null) {
      for (var entry : statuses.entrySet()) {
        NodeStatus status = entry.getValue();
        if (Objects.equals(before.get(entry.getKey()), status)) {
          continue;
        }
        if (status.writer() == NodeStatus.Writer.US) {
          to.stands(
              entry.getKey(),
              mirrored(status),
              counting ? copies(status) : ImmutableMap.of(),
              String.join("; ", status.complaints()));
        } else {
          // Whoever writes there tells of it.
          to.leave(entry.getKey());
        }
      }
      before.keySet().stream().filter(node -> !statuses.containsKey(node)).forEach(to::leave);
    }
  }

  /** The interfaces all of whose entries are there. */
  private static ImmutableSet<PodInterface> mirrored(NodeStatus status) {
    ImmutableSet<PodName> planned =
        status.plan().entries().values().stream()
            .flatMap(entry -> entry.pod().stream())
            .collect(ImmutableSet.toImmutableSet());
    ImmutableSet<PodName> missing =
        status.plan().entries().values().stream()
            .filter(entry -> isMissing(status, entry))
            .flatMap(entry -> entry.pod().stream())
            .collect(ImmutableSet.toImmutableSet());
    return status.node().podPorts().stream()
        .map(PodPort::podInterface)
        .filter(at -> planned.contains(at.pod()) && !missing.contains(at.pod()))
        .filter(status.intent().pods()::containsKey)
        .collect(ImmutableSet.toImmutableSet());
  }

  /** What the entries that copy have copied, by pod, as their counters were last read. */
  private static ImmutableMap<PodName, Copies> copies(NodeStatus status) {
    Map<PodName, Copies> all = new HashMap<>();
    for (InstalledEntry installed : status.installed()) {
      PlannedEntry planned = status.plan().entries().get(installed.entry().key());
      if (planned != null
          && planned.entry().actions().stream().anyMatch(Action.Output.class::isInstance)) {
        planned
            .pod()
            .ifPresent(
                pod ->
                    all.merge(
                        pod, new Copies(installed.packets(), installed.bytes()), Copies::and));
      }
    }
    return ImmutableMap.copyOf(all);
  }

  private static boolean isMissing(NodeStatus status, PlannedEntry entry) {
    FlowKey key = entry.entry().key();
    Drift drift = status.diff().drift().get(key);
    return (drift != null && drift != Drift.DUE)
        || status.diff().conflicts().containsKey(key)
        || status.diff().hidden().containsKey(key);
  }

  private void closeSession(boolean all) {
    @Nullable KubernetesSession old;
    @Nullable KubernetesClient oldClient = null;
    @Nullable Replicas oldReplicas = null;
    synchronized (this) {
      old = session;
      session = null;
      last = ImmutableMap.of();
      if (all) {
        oldReplicas = replicas;
        replicas = null;
        oldClient = client;
        client = null;
      }
    }
    if (old != null) {
      old.close();
    }
    if (oldReplicas != null) {
      oldReplicas.close();
    }
    if (oldClient != null) {
      oldClient.close();
    }
  }

  /** Ends the session; what was asked for stays asked for. */
  @Override
  public void close() {
    closeSession(true);
  }

  /** How long a request may take: an API that is slower is one that is away. */
  static final Duration TIMEOUT = Duration.ofSeconds(5);
}
