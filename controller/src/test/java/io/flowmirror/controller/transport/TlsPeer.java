// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.transport;

import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.JdkSslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLServerSocket;

/** A TLS server on a port of this machine's, that asks for a certificate, and follows a script. */
public final class TlsPeer implements AutoCloseable {
  /** What happens on a connection; it ends with the script. */
  public interface Script {
    void follow(Socket client) throws IOException;
  }

  private final ServerSocket listener;
  private final Script script;
  private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();

  private TlsPeer(ServerSocket listener, Script script) {
    this.listener = listener;
    this.script = script;
    start(this::accept);
  }

  /**
   * Starts one.
   *
   * @param clientCa signs the certificates of those who may connect
   * @param version of the protocol
   */
  public static TlsPeer of(Authority.Signed node, Path clientCa, String version, Script script) {
    try {
      JdkSslContext context =
          (JdkSslContext)
              SslContextBuilder.forServer(node.certificate().toFile(), node.key().toFile())
                  .sslProvider(SslProvider.JDK)
                  .trustManager(clientCa.toFile())
                  .clientAuth(ClientAuth.REQUIRE)
                  .build();
      SSLServerSocket listener =
          (SSLServerSocket)
              context
                  .context()
                  .getServerSocketFactory()
                  .createServerSocket(0, 50, InetAddress.getLoopbackAddress());
      listener.setNeedClientAuth(true);
      listener.setEnabledProtocols(new String[] {version});
      return new TlsPeer(listener, script);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Starts one that speaks no TLS. */
  public static TlsPeer plain(Script script) {
    try {
      return new TlsPeer(new ServerSocket(0, 50, InetAddress.getLoopbackAddress()), script);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A script that hands everything on to a server without TLS, and its words back. */
  public static Script inFrontOf(InetSocketAddress server) {
    return client -> {
      try (Socket behind = new Socket(server.getAddress(), server.getPort())) {
        Thread back =
            start(
                () -> {
                  try (client) {
                    behind.getInputStream().transferTo(client.getOutputStream());
                  } catch (IOException e) {
                    // One of them has gone, and the other goes, too.
                  }
                });
        client.getInputStream().transferTo(behind.getOutputStream());
        back.interrupt();
      }
    };
  }

  /** Where it listens. */
  public int port() {
    return listener.getLocalPort();
  }

  private void accept() {
    try {
      while (true) {
        Socket client = listener.accept();
        sockets.add(client);
        start(
            () -> {
              try (client) {
                script.follow(client);
              } catch (SSLException e) {
                // Which side refuses the other is for the client to say.
              } catch (IOException e) {
                // It has gone.
              } finally {
                sockets.remove(client);
              }
            });
      }
    } catch (IOException e) {
      // The listener has been closed.
    }
  }

  private static Thread start(Runnable task) {
    return Thread.ofPlatform().daemon().start(task);
  }

  @Override
  public void close() {
    try {
      listener.close();
      for (Socket each : sockets) {
        each.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
