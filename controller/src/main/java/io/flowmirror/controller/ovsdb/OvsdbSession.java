// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.ovsdb;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.controller.transport.Backoff;
import io.flowmirror.controller.transport.Endpoint;
import io.flowmirror.controller.transport.TlsException;
import io.flowmirror.controller.transport.Turnstile;
import io.flowmirror.controller.transport.UnansweredException;
import io.flowmirror.controller.transport.UnansweredException.Why;
import io.flowmirror.flows.RowChange;
import io.flowmirror.topology.Bridge;
import io.flowmirror.topology.InterfaceCounters;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.ScheduledFuture;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A session with the database of one node (RFC 7047).
 *
 * <p>It asks for a plain {@code monitor} (section 4.1.5) rather than {@code monitor_cond}: which
 * rows belong to a bridge is known by reference only, which no condition can say, and the plain
 * form sends a changed row whole, so that an update needs nothing of what came before it.
 *
 * <p>All state is confined to one event loop, on which the reports come too. Updates that come
 * together, or in a rush, are reported together. ovsdb-server sends the updates of a transaction
 * before the answer to it, and a report that counts a round shows what the round changed. What the
 * switch makes of a new port comes later, in {@code ofport} or {@code error} of its interface;
 * {@code refused} is the database's word.
 *
 * <p>A round that is asked for without a connection, or whose connection is lost before the answer,
 * is reported as refused: in the second case it may have been made, and the bridge reported next
 * shows whether it was.
 *
 * <p>A connection has proved good when the database has been followed for as long as the longest
 * wait between two attempts. Until then another failure makes the next wait longer still, and what
 * has been said already is not said again in the log.
 */
final class OvsdbSession implements BridgeSession, RpcConnection.Listener {
  private static final Logger LOG = LoggerFactory.getLogger(OvsdbSession.class);
  private static final String DATABASE = "Open_vSwitch";
  private static final String MONITOR_ID = "bridge";

  /** How often a round is planned anew because somebody else was faster. */
  private static final int MAX_PLANS = 5;

  /** The shortest time between two reports, for the sake of whoever takes them. */
  private static final Duration REST = Duration.ofMillis(2);

  /** What it is for each interface: ten times what making a report takes. */
  private static final Duration REST_FOR_EACH = Duration.ofNanos(10_000);

  /** What it is when the bridge has gone, which people are told, as they are when it is back. */
  private static final Duration LONG_REST = Duration.ofSeconds(1);

  /** How many reasons are remembered, lest they be said again. */
  private static final int MAX_SAID = 20;

  /** How many questions may wait for their answers. */
  private static final int MAX_QUESTIONS = 32;

  private record Round(long number, ImmutableList<RowChange> changes) {}

  private final String node;
  private final Endpoint peer;
  private final String bridgeName;
  private Lock.Wish wish;
  private Lock lock = Lock.UNKNOWN;

  /** Whether it has been asked to be taken from whoever has it, and not been answered. */
  private boolean stealing;

  /** Whether the server has a request for the lock of ours, answered or not. */
  private boolean requested;

  private final Consumer<BridgeReport> reports;
  private final OvsdbTimings timings;
  private final EventLoop loop;
  private final Turnstile.Peer place;
  private final Backoff backoff;
  private final Consumer<OvsdbSession> onClose;

  /** Held while a report is delivered, so that none comes after {@link #close}. */
  private final Object delivery = new Object();

  private volatile boolean closed;

  private @Nullable Channel channel;
  private @Nullable RpcConnection connection;
  private @Nullable BridgeTables tables;
  private Optional<Bridge> bridge = Optional.empty();
  private String reason = "not connected yet";

  /** Whether the tables have changed since {@link #bridge} was made of them. */
  private boolean stale;

  private @Nullable ScheduledFuture<?> rest;
  private @Nullable ScheduledFuture<?> proof;
  private boolean proved;
  private final Set<String> said = new HashSet<>();
  private String lastSaid = "";

  private final Queue<Round> rounds = new ArrayDeque<>();
  private final Map<CounterQuery, CompletableFuture<?>> questions = new HashMap<>();
  private boolean inFlight;
  private long answeredRound;
  private String refused = "";
  private @Nullable BridgeReport lastReport;

  /** One that connects whatever others do. */
  OvsdbSession(
      String node,
      Endpoint peer,
      String bridgeName,
      Lock.Wish wish,
      Consumer<BridgeReport> reports,
      OvsdbTimings timings,
      EventLoop loop,
      Consumer<OvsdbSession> onClose) {
    this(node, peer, bridgeName, wish, reports, timings, loop, Turnstile.open(), onClose);
  }

