// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.transport;

import com.google.common.collect.ImmutableList;
import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslProvider;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.concurrent.Executor;
import javax.net.ssl.SSLException;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;

/** By what we prove who we are, and know nodes. Immutable; any thread. */
public final class Credentials {
  /** What is older can be broken into; OVS has 1.2 since 2.5. */
  private static final ImmutableList<String> VERSIONS = ImmutableList.of("TLSv1.3", "TLSv1.2");

  /** Where they come from. */
  @FunctionalInterface
  public interface Source {
    /**
     * Those that are in force.
     *
     * @throws TlsException if there are none, with the reason
     */
    Credentials current() throws TlsException;
  }

  private final OwnKey key;
  private final X509ExtendedTrustManager authorities;
  private final Path caFile;

  private Credentials(OwnKey key, X509ExtendedTrustManager authorities, Path caFile) {
    this.key = key;
    this.authorities = authorities;
    this.caFile = caFile;
  }

  /**
   * Reads three PEM files.
   *
   * @throws TlsException if they are not there, not what they should be, not of one another, or our
   *     certificate has expired
   */
  static Credentials read(Path privateKey, Path certificate, Path caCertificate)
      throws TlsException {
    ImmutableList<X509Certificate> chain = Pem.certificates(certificate);
    X509Certificate own = chain.get(0);
    PrivateKey key = Pem.privateKey(privateKey, own.getPublicKey().getAlgorithm());
    if (!belong(key, own)) {
      throw new TlsException(privateKey + " is not the key of " + certificate);
    }
    Instant end = own.getNotAfter().toInstant();
    if (end.isBefore(Instant.now())) {
      throw new TlsException("our certificate, " + certificate + ", expired on " + end);
    }
    Credentials credentials =
        new Credentials(
            new OwnKey(key, chain), authorities(Pem.certificates(caCertificate)), caCertificate);
    // The first context of a JVM takes a second, which no event loop should have to wait for.
    credentials.open("nobody", ByteBufAllocator.DEFAULT, Runnable::run);
    return credentials;
  }

  private static boolean belong(PrivateKey key, X509Certificate certificate) throws TlsException {
    String algorithm =
        switch (key.getAlgorithm()) {
          case "RSA" -> "SHA256withRSA";
          case "EC" -> "SHA256withECDSA";
          default -> key.getAlgorithm();
        };
    byte[] text = "Flowmirror".getBytes(StandardCharsets.UTF_8);
    try {
      Signature signature = Signature.getInstance(algorithm);
      signature.initSign(key);
      signature.update(text);
      byte[] signed = signature.sign();
      signature.initVerify(certificate.getPublicKey());
      signature.update(text);
      return signature.verify(signed);
    } catch (GeneralSecurityException e) {
      throw new TlsException("a key that cannot be used: " + e.getMessage());
    }
  }

  private static X509ExtendedTrustManager authorities(ImmutableList<X509Certificate> certificates)
      throws TlsException {
    try {
      KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
      store.load(null, null);
      for (int i = 0; i < certificates.size(); i++) {
        store.setCertificateEntry(Integer.toString(i), certificates.get(i));
      }
      TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
      factory.init(store);
      for (TrustManager each : factory.getTrustManagers()) {
        if (each instanceof X509ExtendedTrustManager authorities) {
          return authorities;
        }
      }
      throw new IllegalStateException("this JVM does not check X.509 certificates");
    } catch (GeneralSecurityException | IOException e) {
      throw new TlsException("authorities that cannot be used: " + e.getMessage());
    }
  }

  /**
   * The client's end of a connection to a node. Each has a context of its own, so that no session
   * is resumed: each handshake looks at the certificates anew.
   *
   * @param node the name that the node's certificate must have
   * @param tasks runs what takes long in a handshake
   */
  SslHandler open(String node, ByteBufAllocator alloc, Executor tasks) throws TlsException {
    try {
      return SslContextBuilder.forClient()
          .sslProvider(SslProvider.JDK)
          .protocols(VERSIONS)
          .keyManager(key)
          .trustManager(new NodeTrust(node, authorities, caFile))
          // A certificate names a node, and not the address where it is dialled.
          .endpointIdentificationAlgorithm(null)
          .build()
          .newHandler(alloc, tasks);
    } catch (SSLException e) {
      throw TlsException.of(e);
    }
  }
}
