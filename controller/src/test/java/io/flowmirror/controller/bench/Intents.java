// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.bench;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * By what a pod's mirror is turned on and off: the controller's REST API, or Kube-OVN's annotation
 * on the pod in a Kubernetes API. Any thread.
 */
final class Intents {
  /** One address may ask the controller 500 times a second, and this is to ask for twice that. */
  private static final int CLIENTS = 4;

  private final List<HttpClient> clients;
  private final AtomicInteger next = new AtomicInteger();
  private final String url;
  private final String token;

  private Intents(List<HttpClient> clients, String url, String token) {
    this.clients = clients;
    this.url = url;
    this.token = token;
  }

  /**
   * By REST, as clients at a few loopback addresses.
   *
   * @param port where the controller listens
   */
  static Intents rest(int port) throws IOException {
    List<HttpClient> clients = new ArrayList<>();
    for (int i = 0; i < CLIENTS; i++) {
      clients.add(
          HttpClient.newBuilder()
              .version(HttpClient.Version.HTTP_1_1)
              .localAddress(InetAddress.getByAddress(new byte[] {127, 0, 0, (byte) (1 + i)}))
              .build());
    }
    return new Intents(clients, "http://127.0.0.1:" + port + "/v1/mirrors/default/", "");
  }

  /**
   * By annotations, as administrator.
   *
   * @param state the state folder of {@code sandbox/kube}
   */
  static Intents annotations(Path state) throws IOException, GeneralSecurityException {
    String port = Files.readString(state.resolve("ports")).strip().split(" ", 2)[0];
    String token = Files.readString(state.resolve("tokens.csv")).split(",", 2)[0];
    KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
    trusted.load(null, null);
    try (InputStream in = Files.newInputStream(state.resolve("ca.crt"))) {
      trusted.setCertificateEntry(
          "api", CertificateFactory.getInstance("X.509").generateCertificate(in));
    }
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(trusted);
    SSLContext tls = SSLContext.getInstance("TLS");
    tls.init(null, trust.getTrustManagers(), null);
    return new Intents(
        List.of(HttpClient.newBuilder().sslContext(tls).build()),
        "https://127.0.0.1:" + port + "/api/v1/namespaces/default/pods",
        token);
  }

  /** Has the API know a pod; only by annotations. */
  CompletableFuture<Boolean> make(String pod, String node) {
    String json =
        "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\""
            + pod
            + "\",\"annotations\":{\"ovn.kubernetes.io/allocated\":\"true\"}},\"spec\":{\"nodeName\":\""
            + node
            + "\",\"containers\":[{\"name\":\"c\",\"image\":\"none\"}]}}";
    return ask(
        HttpRequest.newBuilder(URI.create(url))
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofString(json, UTF_8)));
  }

  /** Asks for a pod's mirror, or for none; completes with whether it was taken. */
  CompletableFuture<Boolean> set(String pod, boolean on) {
    HttpRequest.Builder request = HttpRequest.newBuilder();
    if (token.isEmpty()) {
      request.uri(URI.create(url + pod));
      return ask(
          on
              ? request
                  .header("Content-Type", "application/json")
                  .PUT(BodyPublishers.ofString("{}", US_ASCII))
              : request.DELETE());
    }
    String value = on ? "\"true\"" : "null";
    String json = "{\"metadata\":{\"annotations\":{\"ovn.kubernetes.io/mirror\":" + value + "}}}";
    return ask(
        request
            .uri(URI.create(url + "/" + pod))
            .header("Content-Type", "application/merge-patch+json")
            .method("PATCH", BodyPublishers.ofString(json, UTF_8)));
  }

  private CompletableFuture<Boolean> ask(HttpRequest.Builder request) {
    if (!token.isEmpty()) {
      request.header("Authorization", "Bearer " + token);
    }
    return clients
        .get(Math.floorMod(next.getAndIncrement(), clients.size()))
        .sendAsync(request.build(), BodyHandlers.discarding())
        .thenApply(answer -> answer.statusCode() < 300);
  }
}