  OvsdbSession(
      String node,
      Endpoint peer,
      String bridgeName,
      Lock.Wish wish,
      Consumer<BridgeReport> reports,
      OvsdbTimings timings,
      EventLoop loop,
      Turnstile turnstile,
      Consumer<OvsdbSession> onClose) {
    this.node = node;
    this.peer = peer;
    this.bridgeName = bridgeName;
    this.wish = wish;
    this.reports = reports;
    this.timings = timings;
    this.loop = loop;
    this.place = turnstile.peer(loop);
    this.backoff = new Backoff(timings.firstBackoff(), timings.lastBackoff());
    this.onClose = onClose;
  }

  void start() {
    loop.execute(this::begin);
  }

  /** Connects when there is a place among those that do. */
  private void begin() {
    if (!closed) {
      place.enter(this::connect);
    }
  }

  /**
   * {@inheritDoc}
   *
   * <p>Rounds are carried out one after the other.
   */
  @Override
  public void apply(long round, List<RowChange> changes) {
    Round wanted = new Round(round, ImmutableList.copyOf(changes));
    if (!closed) {
      loop.execute(
          () -> {
            rounds.add(wanted);
            closingIfBad(this::nextRound);
          });
    }
  }

  /**
   * {@inheritDoc}
   *
   * <p>If a report is just being delivered, this waits for its consumer to return, so it must not
   * be called with a lock held that the consumer takes. The consumer itself may call it.
   */
  @Override
  public void close() {
    synchronized (delivery) {
      if (closed) {
        return;
      }
      closed = true;
    }
    onClose.accept(this);
    loop.execute(
        () -> {
          place.leave();
          if (channel != null) {
            channel.close();
          }
        });
  }

  @Override
  public CompletableFuture<ImmutableMap<String, InterfaceCounters>> counters(
      ImmutableSet<String> interfaces) {
    CompletableFuture<ImmutableMap<String, InterfaceCounters>> answer = new CompletableFuture<>();
    if (interfaces.size() > MAX_INTERFACES) {
      fail(answer, Why.TOO_LARGE, "more than " + MAX_INTERFACES + " interfaces at once");
    } else if (interfaces.isEmpty()) {
      answer.complete(ImmutableMap.of());
    } else {
      try {
        loop.execute(() -> ask(new CounterQuery(interfaces), answer));
      } catch (RejectedExecutionException e) {
        fail(answer, Why.CLOSED, "the session is closed");
      }
    }
    return answer;
  }

  private void ask(
      CounterQuery query, CompletableFuture<ImmutableMap<String, InterfaceCounters>> answer) {
    RpcConnection live = connection;
    if (live == null) {
      fail(answer, closed ? Why.CLOSED : Why.NOT_CONNECTED, "no OVSDB connection: " + reason);
    } else if (questions.size() >= MAX_QUESTIONS) {
      fail(answer, Why.BUSY, MAX_QUESTIONS + " questions to this database wait already");
    } else if (!answer.isDone()) {
      questions.put(query, answer);
      live.request(
          "transact",
          query.params(),
          (result, error) -> {
            questions.remove(query);
            try {
              answer.complete(query.answer(result, error));
            } catch (UnansweredException e) {
              answer.completeExceptionally(e);
            } catch (BadRowException e) {
              // Nobody acts on it but whoever has asked: no reason to leave the database.
              fail(answer, Why.REFUSED, e.getMessage());
            }
          });
    }
  }

  private static void fail(CompletableFuture<?> answer, Why why, String words) {
    answer.completeExceptionally(new UnansweredException(why, words));
  }

  private void connect() {
    if (closed) {
      return;
    }
    channel =
        peer.dial(
                loop,
                timings.answer(),
                new ChannelInitializer<>() {
                  @Override
                  protected void initChannel(Channel fresh) {
                    RpcConnection.install(fresh, timings, OvsdbSession.this);
                  }
                },
                place::reached)
            .addListener(
                attempt -> {
                  if (!attempt.isSuccess()) {
                    lost(words(attempt.cause()));
                  }
                })
            .channel();
  }

  /** Without the address, which Netty appends and the reason names anyway. */
  private static String words(Throwable failure) {
    if (failure instanceof TlsException) {
      return String.valueOf(failure.getMessage());
    }
    Throwable cause = failure.getCause();
    return "cannot connect: " + (cause == null ? failure : cause).getMessage();
  }

  @Override
  public void connected(RpcConnection fresh) {
    if (closed) {
      fresh.close("session closed");
      return;
    }
    connection = fresh;
    place.answered();
    if (wish != Lock.Wish.NONE) {
      // Before the monitor, so that its answer comes before the first report of the bridge.
      askForLock(fresh);
    }
    ArrayNode params = JsonNodeFactory.instance.arrayNode();
    params.add(DATABASE).add(MONITOR_ID).add(BridgeTables.monitorRequests());
    fresh.request(
        "monitor",
        params,
        (result, error) -> {
          if (!error.isNull()) {
            fresh.close("the database refused the monitor: " + error);
            return;
          }
          BridgeTables first = new BridgeTables();
          first.update(result);
          tables = first;
          stale = true;
          place.leave();
          proof =
              loop.schedule(this::proved, timings.lastBackoff().toNanos(), TimeUnit.NANOSECONDS);
          nextRound();
        });
  }

