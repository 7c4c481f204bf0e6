// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import io.flowmirror.config.ConfigException;
import io.flowmirror.config.Settings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows the configuration file. A change that is right is handed on; one that is wrong is said,
 * with all that is wrong, and what was in force stays in force, as it does while the file is away.
 *
 * <p>It looks rather than listens: a file that is mounted, or reached by links as Kubernetes mounts
 * a ConfigMap, changes without a word to who listens to its folder. A file is read when it has been
 * still for one interval, so that one that is being written is not read half; a half may well be a
 * valid configuration with fewer mirrors.
 *
 * <p>One thread of its own, on which {@code changed} is called.
 */
final class ConfigWatch implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ConfigWatch.class);
  private static final Duration INTERVAL = Duration.ofMillis(500);

  /** What tells one content of the file from another. */
  private record Look(FileTime modified, long bytes, @Nullable Object inode) {}

  private final ConfigOptions config;
  private final Consumer<Settings> changed;
  private final Thread thread;
  private volatile Settings inForce;
  private Optional<Look> before;
  private Optional<Look> read;

  private ConfigWatch(ConfigOptions config, Settings inForce, Consumer<Settings> changed) {
    this.config = config;
    this.inForce = inForce;
    this.changed = changed;
    // Not the one that was read at start: the file may have changed since. Reading it again, when
    // it means the same, does nothing.
    this.before = Optional.empty();
    this.read = Optional.empty();
    this.thread = Thread.ofVirtual().name("config").unstarted(this::run);
  }

  /**
   * Starts to follow the file.
   *
   * @param inForce what was read from it first
   * @param changed is given what is in force from now on
   */
  static ConfigWatch start(ConfigOptions config, Settings inForce, Consumer<Settings> changed) {
    ConfigWatch watch = new ConfigWatch(config, inForce, changed);
    watch.thread.start();
    return watch;
  }

  /** What is in force. Any thread. */
  Settings inForce() {
    return inForce;
  }

  private void run() {
    boolean first = true;
    try {
      while (true) {
        Thread.sleep(INTERVAL);
        Optional<Look> now = look(config.file());
        if (now.equals(before) && !now.equals(read)) {
          read = now;
          readAgain(now.isPresent(), first);
          first = false;
        }
        before = now;
      }
    } catch (InterruptedException e) {
      // Closed.
    }
  }

  private void readAgain(boolean isThere, boolean first) {
    if (!isThere) {
      log.warn("{} is gone; what was in force stays in force", config.file());
      return;
    }
    try {
      Settings settings = config.read();
      if (!settings.equals(inForce)) {
        log.info("{}: changed, and in force: {}", config.file(), Summary.of(settings));
        changed.accept(settings);
        inForce = settings;
      } else if (!first) {
        log.info("{}: changed, and means the same as before", config.file());
      }
    } catch (ConfigException e) {
      e.problems().forEach(problem -> log.error("{}", problem));
      log.error("{}: changed, and wrong: what was in force stays in force", config.file());
    } catch (RuntimeException e) {
      log.error("{}: a fault of ours: what was in force stays in force", config.file(), e);
    }
  }

  private static Optional<Look> look(Path file) {
    try {
      BasicFileAttributes found = Files.readAttributes(file, BasicFileAttributes.class);
      // To open a pipe, which a shell may have passed, waits for a writer.
      return found.isRegularFile()
          ? Optional.of(new Look(found.lastModifiedTime(), found.size(), found.fileKey()))
          : Optional.empty();
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  @Override
  public void close() {
    thread.interrupt();
  }
}
