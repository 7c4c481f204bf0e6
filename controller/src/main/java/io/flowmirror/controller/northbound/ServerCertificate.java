// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.google.common.collect.ImmutableList;
import io.flowmirror.config.NorthboundSettings;
import io.helidon.common.configurable.Resource;
import io.helidon.common.pki.Keys;
import io.helidon.common.tls.Tls;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the server proves its name by. Files that have changed are read again; if they are no
 * certificate and its key, that is said, and those before stay in force. Confined to one thread
 * after its making.
 */
final class ServerCertificate {
  private static final Logger log = LoggerFactory.getLogger(ServerCertificate.class);

  private record Look(FileTime chain, FileTime key) {}

  private final NorthboundSettings.Certificate files;
  private Optional<Look> seen;

  ServerCertificate(NorthboundSettings.Certificate files) {
    this.files = files;
    this.seen = look();
  }

  private Optional<Look> look() {
    try {
      return Optional.of(
          new Look(
              Files.getLastModifiedTime(files.chain()),
              Files.getLastModifiedTime(files.privateKey())));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /**
   * What is in the files now.
   *
   * @throws IllegalArgumentException if that is no certificate and its key
   */
  Tls read() {
    try {
      Keys keys =
          Keys.builder()
              .pem(pem -> pem.key(resource(files.privateKey())).certChain(resource(files.chain())))
              .build();
      return Tls.builder()
          .privateKey(keys)
          .privateKeyCertChain(keys)
          .enabledProtocols(ImmutableList.of("TLSv1.3", "TLSv1.2"))
          .build();
    } catch (RuntimeException e) {
      throw new IllegalArgumentException(
          files.chain()
              + " and "
              + files.privateKey()
              + " are no certificate and its key: "
              + e.getMessage(),
          e);
    }
  }

  private static Resource resource(Path file) {
    return Resource.create(file);
  }

  /** What is in the files, if they have changed and are right. */
  Optional<Tls> changed() {
    Optional<Look> now = look();
    if (now.isEmpty() || now.equals(seen)) {
      return Optional.empty();
    }
    seen = now;
    try {
      Tls tls = read();
      log.info("northbound: {} has changed, and is in force", files.chain());
      return Optional.of(tls);
    } catch (IllegalArgumentException e) {
      log.warn("northbound: {}; those before stay in force", e.getMessage());
      return Optional.empty();
    }
  }
}
