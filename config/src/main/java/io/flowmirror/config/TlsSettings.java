// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.config;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/**
 * The files, PEM each, by which the controller proves to nodes who it is, and knows nodes. They are
 * read when nodes are dialled, and not with the configuration.
 *
 * @param privateKey the controller's private key, not encrypted
 * @param certificate its certificate, and those of authorities in between
 * @param caCertificate the certificates of the authorities that nodes' certificates are signed by
 */
public record TlsSettings(Path privateKey, Path certificate, Path caCertificate) {
  /** Throws {@link IllegalArgumentException} for a path that is not absolute. */
  public TlsSettings {
    file(privateKey.toString());
    file(certificate.toString());
    file(caCertificate.toString());
  }

  static Path file(String text) {
    if (text.startsWith("/") && !text.endsWith("/")) {
      try {
        return Path.of(text);
      } catch (InvalidPathException e) {
        // Said below.
      }
    }
    throw BadValueException.found(text, "the absolute path of a file");
  }
}
