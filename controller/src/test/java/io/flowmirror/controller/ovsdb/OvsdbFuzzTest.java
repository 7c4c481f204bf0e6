// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.ovsdb;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.flowmirror.controller.transport.Endpoint;
import io.flowmirror.flows.RowChange.AddInternalPort;
import io.flowmirror.flows.RowChange.RemovePort;
import io.flowmirror.topology.Bridge;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.embedded.EmbeddedChannel;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What real databases said, spoilt in any way, is either understood or refused for a reason, and
 * changes the tables whole or not at all.
 *
 * <p>The same mutations each time; {@code -Dfuzz.seconds=600} tries others for so long. A mutation
 * that is not endured is named by its seed and left in {@code target}, for the corpus.
 */
class OvsdbFuzzTest {
  private static final JsonMapper JSON = new JsonMapper();
  private static final int MUTATIONS = 300;
  private static final List<Path> RECORDED = corpus("");
  private static final List<List<JsonNode>> CONVERSATIONS =
      RECORDED.stream().map(OvsdbFuzzTest::messages).toList();

  private static SessionLog log;

  @BeforeAll
  static void logNothing() {
    log = new SessionLog();
  }

  @AfterAll
  static void logAgain() {
    log.close();
  }

  @ParameterizedTest
  @MethodSource("recorded")
  void whatARealDatabaseSaidIsUnderstood(Path recorded) throws Exception {
    try (Conversation conversation = new Conversation()) {
      conversation.hear(Files.readAllBytes(recorded));
      assertThat(conversation.last().bridge()).as(conversation.last().reason()).isPresent();
    }
  }

  /** In {@code corpus/found}: what no test had thought of before it was found. */
  @Test
  void whatWasOnceNotEnduredIs() throws Exception {
    for (Path found : corpus("found")) {
      endure(Files.readAllBytes(found), "found");
    }
  }

  @Test
  void bytesThatAreSpoiltAreUnderstoodOrRefused() {
    hunt(
        random -> {
          ByteArrayOutputStream stream = new ByteArrayOutputStream();
          List<JsonNode> conversation = oneOf(CONVERSATIONS, random);
          byte[] spoilt = JsonMutation.bytes(conversation, random);
          if (random.nextBoolean()) {
            // What follows the first answer is heard only if that is good.
            stream.writeBytes(conversation.getFirst().toString().getBytes(UTF_8));
          }
          stream.writeBytes(spoilt);
          return stream.toByteArray();
        });
  }

  @Test
  void messagesThatAreSpoiltAreUnderstoodOrRefused() {
    hunt(
        random -> {
          List<JsonNode> conversation = new ArrayList<>(oneOf(CONVERSATIONS, random));
          int which = random.nextInt(conversation.size());
          JsonNode donor = oneOf(oneOf(CONVERSATIONS, random), random);
          conversation.set(which, JsonMutation.of(conversation.get(which), donor, random));
          StringBuilder stream = new StringBuilder();
          conversation.subList(0, Math.min(which + 3, conversation.size())).forEach(stream::append);
          return stream.toString().getBytes(UTF_8);
        });
  }

  @Test
  void rowsThatAreSpoiltAreTakenWholeOrNotAtAll() {
    cases(
        (seed, random) -> {
          List<JsonNode> conversation = oneOf(CONVERSATIONS, random);
          BridgeTables tables = new BridgeTables();
          int which = random.nextInt(conversation.size());
          for (JsonNode message : conversation.subList(0, which)) {
            tables.update(updates(message));
          }
          JsonNode donor = oneOf(oneOf(CONVERSATIONS, random), random);
          JsonNode spoilt =
              JsonMutation.of(updates(conversation.get(which)), updates(donor), random);
          String before = tables.toString();
          try {
            tables.update(spoilt);
          } catch (BadRowException e) {
            assertThat(e.getMessage()).isNotEmpty();
            assertThat(tables).as("seed %d", seed).hasToString(before);
          }
          try {
            tables.bridge("br-int").ifPresent(OvsdbFuzzTest::check);
          } catch (BadRowException e) {
            assertThat(e.getMessage()).startsWith("table ");
          }
        });
  }

  // Mutations

  private interface Spoiler {
    byte[] spoil(Random random);
  }

  private interface Case {
    void run(long seed, Random random) throws Exception;
  }

  private static void hunt(Spoiler spoiler) {
    cases((seed, random) -> endure(spoiler.spoil(random), "seed-" + seed));
  }

