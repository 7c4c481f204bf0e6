// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.transport;

import com.google.common.base.Throwables;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.controller.transport.TlsException.Untrusted;
import java.net.Socket;
import java.nio.file.Path;
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertPathValidatorException.BasicReason;
import java.security.cert.CertificateException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.security.cert.CertificateParsingException;
import java.security.cert.PKIXReason;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;
import javax.naming.ldap.Rdn;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;
import javax.security.auth.x500.X500Principal;
import org.jspecify.annotations.Nullable;

/**
 * Whether a certificate is that of one node: first, whether its chain of signatures ends at an
 * authority of ours (RFC 5280, section 6), then, whether it names the node. Each refusal is an
 * {@link Untrusted} in words.
 *
 * <p>A name is the subject's common name or a subject alternative name that is a DNS name (RFC
 * 5280, section 4.2.1.6), and has to be the node's to the letter, without wildcards; no node is
 * called like a URI. What ovs-pki(8) puts behind it, {@code id:} and a UUID, does not count.
 */
final class NodeTrust extends X509ExtendedTrustManager {
  private static final int DNS = 2;
  private static final Pattern OVS_PKI_ID = Pattern.compile(" id:[-0-9a-f]{36}$");

  private final String node;
  private final X509ExtendedTrustManager authorities;
  private final Path caFile;

  /**
   * @param caFile where the authorities were read, for messages
   */
  NodeTrust(String node, X509ExtendedTrustManager authorities, Path caFile) {
    this.node = node;
    this.authorities = authorities;
    this.caFile = caFile;
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String kind, SSLEngine engine)
      throws CertificateException {
    try {
      authorities.checkServerTrusted(chain, kind, engine);
    } catch (CertificateException e) {
      throw new Untrusted(problem(chain, e), e);
    }
    ImmutableSet<String> names = names(chain[0]);
    if (!names.contains(node)) {
      throw new Untrusted(
          names.isEmpty()
              ? "certificate names nobody, and should name \"" + node + "\""
              : "certificate is for \""
                  + TlsException.printable(String.join("\", \"", names))
                  + "\", not \""
                  + node
                  + "\"");
    }
  }

  private String problem(X509Certificate[] chain, CertificateException failure) {
    for (Throwable cause : Throwables.getCausalChain(failure)) {
      if (cause instanceof CertificateExpiredException
          || cause instanceof CertificateNotYetValidException) {
        return outOfTime(chain);
      }
      if (cause instanceof CertPathBuilderException || isOfAnother(cause)) {
        return "certificate is signed by "
            + quoted(chain[chain.length - 1].getIssuerX500Principal())
            + ", which is not in "
            + caFile;
      }
    }
    return "certificate is not accepted: "
        + TlsException.printable(String.valueOf(Throwables.getRootCause(failure).getMessage()));
  }

  /** An authority of this name is there, and is another one. */
  private static boolean isOfAnother(Throwable cause) {
    return cause instanceof CertPathValidatorException invalid
        && (invalid.getReason() == PKIXReason.NO_TRUST_ANCHOR
            || invalid.getReason() == BasicReason.INVALID_SIGNATURE);
  }

  private static String outOfTime(X509Certificate[] chain) {
    for (X509Certificate each : chain) {
      String whose =
          each.equals(chain[0])
              ? "certificate"
              : "certificate of the authority " + quoted(each.getSubjectX500Principal());
      try {
        each.checkValidity();
      } catch (CertificateExpiredException e) {
        return whose + " expired on " + each.getNotAfter().toInstant();
      } catch (CertificateNotYetValidException e) {
        return whose + " is not valid before " + each.getNotBefore().toInstant();
      }
    }
    return "certificate was not valid a moment ago";
  }

  private static String quoted(X500Principal name) {
    return '"' + TlsException.printable(name.getName()) + '"';
  }

  /** All that a certificate's subject is called, in lower case. */
  private static ImmutableSet<String> names(X509Certificate certificate) {
    Set<String> names = new LinkedHashSet<>();
    try {
      for (Rdn rdn : new LdapName(certificate.getSubjectX500Principal().getName()).getRdns()) {
        if (rdn.getType().equalsIgnoreCase("CN") && rdn.getValue() instanceof String name) {
          names.add(plain(name));
        }
      }
      Collection<List<?>> alternatives = certificate.getSubjectAlternativeNames();
      if (alternatives != null) {
        for (List<?> alternative : alternatives) {
          if (alternative.get(0).equals(DNS) && alternative.get(1) instanceof String name) {
            names.add(plain(name));
          }
        }
      }
    } catch (InvalidNameException | CertificateParsingException e) {
      // What cannot be read names nobody.
    }
    return ImmutableSet.copyOf(names);
  }

  private static String plain(String name) {
    return OVS_PKI_ID.matcher(name).replaceFirst("").toLowerCase(Locale.ROOT);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String kind, @Nullable Socket socket)
      throws CertificateException {
    throw new Untrusted("only connections of Netty's are checked");
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String kind) throws CertificateException {
    throw new Untrusted("only connections of Netty's are checked");
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String kind, SSLEngine engine)
      throws CertificateException {
    throw new Untrusted("a node is no client");
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String kind, @Nullable Socket socket)
      throws CertificateException {
    throw new Untrusted("a node is no client");
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String kind) throws CertificateException {
    throw new Untrusted("a node is no client");
  }

  @Override
  public X509Certificate[] getAcceptedIssuers() {
    return authorities.getAcceptedIssuers();
  }
}
