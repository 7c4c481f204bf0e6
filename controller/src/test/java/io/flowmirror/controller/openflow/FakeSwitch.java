// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import com.google.common.collect.Iterables;
import io.flowmirror.controller.transport.Endpoint;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * A switch without entries that answers what a session asks, and is told by a test to answer
 * otherwise: for what no real switch does on demand. It listens on a unix socket, or on a TCP port
 * of 127.0.0.1.
 */
final class FakeSwitch implements AutoCloseable {

  /** Answers one message with any number of messages, even without end, or of these actions. */
  interface Answer extends Function<byte[], Iterable<byte[]>> {}

  /** In place of a message: closes the connection. */
  static final byte[] HANG_UP = "hang up".getBytes(StandardCharsets.US_ASCII);

  /** In place of a message: closes the connection by a reset, where there is such a thing. */
  static final byte[] RESET = "reset".getBytes(StandardCharsets.US_ASCII);

  /** In place of a message: says no more, and goes on reading. */
  static final byte[] SHUT_DOWN_OUTPUT = "shut down output".getBytes(StandardCharsets.US_ASCII);

  /** In place of a message: reads no more, and keeps the connection. */
  static final byte[] STOP_READING = "stop reading".getBytes(StandardCharsets.US_ASCII);

  static final int HELLO = 0;
  static final int ECHO_REQUEST = 2;
  static final int ECHO_REPLY = 3;
  static final int EXPERIMENTER = 4;
  static final int FEATURES_REQUEST = 5;
  static final int GET_CONFIG_REQUEST = 7;
  static final int MULTIPART_REQUEST = 18;
  static final int BARRIER_REQUEST = 20;

  private static final String VERSION = "3.1.0";

  /** One connection. Messages of several threads must not mix in it. */
  private record Client(SocketChannel channel, Lock writing) {}

  private final ServerSocketChannel server;
  private final Endpoint endpoint;
  private final Map<Integer, Answer> answers = new ConcurrentHashMap<>();
  private final List<Client> clients = new CopyOnWriteArrayList<>();
  private final List<Client> unread = new CopyOnWriteArrayList<>();
  private final Queue<byte[]> received = new ConcurrentLinkedQueue<>();
  private final AtomicInteger accepted = new AtomicInteger();
  private volatile Supplier<Iterable<byte[]>> greeting = List::of;
  private volatile String version = VERSION;

  /** Listens on a unix socket. */
  FakeSwitch() {
    this(Endpoint.unix(newDirectory().resolve("br-int.mgmt")));
  }

  /** Listens on a TCP port. */
  static FakeSwitch onTcp() {
    return new FakeSwitch(Endpoint.tcp("127.0.0.1", 0));
  }

  private FakeSwitch(Endpoint where) {
    try {
      switch (where) {
        case Endpoint.Unix(Path path) -> {
          server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
          server.bind(UnixDomainSocketAddress.of(path));
          endpoint = where;
        }
        case Endpoint.Tcp(String host, int port) -> {
          server = ServerSocketChannel.open();
          server.bind(new InetSocketAddress(InetAddress.getByName(host), port));
          int chosen = ((InetSocketAddress) server.getLocalAddress()).getPort();
          endpoint = Endpoint.tcp(host, chosen);
        }
        case Endpoint.Tls tls -> throw new IllegalArgumentException("TlsPeer is put in front");
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    start(this::accept);
  }

  /** Virtual threads would not do: one that floods need never give its processor away. */
  private static void start(Runnable task) {
    Thread.ofPlatform().daemon().name("fake-switch").start(task);
  }

  private static Path newDirectory() {
    try {
      return Files.createTempDirectory("fmfake");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Endpoint endpoint() {
    return endpoint;
  }

  /** Answers messages of one type otherwise than by default. */
  FakeSwitch on(int type, Answer answer) {
    answers.put(type, answer);
    return this;
  }

  /** Says something as soon as somebody has connected. */
  FakeSwitch onConnect(Supplier<Iterable<byte[]>> greeting) {
    this.greeting = greeting;
    return this;
  }

  /** Says that it is another version of Open vSwitch. */
  FakeSwitch version(String version) {
    this.version = version;
    return this;
  }

  /** Forgets what it was told to do otherwise, for connections to come. */
  void behave() {
    answers.clear();
    greeting = List::of;
    version = VERSION;
  }

  /** Everything that was received. */
  List<byte[]> received() {
    return List.copyOf(received);
  }

  /** How many connections there have been. */
  int accepted() {
    return accepted.get();
  }

  /** How many connections the session holds, but for those on which nothing is read. */
  int connected() {
    return clients.size();
  }

  /** Sends something unasked on all connections. */
  void send(byte[] message) {
    for (Client client : clients) {
      try {
        write(client, message);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /** Sends something on the newest connection again and again, and goes on answering there. */
  void flood(byte[] message) {
    Client client = clients.getLast();
    start(
        () -> {
          try {
            while (true) {
              write(client, message);
            }
          } catch (IOException e) {
            // The session has closed it.
          }
        });
  }

  private void accept() {
    try {
      while (true) {
        Client client = new Client(server.accept(), new ReentrantLock());
        accepted.incrementAndGet();
        clients.add(client);
        start(() -> serve(client));
      }
    } catch (ClosedChannelException e) {
      // The test is over.
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void serve(Client client) {
    try {
      boolean reads = writeAll(client, greeting.get());
      Frames.Reader reader = new Frames.Reader(client.channel());
      byte[] message;
      while (reads && (message = reader.read()) != null) {
        received.add(message);
        Answer answer = answers.getOrDefault(Frames.type(message), this::standard);
        reads = writeAll(client, answer.apply(message));
      }
      if (reads) {
        close(client);
      } else {
        unread.add(client);
        clients.remove(client);
      }
    } catch (IOException e) {
      // The session has closed it.
      close(client);
    }
  }

  private boolean writeAll(Client client, Iterable<byte[]> messages) throws IOException {
    for (byte[] message : messages) {
      if (Arrays.equals(message, STOP_READING)) {
        return false;
      }
      write(client, message);
    }
    return true;
  }

  private static void write(Client client, byte[] message) throws IOException {
    client.writing().lock();
    try {
      if (Arrays.equals(message, HANG_UP)) {
        client.channel().close();
      } else if (Arrays.equals(message, RESET)) {
        // Without lingering, what is closed is reset (socket(7), SO_LINGER).
        client.channel().setOption(StandardSocketOptions.SO_LINGER, 0);
        client.channel().close();
      } else if (Arrays.equals(message, SHUT_DOWN_OUTPUT)) {
        client.channel().shutdownOutput();
      } else {
        Frames.write(client.channel(), message);
      }
    } finally {
      client.writing().unlock();
    }
  }

  private void close(Client client) {
    clients.remove(client);
    try {
      client.channel().close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
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
      for (Client client : Iterables.concat(clients, unread)) {
        client.channel().close();
      }
      if (endpoint instanceof Endpoint.Unix(Path path)) {
        Files.deleteIfExists(path);
        Files.deleteIfExists(path.getParent());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
