// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

import com.google.common.hash.Hashing;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.EventBuilder;
import io.fabric8.kubernetes.api.model.ObjectReference;
import io.fabric8.kubernetes.api.model.ObjectReferenceBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.Resource;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes Events. Each interface of a pod has one Event, which says what is so now: who finds it
 * there, saying the same, writes nothing, so that a controller that was started anew repeats
 * nothing for as long as the API keeps Events (an hour, usually).
 *
 * <p>Events are told for convenience: at most {@link #WAITING} wait to be written, and what does
 * not arrive is not tried again.
 */
final class EventWriter implements PodEvents.Writer {
  private static final Logger log = LoggerFactory.getLogger(EventWriter.class);
  private static final int WAITING = 1000;
  private static final String COMPONENT = "flowmirror";

  /** An Event's message has at most 1 kB (Kubernetes, core/v1 validation). */
  private static final int LONGEST = 1000;

  private final KubernetesClient client;
  private final ThreadPoolExecutor thread;

  EventWriter(KubernetesClient client) {
    this.client = client;
    this.thread =
        new ThreadPoolExecutor(
            1,
            1,
            5,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(WAITING),
            Thread.ofPlatform().name("kubernetes-events").daemon().factory(),
            new ThreadPoolExecutor.DiscardPolicy());
    thread.allowCoreThreadTimeOut(true);
  }

  @Override
  public void write(
      PodView pod, String interfaceName, boolean warning, String reason, String message) {
    thread.execute(() -> put(pod, interfaceName, warning ? "Warning" : "Normal", reason, message));
  }

  private void put(PodView pod, String interfaceName, String type, String reason, String text) {
    String message = text.length() > LONGEST ? text.substring(0, LONGEST) : text;
    String subject = interfaceName.isEmpty() ? message : interfaceName + ": " + message;
    String name = name(pod, interfaceName);
    try {
      Resource<Event> resource = client.v1().events().inNamespace(pod.namespace()).withName(name);
      @Nullable Event there = resource.get();
      if (there == null) {
        var unused =
            client.v1().events().resource(event(pod, name, type, reason, subject, 1)).create();
      } else if (!reason.equals(there.getReason()) || !subject.equals(there.getMessage())) {
        int count = there.getCount() == null ? 1 : there.getCount();
        var unused =
            client
                .v1()
                .events()
                .resource(
                    new EventBuilder(event(pod, name, type, reason, subject, count + 1))
                        .withFirstTimestamp(there.getFirstTimestamp())
                        .editMetadata()
                        .withResourceVersion(there.getMetadata().getResourceVersion())
                        .endMetadata()
                        .build())
                .update();
      }
    } catch (KubernetesClientException | IllegalStateException e) {
      // The latter from a client that has been closed meanwhile.
      log.debug("Event {} of {} could not be written: {}", reason, pod.key(), Reasons.of(e));
    }
  }

  private static String name(PodView pod, String interfaceName) {
    String subject = pod.uid() + " " + interfaceName;
    return pod.name()
        + "."
        + Hashing.sha256().hashString(subject, StandardCharsets.UTF_8).toString().substring(0, 16);
  }

  private static Event event(
      PodView pod, String name, String type, String reason, String message, int count) {
    String now = Instant.now().truncatedTo(ChronoUnit.SECONDS).toString();
    ObjectReference about =
        new ObjectReferenceBuilder()
            .withApiVersion("v1")
            .withKind("Pod")
            .withNamespace(pod.namespace())
            .withName(pod.name())
            .withUid(pod.uid())
            .build();
    return new EventBuilder()
        .withNewMetadata()
        .withNamespace(pod.namespace())
        .withName(name)
        .endMetadata()
        .withInvolvedObject(about)
        .withType(type)
        .withReason(reason)
        .withMessage(message)
        .withFirstTimestamp(now)
        .withLastTimestamp(now)
        .withCount(count)
        .withNewSource()
        .withComponent(COMPONENT)
        .endSource()
        .withReportingComponent("flowmirror.io/controller")
        .withReportingInstance(COMPONENT)
        .build();
  }
}
