// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.common.util.concurrent.RateLimiter;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes Mirrors' statuses by merge patches, without reading them first, on a thread of its own:
 * the session never waits for it. Of a Mirror only the newest patch waits, which says all that
 * those before it would have; Mirrors have their turns in the order in which they began to wait.
 * What fails is not tried again here; whoever compares will see.
 */
final class StatusWriter implements MirrorReports.Writer, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(StatusWriter.class);

  /** So many Mirrors wait at most; of more, the next comparison sees to. */
  static final int WAITING = 1000;

  /** Enough for 1,000 Mirrors in a minute, and little for an API server. */
  private static final double PER_SECOND = 20;

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final PatchContext MERGE =
      new PatchContext.Builder().withPatchType(PatchType.JSON_MERGE).build();

  private record Patch(MirrorView mirror, Map<String, Object> patch) {}

  private final Executor thread;
  private final Runnable pace;
  private final BiConsumer<MirrorView, Map<String, Object>> api;

  /** By uid of the Mirror, what waits; guarded by itself. */
  private final Map<String, Patch> waiting = new LinkedHashMap<>();

  private volatile boolean closed;

  StatusWriter(KubernetesClient client) {
    this(
        thread(),
        RateLimiter.create(PER_SECOND)::acquire,
        (mirror, patch) -> put(client, mirror, patch));
  }

  /**
   * Writes somewhere else.
   *
   * @param thread runs one thing after the other
   * @param pace blocks until the next patch may be written
   * @param api writes a patch; what it throws is logged
   */
  StatusWriter(Executor thread, Runnable pace, BiConsumer<MirrorView, Map<String, Object>> api) {
    this.thread = thread;
    this.pace = pace;
    this.api = api;
  }

  /** One that is there while it has something to do. */
  private static Executor thread() {
    ThreadPoolExecutor thread =
        new ThreadPoolExecutor(
            1,
            1,
            5,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            Thread.ofPlatform().name("kubernetes-status").daemon().factory());
    thread.allowCoreThreadTimeOut(true);
    return thread;
  }

  @Override
  public boolean write(MirrorView mirror, Map<String, Object> patch) {
    synchronized (waiting) {
      @Nullable Patch before = waiting.get(mirror.uid());
      if (closed || (before == null && waiting.size() >= WAITING)) {
        return false;
      }
      // It keeps the place of the one before.
      waiting.put(mirror.uid(), new Patch(mirror, patch));
      if (before == null) {
        thread.execute(this::writeNext);
      }
      return true;
    }
  }

  private void writeNext() {
    if (closed) {
      return;
    }
    pace.run();
    Patch next;
    synchronized (waiting) {
      if (closed) {
        return;
      }
      var first = waiting.entrySet().iterator();
      next = first.next().getValue();
      first.remove();
    }
    try {
      api.accept(next.mirror(), next.patch());
    } catch (KubernetesClientException | IllegalStateException e) {
      // The latter from a client that has been closed meanwhile.
      log.debug(
          "The status of Mirror {} could not be written: {}", next.mirror().key(), Reasons.of(e));
    }
  }

  /** Drops what waits: whoever comes next compares, and would be overwritten by it. */
  @Override
  public void close() {
    synchronized (waiting) {
      closed = true;
      waiting.clear();
    }
  }

  private static void put(KubernetesClient client, MirrorView mirror, Map<String, Object> patch) {
    GenericKubernetesResource named = new GenericKubernetesResource();
    named.setApiVersion(MirrorView.GROUP + "/" + MirrorView.VERSION);
    named.setKind(MirrorView.KIND);
    named.setMetadata(
        new ObjectMetaBuilder().withNamespace(mirror.namespace()).withName(mirror.name()).build());
    try {
      // With the object given, the client does not read it.
      var unused =
          client
              .genericKubernetesResources(MirrorView.RESOURCE)
              .resource(named)
              .subresource("status")
              .patch(MERGE, JSON.writeValueAsString(patch));
    } catch (JsonProcessingException e) {
      throw new AssertionError("maps of texts and numbers are JSON", e);
    }
  }
}
