// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.google.common.base.CharMatcher;
import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import com.google.common.hash.HashCode;
import com.google.common.hash.Hashing;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who may ask by which token, out of a file: a line for each, {@code NAME TOKEN VERBS NAMESPACES},
 * where the token is its SHA-256 as {@code sha256:HEX} or the token itself, the verbs are {@code
 * get} or {@code get,update}, and the namespaces are names with commas between them or {@code *}.
 * Empty lines and lines that begin with {@code #} say nothing.
 *
 * <p>The file is read again when it has changed; one that is wrong is said, and what was read last
 * stays in force. From whatever thread.
 */
final class TokenFile implements Access {
  private static final Logger log = LoggerFactory.getLogger(TokenFile.class);
  private static final Splitter WORDS = Splitter.on(CharMatcher.whitespace()).omitEmptyStrings();
  private static final Splitter COMMAS = Splitter.on(',').omitEmptyStrings();
  private static final String HASHED = "sha256:";
  private static final int MIN_TOKEN = 16;
  private static final int MAX_BYTES = 1 << 20;

  /** So often is it looked whether the file has changed. */
  private static final long LOOK_NANOS = 1_000_000_000L;

  private record Holder(
      String name, HashCode digest, boolean mayUpdate, boolean everywhere, ImmutableSet<String> in)
      implements Caller {
    @Override
    public boolean may(Verb verb, String namespace) {
      return (verb == Verb.GET || mayUpdate) && (everywhere || in.contains(namespace));
    }
  }

  private final Path file;
  private ImmutableList<Holder> holders;
  private byte[] seen;
  private long lookedNanos = System.nanoTime();

  /**
   * Reads the file.
   *
   * @throws IllegalArgumentException if it cannot be read, or a line of it is wrong
   */
  TokenFile(Path file) {
    this.file = file;
    try {
      seen = bytes(file);
    } catch (IOException e) {
      throw new IllegalArgumentException(file + " cannot be read: " + e.getMessage(), e);
    }
    holders = parse(file, seen);
  }

  private static byte[] bytes(Path file) throws IOException {
    if (Files.size(file) > MAX_BYTES) {
      throw new IOException("it has more than " + MAX_BYTES + " bytes");
    }
    return Files.readAllBytes(file);
  }

  private static ImmutableList<Holder> parse(Path file, byte[] text) {
    ImmutableList.Builder<Holder> holders = ImmutableList.builder();
    int number = 0;
    for (String line : Splitter.on('\n').split(new String(text, StandardCharsets.UTF_8))) {
      number++;
      String stripped = line.strip();
      if (!stripped.isEmpty() && !stripped.startsWith("#")) {
        try {
          holders.add(holder(WORDS.splitToList(stripped)));
        } catch (IllegalArgumentException e) {
          // Never the line itself: there is a token in it.
          throw new IllegalArgumentException(file + ":" + number + ": " + e.getMessage(), e);
        }
      }
    }
    return holders.build();
  }

  private static Holder holder(List<String> words) {
    if (words.size() != 4) {
      throw new IllegalArgumentException(
          "found " + words.size() + " words; expected NAME TOKEN VERBS NAMESPACES");
    }
    ImmutableSet<String> verbs = ImmutableSet.copyOf(COMMAS.split(words.get(2)));
    if (!verbs.contains("get") || !ImmutableSet.of("get", "update").containsAll(verbs)) {
      throw new IllegalArgumentException("VERBS: expected get or get,update");
    }
    String token = words.get(1);
    HashCode digest;
    if (token.startsWith(HASHED)) {
      String hex = token.substring(HASHED.length());
      if (!hex.matches("[0-9a-f]{64}")) {
        throw new IllegalArgumentException("TOKEN: expected 64 hexadecimal digits after sha256:");
      }
      digest = HashCode.fromString(hex);
    } else if (token.length() < MIN_TOKEN) {
      throw new IllegalArgumentException("TOKEN: expected at least " + MIN_TOKEN + " letters");
    } else {
      digest = digest(token);
    }
    return new Holder(
        words.get(0),
        digest,
        verbs.contains("update"),
        words.get(3).equals("*"),
        ImmutableSet.copyOf(COMMAS.split(words.get(3))));
  }

  private static HashCode digest(String token) {
    return Hashing.sha256().hashString(token, StandardCharsets.UTF_8);
  }

  @Override
  public Caller caller(Optional<String> bearerToken, String address) {
    HashCode shown =
        digest(bearerToken.orElseThrow(() -> Problem.unauthorized("a bearer token is needed")));
    @Nullable Holder found = null;
    // All of them, and HashCode compares in constant time: how long it takes tells nothing.
    for (Holder holder : current()) {
      if (holder.digest().equals(shown)) {
        found = holder;
      }
    }
    if (found == null) {
      throw Problem.unauthorized("the bearer token is nobody's");
    }
    return found;
  }

  private synchronized ImmutableList<Holder> current() {
    if (System.nanoTime() - lookedNanos > LOOK_NANOS) {
      lookedNanos = System.nanoTime();
      try {
        byte[] now = bytes(file);
        if (!Arrays.equals(now, seen)) {
          seen = now;
          holders = parse(file, now);
          log.info("{}: read again, {} tokens", file, holders.size());
        }
      } catch (IOException | IllegalArgumentException e) {
        log.warn("{}; the tokens that were read last stay in force", e.getMessage());
      }
    }
    return holders;
  }
}
