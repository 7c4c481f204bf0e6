// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flowmirror.config.Direction;
import io.flowmirror.topology.PodName;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * A mirror that is asked for as long as somebody here wants it: with an end that is put off again
 * and again, so that it is over soon after this process has died. What others ask for is theirs:
 *
 * <ul>
 *   <li>The configuration's and the API's mirrors are beside this one, and not touched.
 *   <li>One that was asked for by REST without an end is left as it is. One that has an end is
 *       widened and put off, never shortened; in the end it is as it was, except for whose it is
 *       said to be.
 *   <li>Where somebody has changed it meanwhile, it is only put off from then on, and ends by
 *       itself.
 *   <li>Where somebody has taken it back meanwhile, it is not asked for again.
 * </ul>
 *
 * <p>One caller at a time.
 */
final class HeldMirror implements AutoCloseable {
  /** How often it is put off. */
  static final Duration RENEWAL = Duration.ofSeconds(20);

  /** What is left when this process dies: less than a minute. */
  private static final Duration LEASE = Duration.ofSeconds(50);

  /** What the REST API keeps of a pod. */
  private record Asked(Direction direction, Optional<Instant> until) {
    static Asked of(JsonNode mirror) {
      try {
        return new Asked(
            Direction.parse(mirror.path("direction").asText()),
            Optional.of(mirror.path("until").asText(""))
                .filter(text -> !text.isEmpty())
                .map(Instant::parse));
      } catch (IllegalArgumentException | DateTimeParseException e) {
        throw new RemoteException(
            RemoteException.UNREACHED, "the controller speaks of a mirror in another way than we");
      }
    }
  }

  private final Remote remote;
  private final String path;
  private final Consumer<String> says;
  private final Optional<Asked> before;
  private Optional<Asked> mine = Optional.empty();
  private boolean shared;

  private HeldMirror(Remote remote, String path, Optional<Asked> before, Consumer<String> says) {
    this.remote = remote;
    this.path = path;
    this.before = before;
    this.says = says;
  }

  /**
   * Asks for it.
   *
   * @param says is told what of it is not done
   */
  static HeldMirror take(Remote remote, PodName pod, Direction direction, Consumer<String> says) {
    String path = Remote.path("mirrors", pod.namespace(), pod.name());
    Optional<Asked> before = asked(remote, path);
    HeldMirror held = new HeldMirror(remote, path, before, says);
    if (before.isPresent() && before.get().until().isEmpty()) {
      Direction there = before.get().direction();
      if (there.and(direction) != there) {
        says.accept(
            pod + " is mirrored already, without an end, " + there + ": that is what is captured");
      }
    } else {
      held.put(
          before.map(asked -> asked.direction().and(direction)).orElse(direction),
          before.flatMap(Asked::until));
    }
    return held;
  }

  /** What is asked for by REST; the API shows another's where there is none. */
  private static Optional<Asked> asked(Remote remote, String path) {
    return remote
        .find(path)
        .filter(mirror -> mirror.path("madeBy").asText().equals("rest"))
        .map(Asked::of);
  }

  /**
   * Asks for it until {@link #LEASE} from now, by the controller's clock.
   *
   * @param floor the earliest end, if somebody else counts on one
   */
  private void put(Direction direction, Optional<Instant> floor) {
    ObjectNode body = Remote.JSON.createObjectNode().put("direction", direction.toString());
    if (floor.isPresent() && floor.get().isAfter(Instant.now().plus(LEASE))) {
      body.put("until", floor.get().toString());
    } else {
      body.put("for", Words.span(LEASE));
    }
    mine = Optional.of(Asked.of(remote.put(path, body)));
  }

  /**
   * Puts its end off.
   *
   * @return whether it is still asked for
   */
  boolean renew() {
    try {
      Optional<Asked> now = asked(remote, path);
      if (now.isEmpty()) {
        return false;
      }
      if (mine.isPresent()) {
        shared |= !now.equals(mine);
        if (now.get().until().isPresent()) {
          put(now.get().direction(), (shared ? now : before).flatMap(Asked::until));
        }
      }
    } catch (RemoteException e) {
      says.accept("the mirror could not be put off: " + e.line());
    }
    return true;
  }

  /** Takes it back, as far as it is ours. */
  @Override
  public void close() {
    if (mine.isEmpty() || shared) {
      return;
    }
    try {
      if (!asked(remote, path).equals(mine)) {
        return;
      }
      Optional<Instant> end = before.flatMap(Asked::until).filter(Instant.now()::isBefore);
      if (end.isPresent()) {
        remote.put(
            path,
            Remote.JSON
                .createObjectNode()
                .put("direction", before.get().direction().toString())
                .put("until", end.get().toString()));
      } else {
        remote.delete(path);
      }
    } catch (RemoteException e) {
      says.accept(
          "the mirror could not be taken back, and ends by itself within "
              + LEASE.toSeconds()
              + " s: "
              + e.line());
    }
  }
}
