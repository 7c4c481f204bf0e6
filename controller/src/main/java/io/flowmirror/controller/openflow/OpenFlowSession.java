// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.flowmirror.controller.transport.Backoff;
import io.flowmirror.controller.transport.TlsException;
import io.flowmirror.controller.transport.Turnstile;
import io.flowmirror.controller.transport.UnansweredException;
import io.flowmirror.flows.EntryFilter;
import io.flowmirror.flows.FlowChange;
import io.flowmirror.flows.InstalledEntry;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoop;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A session over br-int's service connection, the only kind whose coming and going leaves OVN's
 * flow entries alone (Open vSwitch, ofproto/connmgr.c): never a primary controller. It takes no
 * role but the one of MASTER, and that only when it is told to {@link #claim} it from other
 * controllers of the same kind; ovn-controller, which has the role EQUAL, is not concerned by that.
 *
 * <p>All state belongs to one event loop, on which every connection of this session runs. Opened by
 * {@link OpenFlowConnector#open}.
 */
public final class OpenFlowSession implements DatapathSession {

  /** How far a session's connection has got. */
  public enum State {
    /** The socket is being connected. */
    CONNECTING,
    /** OFPT_HELLO is exchanged. */
    HELLO,
    /** OFPT_FEATURES_REQUEST is sent. */
    FEATURES,
    /** OFPMP_DESC is asked for. */
    DESCRIPTION,
    /** OFPT_GET_CONFIG_REQUEST, OFPT_SET_CONFIG and OFPT_SET_ASYNC are sent. */
    CONFIGURATION,
    /** OFPMP_PORT_DESC is asked for. */
    PORTS,
    /** The tables are being read for the first time. */
    READING,
    /** The first report has been made. */
    LIVE,
    /** There is no connection; the next attempt comes after a while. */
    WAITING,
    /** Closed for good. */
    CLOSED
  }

  private static final Logger LOG = LoggerFactory.getLogger(OpenFlowSession.class);

  private static final AtomicLong CONNECTIONS = new AtomicLong();

  private final OpenFlowOptions options;
  private final EventLoop loop;
  private final Codecs codecs;
  private final Consumer<DatapathReport> reports;
  private final Executor reporter;
  private final AtomicReference<@Nullable DatapathReport> unread = new AtomicReference<>();
  private volatile State state = State.WAITING;
  private @Nullable LiveDatapath live;
  private final Turnstile.Peer place;
  private final Backoff backoff;
  private String lastReason = "";
  private String whyWaiting = "";

  /** One that connects whatever others do. */
  OpenFlowSession(
      OpenFlowOptions options,
      EventLoop loop,
      Codecs codecs,
      Consumer<DatapathReport> reports,
      Executor reporter) {
    this(options, loop, codecs, reports, reporter, Turnstile.open());
  }

  OpenFlowSession(
      OpenFlowOptions options,
      EventLoop loop,
      Codecs codecs,
      Consumer<DatapathReport> reports,
      Executor reporter,
      Turnstile turnstile) {
    this.options = options;
    this.loop = loop;
    this.codecs = codecs;
    this.reports = reports;
    this.reporter = reporter;
    this.place = turnstile.peer(loop);
    this.backoff = new Backoff(options.minBackoff(), options.maxBackoff());
  }

  void start() {
    loop.execute(this::begin);
  }

  /** Connects when there is a place among those that do. */
  private void begin() {
    if (state != State.CLOSED) {
      place.enter(this::connect);
    }
  }

  /** How far the connection has got; may be asked from any thread. */
  public State state() {
    return state;
  }

  @Override
  public void apply(long connection, long round, List<FlowChange> changes, boolean proven) {
    ImmutableList<FlowChange> copy = ImmutableList.copyOf(changes);
    onLive(connection, "round " + round, datapath -> datapath.apply(round, copy, proven));
  }

  @Override
  public void claim(long connection, long generation) {
    onLive(connection, "claim " + generation, datapath -> datapath.claim(generation));
  }

  @Override
  public void bringUp(long connection, int ofport) {
    onLive(connection, "bringing up port " + ofport, datapath -> datapath.bringUp(ofport));
  }

  @Override
  public void read() {
    loop.execute(
        () -> {
          if (live != null && state == State.LIVE) {
            live.read();
          }
        });
  }

  @Override
  public CompletableFuture<Void> audit() {
    CompletableFuture<Void> told = new CompletableFuture<>();
    onDemand(told, datapath -> datapath.audit(told));
    return told;
  }

  @Override
  public CompletableFuture<Long> dump(
      EntryFilter filter, Consumer<ImmutableList<InstalledEntry>> batches) {
    CompletableFuture<Long> outcome = new CompletableFuture<>();
    onDemand(outcome, datapath -> datapath.dump(new Dump(filter, batches, outcome)));
    return outcome;
  }

  private void onDemand(CompletableFuture<?> answer, Consumer<LiveDatapath> question) {
    try {
      loop.execute(
          () -> {
            if (live != null && state == State.LIVE) {
              question.accept(live);
            } else {
              answer.completeExceptionally(notConnected());
            }
          });
    } catch (RejectedExecutionException e) {
      answer.completeExceptionally(
          new UnansweredException(UnansweredException.Why.CLOSED, "the session is closed"));
    }
  }

  private UnansweredException notConnected() {
    return new UnansweredException(
        UnansweredException.Why.NOT_CONNECTED,
        "no OpenFlow connection"
            + switch (state) {
              case WAITING -> whyWaiting.isEmpty() ? "" : ": " + whyWaiting;
              case CLOSED -> ": the session is closed";
              default -> " yet: it is being made";
            });
  }

  @Override
  public void close() {
    enter(State.CLOSED);
    loop.execute(
        () -> {
          place.leave();
          if (live != null) {
            live.close("closed by the controller");
          }
        });
  }

  private void onLive(long connection, String what, Consumer<LiveDatapath> task) {
    loop.execute(
        () -> {
          if (live != null && state == State.LIVE && live.number() == connection) {
            task.accept(live);
          } else {
            LOG.debug(
                "{}: {} was for connection {}, which is gone", options.node(), what, connection);
          }
        });
  }

  private void connect() {
    if (!enter(State.CONNECTING)) {
      return;
    }
    Attempt attempt = new Attempt();
    options
        .peer()
        .dial(loop, options.requestTimeout(), attempt, place::reached)
        .addListener(
            connected -> {
              if (connected.isSuccess() && attempt.datapath != null) {
                if (!attempt.over) {
                  attempt.datapath.start();
                }
              } else {
                attempt.lost(words(connected.cause()), false);
              }
            });
  }

  private static String words(@Nullable Throwable cause) {
    return cause instanceof TlsException
        ? String.valueOf(cause.getMessage())
        : "cannot connect: " + (cause == null ? "no channel" : cause.getMessage());
  }

  /** Moves on, unless the session was closed meanwhile. */
  private synchronized boolean enter(State next) {
    if (state == State.CLOSED) {
      return false;
    }
    state = next;
    return true;
  }

  /** A report that the consumer has not got round to gives way to a newer one. */
  private void post(DatapathReport report) {
    if (state != State.CLOSED && unread.getAndAccumulate(report, DatapathReport::after) == null) {
      reporter.execute(
          () -> {
            DatapathReport newest = unread.getAndSet(null);
            if (newest != null && state != State.CLOSED) {
              reports.accept(newest);
            }
          });
    }
  }

  /** One attempt to connect, and what becomes of it. */
  private final class Attempt extends ChannelInitializer<Channel> implements LiveDatapath.Owner {
    private @Nullable LiveDatapath datapath;
    private long liveSinceNanos;
    private boolean over;

    @Override
    protected void initChannel(Channel channel) {
      datapath = new LiveDatapath(CONNECTIONS.incrementAndGet(), options, channel, codecs, this);
      live = datapath;
    }

    @Override
    public void onState(State next) {
      if (!enter(next)) {
        if (datapath != null) {
          datapath.close("closed by the controller");
        }
      } else if (next == State.LIVE) {
        liveSinceNanos = System.nanoTime();
        place.leave();
      } else if (next == State.FEATURES) {
        place.answered();
      }
    }

    @Override
    public void onReport(DatapathReport report) {
      post(report);
    }

    @Override
    public void afterReports(Runnable next) {
      reporter.execute(next);
    }

    @Override
    public void onLost(String reason, boolean misbehaved) {
      lost(reason, misbehaved);
    }

    void lost(String reason, boolean misbehaved) {
      if (!loop.inEventLoop()) {
        // A channel that could not even be made, for want of descriptors, has no loop of its own.
        loop.execute(() -> lost(reason, misbehaved));
        return;
      }
      if (over) {
        return;
      }
      over = true;
      live = null;
      whyWaiting = reason;
      place.leave();
      if (!enter(State.WAITING)) {
        return;
      }
      boolean steady =
          liveSinceNanos != 0
              && System.nanoTime() - liveSinceNanos > options.maxBackoff().toNanos();
      if (steady && !misbehaved) {
        // One that ends as soon as it is up is not to be tried at full speed, nor one that would
        // only do again what it was closed for.
        backoff.reset();
        lastReason = "";
      }
      Duration wait = backoff.next();
      if (reason.equals(lastReason) && liveSinceNanos == 0) {
        LOG.debug(
            "{}: no connection: {}; next try in {} ms", options.node(), reason, wait.toMillis());
      } else {
        LOG.info(
            "{}: no connection to {}: {}; next try in {} ms",
            options.node(),
            options.peer(),
            reason,
            wait.toMillis());
      }
      lastReason = reason;
      post(
          new DatapathReport(
              Optional.empty(),
              ImmutableList.of(),
              0,
              ImmutableMap.of(),
              reason,
              System.nanoTime(),
              false));
      var unused =
          loop.schedule(OpenFlowSession.this::begin, wait.toMillis(), TimeUnit.MILLISECONDS);
    }
  }
}
