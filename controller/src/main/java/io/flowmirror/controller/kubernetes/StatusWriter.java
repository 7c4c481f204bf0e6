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
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes Mirrors' statuses by merge patches, without reading them first, on a thread of its own:
 * the session never waits for it. What fails is not tried again here; whoever compares will see.
 */
final class StatusWriter implements MirrorReports.Writer {
  private static final Logger log = LoggerFactory.getLogger(StatusWriter.class);

  /** So many wait at most; of more, the next comparison sees to. */
  private static final int WAITING = 100;

  /** Enough for 1,000 Mirrors in a minute, and little for an API server. */
  private static final double PER_SECOND = 20;

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final PatchContext MERGE =
      new PatchContext.Builder().withPatchType(PatchType.JSON_MERGE).build();

  private final KubernetesClient client;
  private final RateLimiter pace = RateLimiter.create(PER_SECOND);
  private final ThreadPoolExecutor thread;

  StatusWriter(KubernetesClient client) {
    this.client = client;
    this.thread =
        new ThreadPoolExecutor(
            1,
            1,
            5,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(WAITING),
            Thread.ofPlatform().name("kubernetes-status").daemon().factory(),
            new ThreadPoolExecutor.AbortPolicy());
    thread.allowCoreThreadTimeOut(true);
  }

  @Override
  public boolean write(MirrorView mirror, Map<String, Object> patch) {
    try {
      thread.execute(() -> put(mirror, patch));
      return true;
    } catch (RejectedExecutionException e) {
      return false;
    }
  }

  private void put(MirrorView mirror, Map<String, Object> patch) {
    pace.acquire();
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
    } catch (KubernetesClientException | IllegalStateException e) {
      // The latter from a client that has been closed meanwhile.
      log.debug("The status of Mirror {} could not be written: {}", mirror.key(), Reasons.of(e));
    } catch (JsonProcessingException e) {
      throw new AssertionError("maps of texts and numbers are JSON", e);
    }
  }
}
