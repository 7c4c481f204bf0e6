// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.Iterables;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What all members share, beside who they are. */
final class ReplicasTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final String SHARED = "flowmirror.io/shared";

  private final FakeLeases api = new FakeLeases();
  private final KubernetesClient client = api.client();

  /** What a member has been told, in its order. */
  private static final class Ear implements Replicas.Listener {
    private final List<String> told = new CopyOnWriteArrayList<>();

    @Override
    public void members(ImmutableList<String> members, long generation, boolean current) {
      told.add("members " + String.join(",", members));
    }

    @Override
    public void shared(String text) {
      told.add("shared " + text);
    }

    private void await(String last) {
      org.awaitility.Awaitility.await()
          .atMost(PATIENCE)
          .until(() -> last.equals(Iterables.getLast(told, "")));
    }
  }

  @AfterEach
  void close() {
    client.close();
    api.close();
  }

  private Replicas member(String name, Ear ear) {
    return new Replicas(client, "ns", name, ear);
  }

  @Test
  void whatOneTellsAllHearAndWhoComesHearsItFirst() throws InterruptedException {
    Ear a = new Ear();
    Ear b = new Ear();
    Ear c = new Ear();
    try (Replicas one = member("a", a);
        Replicas two = member("b", b)) {
      a.await("members a,b");
      b.await("members a,b");
      assertThat(a.told.get(0)).isEqualTo("shared ");
      two.share("{\"all\":true}");
      // Who has told it has heard it by then.
      assertThat(Iterables.getLast(b.told)).isEqualTo("shared {\"all\":true}");
      a.await("shared {\"all\":true}");
      try (Replicas three = member("c", c)) {
        c.await("members a,b,c");
        assertThat(c.told.get(0)).isEqualTo("shared {\"all\":true}");
        three.share("");
        a.await("shared ");
      }
      assertThat(one).isNotNull();
    }
  }

  @Test
  void whoeverDeletesTheLeaseChangesNothingOfIt() throws InterruptedException {
    Ear a = new Ear();
    try (Replicas one = member("a", a)) {
      a.await("members a");
      one.share("word");
      a.await("shared word");
      api.delete(Replicas.GROUP);
      await().atMost(PATIENCE).until(() -> api.annotation(Replicas.GROUP, SHARED).equals("word"));
      assertThat(a.told.stream().filter(line -> line.startsWith("shared")))
          .containsExactly("shared ", "shared word");
    }
  }

  @Test
  void whatSomebodyElseOvertakesIsTriedAgainAndNotForEver() throws InterruptedException {
    Ear a = new Ear();
    try (Replicas one = member("a", a)) {
      a.await("members a");
      api.overtake(2);
      one.share("word");
      assertThat(api.annotation(Replicas.GROUP, SHARED)).isEqualTo("word");
      api.overtake(100);
      assertThatThrownBy(() -> one.share("other"))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("409");
      assertThat(api.annotation(Replicas.GROUP, SHARED)).isEqualTo("word");
      assertThatThrownBy(() -> one.share("x".repeat(Replicas.MAX_SHARED + 1)))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }
}