  private static void cases(Case each) {
    long seconds = Long.getLong("fuzz.seconds", 0);
    long first = seconds > 0 ? System.nanoTime() : 0;
    long end = System.nanoTime() + Duration.ofSeconds(seconds).toNanos();
    if (seconds > 0) {
      System.out.println("fuzzing from seed " + first);
    }
    long seed = first;
    while (seconds > 0 ? System.nanoTime() < end : seed < MUTATIONS) {
      try {
        each.run(seed, new Random(seed));
      } catch (Exception e) {
        throw new AssertionError("seed " + seed, e);
      }
      seed++;
    }
    if (seconds > 0) {
      System.out.println("fuzzed " + (seed - first) + " times");
    }
  }

  /** Hears it, and checks that it was endured. */
  private static void endure(byte[] stream, String name) {
    try (Conversation conversation = new Conversation()) {
      conversation.hear(stream);
      conversation.check();
    } catch (Exception | AssertionError e) {
      Path find = Path.of("target", "fuzz-" + name + ".json");
      try {
        Files.write(find, stream);
      } catch (IOException unwritable) {
        e.addSuppressed(unwritable);
      }
      throw new AssertionError("not endured: " + find, e);
    }
  }

  /** The table updates of a message, or none. */
  private static JsonNode updates(JsonNode message) {
    JsonNode first = message.path("result");
    JsonNode later = message.path("params").path(1);
    return first.isObject() ? first : later.isObject() ? later : JSON.createObjectNode();
  }

  private static void check(Bridge bridge) {
    assertThat(bridge.name()).isEqualTo("br-int");
    assertPrintable(bridge.toString());
    bridge.interfaces().forEach((name, is) -> assertThat(is.name()).isSameAs(name));
  }

  private static void assertPrintable(String text) {
    if (text.chars().anyMatch(Character::isISOControl)) {
      throw new AssertionError("not printable: " + Printable.text(text));
    }
  }

  /** A session whose peer says what it is told to say. */
  private static final class Conversation implements AutoCloseable {
    private final List<BridgeReport> reports = new ArrayList<>();
    private final EmbeddedChannel channel = new EmbeddedChannel(false, false);
    private @Nullable OvsdbSession session;

    Conversation() throws Exception {
      channel
          .pipeline()
          .addLast(
              new ChannelInitializer<>() {
                @Override
                protected void initChannel(Channel fresh) {
                  session =
                      new OvsdbSession(
                          "n1",
                          Endpoint.unix(Path.of("db.sock")),
                          "br-int",
                          Lock.Wish.NONE,
                          reports::add,
                          OvsdbTimings.DEFAULT,
                          fresh.eventLoop(),
                          closed -> {});
                  RpcConnection.install(fresh, OvsdbTimings.DEFAULT, session);
                }
              });
      channel.register();
      channel.freezeTime();
      // So that the answers to these transactions find their requests.
      session.apply(1, List.of(new RemovePort("mirror0")));
      session.apply(2, List.of(new AddInternalPort("mirror0")));
      channel.runPendingTasks();
    }

    void hear(byte[] stream) {
      channel.writeInbound(Unpooled.wrappedBuffer(stream));
      channel.runPendingTasks();
      // Held back for a moment, it may be.
      channel.advanceTimeBy(100, TimeUnit.MILLISECONDS);
      channel.runScheduledPendingTasks();
      channel.checkException();
    }

    BridgeReport last() {
      return reports.getLast();
    }

    void check() {
      for (BridgeReport report : reports) {
        String reason = report.reason();
        assertThat(report.bridge().isEmpty()).isEqualTo(!reason.isEmpty());
        assertThat(reason).doesNotContain("a fault of ours").hasSizeLessThan(600);
        assertThat(report.refused()).hasSizeLessThan(700);
        assertPrintable(reason + report.refused());
        report.bridge().ifPresent(OvsdbFuzzTest::check);
      }
      if (!channel.isOpen()) {
        assertThat(last().bridge()).isEmpty();
      }
    }

    @Override
    public void close() {
      session.close();
      channel.runPendingTasks();
      channel.finishAndReleaseAll();
    }
  }

  // The corpus

  static Stream<Path> recorded() {
    return RECORDED.stream();
  }

  private static List<Path> corpus(String folder) {
    try {
      Path corpus = Path.of(OvsdbFuzzTest.class.getResource("corpus").toURI()).resolve(folder);
      try (Stream<Path> files = Files.list(corpus)) {
        return files.filter(file -> file.toString().endsWith(".json")).sorted().toList();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  private static List<JsonNode> messages(Path file) {
    try (MappingIterator<JsonNode> all = JSON.readerFor(JsonNode.class).readValues(file.toFile())) {
      return all.readAll();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static <T> T oneOf(List<T> list, Random random) {
    return list.get(random.nextInt(list.size()));
  }
}
