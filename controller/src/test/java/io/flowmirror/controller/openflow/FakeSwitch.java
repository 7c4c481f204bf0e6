// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import io.flowmirror.controller.transport.Endpoint;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;

/**
 * A switch without entries that answers what a session asks, and is told by a test to answer
 * otherwise: for what no real switch does on demand.
 */
final class FakeSwitch implements AutoCloseable {

  /** Answers one message with any number of messages. */
  interface Answer extends Function<byte[], List<byte[]>> {}

  static final int HELLO = 0;
  static final int ECHO_REQUEST = 2;
  static final int ECHO_REPLY = 3;
  static final int EXPERIMENTER = 4;
  static final int FEATURES_REQUEST = 5;
  static final int GET_CONFIG_REQUEST = 7;
  static final int MULTIPART_REQUEST = 18;
  static final int BARRIER_REQUEST = 20;

  private final Path directory;
  private final ServerSocketChannel server;
  private final Map<Integer, Answer> answers = new ConcurrentHashMap<>();
  private final List<SocketChannel> clients = new CopyOnWriteArrayList<>();
  private final List<byte[]> received = new CopyOnWriteArrayList<>();
  private volatile String version = "3.1.0";

  FakeSwitch() {
    try {
      directory = Files.createTempDirectory("fmfake");
      server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
      server.bind(UnixDomainSocketAddress.of(socket()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Thread.ofVirtual().start(this::accept);
  }

  Path socket() {
    return directory.resolve("br-int.mgmt");
  }

  Endpoint endpoint() {
    return Endpoint.unix(socket());
  }

  /** Answers messages of one type otherwise than by default. */
  FakeSwitch on(int type, Answer answer) {
    answers.put(type, answer);
    return this;
  }

  /** Says that it is another version of Open vSwitch. */
  FakeSwitch version(String version) {
    this.version = version;
    return this;
  }

  /** Everything that was received. */
  List<byte[]> received() {
    return received;
  }

  /** Sends something unasked on all connections. */
  void send(byte[] message) {
    for (SocketChannel client : clients) {
      try {
        Frames.write(client, message);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private void accept() {
    try {
      while (true) {
        SocketChannel client = server.accept();
        clients.add(client);
        Thread.ofVirtual().start(() -> serve(client));
      }
    } catch (ClosedChannelException e) {
      // The test is over.
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void serve(SocketChannel client) {
    try (client) {
      byte[] message;
      while ((message = Frames.read(client)) != null) {
        received.add(message);
        Answer answer = answers.getOrDefault(Frames.type(message), this::standard);
        for (byte[] reply : answer.apply(message)) {
          Frames.write(client, reply);
        }
      }
    } catch (IOException e) {
      // The session has closed it.
    } finally {
      clients.remove(client);
    }
  }

  /** What it answers by default. */
  List<byte[]> standard(byte[] message) {
    int xid = Frames.xid(message);
    return switch (Frames.type(message)) {
      case HELLO -> List.of(Frames.message(HELLO, xid, new byte[] {0, 1, 0, 8, 0, 0, 0, 0x10}));
      case ECHO_REQUEST -> List.of(Frames.message(ECHO_REPLY, xid));
      case FEATURES_REQUEST ->
          List.of(Frames.message(6, xid, ByteBuffer.allocate(24).putLong(0x1234).array()));
      case GET_CONFIG_REQUEST ->
          List.of(Frames.message(8, xid, (byte) 0, (byte) 1, (byte) 0, (byte) 0));
      case BARRIER_REQUEST -> List.of(Frames.message(21, xid));
      case MULTIPART_REQUEST -> {
        int type = Frames.uint16(message, 8);
        yield List.of(Frames.part(xid, type, false, type == 0 ? description() : new byte[0]));
      }
      case EXPERIMENTER -> {
        // A bundle control's reply has the request's number plus one; adding has no reply.
        byte[] reply = message.clone();
        boolean control = Frames.int32(message, 12) == 2300;
        ByteBuffer.wrap(reply).putShort(20, (short) (Frames.uint16(message, 20) + 1));
        yield control ? List.of(reply) : List.of();
      }
      default -> List.of();
    };
  }

  private byte[] description() {
    ByteBuffer body = ByteBuffer.allocate(1056);
    body.put(256, "Open vSwitch".getBytes(StandardCharsets.UTF_8));
    body.put(512, version.getBytes(StandardCharsets.UTF_8));
    return body.array();
  }

  @Override
  public void close() {
    try {
      server.close();
      for (SocketChannel client : clients) {
        client.close();
      }
      Files.deleteIfExists(socket());
      Files.deleteIfExists(directory);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
