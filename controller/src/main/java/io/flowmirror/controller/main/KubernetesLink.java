// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Sets;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.flowmirror.config.KubernetesSettings;
import io.flowmirror.config.NodeSettings;
import io.flowmirror.config.Settings;
import io.flowmirror.controller.kubernetes.Askers;
import io.flowmirror.controller.kubernetes.Copies;
import io.flowmirror.controller.kubernetes.Heard;
import io.flowmirror.controller.kubernetes.KubernetesSession;
import io.flowmirror.controller.kubernetes.NodeStand;
import io.flowmirror.controller.kubernetes.Replicas;
import io.flowmirror.controller.reconcile.Assignment;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.controller.reconcile.Reconciler;
import io.flowmirror.flows.Action;
import io.flowmirror.flows.Asked;
import io.flowmirror.flows.Asked.Standing;
import io.flowmirror.flows.InstalledEntry;
import io.flowmirror.flows.PlannedEntry;
import io.flowmirror.topology.PodInterface;
import io.flowmirror.topology.PodName;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;
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
  private final Consumer<String> shared;

  /** By node, who asks for what there in the API: the same objects until they change. */
  private final Map<String, ImmutableMap<PodInterface, ImmutableSet<String>>> askers =
      new HashMap<>();

  /** By node, when it ends, by who asks. */
  private final Map<String, ImmutableMap<String, Instant>> ends = new HashMap<>();

  /** By node, which pods those are, by uid. */
  private final Map<String, ImmutableMap<PodInterface, String>> uids = new HashMap<>();

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
          uids.remove(node);
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
        KubernetesLink.this.askers.put(node, askers.names());
      }
    }

    @Override
    public void ends(String node, ImmutableMap<String, Instant> until) {
      synchronized (KubernetesLink.this) {
        ends.put(node, until);
      }
    }

    @Override
    public void uids(String node, ImmutableMap<PodInterface, String> which) {
      synchronized (KubernetesLink.this) {
        uids.put(node, which);
      }
    }

    @Override
    public void elsewhere(Standing standing) {
      heard = true;
      reconciler.askElsewhere(new Asked(ImmutableMap.of(), standing));
    }

    @Override
    public void nodes(ImmutableList<NodeSettings> found) {
      found(found);
    }
  }

  /**
   * Opens the session that the settings ask for, if they do.
   *
   * @param self the name of this controller among several
   * @param clients makes a client of the API
   * @param shared told what several controllers share, before any of them may do anything, and
   *     whenever it changes; on a thread of theirs
   */
  public KubernetesLink(
      Settings settings,
      Reconciler reconciler,
      String self,
      Supplier<KubernetesClient> clients,
      Consumer<String> shared) {
    this.shared = shared;
    this.settings = settings;
    this.served = settings.nodes();
    this.self = self;
    this.reconciler = reconciler;
    this.clients = clients;
    open(settings.kubernetes().isPresent() ? clients.get() : null, Heard.NOTHING);
  }

  /** What a reconciler may do before anything has been heard of other controllers. */
  public static Assignment atFirst(Settings settings, String self) {
    return settings.kubernetes().flatMap(KubernetesSettings::leases).isPresent()
        ? Assignment.unknown(self)
        : Assignment.ALONE;
  }

  /** Takes the nodes that the API says there are. */
  synchronized void found(ImmutableList<NodeSettings> found) {
    nodes = Optional.of(found);
    reconciler.update(merged());
  }

  /** Opens what is not open of what the settings ask for. */
  private synchronized void open(@Nullable KubernetesClient fresh, Heard before) {
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
              new Replicas.Listener() {
                @Override
                public void members(
                    ImmutableList<String> members, long generation, boolean current) {
                  reconciler.assign(
                      new Assignment(self, members, OptionalLong.of(generation), current));
                }

                @Override
                public void shared(String text) {
                  shared.accept(text);
                }
              });
    }
    session =
        new KubernetesSession(
            client, settings.kubernetes().get(), settings.hold(), before, new Ear());
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
    boolean wasHeard = heard;
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
      }
      if (anew && heard) {
        // Nobody follows the API in between: it is what was heard last.
        ImmutableMap.copyOf(asked).forEach((node, it) -> keep(node, it.last()));
        reconciler.askElsewhere(new Asked(ImmutableMap.of(), Standing.LAST));
      }
    }
    if (anew) {
      // Not under the lock: the session may be about to tell something.
      Heard before = closeSession(others);
      heard = false;
      if (others) {
        reconciler.assign(atFirst(changed, self));
      }
      if (wasHeard && before.equals(Heard.NOTHING)) {
        // It hangs, and nobody can say what it knew.
        endAll();
      }
      // What the new settings close ends at once, whether the API answers or not.
      open(fresh, before);
    }
    synchronized (this) {
      if (!nodesAreTheApis()) {
        // They are not followed any more: which there were is no answer to a later question.
        nodes = Optional.empty();
      }
      reconciler.update(merged());
    }
  }

  private boolean nodesAreTheApis() {
    return settings.kubernetes().flatMap(KubernetesSettings::nodes).isPresent();
  }

  private void keep(String node, Asked remaining) {
    asked.put(node, remaining);
    reconciler.ask(node, remaining);
  }

  private synchronized void endAll() {
    for (String node : ImmutableSet.copyOf(asked.keySet())) {
      asked.remove(node);
      reconciler.ask(node, Asked.NOTHING.last());
    }
  }

  /** The API is not followed any more: nothing is asked for there, and nothing is kept of it. */
  private void forget() {
    asked.keySet().forEach(node -> reconciler.ask(node, Asked.NOTHING));
    asked.clear();
    askers.clear();
    ends.clear();
    uids.clear();
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

  /**
   * Tells all controllers that share the nodes.
   *
   * @throws IllegalStateException in words, if there is nobody to be told, or the API does not do
   *     it
   */
  public void share(String text) throws InterruptedException {
    @Nullable Replicas to;
    synchronized (this) {
      to = replicas;
    }
    if (to == null) {
      throw new IllegalStateException("no other controllers are followed");
    }
    to.share(text);
  }

  /** For how long the API has said nothing, where it is followed. */
  public synchronized Optional<Duration> silence() {
    return Optional.ofNullable(session).map(KubernetesSession::silence);
  }

  /** How many Events wait to be written, where the API is followed. */
  public synchronized Optional<Integer> waitingEvents() {
    return Optional.ofNullable(session).map(KubernetesSession::waitingEvents);
  }

  /** Why what the API asks for of a pod does not count, in words; empty if nothing is refused. */
  public synchronized Optional<String> refused(PodName pod) {
    return refused.values().stream()
        .flatMap(pods -> Optional.ofNullable(pods.get(pod)).stream())
        .findFirst();
  }

  /** The settings in force. */
  synchronized Settings settings() {
    return settings;
  }

  /** Which pods those are that are asked for on a node in the API, by uid. */
  synchronized ImmutableMap<PodInterface, String> uids(String node) {
    return uids.getOrDefault(node, ImmutableMap.of());
  }

  private synchronized ImmutableSet<PodInterface> askedByApiOn(String node) {
    return asked.getOrDefault(node, Asked.NOTHING).pods().keySet();
  }

  /** When what they ask for ends, for those of {@link #askedByApi} whose asking has an end. */
  public synchronized ImmutableMap<String, Instant> endsByApi(String node) {
    return ends.getOrDefault(node, ImmutableMap.of());
  }

  /**
   * Who asks for what on a node in the API: {@code annotation[:MANAGER]} or {@code
   * mirror:NAMESPACE/NAME[:MANAGER]}.
   */
  public synchronized ImmutableMap<PodInterface, ImmutableSet<String>> askedByApi(String node) {
    return askers.getOrDefault(node, ImmutableMap.of());
  }

  /** Before the API has said which nodes there are, those that there were go on being served. */
  private Settings merged() {
    Settings all = nodesAreTheApis() ? settings.withNodes(nodes.orElse(served)) : settings;
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
          to.stands(entry.getKey(), stand(entry.getKey(), status, counting));
        } else {
          // Whoever writes there tells of it.
          to.leave(entry.getKey());
        }
      }
      before.keySet().stream().filter(node -> !statuses.containsKey(node)).forEach(to::leave);
    }
  }

  private NodeStand stand(String node, NodeStatus status, boolean counting) {
    ImmutableSet<PodInterface> api = askedByApiOn(node);
    Taps taps = Taps.of(status, null);
    ImmutableSet<PodInterface> mirrored = Tap.interfaces(taps.whole(status));
    return new NodeStand(
        Tap.isKnown(status),
        mirrored,
        Tap.tapped(status, taps.wanted()),
        counting ? copies(status) : ImmutableMap.of(),
        Troubles.of(status, Sets.difference(api, mirrored)));
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

  private Heard closeSession(boolean all) {
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
    return old == null ? Heard.NOTHING : old.heard();
  }

  /** Ends the session; what was asked for stays asked for. */
  @Override
  public void close() {
    var unused = closeSession(true);
  }

  /** How long a request may take: an API that is slower is one that is away. */
  static final Duration TIMEOUT = Duration.ofSeconds(5);
}
