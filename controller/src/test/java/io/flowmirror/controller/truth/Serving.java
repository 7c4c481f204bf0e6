// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * The real program with a northbound, over the nodes' unix sockets, and a client of it. The file
 * and the log stay in {@code target/flowmirror-runs}.
 */
final class Serving implements AutoCloseable {
  private static final Path RUNS = Path.of("target", "flowmirror-runs").toAbsolutePath();
  private static final Pattern URL = Pattern.compile("northbound: (https?://\\S+)");
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path log;
  private final Program program;
  private final HttpClient client;

  private Serving(String name, String yaml, Optional<Path> trusted, List<String> options) {
    this.client = client(trusted);
    Path config = RUNS.resolve(name + ".yaml");
    this.log = RUNS.resolve(name + ".log");
    try {
      Files.createDirectories(RUNS);
      Files.writeString(config, yaml);
      Files.deleteIfExists(log);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    // The exec replaces the shell, so that its number is the JVM's.
    List<String> command =
        new ArrayList<>(
            List.of(
                "sh",
                "-c",
                "log=$1; shift; exec \"$0\" run \"$@\" >\"$log\" 2>&1",
                Sandbox.root().resolve("bin/flowmirror").toString(),
                log.toString(),
                "--config",
                config.toString()));
    command.addAll(options);
    this.program = Program.start(command.toArray(String[]::new));
    Wait.until("the northbound", () -> url().isPresent() || !program.isRunning(), this::log);
  }

  /**
   * Starts it.
   *
   * @param yaml the configuration; its northbound should listen at port 0
   */
  static Serving started(String name, String yaml) {
    return new Serving(name, yaml, Optional.empty(), List.of());
  }

  /**
   * The same, with more options and a certificate, which its client trusts and no other.
   *
   * @param trusted a PEM file
   */
  static Serving started(String name, String yaml, Path trusted, String... options) {
    return new Serving(name, yaml, Optional.of(trusted), List.of(options));
  }

  private static HttpClient client(Optional<Path> trusted) {
    HttpClient.Builder builder = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(30));
    trusted.ifPresent(file -> builder.sslContext(context(file)));
    return builder.build();
  }

  private static SSLContext context(Path trusted) {
    try (InputStream in = Files.newInputStream(trusted)) {
      KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
      store.load(null, null);
      store.setCertificateEntry(
          "server", CertificateFactory.getInstance("X.509").generateCertificate(in));
      TrustManagerFactory trust =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      trust.init(store);
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, trust.getTrustManagers(), null);
      return context;
    } catch (GeneralSecurityException | IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private Optional<String> url() {
    Matcher found = URL.matcher(log());
    return found.find() ? Optional.of(found.group(1)) : Optional.empty();
  }

  String log() {
    try {
      return Files.exists(log) ? Files.readString(log) : "";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  URI uri(String path) {
    return URI.create(
        url().orElseThrow(() -> new AssertionError("it serves nothing:\n" + log())) + path);
  }

  HttpClient client() {
    return client;
  }

  long pid() {
    return program.pid();
  }

  HttpResponse<String> send(String method, String path, Optional<String> json, String accept) {
    return send(method, path, json, accept, Optional.empty());
  }

  /** The same, by whom this token is. */
  HttpResponse<String> send(
      String method, String path, Optional<String> json, String accept, Optional<String> token) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(uri(path))
            .timeout(Duration.ofSeconds(60))
            .header("Accept", accept)
            .method(method, json.map(BodyPublishers::ofString).orElseGet(BodyPublishers::noBody));
    json.ifPresent(body -> request.header("Content-Type", "application/json"));
    token.ifPresent(its -> request.header("Authorization", "Bearer " + its));
    try {
      return client.send(request.build(), BodyHandlers.ofString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** What is answered, which must be no error. */
  JsonNode get(String path) {
    return json(send("GET", path, Optional.empty(), "application/json"));
  }

  /** The lines that are answered, which must be no error. */
  List<String> lines(String path) {
    HttpResponse<String> response = send("GET", path, Optional.empty(), "text/plain");
    if (response.statusCode() != 200) {
      throw new AssertionError(path + ": " + response.body());
    }
    return response.body().lines().toList();
  }

  JsonNode put(String path, String body) {
    return json(send("PUT", path, Optional.of(body), "application/json"));
  }

  void delete(String path) {
    HttpResponse<String> response = send("DELETE", path, Optional.empty(), "*/*");
    if (response.statusCode() != 204) {
      throw new AssertionError(path + ": " + response.body());
    }
  }

  private static JsonNode json(HttpResponse<String> response) {
    if (response.statusCode() >= 300) {
      throw new AssertionError(response.uri() + ": " + response.body());
    }
    try {
      return JSON.readTree(response.body());
    } catch (IOException e) {
      throw new UncheckedIOException(response.body(), e);
    }
  }

  /** Waits until a node is in sync. */
  void awaitInSync(String node) {
    Wait.until(
        node + " to be in sync",
        () -> get("/v1/nodes/" + node).path("inSync").asBoolean(),
        () -> get("/v1/nodes/" + node).toPrettyString() + "\n" + log());
  }

  @Override
  public void close() {
    program.close();
    client.close();
  }
}
