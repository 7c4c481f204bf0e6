// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.config.Direction;
import io.flowmirror.config.Mirror;
import io.flowmirror.controller.reconcile.Requests;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.format.DateTimeParseException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The mirrors that were asked for by REST, and by whom. With a file they outlive the process: the
 * file is written whole and put in place by a rename (rename(2)), before anything else is told.
 *
 * <p>From whatever thread. What is asked for twice is asked for once.
 */
public final class RequestBook implements Asking {
  private static final Logger log = LoggerFactory.getLogger(RequestBook.class);

  /** More is nobody's intent, and each costs memory on every node. */
  static final int MAX_MIRRORS = 10_000;

  private static final ImmutableSet<String> KEYS = ImmutableSet.of("mirrors", "global");
  private static final ImmutableSet<String> GLOBAL_KEYS =
      ImmutableSet.of("all", "by", "since", "nodes");

  /**
   * A mirror.
   *
   * @param mirror which pod
   * @param by who asked
   * @param since when
   * @param until when it ends by itself, if it does
   */
  record Entry(Mirror mirror, String by, Instant since, Optional<Instant> until) {
    boolean isOver(Instant now) {
      return until.isPresent() && !until.get().isAfter(now);
    }
  }

  /** A word on global mirroring. */
  record GlobalEntry(Requests.Global global, String by, Instant since) {}

  private final Optional<Path> file;
  private final InstantSource clock;
  private final CopyOnWriteArrayList<Consumer<Requests>> listeners = new CopyOnWriteArrayList<>();
  private Map<String, Entry> mirrors = new LinkedHashMap<>();
  private Optional<GlobalEntry> global = Optional.empty();

  /**
   * Opens the book.
   *
   * @param file where it is kept, if it is
   * @throws IllegalArgumentException if the file is there and cannot be understood: what it asks
   *     for would otherwise end without a word
   */
  public RequestBook(Optional<Path> file, InstantSource clock) {
    this.file = file;
    this.clock = clock;
    file.filter(Files::exists).ifPresent(this::read);
    removeEnded();
  }

  /**
   * Has what is asked for told, now and with every change; from the thread that makes it, under the
   * book's lock.
   */
  public synchronized void listen(Consumer<Requests> listener) {
    listeners.add(listener);
    listener.accept(requests());
  }

  /** All that is asked for now. */
  public synchronized Requests requests() {
    return new Requests(
        mirrors.values().stream().map(Entry::mirror).collect(ImmutableList.toImmutableList()),
        global.map(GlobalEntry::global));
  }

  /** Who asks, by pod; for everything, or for nothing, under the empty text. */
  public synchronized ImmutableMap<String, String> askers() {
    ImmutableMap.Builder<String, String> askers = ImmutableMap.builder();
    mirrors.forEach((pod, entry) -> askers.put(pod, entry.by()));
    global.ifPresent(entry -> askers.put("", entry.by()));
    return askers.buildOrThrow();
  }

  /** Whether somebody asks for this pod. */
  public synchronized boolean asksFor(String namespacedPod) {
    return mirrors.containsKey(namespacedPod);
  }

  synchronized ImmutableList<Entry> entries() {
    return ImmutableList.copyOf(mirrors.values());
  }

  synchronized Optional<Entry> entry(String namespacedPod) {
    return Optional.ofNullable(mirrors.get(namespacedPod));
  }

  synchronized Optional<GlobalEntry> global() {
    return global;
  }

  /**
   * Asks for a pod, or asks otherwise.
   *
   * @return whether anything is new, but for who asked
   * @throws Problem if there are too many, or the file cannot be written: then nothing has changed
   */
  @Override
  public synchronized boolean put(Mirror mirror, Optional<Instant> until, String by) {
    @Nullable Entry before = mirrors.get(mirror.namespacedPod());
    if (before != null && before.mirror().equals(mirror) && before.until().equals(until)) {
      return false;
    }
    if (before == null && mirrors.size() >= MAX_MIRRORS) {
      throw Problem.conflict("there are " + MAX_MIRRORS + " mirrors by REST already");
    }
    Map<String, Entry> changed = new LinkedHashMap<>(mirrors);
    changed.put(mirror.namespacedPod(), new Entry(mirror, by, clock.instant(), until));
    change(changed, global);
    return true;
  }

  @Override
  public Optional<Entry> entry(String namespace, String pod) {
    return entry(namespace + "/" + pod);
  }

  @Override
  public boolean remove(String namespace, String pod) {
    return remove(namespace + "/" + pod);
  }

  /** Does not ask for a pod any more; false if nobody did. */
  synchronized boolean remove(String namespacedPod) {
    if (!mirrors.containsKey(namespacedPod)) {
      return false;
    }
    Map<String, Entry> changed = new LinkedHashMap<>(mirrors);
    changed.remove(namespacedPod);
    change(changed, global);
    return true;
  }

  /** Sets, or with empty leaves to the settings, where everything is mirrored. */
  synchronized boolean setGlobal(Optional<Requests.Global> wanted, String by) {
    if (global.map(GlobalEntry::global).equals(wanted)) {
      return false;
    }
    change(mirrors, wanted.map(asked -> new GlobalEntry(asked, by, clock.instant())));
    return true;
  }

