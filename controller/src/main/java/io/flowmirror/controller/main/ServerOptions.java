// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.google.common.base.Ascii;
import com.google.common.collect.ImmutableSet;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options that say which controller is asked, and what it is shown. */
final class ServerOptions {
  private static final String DEFAULT = "http://127.0.0.1:9653";
  private static final ImmutableSet<String> SCHEMES = ImmutableSet.of("http", "https");

  @Option(
      names = "--server",
      paramLabel = "URL",
      description =
          "The controller that is asked (the environment's FLOWMIRROR_SERVER, or else "
              + DEFAULT
              + ").")
  private @Nullable String server;

  @Option(
      names = "--token-file",
      paramLabel = "FILE",
      description =
          "A file with the bearer token to show it (the environment's FLOWMIRROR_TOKEN_FILE, or"
              + " none).")
  private @Nullable Path tokenFile;

  @Option(
      names = "--ca",
      paramLabel = "FILE",
      description = "Certificates (PEM) of whom to believe at an https: URL (Java's own).")
  private @Nullable Path authorities;

  @Spec(Spec.Target.MIXEE)
  private @Nullable CommandSpec spec;

  /** Whether the command line names a server. */
  boolean isGiven() {
    return server != null || tokenFile != null || authorities != null;
  }

  /** The controller; nothing is sent yet. */
  Remote connect() {
    String url = orElse(server, "FLOWMIRROR_SERVER").orElse(DEFAULT);
    URI base = base(url);
    Optional<Path> file =
        orElse(tokenFile == null ? null : tokenFile.toString(), "FLOWMIRROR_TOKEN_FILE")
            .map(Path::of);
    if (file.isPresent() && base.getScheme().equals("http") && !isThisMachine(base.getHost())) {
      throw wrong(url + ": a token is shown over https: only, except to this machine (127.0.0.1)");
    }
    return new Remote(base, file.map(this::token), tls());
  }

  private static Optional<String> orElse(@Nullable String given, String variable) {
    String found = given == null ? System.getenv(variable) : given;
    return Optional.ofNullable(found).filter(text -> !text.isEmpty());
  }

  private URI base(String url) {
    try {
      URI uri = new URI(url);
      String path = uri.getRawPath() == null ? "" : uri.getRawPath();
      if (uri.getScheme() == null
          || uri.getHost() == null
          || !SCHEMES.contains(Ascii.toLowerCase(uri.getScheme()))
          || !(path.isEmpty() || path.equals("/"))
          || uri.getRawQuery() != null
          || uri.getRawFragment() != null
          || uri.getRawUserInfo() != null) {
        throw new URISyntaxException(url, "not of this form");
      }
      return new URI(Ascii.toLowerCase(uri.getScheme()) + "://" + uri.getRawAuthority());
    } catch (URISyntaxException e) {
      throw wrong(
          "--server " + Table.shown(url) + ": expected a URL such as " + DEFAULT + ", no path");
    }
  }

  /** By its address, not by what a name server says of a name. */
  static boolean isThisMachine(String host) {
    return host.equals("localhost")
        || host.equals("[::1]")
        || host.matches("127\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}");
  }

  private String token(Path file) {
    try {
      String token = Files.readString(file).strip();
      // RFC 6750, section 2.1.
      if (!token.matches("[A-Za-z0-9._~+/-]+=*")) {
        throw wrong(file + ": expected one bearer token and nothing else");
      }
      return token;
    } catch (IOException e) {
      throw wrong(file + ": the token cannot be read");
    }
  }

  private Optional<SSLContext> tls() {
    if (authorities == null) {
      return Optional.empty();
    }
    try (InputStream in = Files.newInputStream(authorities)) {
      KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
      store.load(null, null);
      int count = 0;
      for (Certificate each : CertificateFactory.getInstance("X.509").generateCertificates(in)) {
        store.setCertificateEntry("ca" + count++, each);
      }
      if (count == 0) {
        throw wrong(authorities + ": there is no certificate in it");
      }
      TrustManagerFactory trust =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      trust.init(store);
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, trust.getTrustManagers(), null);
      return Optional.of(context);
    } catch (IOException | GeneralSecurityException e) {
      throw wrong(authorities + ": its certificates cannot be read");
    }
  }

  private RuntimeException wrong(String problem) {
    if (spec == null) {
      throw new IllegalStateException(problem);
    }
    return new ParameterException(spec.commandLine(), problem);
  }
}
