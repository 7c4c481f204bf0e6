// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.ovsdb;

import io.flowmirror.controller.transport.Endpoint;
import io.flowmirror.controller.transport.Turnstile;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Opens OVSDB sessions, all of which share a few event loop threads: a session is idle nearly
 * always, so hundreds need no more.
 *
 * <p>Sockets by Java's own NIO, so that no native library is needed.
 */
public final class OvsdbConnector implements AutoCloseable {
  private static final int THREADS = 2;

  private final Turnstile turnstile = Turnstile.ofConnector();
  private final Turnstile tlsTurnstile = Turnstile.ofTls();
  private final OvsdbTimings timings;
  private final EventLoopGroup loops =
      new MultiThreadIoEventLoopGroup(
          THREADS, new DefaultThreadFactory("ovsdb", true), NioIoHandler.newFactory());
  private final Set<OvsdbSession> sessions = ConcurrentHashMap.newKeySet();

  public OvsdbConnector(OvsdbTimings timings) {
    this.timings = timings;
  }

  /**
   * Opens a session, which connects in its own time and reconnects for as long as it is open.
   *
   * @param node the node's name, for the log
   * @param peer where the node's ovsdb-server listens: its unix socket {@code db.sock}, or the
   *     {@code ptcp:} target of a Manager row
   * @param bridge the bridge to follow, {@code br-int}
   * @param lock what is done about the lock of the one who writes
   * @param reports takes each report, in order, on the session's event loop thread: it must return
   *     soon and must not block. The first comes with the first answer or the first failure.
   */
  public BridgeSession open(
      String node, Endpoint peer, String bridge, Lock.Wish lock, Consumer<BridgeReport> reports) {
    OvsdbSession session =
        new OvsdbSession(
            node,
            peer,
            bridge,
            lock,
            reports,
            timings,
            loops.next(),
            peer instanceof Endpoint.Tls ? tlsTurnstile : turnstile,
            closed -> sessions.remove(closed));
    sessions.add(session);
    session.start();
    return session;
  }

  /** Closes every session and ends the threads. */
  @Override
  public void close() {
    sessions.forEach(OvsdbSession::close);
    loops.shutdownGracefully(0, 1, TimeUnit.SECONDS);
  }
}
