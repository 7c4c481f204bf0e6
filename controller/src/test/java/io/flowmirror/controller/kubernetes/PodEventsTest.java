// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.base.Ticker;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.config.Direction;
import io.flowmirror.controller.kubernetes.ClusterView.Request;
import io.flowmirror.controller.kubernetes.ClusterView.Requests;
import io.flowmirror.topology.PodInterface;
import io.flowmirror.topology.PodName;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class PodEventsTest {
  private static final PodInterface WEB = PodInterface.primary(new PodName("ns", "web"));

  private final List<String> written = new ArrayList<>();
  private long now = 1;

  private final PodEvents events =
      new PodEvents(
          (pod, at, warning, reason, message) ->
              written.add((warning ? "! " : "") + pod.key() + " " + reason),
          new Ticker() {
            @Override
            public long read() {
              return now;
            }
          });

  private static PodView pod(String uid) {
    return new PodView(
        "ns",
        "web",
        uid,
        "n1",
        false,
        false,
        ImmutableMap.of(),
        "kubectl",
        Optional.empty(),
        ImmutableMap.of());
  }

  private void ask(String... uids) {
    ImmutableList.Builder<Request> granted = ImmutableList.builder();
    for (String uid : uids) {
      granted.add(new Request(pod(uid), WEB, ImmutableMap.of("annotation", Direction.BOTH)));
    }
    events.asked("n1", new Requests(granted.build(), ImmutableMap.of(), ImmutableList.of()));
  }

  private void refuse(String why) {
    events.asked(
        "n1", new Requests(ImmutableList.of(), ImmutableMap.of(pod("1"), why), ImmutableList.of()));
  }

  private void mirrored() {
    stand(ImmutableSet.of(WEB), ImmutableSet.of(WEB), ImmutableMap.of());
  }

  private void amiss(String trouble) {
    amiss(new Trouble(trouble, false));
  }

  private void amiss(Trouble trouble) {
    stand(
        ImmutableSet.of(),
        ImmutableSet.of(WEB),
        trouble.words().isEmpty() ? ImmutableMap.of() : ImmutableMap.of(WEB, trouble));
  }

  /** Nothing is copied any more. */
  private void over() {
    stand(ImmutableSet.of(), ImmutableSet.of(), ImmutableMap.of());
  }

  private void stand(
      ImmutableSet<PodInterface> mirrored,
      ImmutableSet<PodInterface> tapped,
      ImmutableMap<PodInterface, Trouble> troubles) {
    events.stands("n1", new NodeStand(true, mirrored, tapped, ImmutableMap.of(), troubles));
  }

  private ImmutableList<String> taken() {
    ImmutableList<String> all = ImmutableList.copyOf(written);
    written.clear();
    return all;
  }

  @Test
  void startAndStopAreToldOnce() {
    ask("1");
    assertThat(taken()).isEmpty();
    mirrored();
    mirrored();
    ask("1");
    events.tick();
    assertThat(taken()).containsExactly("ns/web MirrorStarted");
    ask();
    ask();
    over();
    over();
    assertThat(taken()).containsExactly("ns/web MirrorStopped");
  }

  /** The file, REST or global mirroring may ask for it, too: then nothing has stopped. */
  @Test
  void whatGoesOnBySomebodyElsesWordHasNotStopped() {
    ask("1");
    mirrored();
    taken();
    ask();
    mirrored();
    events.tick();
    assertThat(taken()).isEmpty();
    // It is asked for again, and that is no news either.
    ask("1");
    events.tick();
    ask();
    assertThat(taken()).isEmpty();
    // Where a node is lost, so is what is known of it: its entries stay.
    events.stands(
        "n1",
        new NodeStand(
            false, ImmutableSet.of(), ImmutableSet.of(), ImmutableMap.of(), ImmutableMap.of()));
    assertThat(taken()).isEmpty();
    over();
    assertThat(taken()).containsExactly("ns/web MirrorStopped");
  }

  /** Another direction is said by the Event that there is. */
  @Test
  void anotherDirectionIsNoStop() {
    ask("1");
    mirrored();
    taken();
    Request other = new Request(pod("1"), WEB, ImmutableMap.of("annotation", Direction.TO_POD));
    events.asked(
        "n1", new Requests(ImmutableList.of(other), ImmutableMap.of(), ImmutableList.of()));
    mirrored();
    assertThat(taken()).containsExactly("ns/web MirrorStarted");
    ask();
    over();
    assertThat(taken()).containsExactly("ns/web MirrorStopped");
  }

  /** The reason of the same trouble may change every second: it is told once. */
  @Test
  void theSameTroubleIsToldOnce() {
    ask("1");
    amiss("no OpenFlow: connection refused");
    now += Duration.ofSeconds(6).toNanos();
    events.tick();
    assertThat(taken()).containsExactly("! ns/web MirrorFailed");
    amiss("no OpenFlow: connection reset");
    assertThat(taken()).isEmpty();
    amiss("no OVSDB: connection reset");
    assertThat(taken()).containsExactly("! ns/web MirrorFailed");
  }

  /** A pod that waits for its volumes has no interface for some time. */
  @Test
  void aPodThatIsBeingSetUpIsGivenTime() {
    ask("1");
    amiss(new Trouble("br-int has no interface of this pod", true));
    now += Duration.ofSeconds(50).toNanos();
    events.tick();
    assertThat(taken()).isEmpty();
    now += Duration.ofSeconds(20).toNanos();
    events.tick();
    assertThat(taken()).containsExactly("! ns/web MirrorFailed");
  }

  /** Who asks is not what is mirrored: another word for the same is no stop and no start. */
  @Test
  void anotherWhoAsksForTheSameIsNoEvent() {
    ask("1");
    mirrored();
    taken();
    Request same =
        new Request(pod("1"), WEB, ImmutableMap.of("mirror:ns/m:kubectl", Direction.BOTH));
    events.asked("n1", new Requests(ImmutableList.of(same), ImmutableMap.of(), ImmutableList.of()));
    assertThat(taken()).isEmpty();
    ask();
    over();
    assertThat(taken()).containsExactly("ns/web MirrorStopped");
  }

  @Test
  void aPodOfTheSameNameIsAnother() {
    ask("1");
    mirrored();
    taken();
    ask("2");
    assertThat(taken()).containsExactly("ns/web MirrorStopped", "ns/web MirrorStarted");
  }

  /** What is over by itself within some seconds is nobody's concern. */
  @Test
  void onlyAFailureThatLastsIsTold() {
    amiss("no OpenFlow");
    ask("1");
    events.tick();
    assertThat(taken()).isEmpty();
    now += Duration.ofSeconds(6).toNanos();
    events.tick();
    events.tick();
    assertThat(taken()).containsExactly("! ns/web MirrorFailed");
    mirrored();
    assertThat(taken()).containsExactly("ns/web MirrorStarted");
    amiss("no OpenFlow");
    now += Duration.ofSeconds(2).toNanos();
    events.tick();
    mirrored();
    assertThat(taken()).isEmpty();
  }

  @Test
  void aRefusalIsToldOnceForEachReason() {
    refuse("why");
    assertThat(taken()).as("before it is known whose node it is").isEmpty();
    amiss("");
    refuse("why");
    events.tick();
    assertThat(taken()).containsExactly("! ns/web MirrorRefused");
    refuse("why else");
    assertThat(taken()).containsExactly("! ns/web MirrorRefused");
  }

  /** Of several controllers the one that writes on a node tells of it. */
  @Test
  void nothingIsToldOfANodeThatIsAnothers() {
    ask("1");
    mirrored();
    taken();
    events.leave("n1");
    ask();
    refuse("why");
    events.tick();
    assertThat(taken()).isEmpty();
  }
}
