// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.transport;

import com.google.common.collect.ImmutableList;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows the three files of the credentials. New ones count from the next connection on; while
 * those in the files are wrong, or the files are away, the last good ones stay in force.
 *
 * <p>It looks rather than listens, as Kubernetes exchanges the files of a Secret by a link, and
 * reads when all have been still for one interval, so that a key and its certificate that are
 * written one after the other are not taken for a pair that is none.
 *
 * <p>One thread of its own; {@link #current} from any.
 */
public final class CredentialWatch implements Credentials.Source, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(CredentialWatch.class);
  private static final Duration INTERVAL = Duration.ofMillis(500);

  /** What tells one content of a file from another. */
  private record Look(FileTime modified, long bytes, @Nullable Object inode) {}

  /** How it ended to read them. */
  private sealed interface Outcome {
    record Good(Credentials credentials) implements Outcome {}

    record Bad(TlsException problem) implements Outcome {}
  }

  private final Path privateKey;
  private final Path certificate;
  private final Path caCertificate;
  private final Thread thread;
  private ImmutableList<Optional<Look>> read;
  private volatile Outcome inForce;

  /** Reads the files, and begins to follow them. */
  public CredentialWatch(Path privateKey, Path certificate, Path caCertificate) {
    this.privateKey = privateKey;
    this.certificate = certificate;
    this.caCertificate = caCertificate;
    this.read = look();
    this.inForce = read();
    if (inForce instanceof Outcome.Bad(TlsException problem)) {
      log.error("{}", problem.getMessage());
    }
    this.thread = Thread.ofVirtual().name("credentials").start(this::run);
  }

  @Override
  public Credentials current() throws TlsException {
    return switch (inForce) {
      case Outcome.Good(Credentials credentials) -> credentials;
      case Outcome.Bad(TlsException problem) -> throw problem;
    };
  }

  private Outcome read() {
    try {
      return new Outcome.Good(Credentials.read(privateKey, certificate, caCertificate));
    } catch (TlsException e) {
      return new Outcome.Bad(e);
    }
  }

  private void run() {
    ImmutableList<Optional<Look>> before = read;
    try {
      while (true) {
        Thread.sleep(INTERVAL);
        ImmutableList<Optional<Look>> now = look();
        if (now.equals(before) && !now.equals(read)) {
          read = now;
          readAgain();
        }
        before = now;
      }
    } catch (InterruptedException e) {
      // Closed.
    }
  }

  private void readAgain() {
    Outcome fresh;
    try {
      fresh = read();
    } catch (RuntimeException e) {
      log.error("{}: a fault of ours: what was in force stays in force", certificate, e);
      return;
    }
    switch (fresh) {
      case Outcome.Good good -> {
        inForce = good;
        log.info("TLS: new certificates are read; they count from the next connection on");
      }
      case Outcome.Bad(TlsException problem) when inForce instanceof Outcome.Good ->
          log.error("{}; the certificates that were in force stay in force", problem.getMessage());
      case Outcome.Bad bad -> {
        inForce = bad;
        log.error("{}", bad.problem().getMessage());
      }
    }
  }

  private ImmutableList<Optional<Look>> look() {
    return ImmutableList.of(look(privateKey), look(certificate), look(caCertificate));
  }

  private static Optional<Look> look(Path file) {
    try {
      BasicFileAttributes found = Files.readAttributes(file, BasicFileAttributes.class);
      return Optional.of(new Look(found.lastModifiedTime(), found.size(), found.fileKey()));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  @Override
  public void close() {
    thread.interrupt();
  }
}
