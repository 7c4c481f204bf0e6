// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

import com.google.common.collect.ImmutableMap;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.flowmirror.config.Direction;
import io.flowmirror.config.Mirror;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Mirrors that somebody asks for by REST, as resources in the API, written with that one's own
 * token: what the API does not let him, he has not asked for. One for each pod, called {@code
 * rest.POD}.
 *
 * <p>From whatever thread; each call is a request to the API.
 */
public final class AskedMirrors {
  private static final String MANAGER = "flowmirror-northbound";
  private static final String PREFIX = "rest.";
  private static final int NOT_FOUND = 404;
  private static final PatchContext APPLY =
      new PatchContext.Builder()
          .withPatchType(PatchType.SERVER_SIDE_APPLY)
          .withFieldManager(MANAGER)
          .withForce(true)
          .build();

  private final Supplier<Config> server;

  /**
   * Writes to this API.
   *
   * @param server how it is reached; whose rights are in it does not matter
   */
  public AskedMirrors(Supplier<Config> server) {
    this.server = server;
  }

  /** What is asked for of a pod. */
  public record Asked(Mirror mirror, Instant since, Optional<Instant> until) {}

  /** The API has not done it. */
  public static final class NotDoneException extends Exception {
    private static final long serialVersionUID = 1;

    private final int code;

    NotDoneException(KubernetesClientException cause) {
      super(Reasons.of(cause), cause);
      this.code = cause.getCode();
    }

    /** The status of its answer; 0 if there was none. */
    public int code() {
      return code;
    }
  }

  private interface Deed<T> {
    T with(KubernetesClient client);
  }

  private <T> T as(String token, Deed<T> deed) throws NotDoneException {
    try (KubernetesClient client =
        new KubernetesClientBuilder().withConfig(config(token)).build()) {
      return deed.with(client);
    } catch (KubernetesClientException e) {
      throw new NotDoneException(e);
    }
  }

  /**
   * From nothing, and not by taking out of the controller's own: a client that is told 401 looks
   * where its configuration came from for other credentials, which must be nobody's.
   */
  private Config config(String token) {
    Config known = server.get();
    return new ConfigBuilder(Config.empty())
        .withMasterUrl(known.getMasterUrl())
        .withCaCertFile(known.getCaCertFile())
        .withCaCertData(known.getCaCertData())
        .withTlsServerName(known.getTlsServerName())
        .withHttpProxy(known.getHttpProxy())
        .withHttpsProxy(known.getHttpsProxy())
        .withNoProxy(known.getNoProxy())
        .withRequestTimeout(known.getRequestTimeout())
        .withConnectionTimeout(known.getConnectionTimeout())
        .withRequestRetryBackoffLimit(known.getRequestRetryBackoffLimit())
        .withOauthToken(token)
        .build();
  }

  private static Resource<GenericKubernetesResource> resource(
      KubernetesClient client, String namespace, String pod) {
    return client
        .genericKubernetesResources(MirrorView.RESOURCE)
        .inNamespace(namespace)
        .withName(PREFIX + pod);
  }

  /** What is asked for of a pod by REST; empty if nothing. */
  public Optional<Asked> find(String token, String namespace, String pod) throws NotDoneException {
    return as(
        token,
        client -> {
          @Nullable GenericKubernetesResource there = resource(client, namespace, pod).get();
          return there == null ? Optional.empty() : read(there, namespace, pod);
        });
  }

  private static Optional<Asked> read(
      GenericKubernetesResource there, String namespace, String pod) {
    try {
      @Nullable Object direction = there.get("spec", "direction");
      @Nullable Object until = there.get("spec", "until");
      return Optional.of(
          new Asked(
              new Mirror(
                  namespace,
                  pod,
                  direction == null ? Direction.BOTH : Direction.parse(direction.toString())),
              Instant.parse(there.getMetadata().getCreationTimestamp()),
              Optional.ofNullable(until).map(text -> Instant.parse(text.toString()))));
    } catch (IllegalArgumentException | DateTimeException e) {
      // Somebody has written something else there.
      return Optional.empty();
    }
  }

  /** Asks for a pod, or asks otherwise. */
  public void put(String token, Mirror mirror, Optional<Instant> until) throws NotDoneException {
    ImmutableMap.Builder<String, Object> spec = ImmutableMap.builder();
    spec.put("pod", mirror.pod());
    spec.put("direction", mirror.direction().toString());
    until.ifPresent(end -> spec.put("until", end.toString()));
    GenericKubernetesResource wanted = new GenericKubernetesResource();
    wanted.setApiVersion(MirrorView.GROUP + "/" + MirrorView.VERSION);
    wanted.setKind(MirrorView.KIND);
    wanted.setMetadata(
        new ObjectMetaBuilder()
            .withNamespace(mirror.namespace())
            .withName(PREFIX + mirror.pod())
            .withLabels(Map.of("app.kubernetes.io/managed-by", MANAGER))
            .build());
    wanted.setAdditionalProperty("spec", spec.buildOrThrow());
    var unused =
        as(
            token,
            client ->
                client
                    .genericKubernetesResources(MirrorView.RESOURCE)
                    .resource(wanted)
                    .patch(APPLY, wanted));
  }

  /** Does not ask for a pod any more; nothing happens if it was not asked for. */
  public void remove(String token, String namespace, String pod) throws NotDoneException {
    try {
      var unused = as(token, client -> resource(client, namespace, pod).delete());
    } catch (NotDoneException e) {
      if (e.code() != NOT_FOUND) {
        throw e;
      }
    }
  }
}
