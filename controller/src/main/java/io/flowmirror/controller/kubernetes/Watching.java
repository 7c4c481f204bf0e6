// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

import com.google.common.collect.ObjectArrays;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Namespace;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.Informable;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import io.fabric8.kubernetes.client.informers.cache.ReducedStateItemStore;
import io.flowmirror.config.KubernetesSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * The informers of one look at the API: from one fresh list of everything to the first trouble.
 * What they say is put into a view of their own, on the session's thread.
 */
final class Watching implements AutoCloseable {
  /** So many objects are asked for at a time; with a limit a list is never an old, cached one. */
  private static final long PAGE = 500;

  /** A watch ends now and then, and is begun again at once: that is no trouble. */
  private static final int PATIENCE = 4;

  private final KubernetesClient client;
  private final ClusterView view;
  private final Executor thread;
  private final Consumer<Watching> listed;
  private final BiConsumer<Watching, String> failed;
  private final Consumer<Watching> turn;
  private final List<SharedIndexInformer<?>> informers = new ArrayList<>();
  private int unlisted;

  /** How often in a row not all was being watched; one look at a time. */
  private final AtomicInteger notWatching = new AtomicInteger();

  private boolean closed;

  /**
   * Prepares one; all callbacks come on the session's thread.
   *
   * @param listed told once, when all has been listed
   * @param failed told why it cannot go on
   * @param turn told when something has been put into the view afterwards
   */
  Watching(
      KubernetesClient client,
      KubernetesSettings settings,
      ClusterView view,
      Executor thread,
      Consumer<Watching> listed,
      BiConsumer<Watching, String> failed,
      Consumer<Watching> turn) {
    this.client = client;
    this.view = view;
    this.thread = thread;
    this.listed = listed;
    this.failed = failed;
    this.turn = turn;
    add(
        settings
            .onlyNode()
            .<Informable<Pod>>map(
                node -> client.pods().inAnyNamespace().withField("spec.nodeName", node))
            .orElseGet(() -> client.pods().inAnyNamespace()),
        Pod.class,
        pod -> PodView.of(pod, settings.mirrorResources()),
        view::put,
        pod -> view.removePod(pod.key(), pod.uid()),
        settings.mirrorResources()
            ? ObjectArrays.concat(PodView.FIELDS, PodView.LABELS)
            : PodView.FIELDS);
    if (settings.mirrorResources()) {
      add(
          client.genericKubernetesResources(MirrorView.RESOURCE).inAnyNamespace(),
          GenericKubernetesResource.class,
          MirrorView::of,
          view::put,
          view::remove,
          MirrorView.FIELDS);
    }
    if (settings.namespaceSelector().isPresent()) {
      add(
          client.namespaces(),
          Namespace.class,
          NamespaceView::of,
          view::put,
          namespace -> view.removeNamespace(namespace.name()),
          "metadata.labels");
    }
    if (settings.nodes().isPresent()) {
      add(
          client.nodes(),
          Node.class,
          NodeView::of,
          view::put,
          node -> view.removeNode(node.name()),
          "metadata.labels",
          "metadata.annotations",
          "status.addresses");
    }
  }

  ClusterView view() {
    return view;
  }

  private <T extends HasMetadata, V> void add(
      Informable<T> what,
      Class<T> type,
      Function<T, V> read,
      Consumer<V> put,
      Consumer<V> remove,
      String... fields) {
    SharedIndexInformer<T> informer = what.withLimit(PAGE).runnableInformer(0);
    informer.itemStore(
        new ReducedStateItemStore<>(
            ReducedStateItemStore.NAME_KEY_STATE,
            type,
            client.getKubernetesSerialization(),
            fields));
    informer.removeNamespaceIndex();
    // A list that fails at the start is begun anew by the session; later the informer does it.
    informer.exceptionHandler((started, cause) -> started);
    informer.addEventHandler(
        new ResourceEventHandler<T>() {
          private boolean first = true;

          @Override
          public void onAdd(T there) {
            heard(put, read.apply(there));
          }

          @Override
          public void onUpdate(T before, T now) {
            heard(put, read.apply(now));
          }

          @Override
          public void onDelete(T last, boolean finalStateUnknown) {
            if (finalStateUnknown) {
              // Found by listing anew, as after 410 Gone: a list that lacks everything would be
              // believed at once. The session lists from scratch, and looks at that as a whole.
              thread.execute(Watching.this::relisted);
            } else {
              heard(remove, read.apply(last));
            }
          }

          @Override
          public void onList(String resourceVersion, boolean remainedEmpty) {
            if (first) {
              first = false;
              thread.execute(Watching.this::onListed);
            }
          }
        });
    informers.add(informer);
    unlisted++;
  }

  private void relisted() {
    if (!closed) {
      failed.accept(this, "what is there had to be listed anew");
    }
  }

  private <V> void heard(Consumer<V> what, V value) {
    thread.execute(
        () -> {
          if (!closed) {
            what.accept(value);
            turn.accept(this);
          }
        });
  }

  private void onListed() {
    unlisted--;
    if (unlisted == 0 && !closed) {
      listed.accept(this);
    }
  }

  /** Starts to list. */
  void start() {
    for (SharedIndexInformer<?> informer : informers) {
      var unused =
          informer
              .start()
              .whenComplete(
                  (done, failure) -> {
                    if (failure != null) {
                      fail(Reasons.of(failure));
                    }
                  });
    }
  }

  private void fail(String reason) {
    thread.execute(
        () -> {
          if (!closed) {
            failed.accept(this, reason);
          }
        });
  }

  /** Whether the API answers and all is being watched; why not, or nothing. Any thread, blocks. */
  String ping() {
    try {
      client.getKubernetesVersion();
    } catch (RuntimeException e) {
      return Reasons.of(e);
    }
    if (informers.stream().allMatch(SharedIndexInformer::isWatching)) {
      notWatching.set(0);
    } else if (notWatching.incrementAndGet() >= PATIENCE) {
      return "the API answers, and lets nobody watch";
    }
    return "";
  }

  @Override
  public void close() {
    closed = true;
    informers.forEach(SharedIndexInformer::stop);
  }
}
