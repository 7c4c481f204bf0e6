// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

import com.google.common.hash.Hashing;
import com.google.common.util.concurrent.RateLimiter;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.EventBuilder;
import io.fabric8.kubernetes.api.model.ObjectReference;
import io.fabric8.kubernetes.api.model.ObjectReferenceBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.flowmirror.controller.kubernetes.EventQueue.Fact;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes Events. Each interface of a pod has one Event, which says what is so now: who finds it
 * there, saying the same, writes nothing, so that a controller that was started anew repeats
 * nothing for as long as the API keeps Events (an hour, usually).
 *
 * <p>Events are told for convenience (the audit log has every start and stop): {@value #PER_SECOND}
 * a second are written, {@value #WAITING} wait, and what does not arrive is not tried again. That
 * something was not written is said in the log.
 */
final class EventWriter implements PodEvents.Writer {
  private static final Logger log = LoggerFactory.getLogger(EventWriter.class);
  private static final int WAITING = 5_000;

  /** Each costs the API a read, and mostly a write: little for it, whatever pods' owners do. */
  private static final int PER_SECOND = 20;

  /** A second's lines in the log, at most, on what was not written: one a minute. */
  private static final double LINES_PER_SECOND = 1.0 / 60;

  private static final String COMPONENT = "flowmirror";

  /** An Event's message has at most 1 kB (Kubernetes, core/v1 validation). */
  private static final int LONGEST = 1000;

  private final KubernetesClient client;
  private final ThreadPoolExecutor thread;
  private final EventQueue queue = new EventQueue(WAITING);
  private final RateLimiter pace = RateLimiter.create(PER_SECOND);
  private final RateLimiter lines = RateLimiter.create(LINES_PER_SECOND);
  private final AtomicInteger lost = new AtomicInteger();

  EventWriter(KubernetesClient client) {
    this.client = client;
    this.thread =
        new ThreadPoolExecutor(
            1,
            1,
            5,
            TimeUnit.SECONDS,
            // One turn waits, and writes all that there is: of more, nothing would come.
            new ArrayBlockingQueue<>(1),
            Thread.ofPlatform().name("kubernetes-events").daemon().factory(),
            new ThreadPoolExecutor.DiscardPolicy());
    thread.allowCoreThreadTimeOut(true);
  }

  @Override
  public void write(
      PodView pod, String interfaceName, boolean warning, String reason, String message) {
    queue
        .put(name(pod, interfaceName), new Fact(pod, interfaceName, warning, reason, message))
        .ifPresent(
            unwritten -> {
              int count = lost.incrementAndGet();
              if (lines.tryAcquire()) {
                log.warn(
                    "{} Events are not written, since {} wait already; the last: {} of {}",
                    count,
                    WAITING,
                    unwritten.reason(),
                    unwritten.pod().key());
                lost.addAndGet(-count);
              }
            });
    thread.execute(this::writeAll);
  }

  /** How many wait to be written. Any thread. */
  int waiting() {
    return queue.size();
  }

  private void writeAll() {
    Optional<Fact> fact = queue.take();
    while (fact.isPresent()) {
      put(fact.get());
      pace.acquire();
      fact = queue.take();
    }
    int count = lost.getAndSet(0);
    if (count > 0) {
      log.warn("{} more Events were not written, since {} waited already", count, WAITING);
    }
  }

  private void put(Fact fact) {
    put(
        fact.pod(),
        fact.interfaceName(),
        fact.warning() ? "Warning" : "Normal",
        fact.reason(),
        fact.message());
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
