// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

/** Keys and certificates in files: what can be read, and what happens when they change. */
final class CredentialWatchTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final String EC = "ec -pkeyopt ec_paramgen_curve:P-256";

  @TempDir private Path folder;
  private final Logger logger = (Logger) LoggerFactory.getLogger(CredentialWatch.class);
  private final ListAppender<ILoggingEvent> log = new ListAppender<>();
  private Authority authority;

  @BeforeEach
  void listen() {
    authority = new Authority(folder, "ca");
    log.start();
    logger.setAdditive(false);
    logger.addAppender(log);
  }

  @AfterEach
  void quiet() {
    logger.detachAppender(log);
    logger.setAdditive(true);
  }

  private List<String> said() {
    return List.copyOf(log.list).stream().map(ILoggingEvent::getFormattedMessage).toList();
  }

  private Credentials read(Authority.Signed signed) throws TlsException {
    return Credentials.read(signed.key(), signed.certificate(), authority.certificate());
  }

  private void refuses(Authority.Signed signed, String why) {
    assertThatThrownBy(() -> read(signed))
        .isInstanceOf(TlsException.class)
        .hasMessageStartingWith("TLS: ")
        .hasMessageContaining(why);
  }

  @ParameterizedTest
  @ValueSource(strings = {EC, "rsa:2048", "ed25519"})
  void keysOfAnyKind(String kind) throws TlsException {
    assertThat(read(authority.sign("own", "flowmirror", "", kind, 1))).isNotNull();
  }

  /** As ovs-pki(8) wrote them before OpenSSL 3: PKCS#1, and text around the certificate. */
  @Test
  void pkcs1() throws TlsException {
    authority.sign("own", "flowmirror", "", "rsa:2048", 1);
    authority.openssl("rsa -traditional -in own.key -out pkcs1.key");
    authority.openssl("x509 -in own.pem -text -out text.pem");
    assertThat(folder.resolve("pkcs1.key")).content().startsWith("-----BEGIN RSA PRIVATE KEY");
    assertThat(folder.resolve("text.pem")).content().startsWith("Certificate:");
    assertThat(read(new Authority.Signed(folder.resolve("pkcs1.key"), folder.resolve("text.pem"))))
        .isNotNull();
  }

  @Test
  void filesThatAreNotWhatTheyShouldBe() throws IOException {
    Authority.Signed own = authority.sign("own", "flowmirror");
    Path key = own.key();
    Path certificate = own.certificate();
    refuses(
        new Authority.Signed(folder.resolve("none"), certificate), "there is no file " + folder);
    refuses(new Authority.Signed(certificate, certificate), "own.pem has no private key");
    refuses(new Authority.Signed(key, key), "own.key has no certificate");
    Authority.Signed other = authority.sign("other", "flowmirror");
    refuses(
        new Authority.Signed(other.key(), certificate),
        "other.key is not the key of " + certificate);
    Authority.Signed rsa = authority.sign("rsa", "flowmirror", "", "rsa:2048", 1);
    refuses(new Authority.Signed(rsa.key(), certificate), "rsa.key is no private key");
    authority.openssl("pkcs8 -topk8 -in own.key -out locked.key -passout pass:secret");
    refuses(new Authority.Signed(folder.resolve("locked.key"), certificate), "is encrypted");
    authority.openssl("ec -in own.key -out sec1.key");
    refuses(
        new Authority.Signed(folder.resolve("sec1.key"), certificate),
        "has an EC PRIVATE KEY; 'openssl pkcs8 -topk8 -nocrypt'");
    refuses(authority.sign("old", "flowmirror", "", EC, -1), "old.pem, expired on 20");
    Files.writeString(
        certificate, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    refuses(own, "has a certificate that cannot be read");
    refuses(new Authority.Signed(key, folder), "cannot be read");
  }

  private void install(Authority.Signed signed) throws IOException {
    Files.copy(signed.key(), folder.resolve("tls.key"), StandardCopyOption.REPLACE_EXISTING);
    Files.copy(
        signed.certificate(), folder.resolve("tls.crt"), StandardCopyOption.REPLACE_EXISTING);
  }

  @Test
  void followsTheFiles() throws IOException {
    try (CredentialWatch watch =
        new CredentialWatch(
            folder.resolve("tls.key"), folder.resolve("tls.crt"), authority.certificate())) {
      assertThatThrownBy(watch::current).hasMessageContaining("there is no file " + folder);
      install(authority.sign("first", "flowmirror"));
      await().atMost(PATIENCE).until(() -> said().size() == 2);
      Credentials first = watch.current();

      Files.writeString(folder.resolve("tls.key"), "nothing");
      await().atMost(PATIENCE).until(() -> said().size() == 3);
      assertThat(said().get(2))
          .isEqualTo(
              "TLS: "
                  + folder.resolve("tls.key")
                  + " has no private key (no -----BEGIN PRIVATE KEY-----); the certificates that"
                  + " were in force stay in force");
      assertThat(watch.current()).isSameAs(first);

      install(authority.sign("second", "flowmirror"));
      await().atMost(PATIENCE).until(() -> watch.current() != first);
      assertThat(said().get(3)).contains("new certificates are read");
    }
  }
}
