// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.bench;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Base64;

/**
 * A certificate authority (RFC 5280) that signs thousands of P-256 keys in a second, for which a
 * program for each would take minutes. Confined to one thread.
 */
final class SwarmAuthority {
  private static final String NAME = "swarm";
  private static final byte[] ECDSA_WITH_SHA256 =
      der(0x30, der(0x06, bytes(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02)));
  private static final byte[] COMMON_NAME = der(0x06, bytes(0x55, 0x04, 0x03));
  private static final byte[] ANY_MATTERS = der(0x01, bytes(0xff));

  /** basicConstraints, critical: an authority. */
  private static final byte[] IS_AUTHORITY =
      der(
          0x30,
          der(0x06, bytes(0x55, 0x1d, 0x13)),
          ANY_MATTERS,
          der(0x04, der(0x30, der(0x01, bytes(0xff)))));

  private static final DateTimeFormatter UTC_TIME =
      DateTimeFormatter.ofPattern("yyMMddHHmmss'Z'").withZone(ZoneOffset.UTC);

  /** A key, and the certificate that is signed for it. */
  record Signed(PrivateKey key, X509Certificate certificate) {}

  private final KeyPairGenerator keys;
  private final Signed own;
  private int serial;

  SwarmAuthority() throws GeneralSecurityException {
    keys = KeyPairGenerator.getInstance("EC");
    keys.initialize(new ECGenParameterSpec("secp256r1"));
    KeyPair pair = keys.generateKeyPair();
    own =
        new Signed(
            pair.getPrivate(),
            certificate(
                NAME, pair.getPublic(), pair.getPrivate(), der(0xa3, der(0x30, IS_AUTHORITY))));
  }

  X509Certificate certificate() {
    return own.certificate();
  }

  /** A new key, and a certificate of this common name, for a week. */
  Signed sign(String name) throws GeneralSecurityException {
    KeyPair pair = keys.generateKeyPair();
    return new Signed(
        pair.getPrivate(), certificate(name, pair.getPublic(), own.key(), new byte[0]));
  }

  /**
   * Makes the controller's files in a folder.
   *
   * @return the configuration's {@code tls}
   */
  String writeControllers(Path folder) throws GeneralSecurityException, IOException {
    Signed signed = sign("flowmirror");
    return "tls:\n  private-key: "
        + write(folder.resolve("key.pem"), "PRIVATE KEY", signed.key().getEncoded())
        + "\n  certificate: "
        + write(folder.resolve("cert.pem"), "CERTIFICATE", signed.certificate().getEncoded())
        + "\n  ca-certificate: "
        + write(folder.resolve("ca.pem"), "CERTIFICATE", certificate().getEncoded())
        + "\n";
  }

  private static Path write(Path file, String kind, byte[] content) throws IOException {
    String lines = Base64.getMimeEncoder(64, bytes('\n')).encodeToString(content);
    return Files.writeString(
        file, "-----BEGIN " + kind + "-----\n" + lines + "\n-----END " + kind + "-----\n");
  }

  private X509Certificate certificate(
      String name, PublicKey subject, PrivateKey signer, byte[] extensions)
      throws GeneralSecurityException {
    Instant now = Instant.now();
    byte[] signed =
        der(
            0x30,
            der(0xa0, der(0x02, bytes(2))),
            der(0x02, BigInteger.valueOf(++serial).toByteArray()),
            ECDSA_WITH_SHA256,
            name(NAME),
            der(0x30, time(now.minusSeconds(3600)), time(now.plusSeconds(7 * 86400))),
            name(name),
            subject.getEncoded(),
            extensions);
    Signature signature = Signature.getInstance("SHA256withECDSA");
    signature.initSign(signer);
    signature.update(signed);
    byte[] whole = der(0x30, signed, ECDSA_WITH_SHA256, der(0x03, bytes(0), signature.sign()));
    return (X509Certificate)
        CertificateFactory.getInstance("X.509")
            .generateCertificate(new ByteArrayInputStream(whole));
  }

  private static byte[] name(String commonName) {
    byte[] text = der(0x0c, commonName.getBytes(UTF_8));
    return der(0x30, der(0x31, der(0x30, COMMON_NAME, text)));
  }

  private static byte[] time(Instant instant) {
    return der(0x17, UTC_TIME.format(instant).getBytes(US_ASCII));
  }

  private static byte[] bytes(int... values) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      bytes[i] = (byte) values[i];
    }
    return bytes;
  }

  /** Tag, length and content (X.690, section 8.1). */
  private static byte[] der(int tag, byte[]... parts) {
    ByteArrayOutputStream content = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      content.writeBytes(part);
    }
    int length = content.size();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(tag);
    if (length >= 0x100) {
      out.writeBytes(bytes(0x82, length >> 8, length));
    } else if (length >= 0x80) {
      out.writeBytes(bytes(0x81, length));
    } else {
      out.write(length);
    }
    out.writeBytes(content.toByteArray());
    return out.toByteArray();
  }
}