  @Override
  public void lock(Lock.Wish wished) {
    if (!closed) {
      loop.execute(() -> wish(wished));
    }
  }

  private void wish(Lock.Wish wished) {
    RpcConnection live = connection;
    if (wished == Lock.Wish.YIELD) {
      if (live != null && lock == Lock.OURS) {
        LOG.info("{}: lets another controller have the lock", node);
        lock = Lock.ANOTHERS;
        unlock(live);
        askForLock(live);
        if (tables != null) {
          report();
        }
      }
      return;
    }
    // Who has it need not take it from anybody later.
    wish = lock == Lock.OURS && wished == Lock.Wish.STEAL ? Lock.Wish.WAIT : wished;
    if (live == null || lock == Lock.REFUSED || (lock == Lock.OURS && wished != Lock.Wish.NONE)) {
      return;
    }
    if (stealing && wished == Lock.Wish.STEAL) {
      // It is on its way: to give it up in between would hand it to whoever waits, for a moment.
      return;
    }
    // Answered or not: the server has it, and takes no second request without an unlock.
    boolean isAsked = requested;
    if (isAsked && wished != Lock.Wish.WAIT) {
      unlock(live);
    }
    if (wished == Lock.Wish.NONE) {
      lock = Lock.ANOTHERS;
      if (tables != null) {
        report();
      }
    } else if (!isAsked || wished == Lock.Wish.STEAL) {
      askForLock(live);
    }
  }

  /** Who waits, or has lost it, may not ask once more before this (RFC 7047, section 4.1.8). */
  private void unlock(RpcConnection live) {
    requested = false;
    live.request(
        "unlock",
        JsonNodeFactory.instance.arrayNode().add(Lock.ID),
        (result, error) -> {
          if (!error.isNull()) {
            LOG.warn("{}: the database refused to unlock: {}", node, error);
          }
        });
  }

  private void askForLock(RpcConnection fresh) {
    stealing = wish == Lock.Wish.STEAL;
    requested = true;
    fresh.request(
        wish == Lock.Wish.STEAL ? "steal" : "lock",
        JsonNodeFactory.instance.arrayNode().add(Lock.ID),
        (result, error) -> {
          stealing = false;
          if (!error.isNull()) {
            LOG.warn("{}: the database refused the lock: {}", node, error);
            lock = Lock.REFUSED;
          } else if (result.path("locked").isBoolean()) {
            lock = result.path("locked").booleanValue() ? Lock.OURS : Lock.ANOTHERS;
          } else {
            throw new BadRowException("the answer to lock says neither that it is ours nor not");
          }
          // It is taken from another once: lost again later, it is waited for.
          wish = Lock.Wish.WAIT;
          if (tables != null) {
            report();
          }
        });
  }

  private void proved() {
    proved = true;
    backoff.reset();
    said.clear();
    if (!reason.equals(lastSaid)) {
      log();
    }
  }

  @Override
  public void notified(String method, JsonNode params) throws BadRowException {
    JsonNode monitor = params.path(0);
    if (method.equals("locked") || method.equals("stolen")) {
      // Sections 4.1.9 and 4.1.10; of no other lock, and only of one that was asked for.
      if (monitor.asText().equals(Lock.ID) && wish != Lock.Wish.NONE) {
        Lock before = lock;
        lock = method.equals("locked") ? Lock.OURS : Lock.ANOTHERS;
        if (lock != before) {
          LOG.info(
              "{}: {}",
              node,
              lock == Lock.OURS
                  ? "the other controller is gone: this one writes now"
                  : "another controller has taken over");
        }
        RpcConnection live = connection;
        if (lock == Lock.ANOTHERS && live != null && !stealing) {
          // It is waited for anew, whether the server still counts us among those who wait or not.
          unlock(live);
          askForLock(live);
        }
        if (tables != null) {
          report();
        }
      }
      return;
    }
    if (!method.equals("update")
        || !monitor.isTextual()
        || !monitor.textValue().equals(MONITOR_ID)) {
      return;
    }
    BridgeTables known = tables;
    if (known == null) {
      throw new BadRowException("an update came before the answer to monitor");
    }
    known.update(params.path(1));
    stale = true;
  }

  @Override
  public void caughtUp() throws BadRowException {
    if (stale && rest == null) {
      lookAgain();
      report();
    }
  }

  @Override
  public void closed(String why) {
    lost(why);
  }

