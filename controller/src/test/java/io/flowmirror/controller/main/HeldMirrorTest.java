// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import static org.assertj.core.api.Assertions.assertThat;

import io.flowmirror.config.Direction;
import io.flowmirror.controller.main.FakeServer.Answer;
import io.flowmirror.topology.PodName;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a capture asks for, and takes back. */
final class HeldMirrorTest {
  private static final String PATH = "/v1/mirrors/shop/cart";
  private static final Answer NONE = Answer.problem(404, "nobody asks for it");
  private static final Answer CONFIGURED =
      Answer.json("{\"direction\":\"both\",\"madeBy\":\"configuration\"}");

  private final FakeServer server = new FakeServer();
  private final List<String> said = new ArrayList<>();
  private final Instant soon = Instant.now().plusSeconds(50).truncatedTo(ChronoUnit.MILLIS);
  private final Instant later = soon.plus(Duration.ofHours(1));

  @AfterEach
  void close() {
    server.answer("DELETE " + PATH, new Answer(204, "text/plain", ""));
    server.close();
  }

  @Test
  void whatNobodyAskedForIsTakenBack() {
    for (Answer before : new Answer[] {NONE, CONFIGURED}) {
      server.requests.clear();
      server.answer("GET " + PATH, before);
      server.answer("PUT " + PATH, rest("both", soon));
      HeldMirror held = take(Direction.BOTH);
      server.answer("GET " + PATH, rest("both", soon));
      assertThat(held.renew()).isTrue();
      server.answer("DELETE " + PATH, new Answer(204, "text/plain", ""));
      held.close();
      assertThat(changes())
          .containsExactly(put("both", "for", "50s"), put("both", "for", "50s"), "DELETE " + PATH);
    }
    assertThat(said).isEmpty();
  }

  @Test
  void whatHasNoEndIsLeftAsItIs() {
    server.answer("GET " + PATH, rest("from-pod", null));
    try (HeldMirror held = take(Direction.BOTH)) {
      assertThat(held.renew()).isTrue();
    }
    assertThat(changes()).isEmpty();
    assertThat(said).singleElement().asString().contains("without an end, from-pod");
  }

  /** It is widened, never shortened, and in the end as it was. */
  @Test
  void whatEndsLaterIsRestored() {
    server.answer("GET " + PATH, rest("from-pod", later));
    server.answer("PUT " + PATH, rest("both", later));
    HeldMirror held = take(Direction.TO_POD);
    server.answer("GET " + PATH, rest("both", later));
    assertThat(held.renew()).isTrue();
    held.close();
    assertThat(changes())
        .containsExactly(
            put("both", "until", later.toString()),
            put("both", "until", later.toString()),
            put("from-pod", "until", later.toString()));
  }

  @Test
  void whatSomebodyChangedMeanwhileIsOnlyPutOff() {
    server.answer("GET " + PATH, NONE);
    server.answer("PUT " + PATH, rest("both", soon));
    HeldMirror held = take(Direction.BOTH);
    server.answer("GET " + PATH, rest("from-pod", later));
    server.answer("PUT " + PATH, rest("from-pod", later));
    assertThat(held.renew()).isTrue();
    held.close();
    assertThat(changes())
        .containsExactly(put("both", "for", "50s"), put("from-pod", "until", later.toString()));
  }

  @Test
  void whatSomebodyChangedJustBeforeTheEndStays() {
    server.answer("GET " + PATH, NONE);
    server.answer("PUT " + PATH, rest("both", soon));
    HeldMirror held = take(Direction.BOTH);
    server.answer("GET " + PATH, rest("both", later));
    held.close();
    assertThat(changes()).hasSize(1);
  }

  @Test
  void whatSomebodyTookBackIsNotAskedForAgain() {
    server.answer("GET " + PATH, NONE);
    server.answer("PUT " + PATH, rest("both", soon));
    HeldMirror held = take(Direction.BOTH);
    assertThat(held.renew()).isFalse();
    held.close();
    assertThat(changes()).hasSize(1);
  }

  @Test
  void aControllerThatIsAwayIsSaidAndNoEnd() {
    server.answer("GET " + PATH, NONE);
    server.answer("PUT " + PATH, rest("both", soon));
    HeldMirror held = take(Direction.BOTH);
    server.answer("GET " + PATH, Answer.problem(503, "not now"));
    assertThat(held.renew()).isTrue();
    held.close();
    assertThat(said)
        .containsExactly(
            "the mirror could not be put off: not now",
            "the mirror could not be taken back, and ends by itself within 50 s: not now");
  }

  private HeldMirror take(Direction direction) {
    return HeldMirror.take(
        new Remote(URI.create(server.url()), Optional.empty(), Optional.empty()),
        new PodName("shop", "cart"),
        direction,
        said::add);
  }

  private List<String> changes() {
    return server.requests.stream().filter(request -> !request.startsWith("GET ")).toList();
  }

  private static String put(String direction, String key, String value) {
    return "PUT "
        + PATH
        + " {\"direction\":\""
        + direction
        + "\",\""
        + key
        + "\":\""
        + value
        + "\"}";
  }

  private static Answer rest(String direction, @Nullable Instant until) {
    return Answer.json(
        "{\"direction\":\""
            + direction
            + "\",\"madeBy\":\"rest\""
            + (until == null ? "" : ",\"until\":\"" + until + "\"")
            + "}");
  }
}
