// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.ovsdb;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

/**
 * A server on a unix socket that answers each request with the text that its script gives, and so
 * can do what a real database never does.
 */
final class ScriptedServer implements AutoCloseable {
  private static final JsonMapper JSON = new JsonMapper();

  private final ServerSocketChannel listener;
  private final Function<JsonNode, String> script;
  private final List<SocketChannel> clients = new CopyOnWriteArrayList<>();
  private final AtomicInteger connections = new AtomicInteger();

  /**
   * Listens.
   *
   * @param script the bytes to send for a request, as text; empty for none
   */
  ScriptedServer(Path socket, Function<JsonNode, String> script) throws IOException {
    this.script = script;
    listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    listener.bind(UnixDomainSocketAddress.of(socket));
    Thread.ofVirtual().start(this::accept);
  }

  /** How often somebody connected. */
  int connections() {
    return connections.get();
  }

  private void accept() {
    try {
      while (true) {
        SocketChannel client = listener.accept();
        clients.add(client);
        connections.incrementAndGet();
        Thread.ofVirtual().start(() -> serve(client));
      }
    } catch (IOException e) {
      // The listener has been closed.
    }
  }

  private void serve(SocketChannel client) {
    try (client;
        InputStream in = Channels.newInputStream(client);
        MappingIterator<JsonNode> requests = JSON.readerFor(JsonNode.class).readValues(in)) {
      while (requests.hasNextValue()) {
        ByteBuffer answer = ByteBuffer.wrap(script.apply(requests.nextValue()).getBytes(UTF_8));
        while (answer.hasRemaining()) {
          client.write(answer);
        }
      }
    } catch (IOException e) {
      // The client has gone, as some of the tests want it.
    }
  }

  @Override
  public void close() {
    try {
      listener.close();
      for (SocketChannel client : clients) {
        client.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
