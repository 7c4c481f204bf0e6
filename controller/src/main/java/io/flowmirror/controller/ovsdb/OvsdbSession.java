// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.ovsdb;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.google.common.collect.ImmutableList;
import io.flowmirror.controller.transport.Backoff;
import io.flowmirror.controller.transport.Endpoint;
import io.flowmirror.flows.RowChange;
import io.flowmirror.topology.Bridge;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoop;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
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
 * <p>All state is confined to one event loop, on which the reports come too. ovsdb-server sends the
 * updates of a transaction before the answer to it, so a report that counts a round shows what the
 * round changed. What the switch makes of a new port comes later, in {@code ofport} or {@code
 * error} of its interface; {@code refused} is the database's word.
 *
 * <p>A round that is asked for without a connection, or whose connection is lost before the answer,
 * is reported as refused: in the second case it may have been made, and the bridge reported next
 * shows whether it was.
 */
final class OvsdbSession implements BridgeSession, RpcConnection.Listener {
  private static final Logger LOG = LoggerFactory.getLogger(OvsdbSession.class);
  private static final String DATABASE = "Open_vSwitch";
  private static final String MONITOR_ID = "bridge";

  /** How often a round is planned anew because somebody else was faster. */
  private static final int MAX_PLANS = 5;

  private record Round(long number, ImmutableList<RowChange> changes) {}

  private final String node;
  private final Endpoint peer;
  private final String bridgeName;
  private final Consumer<BridgeReport> reports;
  private final OvsdbTimings timings;
  private final EventLoop loop;
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

  private final Queue<Round> rounds = new ArrayDeque<>();
  private boolean inFlight;
  private long answeredRound;
  private String refused = "";
  private @Nullable BridgeReport lastReport;

  OvsdbSession(
      String node,
      Endpoint peer,
      String bridgeName,
      Consumer<BridgeReport> reports,
      OvsdbTimings timings,
      EventLoop loop,
      Consumer<OvsdbSession> onClose) {
    this.node = node;
    this.peer = peer;
    this.bridgeName = bridgeName;
    this.reports = reports;
    this.timings = timings;
    this.loop = loop;
    this.backoff = new Backoff(timings.firstBackoff(), timings.lastBackoff());
    this.onClose = onClose;
  }

  void start() {
    loop.execute(this::connect);
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
            nextRound();
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
          if (channel != null) {
            channel.close();
          }
        });
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
                })
            .addListener(
                attempt -> {
                  if (!attempt.isSuccess()) {
                    lost("cannot connect: " + plainMessage(attempt.cause()));
                  }
                })
            .channel();
  }

  /** Without the address, which Netty appends and the reason names anyway. */
  private static String plainMessage(Throwable failure) {
    Throwable cause = failure.getCause();
    return String.valueOf((cause == null ? failure : cause).getMessage());
  }

  @Override
  public void connected(RpcConnection fresh) {
    if (closed) {
      fresh.close("session closed");
      return;
    }
    connection = fresh;
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
          // Only now: a database that is understood no better each time is not asked in a rush.
          backoff.reset();
          refresh(first);
          nextRound();
        });
  }

  @Override
  public void notified(String method, JsonNode params) throws BadRowException {
    boolean ours = method.equals("update") && params.path(0).asText().equals(MONITOR_ID);
    BridgeTables known = tables;
    if (ours && known != null) {
      known.update(params.path(1));
      refresh(known);
    }
  }

  @Override
  public void closed(String why) {
    lost(why);
  }

  /** The connection is gone, or there was none: forget what it said, and try again. */
  private void lost(String why) {
    channel = null;
    connection = null;
    tables = null;
    bridge = Optional.empty();
    reason = "ovsdb-server at " + peer + ": " + why;
    inFlight = false;
    for (Round round : rounds) {
      answeredRound = round.number();
      refused = "the connection was lost before the answer: " + why;
    }
    rounds.clear();
    report();
    if (!closed) {
      loop.schedule(this::connect, backoff.next().toNanos(), TimeUnit.NANOSECONDS);
    }
  }

  private void refresh(BridgeTables known) throws BadRowException {
    bridge = known.bridge(bridgeName);
    reason = bridge.isPresent() ? "" : "there is no bridge " + bridgeName;
    report();
  }

  private void nextRound() {
    while (!inFlight && !rounds.isEmpty()) {
      BridgeTables known = tables;
      RpcConnection live = connection;
      if (known == null || live == null) {
        if (live == null) {
          answer("not connected: " + reason);
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

  private void answer(String why) {
    answeredRound = rounds.remove().number();
    refused = why;
    report();
  }

  private void report() {
    BridgeReport report = new BridgeReport(bridge, reason, answeredRound, refused);
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
        LOG.info("{}: {}", node, reason.isEmpty() ? "following " + bridgeName : reason);
      }
      try {
        reports.accept(report);
      } catch (RuntimeException e) {
        // The consumer's fault is not the connection's.
        LOG.error("{}: the consumer of OVSDB reports failed", node, e);
      }
    }
  }
}