  /** The connection is gone, or there was none: forget what it said, and try again. */
  private void lost(String why) {
    if (!loop.inEventLoop()) {
      // A channel that could not even be made, for want of descriptors, has no loop of its own.
      loop.execute(() -> lost(why));
      return;
    }
    channel = null;
    connection = null;
    tables = null;
    stale = false;
    rest = cancelled(rest);
    proof = cancelled(proof);
    proved = false;
    bridge = Optional.empty();
    lock = Lock.UNKNOWN;
    stealing = false;
    requested = false;
    reason = "ovsdb-server at " + peer + ": " + why;
    inFlight = false;
    place.leave();
    for (Round round : rounds) {
      answeredRound = round.number();
      refused = BridgeReport.LOST + why;
    }
    rounds.clear();
    questions.forEach(
        (query, answer) ->
            fail(answer, Why.LOST, "the connection was lost before the answer: " + why));
    questions.clear();
    report();
    if (!closed) {
      loop.schedule(this::begin, backoff.next().toNanos(), TimeUnit.NANOSECONDS);
    }
  }

  private static @Nullable ScheduledFuture<?> cancelled(@Nullable ScheduledFuture<?> timer) {
    if (timer != null) {
      timer.cancel(false);
    }
    return null;
  }

  /** Makes {@link #bridge} and {@link #reason} what the tables say now. */
  private void lookAgain() throws BadRowException {
    BridgeTables known = tables;
    if (!stale || known == null) {
      return;
    }
    boolean was = bridge.isPresent();
    bridge = known.bridge(bridgeName);
    reason = bridge.isPresent() ? "" : "there is no bridge " + bridgeName;
    stale = false;
    Duration length =
        was && bridge.isEmpty()
            ? LONG_REST
            : REST.plus(
                REST_FOR_EACH.multipliedBy(bridge.map(b -> b.interfaces().size()).orElse(0)));
    cancelled(rest);
    rest = loop.schedule(this::rested, length.toNanos(), TimeUnit.NANOSECONDS);
  }

  private void rested() {
    rest = null;
    closingIfBad(this::caughtUp);
  }

  /** What may find that the tables make no sense. */
  private interface Look {
    void look() throws BadRowException;
  }

  private void closingIfBad(Look look) {
    try {
      look.look();
    } catch (BadRowException e) {
      if (connection != null) {
        connection.close(e.getMessage());
      }
    }
  }

  private void nextRound() throws BadRowException {
    while (!inFlight && !rounds.isEmpty()) {
      BridgeTables known = tables;
      RpcConnection live = connection;
      if (known == null || live == null) {
        if (live == null) {
          answer(BridgeReport.NOT_CONNECTED + reason);
          continue;
        }
        return; // the first answer is on its way
      }
      PortTransaction plan = plan(known);
      if (plan.isEmpty()) {
        answer("");
      } else {
        inFlight = true;
        transact(live, known, plan, 1);
      }
    }
  }

  private PortTransaction plan(BridgeTables known) {
    return PortTransaction.plan(bridgeName, known, rounds.element().changes());
  }

  private void transact(RpcConnection live, BridgeTables known, PortTransaction plan, int plans) {
    live.request(
        "transact",
        plan.params(),
        (result, error) -> {
          PortTransaction.Outcome outcome = plan.outcome(result, error);
          // The tables are at least as new as the answer: see what somebody else did.
          PortTransaction again = outcome.outdated() ? plan(known) : plan;
          if (plans < MAX_PLANS && !again.sameAs(plan) && !again.isEmpty()) {
            transact(live, known, again, plans + 1);
            return;
          }
          inFlight = false;
          answer(again.isEmpty() ? "" : outcome.refused());
          nextRound();
        });
  }

  private void answer(String why) throws BadRowException {
    lookAgain();
    answeredRound = rounds.remove().number();
    refused = why;
    report();
  }

  private void report() {
    BridgeReport report = new BridgeReport(bridge, reason, answeredRound, refused, lock);
    if (report.equals(lastReport)) {
      return;
    }
    boolean reasonIsNew = lastReport == null || !lastReport.reason().equals(reason);
    lastReport = report;
    synchronized (delivery) {
      if (closed) {
        return;
      }
      if (reasonIsNew) {
        log();
      }
      try {
        reports.accept(report);
      } catch (RuntimeException e) {
        // The consumer's fault is not the connection's.
        LOG.error("{}: the consumer of OVSDB reports failed", node, e);
      }
    }
  }

  private void log() {
    if (said.size() > MAX_SAID) {
      said.clear();
    }
    String line = reason.isEmpty() ? "following " + bridgeName : reason;
    if (proved || said.add(reason)) {
      lastSaid = reason;
      LOG.info("{}: {}", node, line);
    } else {
      LOG.debug("{}: {}", node, line);
    }
  }
}
