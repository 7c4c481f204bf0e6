// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

import com.google.common.cache.Cache;
import com.google.common.cache.CacheBuilder;
import com.google.common.collect.ImmutableMap;
import com.google.common.hash.Hashing;
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
import io.fabric8.kubernetes.client.utils.Serialization;
import io.flowmirror.config.Direction;
import io.flowmirror.config.Mirror;
import io.flowmirror.controller.kubernetes.MirrorSpec.WrongSpecException;
import java.net.HttpURLConnection;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Mirrors that somebody asks for by REST, as resources in the API, written with that one's own
 * token: what the API does not let him, he has not asked for. One for each pod, called {@code
 * rest.POD}.
 *
 * <p>From whatever thread; each call is a request to the API. Connections are kept for a short
 * time, each for one token alone.
 */
public final class AskedMirrors implements AutoCloseable {
  private static final String MANAGER = "flowmirror-northbound";
  private static final String PREFIX = "rest.";
  private static final int NOT_FOUND = 404;
  private static final PatchContext APPLY =
      new PatchContext.Builder()
          .withPatchType(PatchType.SERVER_SIDE_APPLY)
          .withFieldManager(MANAGER)
          .withForce(true)
          .build();

  private static final PatchContext MERGE =
      new PatchContext.Builder()
          .withPatchType(PatchType.JSON_MERGE)
          .withFieldManager(MANAGER)
          .build();

  /** A client for each costs a connection, and a TLS handshake. */
  private static final int MAX_CLIENTS = 100;

  /** How often a change is tried again that another one has overtaken. */
  private static final int ATTEMPTS = 5;

  private static final Duration KEPT = Duration.ofSeconds(30);

  private final Supplier<Config> server;

  /** By the SHA-256 of a token, its client. */
  private final Cache<String, Lent> clients =
      CacheBuilder.newBuilder()
          .expireAfterAccess(KEPT)
          .maximumSize(MAX_CLIENTS)
          .<String, Lent>removalListener(removed -> end(removed.getValue()))
          .build();

  /**
   * Writes to this API.
   *
   * @param server how it is reached; whose rights are in it does not matter
   */
  public AskedMirrors(Supplier<Config> server) {
    this.server = server;
  }

  /** A client that is closed when it is not kept any more, and nobody uses it. */
  private static final class Lent {
    private final KubernetesClient client;
    private int users;
    private boolean ended;

    Lent(KubernetesClient client) {
      this.client = client;
    }

    /** False if it is too late. */
    synchronized boolean take() {
      if (ended) {
        return false;
      }
      users++;
      return true;
    }

    synchronized void giveBack() {
      users--;
      closeIfUnused();
    }

    synchronized void end() {
      ended = true;
      closeIfUnused();
    }

    private void closeIfUnused() {
      if (ended && users == 0) {
        client.close();
      }
    }
  }

  private static void end(@Nullable Lent lent) {
    if (lent != null) {
      lent.end();
    }
  }

  /** Ends the connections to the API. */
  @Override
  public void close() {
    clients.invalidateAll();
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
    Lent lent = take(token);
    try {
      return deed.with(lent.client);
    } catch (KubernetesClientException e) {
      throw new NotDoneException(e);
    } finally {
      lent.giveBack();
    }
  }