  /** What {@link #setGlobal} would keep, for {@link #shared} of several controllers. */
  String toBeShared(Optional<Requests.Global> wanted, String by) {
    return wanted
        .map(asked -> json(new GlobalEntry(asked, by, clock.instant())).toString())
        .orElse("");
  }

  /**
   * Takes what several controllers share of global mirroring: it is theirs to keep. What cannot be
   * understood changes nothing.
   *
   * @param text of {@link #toBeShared}; empty if nothing is asked for
   */
  public synchronized void shared(String text) {
    try {
      take(
          mirrors,
          text.isEmpty()
              ? Optional.empty()
              : Optional.of(
                  global(Json.parse(text.getBytes(StandardCharsets.UTF_8), GLOBAL_KEYS))));
    } catch (Problem | IllegalArgumentException | DateTimeParseException e) {
      log.error(
          "what is shared of global mirroring is not what this program writes: {}", e.getMessage());
    }
  }

  /** Removes what has come to its end, and returns it. To be called now and then. */
  synchronized ImmutableList<Entry> removeEnded() {
    Instant now = clock.instant();
    ImmutableList<Entry> ended =
        mirrors.values().stream()
            .filter(entry -> entry.isOver(now))
            .collect(ImmutableList.toImmutableList());
    if (!ended.isEmpty()) {
      Map<String, Entry> changed = new LinkedHashMap<>(mirrors);
      ended.forEach(entry -> changed.remove(entry.mirror().namespacedPod()));
      try {
        change(changed, global);
      } catch (Problem e) {
        // It ends nevertheless: promise 3 before the file, which is read with the same clock.
        log.error("{}", e.detail());
        take(changed, global);
      }
    }
    return ended;
  }

  /** How long until the next one ends by itself. */
  synchronized Optional<Duration> nextEnd() {
    return mirrors.values().stream()
        .flatMap(entry -> entry.until().stream())
        .min(Instant::compareTo)
        .map(end -> Duration.between(clock.instant(), end));
  }

  private void change(Map<String, Entry> changed, Optional<GlobalEntry> changedGlobal) {
    file.ifPresent(path -> write(path, changed, changedGlobal));
    take(changed, changedGlobal);
  }

  private void take(Map<String, Entry> changed, Optional<GlobalEntry> changedGlobal) {
    Requests before = requests();
    mirrors = changed;
    global = changedGlobal;
    Requests now = requests();
    // A later end alone is no other request.
    if (!now.equals(before)) {
      listeners.forEach(listener -> listener.accept(now));
    }
  }

  // The file.

  private static void write(Path path, Map<String, Entry> mirrors, Optional<GlobalEntry> global) {
    ObjectNode root = Json.object();
    ArrayNode list = root.putArray("mirrors");
    mirrors.values().forEach(entry -> list.add(json(entry)));
    global.ifPresent(entry -> root.set("global", json(entry)));
    Path whole = path.resolveSibling(path.getFileName() + ".new");
    try {
      Files.write(whole, Json.MAPPER.writerWithDefaultPrettyPrinter().writeValueAsBytes(root));
      try (FileChannel channel = FileChannel.open(whole, StandardOpenOption.WRITE)) {
        channel.force(true);
      }
      Files.move(whole, path, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      log.error("cannot write {}: {}", path, e.toString());
      throw Problem.unavailable("nothing has changed: " + path + " cannot be written");
    }
  }

  static ObjectNode json(Entry entry) {
    ObjectNode object =
        Json.object()
            .put("pod", entry.mirror().namespacedPod())
            .put("direction", entry.mirror().direction().toString())
            .put("by", entry.by())
            .put("since", entry.since().toString());
    entry.until().ifPresent(until -> object.put("until", until.toString()));
    return object;
  }

  static ObjectNode json(GlobalEntry entry) {
    ObjectNode object =
        Json.object()
            .put("all", entry.global().all())
            .put("by", entry.by())
            .put("since", entry.since().toString());
    object.set("nodes", Json.texts(entry.global().nodes()));
    return object;
  }

  private static GlobalEntry global(ObjectNode all) {
    ImmutableSet.Builder<String> nodes = ImmutableSet.builder();
    all.path("nodes").forEach(node -> nodes.add(node.asText()));
    return new GlobalEntry(
        new Requests.Global(all.path("all").asBoolean(), nodes.build()),
        all.path("by").asText(),
        Instant.parse(all.path("since").asText()));
  }

  private void read(Path path) {
    try {
      ObjectNode root = Json.parse(Files.readAllBytes(path), KEYS);
      Map<String, Entry> found = new LinkedHashMap<>();
      for (JsonNode node : root.path("mirrors")) {
        Mirror mirror =
            Mirror.of(node.path("pod").asText(), Direction.parse(node.path("direction").asText()));
        found.put(
            mirror.namespacedPod(),
            new Entry(
                mirror,
                node.path("by").asText(),
                Instant.parse(node.path("since").asText()),
                node.has("until")
                    ? Optional.of(Instant.parse(node.path("until").asText()))
                    : Optional.empty()));
      }
      mirrors = found;
      if (root.get("global") instanceof ObjectNode all) {
        global = Optional.of(global(all));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(path + " cannot be read", e);
    } catch (Problem | IllegalArgumentException | DateTimeParseException e) {
      throw new IllegalArgumentException(
          path
              + " is not what this program writes: "
              + e.getMessage()
              + "; mend it, or move it away",
          e);
    }
  }
}
