// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.transport;

import com.google.common.collect.ImmutableList;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Keys and certificates in the textual encoding of RFC 7468, as ovs-pki(8) and openssl(1) write
 * them: whatever stands between the blocks is skipped.
 */
final class Pem {
  private static final long MAX_BYTES = 1 << 20;

  private static final Pattern BLOCK =
      Pattern.compile("-----BEGIN ([A-Z0-9 ]+)-----\\s([^-]*)-----END \\1-----");

  /** AlgorithmIdentifier of rsaEncryption, without parameters (RFC 8017, appendix A.1). */
  private static final byte[] RSA = {
    0x30,
    0x0d,
    0x06,
    0x09,
    0x2a,
    (byte) 0x86,
    0x48,
    (byte) 0x86,
    (byte) 0xf7,
    0x0d,
    0x01,
    0x01,
    0x01,
    0x05,
    0x00
  };

  private static final byte[] VERSION = {0x02, 0x01, 0x00};

  /** What a block says it is. */
  private final String label;

  private final byte[] der;

  private Pem(String label, byte[] der) {
    this.label = label;
    this.der = der;
  }

  private static ImmutableList<Pem> read(Path file) throws TlsException {
    String text;
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw new TlsException(file + " has more than " + MAX_BYTES + " bytes");
      }
      text = Files.readString(file, StandardCharsets.ISO_8859_1);
    } catch (NoSuchFileException e) {
      throw new TlsException("there is no file " + file);
    } catch (TlsException e) {
      throw e;
    } catch (IOException e) {
      throw new TlsException(file + " cannot be read: " + e);
    }
    ImmutableList.Builder<Pem> blocks = ImmutableList.builder();
    Matcher matcher = BLOCK.matcher(text);
    while (matcher.find()) {
      try {
        blocks.add(
            new Pem(matcher.group(1), Base64.getMimeDecoder().decode(matcher.group(2).strip())));
      } catch (IllegalArgumentException e) {
        // An encrypted key has headers; of anything else that is no Base64 nothing else is known.
        blocks.add(new Pem(matcher.group(1), new byte[0]));
      }
    }
    return blocks.build();
  }

  /** The certificates of a file; at least one. */
  static ImmutableList<X509Certificate> certificates(Path file) throws TlsException {
    ImmutableList.Builder<X509Certificate> certificates = ImmutableList.builder();
    for (Pem block : read(file)) {
      if (block.label.equals("CERTIFICATE")) {
        try {
          certificates.add(
              (X509Certificate)
                  CertificateFactory.getInstance("X.509")
                      .generateCertificate(new ByteArrayInputStream(block.der)));
        } catch (GeneralSecurityException e) {
          throw new TlsException(
              file + " has a certificate that cannot be read: " + e.getMessage());
        }
      }
    }
    ImmutableList<X509Certificate> found = certificates.build();
    if (found.isEmpty()) {
      throw new TlsException(file + " has no certificate (no -----BEGIN CERTIFICATE-----)");
    }
    return found;
  }

  /**
   * The private key of a file, PKCS#8 or PKCS#1.
   *
   * @param algorithm of the certificate that it has to belong to
   */
  static PrivateKey privateKey(Path file, String algorithm) throws TlsException {
    for (Pem block : read(file)) {
      if (!block.label.endsWith("PRIVATE KEY")) {
        continue;
      }
      byte[] pkcs8 =
          switch (block.label) {
            case "PRIVATE KEY" -> block.der;
            case "RSA PRIVATE KEY" -> pkcs8(block.der);
            case "ENCRYPTED PRIVATE KEY" ->
                throw new TlsException(
                    file + " is encrypted, and there is nobody to ask for the password");
            default ->
                throw new TlsException(
                    file
                        + " has an "
                        + block.label
                        + "; 'openssl pkcs8 -topk8 -nocrypt' makes a PRIVATE KEY of it");
          };
      try {
        return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
      } catch (GeneralSecurityException e) {
        throw new TlsException(
            file
                + " is no private key, or encrypted, or not of the certificate's kind, "
                + algorithm);
      }
    }
    throw new TlsException(file + " has no private key (no -----BEGIN PRIVATE KEY-----)");
  }

  /** PrivateKeyInfo (RFC 5208, section 5) of an RSAPrivateKey (RFC 8017, appendix A.1.2). */
  private static byte[] pkcs8(byte[] pkcs1) {
    return der(0x30, VERSION, RSA, der(0x04, pkcs1));
  }

  private static byte[] der(int tag, byte[]... parts) {
    int length = 0;
    for (byte[] part : parts) {
      length += part.length;
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(tag);
    if (length < 0x80) {
      out.write(length);
    } else {
      // Three octets of length will do for a file of at most 1 MiB, and DER's readers ask for no
      // shorter form than that which fits; the shortest is written all the same.
      int octets = length < 0x100 ? 1 : length < 0x10000 ? 2 : 3;
      out.write(0x80 | octets);
      for (int shift = 8 * (octets - 1); shift >= 0; shift -= 8) {
        out.write(length >> shift);
      }
    }
    for (byte[] part : parts) {
      out.writeBytes(part);
    }
    return out.toByteArray();
  }
}