  private Lent take(String token) {
    // Those that have not been used for long end when somebody asks.
    clients.cleanUp();
    String key = Hashing.sha256().hashString(token, StandardCharsets.UTF_8).toString();
    @Nullable Lent kept = clients.getIfPresent(key);
    if (kept != null && kept.take()) {
      return kept;
    }
    Lent fresh = new Lent(new KubernetesClientBuilder().withConfig(config(token)).build());
    if (!fresh.take()) {
      throw new IllegalStateException("a client that nobody has had has ended");
    }
    clients.put(key, fresh);
    return fresh;
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

  private static Optional<MirrorSpec> spec(GenericKubernetesResource there) {
    try {
      return Optional.of(MirrorSpec.of(there.getAdditionalProperties().get("spec")));
    } catch (WrongSpecException e) {
      // Somebody has written something else there.
      return Optional.empty();
    }
  }

  /** What it asks for of this pod's primary interface; empty if it asks for anything else. */
  private static Optional<Asked> read(
      GenericKubernetesResource there, String namespace, String pod) {
    return spec(there)
        .filter(spec -> spec.equals(spec(pod, spec.direction(), spec.until())))
        .map(
            spec ->
                new Asked(
                    new Mirror(namespace, pod, spec.direction()),
                    Instant.parse(there.getMetadata().getCreationTimestamp()),
                    spec.until()));
  }

  private static MirrorSpec spec(String pod, Direction direction, Optional<Instant> until) {
    return new MirrorSpec(Optional.of(pod), Optional.empty(), "", direction, until);
  }

  /**
   * Asks for a pod, or asks otherwise. What somebody else has written into that Mirror's spec goes:
   * it asks for this afterwards, and for nothing else.
   *
   * @return whether anything was written; nothing is if it asks for just this already
   */
  public boolean put(String token, Mirror mirror, Optional<Instant> until) throws NotDoneException {
    return as(
        token,
        client -> {
          for (int attempt = 1; ; attempt++) {
            try {
              return put(client, mirror, until);
            } catch (KubernetesClientException e) {
              // It has changed since it was read, and be it that its status was written.
              if (e.getCode() != HttpURLConnection.HTTP_CONFLICT || attempt == ATTEMPTS) {
                throw e;
              }
            }
          }
        });
  }

  private static boolean put(KubernetesClient client, Mirror mirror, Optional<Instant> until) {
    @Nullable GenericKubernetesResource there =
        resource(client, mirror.namespace(), mirror.pod()).get();
    MirrorSpec wanted = spec(mirror.pod(), mirror.direction(), until);
    if (there != null && spec(there).equals(Optional.of(wanted))) {
      return false;
    }
    ImmutableMap.Builder<String, Object> spec = ImmutableMap.builder();
    spec.put("pod", mirror.pod());
    spec.put("direction", mirror.direction().toString());
    until.ifPresent(end -> spec.put("until", end.toString()));
    if (there == null) {
      apply(client, mirror, spec.buildOrThrow());
    } else {
      replace(client, there, spec.buildOrThrow());
    }
    return true;
  }

  private static void apply(
      KubernetesClient client, Mirror mirror, ImmutableMap<String, Object> spec) {
    GenericKubernetesResource wanted = named(mirror.namespace(), PREFIX + mirror.pod());
    wanted.getMetadata().setLabels(Map.of("app.kubernetes.io/managed-by", MANAGER));
    wanted.setAdditionalProperty("spec", spec);
    var unused =
        client
            .genericKubernetesResources(MirrorView.RESOURCE)
            .resource(wanted)
            .patch(APPLY, wanted);
  }

  /** By a merge patch: applying leaves fields that others have set, such as an interface. */
  private static void replace(
      KubernetesClient client,
      GenericKubernetesResource there,
      ImmutableMap<String, Object> wanted) {
    Map<Object, @Nullable Object> spec = new HashMap<>();
    if (there.getAdditionalProperties().get("spec") instanceof Map<?, ?> found) {
      found.keySet().forEach(key -> spec.put(key, null));
    }
    spec.putAll(wanted);
    Map<String, Object> patch =
        Map.of(
            "metadata",
            // So that nobody's change since is overwritten unread.
            Map.of("resourceVersion", there.getMetadata().getResourceVersion()),
            "spec",
            spec);
    var unused =
        client
            .genericKubernetesResources(MirrorView.RESOURCE)
            .resource(named(there.getMetadata().getNamespace(), there.getMetadata().getName()))
            .patch(MERGE, Serialization.asJson(patch));
  }

  private static GenericKubernetesResource named(String namespace, String name) {
    GenericKubernetesResource named = new GenericKubernetesResource();
    named.setApiVersion(MirrorView.GROUP + "/" + MirrorView.VERSION);
    named.setKind(MirrorView.KIND);
    named.setMetadata(new ObjectMetaBuilder().withNamespace(namespace).withName(name).build());
    return named;
  }

  /** Does not ask for a pod any more; false if it was not asked for. */
  public boolean remove(String token, String namespace, String pod) throws NotDoneException {
    try {
      return as(token, client -> !resource(client, namespace, pod).delete().isEmpty());
    } catch (NotDoneException e) {
      if (e.code() != NOT_FOUND) {
        throw e;
      }
      return false;
    }
  }
}
