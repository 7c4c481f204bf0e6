// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import com.google.common.util.concurrent.MoreExecutors;
import io.flowmirror.controller.transport.Endpoint;
import io.flowmirror.controller.transport.Turnstile;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Opens sessions that share a few threads for their sockets and OpenFlowJava's registries: hundreds
 * of sessions cost one channel and one codec each, and no thread.
 *
 * <p>May be used from any thread. Sessions are to be closed before their connector.
 */
public final class OpenFlowConnector implements AutoCloseable {
  private final Turnstile turnstile = Turnstile.ofConnector();
  private final Turnstile tlsTurnstile = Turnstile.ofTls();
  private final EventLoopGroup group;
  private final ExecutorService reporters;
  private final Codecs codecs = new Codecs();

  /**
   * Starts the threads.
   *
   * @param threads how many threads serve the sockets of all sessions
   */
  public OpenFlowConnector(int threads) {
    group =
        new MultiThreadIoEventLoopGroup(
            threads, new DefaultThreadFactory("openflow", true), NioIoHandler.newFactory());
    reporters =
        Executors.newThreadPerTaskExecutor(
            Thread.ofVirtual().name("openflow-report-", 0).factory());
  }

  /**
   * Opens a session, which connects at once and goes on trying until it is closed.
   *
   * @param reports gets the session's reports one after the other, on a thread that no socket waits
   *     for
   */
  public OpenFlowSession open(OpenFlowOptions options, Consumer<DatapathReport> reports) {
    OpenFlowSession session =
        new OpenFlowSession(
            options,
            group.next(),
            codecs,
            reports,
            MoreExecutors.newSequentialExecutor(reporters),
            options.peer() instanceof Endpoint.Tls ? tlsTurnstile : turnstile);
    session.start();
    return session;
  }

  /** Ends the threads; whatever is still connected is closed. */
  @Override
  public void close() {
    // Until the last socket is closed there may be something to report.
    var unused =
        group
            .shutdownGracefully(0, 1, TimeUnit.SECONDS)
            .addListener(closed -> reporters.shutdown());
  }
}
