// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.google.common.base.CharMatcher;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.ImmutableSetMultimap;
import io.flowmirror.config.Direction;
import io.flowmirror.config.Mirror;
import io.flowmirror.config.Settings;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.flows.FlowKey;
import io.flowmirror.topology.PodInterface;
import io.flowmirror.topology.PodName;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The audit log: a line for each tap that starts and stops, whoever asked, from when to when. It
 * goes by what is on the switch: a tap has started when all of its entries are there, and has
 * stopped when nobody wants it and the last of them is gone. A gap that is repaired is neither.
 *
 * <p>It is told on the loop's thread, at each of its turns: of nodes of which nothing is new, that
 * costs next to nothing. {@link #close} is called when the loop has ended.
 */
final class AuditLog implements Consumer<ImmutableMap<String, NodeStatus>>, AutoCloseable {
  private static final Logger AUDIT = LoggerFactory.getLogger("io.flowmirror.audit");

  /** A line is a list of words: whoever chooses a name must not write another's line. */
  private static final CharMatcher IN_A_WORD = CharMatcher.inRange('!', '~');

  /** Who asks. What has not changed is the same object as before. */
  interface Askers {
    /** The settings in force. */
    Settings settings();

    /** Who asks by REST, see {@link io.flowmirror.controller.northbound.RequestBook#askers}. */
    ImmutableMap<String, String> byRest();

    /** Who asks on a node in the API. */
    ImmutableMap<PodInterface, ImmutableSet<String>> byApi(String node);

    /** Which pods those are that are asked for on a node in the API, by uid. */
    ImmutableMap<PodInterface, String> uids(String node);
  }

  private record Running(
      Direction direction,
      ImmutableSet<String> by,
      String uid,
      Instant since,
      ImmutableSet<FlowKey> keys) {
    /**
     * It is the same pod's, by its interface of br-int. Who does not ask any more is gone from what
     * is known a moment before the loop hears of it: where nobody is left, it was he.
     */
    private Running after(Running was) {
      return new Running(
          direction, by.isEmpty() ? was.by : by, uid.isEmpty() ? was.uid : uid, since, keys);
    }
  }

  private final Askers askers;
  private final InstantSource clock;
  private final Map<String, Map<Tap, Running>> running = new HashMap<>();
  private final Map<String, Taps> taps = new HashMap<>();

  /** Where a tap that goes on was not whole when something of it was new: it is looked at again. */
  private final Set<String> doubtful = new HashSet<>();

  /** Who asks in the API, and for which pods. */
  private record Asked(
      ImmutableMap<PodInterface, ImmutableSet<String>> by,
      ImmutableMap<PodInterface, String> uids) {
    private boolean isSameAs(@Nullable Asked other) {
      return other != null && isSame(by, other.by) && isSame(uids, other.uids);
    }
  }

  private final Map<String, Asked> byApi = new HashMap<>();
  private ImmutableMap<String, NodeStatus> last = ImmutableMap.of();
  private @Nullable Settings settings;
  private ImmutableMap<String, String> byRest = ImmutableMap.of();
  private ImmutableSet<String> inFile = ImmutableSet.of();

  AuditLog(Askers askers, InstantSource clock) {
    this.askers = askers;
    this.clock = clock;
  }

  @Override
  public void accept(ImmutableMap<String, NodeStatus> statuses) {
    boolean all = takeAskers();
    for (String node : ImmutableList.copyOf(running.keySet())) {
      if (!statuses.containsKey(node)) {
        gone(node, Objects.requireNonNull(last.get(node)));
      }
    }
    byApi.keySet().retainAll(statuses.keySet());
    taps.keySet().retainAll(statuses.keySet());
    doubtful.retainAll(statuses.keySet());
    statuses.forEach(
        (node, status) -> {
          Asked asking = new Asked(askers.byApi(node), askers.uids(node));
          // One by one, and not as a whole: of a thousand nodes one has changed.
          boolean asked = !asking.isSameAs(byApi.put(node, asking)) || all;
          if (asked || !isSame(status, last.get(node))) {
            look(node, status, asked);
          }
        });
    last = statuses;
  }

  @SuppressWarnings("ReferenceEquality") // It is what tells cheaply that nothing is new.
  private static boolean isSame(Object one, @Nullable Object other) {
    return one == other;
  }

  /** Whether others may be asking now. */
  private boolean takeAskers() {
    Settings now = askers.settings();
    ImmutableMap<String, String> rest = askers.byRest();
    boolean same = isSame(now, settings) && isSame(rest, byRest);
    if (!isSame(now, settings)) {
      inFile =
          now.mirrors().stream().map(Mirror::namespacedPod).collect(ImmutableSet.toImmutableSet());
    }
    settings = now;
    byRest = rest;
    return !same;
  }

  /** Looks at a node of which something is new; {@code asked} says whether who asks may be. */
  private void look(String node, NodeStatus status, boolean asked) {
    if (status.writer() != NodeStatus.Writer.US) {
      leave(node, "another controller writes there");
      return;
    }
    if (asked) {
      doubtful.add(node);
    }
    if (!Tap.isKnown(status)) {
      // What is there stays there; nobody can say more.
      return;
    }
    Map<Tap, Running> here = running.computeIfAbsent(node, any -> new LinkedHashMap<>());
    @Nullable Taps before = taps.get(node);
    Taps now = Taps.of(status, before);
    taps.put(node, now);
    ImmutableMap<Tap, Direction> wanted = now.wanted();
    ImmutableSet<Tap> whole = now.whole(status);
    ImmutableSetMultimap<PodName, FlowKey> keys = now.keys();
    // What runs and is whole goes on as it was then: most of what is new is that a gap is closed.
    boolean isNew = !now.areAsIn(before) || doubtful.contains(node);
    doubtful.remove(node);
    for (Tap tap : ImmutableList.copyOf(here.keySet())) {
      Running was = Objects.requireNonNull(here.get(tap));
      @Nullable Direction direction = wanted.get(tap);
      if (direction == null) {
        if (!Tap.isLeft(status, was.keys())) {
          stopped(node, tap, was);
          here.remove(tap);
        }
      } else if (isNew && !whole.contains(tap)) {
        doubtful.add(node);
      } else if (isNew) {
        Running running = running(node, status, tap, direction, was.since(), keys).after(was);
        if (direction != was.direction()) {
          stopped(node, tap, was);
          running = running(node, status, tap, direction, clock.instant(), keys).after(was);
          say("started", node, tap, running, "");
        } else if (!running.by().equals(was.by())) {
          say("continued", node, tap, running, " before=" + by(was));
        }
        here.put(tap, running);
      }
    }
    for (Tap tap : whole) {
      if (!here.containsKey(tap)) {
        Direction direction = Objects.requireNonNull(wanted.get(tap));
        Running running = running(node, status, tap, direction, clock.instant(), keys);
        say("started", node, tap, running, "");
        here.put(tap, running);
      }
    }
    if (here.isEmpty()) {
      running.remove(node);
    }
  }

  private Running running(
      String node,
      NodeStatus status,
      Tap tap,
      Direction direction,
      Instant since,
      ImmutableSetMultimap<PodName, FlowKey> keys) {
    PodInterface at = tap.at();
    ImmutableSet.Builder<String> by = ImmutableSet.builder();
    if (status.intent().everything()) {
      @Nullable String rest = byRest.get("");
      by.add(rest == null ? "enable-mirror" : "global:" + rest);
    }
    if (at.isPrimary()) {
      if (inFile.contains(at.pod().toString())) {
        by.add("file");
      }
      @Nullable String rest = byRest.get(at.pod().toString());
      if (rest != null) {
        by.add("rest:" + rest);
      }
    }
    Asked asking = Objects.requireNonNull(byApi.get(node));
    by.addAll(asking.by().getOrDefault(at, ImmutableSet.of()));
    return new Running(
        direction, by.build(), asking.uids().getOrDefault(at, ""), since, keys.get(at.pod()));
  }

  /** A node that is not ours any more; one that was to be cleaned before has been. */
  private void gone(String node, NodeStatus status) {
    if (Tap.isKnown(status) && status.intent().mirrorIface().isEmpty()) {
      Objects.requireNonNull(running.remove(node)).forEach((tap, was) -> stopped(node, tap, was));
    } else {
      leave(node, "this controller does not serve the node any more");
    }
  }

  private void leave(String node, String why) {
    @Nullable Map<Tap, Running> here = running.remove(node);
    if (here != null) {
      here.forEach((tap, was) -> say("left", node, tap, was, until(was) + " because: " + why));
    }
  }

  private void stopped(String node, Tap tap, Running was) {
    say("stopped", node, tap, was, until(was));
  }

  private String until(Running was) {
    return " from=" + was.since() + " to=" + clock.instant();
  }

  private static void say(String what, String node, Tap tap, Running of, String more) {
    AUDIT.info(
        "{} pod={} uid={} interface={} port={} direction={} node={} by={}{}",
        what,
        tap.at().pod(),
        of.uid().isEmpty() ? "-" : of.uid(),
        tap.at().isPrimary() ? "primary" : tap.at().provider(),
        tap.interfaceName(),
        of.direction(),
        node,
        by(of),
        more);
  }

  private static String by(Running of) {
    return of.by().isEmpty() ? "-" : IN_A_WORD.negate().replaceFrom(String.join(",", of.by()), '_');
  }

  /** What goes on is told of as well: nobody watches it from now on. */
  @Override
  public void close() {
    for (String node : ImmutableList.copyOf(running.keySet())) {
      leave(node, "this controller ends; what is mirrored stays so, for at most hold");
    }
  }
}
