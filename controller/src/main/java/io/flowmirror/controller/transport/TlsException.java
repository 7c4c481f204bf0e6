// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.transport;

import com.google.common.base.Throwables;
import io.netty.handler.ssl.NotSslRecordException;
import io.netty.handler.ssl.SslHandshakeTimeoutException;
import java.io.IOException;
import java.security.cert.CertificateException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLException;

/** Why there is no TLS with a node; the message is for people, and says so ("TLS: ..."). */
public final class TlsException extends IOException {
  private static final long serialVersionUID = 1;

  private static final Pattern ALERT = Pattern.compile("Received fatal alert: (\\w+)");
  private static final int MAX_SHOWN = 200;

  TlsException(String problem) {
    super("TLS: " + problem);
  }

  /** A node's certificate is not what it has to be. */
  static final class Untrusted extends CertificateException {
    private static final long serialVersionUID = 1;

    Untrusted(String problem, Throwable cause) {
      super(problem, cause);
    }

    Untrusted(String problem) {
      super(problem);
    }
  }

  /** What a failure of a handshake, or of a connection that had one, means. */
  static TlsException of(Throwable failure) {
    for (Throwable cause : Throwables.getCausalChain(failure)) {
      if (cause instanceof TlsException already) {
        return already;
      }
      if (cause instanceof Untrusted) {
        return new TlsException(String.valueOf(cause.getMessage()));
      }
      if (cause instanceof NotSslRecordException) {
        return new TlsException("the node does not speak TLS there");
      }
      if (cause instanceof SslHandshakeTimeoutException) {
        return new TlsException("no handshake in time");
      }
    }
    String said = String.valueOf(Throwables.getRootCause(failure).getMessage());
    Matcher alert = ALERT.matcher(said);
    return new TlsException(alert.find() ? refusal(alert.group(1)) : printable(said));
  }

  /** Whether it is TLS that failed, and not the network below it. */
  static boolean isBehind(Throwable failure) {
    return Throwables.getCausalChain(failure).stream()
        .anyMatch(cause -> cause instanceof SSLException || cause instanceof TlsException);
  }

  /** An alert (RFC 8446, section 6.2) is the node's word on us. */
  private static String refusal(String alert) {
    return switch (alert) {
      case "certificate_expired" -> "the node says that our certificate has expired";
      case "unknown_ca" -> "the node does not know the authority that our certificate is signed by";
      case "bad_certificate", "certificate_unknown", "unsupported_certificate", "access_denied" ->
          "the node does not accept our certificate (" + alert + ")";
      case "handshake_failure", "protocol_version", "insufficient_security" ->
          "the node refuses the handshake ("
              + alert
              + "): has it a key and a certificate, and TLS 1.2 or 1.3?";
      default -> "the node refuses the handshake (" + alert + ")";
    };
  }

  /** What is not ours to vouch for, on one line of a log. */
  static String printable(String text) {
    String cut = text.length() > MAX_SHOWN ? text.substring(0, MAX_SHOWN) + "..." : text;
    return cut.replaceAll("[^ -~]", "?");
  }
}
