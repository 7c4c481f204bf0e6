// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Base64;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whom the command line believes at an {@code https:} URL. */
final class RemoteTlsTest {
  private static final char[] PASSWORD = "of no use".toCharArray();

  @TempDir private static Path folder;
  private static @Nullable HttpsServer server;
  private static String port = "";

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @BeforeAll
  static void start() throws IOException, GeneralSecurityException, InterruptedException {
    KeyStore store = key("right");
    key("wrong");
    KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(store, PASSWORD);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), null, null);
    HttpsServer made =
        HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    made.setHttpsConfigurator(new HttpsConfigurator(context));
    made.createContext(
        "/v1/global",
        exchange -> {
          String token = String.valueOf(exchange.getRequestHeaders().getFirst("Authorization"));
          byte[] body = ("{\"mode\":\"" + token + "\"}").getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(200, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    made.start();
    server = made;
    port = ":" + made.getAddress().getPort();
  }

  @AfterAll
  static void stop() {
    if (server != null) {
      server.stop(0);
    }
  }

  @BeforeEach
  void clear() {
    out.getBuffer().setLength(0);
    err.getBuffer().setLength(0);
  }

  /** Makes a key for 127.0.0.1, with a certificate in a file beside it. */
  private static KeyStore key(String name)
      throws IOException, GeneralSecurityException, InterruptedException {
    Path file = folder.resolve(name + ".p12");
    Process keytool =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                "it",
                "-keyalg",
                "EC",
                "-dname",
                "CN=" + name,
                "-ext",
                "san=ip:127.0.0.1",
                "-keystore",
                file.toString(),
                "-storepass",
                new String(PASSWORD))
            .redirectErrorStream(true)
            .start();
    String said = new String(keytool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(keytool.waitFor()).as(said).isZero();
    KeyStore store = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(file)) {
      store.load(in, PASSWORD);
    }
    Files.writeString(
        folder.resolve(name + ".pem"),
        "-----BEGIN CERTIFICATE-----\n"
            + Base64.getMimeEncoder().encodeToString(store.getCertificate("it").getEncoded())
            + "\n-----END CERTIFICATE-----\n");
    return store;
  }

  @Test
  void whoIsKnownIsShownTheToken() throws IOException {
    Path token = Files.writeString(folder.resolve("token"), "secret");
    assertThat(ask("127.0.0.1", "right", "--token-file", token.toString())).isZero();
    assertThat(out.toString()).contains("Bearer secret");
  }

  @Test
  void whoIsNotIsNotAsked() {
    assertThat(ask("127.0.0.1", "wrong")).isEqualTo(Flowmirror.FAILED);
    assertThat(err.toString().lines())
        .singleElement()
        .asString()
        .startsWith("flowmirror: cannot reach https://127.0.0.1" + port)
        .endsWith("whom to believe is said by --ca");
  }

  /** The certificate is of an address, and says no name. */
  @Test
  void whoHasAnotherNameIsNotAsked() {
    assertThat(ask("localhost", "right")).isEqualTo(Flowmirror.FAILED);
    assertThat(err.toString()).contains("cannot reach https://localhost" + port);
    assertThat(out.toString()).isEmpty();
  }

  private int ask(String host, String authority, String... more) {
    String[] line = new String[5 + more.length];
    line[0] = "global";
    line[1] = "--server";
    line[2] = "https://" + host + port;
    line[3] = "--ca";
    line[4] = folder.resolve(authority + ".pem").toString();
    System.arraycopy(more, 0, line, 5, more.length);
    return Flowmirror.commandLine()
        .setOut(new PrintWriter(out))
        .setErr(new PrintWriter(err))
        .execute(line);
  }
}
