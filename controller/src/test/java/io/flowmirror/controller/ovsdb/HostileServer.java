// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.ovsdb;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.flowmirror.controller.transport.Endpoint;
import java.io.BufferedOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/** A server on a TCP port of this machine's, each connection to which follows a script. */
final class HostileServer implements AutoCloseable {
  private static final JsonMapper JSON = new JsonMapper();

  /** What happens on a connection; it ends with the script. */
  interface Script {
    void follow(Peer peer) throws Exception;

    /** This one, and then that. */
    default Script then(Script next) {
      return peer -> {
        follow(peer);
        next.follow(peer);
      };
    }
  }

  private final ServerSocket listener;
  private final Set<Socket> clients = ConcurrentHashMap.newKeySet();
  private final AtomicInteger connections = new AtomicInteger();
  private final CountDownLatch end = new CountDownLatch(1);
  private volatile Script script;

  HostileServer(Script script) throws IOException {
    this.script = script;
    listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    Thread.ofPlatform().daemon().start(this::accept);
  }

  Endpoint endpoint() {
    return Endpoint.tcp(listener.getInetAddress().getHostAddress(), listener.getLocalPort());
  }

  InetSocketAddress address() {
    return new InetSocketAddress(listener.getInetAddress(), listener.getLocalPort());
  }

  /** How often somebody connected. */
  int connections() {
    return connections.get();
  }

  /** Lets the next connections follow another script. */
  void become(Script other) {
    script = other;
  }

  private void accept() {
    try {
      while (true) {
        Socket client = listener.accept();
        clients.add(client);
        connections.incrementAndGet();
        Thread.ofPlatform().daemon().start(() -> serve(client));
      }
    } catch (IOException e) {
      // The listener has been closed.
    }
  }

  private void serve(Socket client) {
    try (client) {
      script.follow(new Peer(client));
    } catch (IOException e) {
      // The client has gone: it was to go.
    } catch (Exception e) {
      throw new AssertionError("the script is wrong", e);
    } finally {
      clients.remove(client);
    }
  }

  @Override
  public void close() throws IOException {
    end.countDown();
    listener.close();
    for (Socket client : clients) {
      client.close();
    }
  }

  /** The server's end of one connection. */
  final class Peer {
    private final Socket socket;
    private final OutputStream out;
    private final MappingIterator<JsonNode> requests;

    private Peer(Socket socket) throws IOException {
      this.socket = socket;
      out = new BufferedOutputStream(socket.getOutputStream(), 64 << 10);
      requests = JSON.readerFor(JsonNode.class).readValues(socket.getInputStream());
    }

    /** Waits for the next request. */
    JsonNode request() throws IOException {
      if (!requests.hasNextValue()) {
        throw new EOFException("the client has gone");
      }
      return requests.nextValue();
    }

    /** Waits for a request and answers it; {@code result} is JSON. */
    void answer(String result) throws IOException {
      send("{'id':%s,'result':%s,'error':null}".formatted(request().get("id"), result));
    }

    /** Sends this text, in which single quotes stand for double ones. */
    void send(String text) throws IOException {
      sendLater(text);
      out.flush();
    }

    void send(byte[] bytes) throws IOException {
      sendLater(bytes);
      out.flush();
    }

    /** Sends with what is sent next. */
    void sendLater(String text) throws IOException {
      sendLater(text.replace('\'', '"').getBytes(UTF_8));
    }

    void sendLater(byte[] bytes) throws IOException {
      out.write(bytes);
    }

    /** Answers whatever comes with nothing, until the client has gone. */
    void stayQuiet() throws IOException {
      while (true) {
        request();
      }
    }

    /** Answers each {@code echo}, as a good server does, until the client has gone. */
    void stayAlive() throws IOException {
      while (true) {
        answer("[]");
      }
    }

    /** Leaves unread what comes, until the test is over. */
    void stall() throws InterruptedException {
      end.await();
    }

    /** Closes the connection at once, with what is on its way: a TCP reset. */
    void reset() throws IOException {
      socket.setSoLinger(true, 0);
      socket.close();
    }

    /** Says that nothing more will be sent, and goes on listening. */
    void endOutput() throws IOException {
      socket.shutdownOutput();
    }
  }
}
