// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.base.Ticker;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.controller.reconcile.NodeStatus.Writer;
import io.flowmirror.controller.reconcile.Obstacle;
import io.flowmirror.flows.FlowDiff;
import io.flowmirror.flows.MirrorCompiler;
import io.flowmirror.flows.NodeIntent;
import io.flowmirror.flows.Plan;
import io.flowmirror.topology.Datapath;
import io.flowmirror.topology.Node;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

final class FirstLookTest {
  private static final NodeStatus ANOTHERS = status(Writer.ANOTHER, true, "");
  private static final NodeStatus OURS = status(Writer.US, true, "");
  private static final NodeStatus ASKING = status(Writer.UNDECIDED, true, "");
  private static final NodeStatus UNKNOWN = status(Writer.UNDECIDED, false, "");
  private static final NodeStatus UNREACHABLE = status(Writer.UNDECIDED, false, "no OpenFlow");

  private final AtomicLong now = new AtomicLong();
  private final AtomicInteger refused = new AtomicInteger();
  private final FirstLook look =
      new FirstLook(
          new Ticker() {
            @Override
            public long read() {
              return now.get();
            }
          },
          refused::incrementAndGet);

  private static NodeStatus status(Writer writer, boolean connected, String waiting) {
    Node node =
        new Node(
            "n",
            Optional.empty(),
            false,
            connected
                ? Optional.of(
                    new Datapath(
                        1,
                        1,
                        "3.1.0",
                        ImmutableMap.of(),
                        OptionalInt.empty(),
                        ImmutableList.of(),
                        false,
                        ImmutableSet.of()))
                : Optional.empty());
    Plan plan = MirrorCompiler.compile(NodeIntent.nothing(), node);
    return new NodeStatus(
        NodeIntent.nothing(),
        node,
        plan,
        ImmutableList.of(),
        FlowDiff.between(plan, ImmutableList.of(), ImmutableSet.of(), ImmutableSet.of()),
        ImmutableMap.of(),
        writer,
        waiting.isEmpty()
            ? ImmutableList.of()
            : ImmutableList.of(new Obstacle(Obstacle.On.OPENFLOW, waiting)),
        Optional.empty(),
        false,
        ImmutableList.of());
  }

  private int after(NodeStatus... statuses) {
    ImmutableMap.Builder<String, NodeStatus> all = ImmutableMap.builder();
    for (int i = 0; i < statuses.length; i++) {
      all.put("n" + i, statuses[i]);
    }
    look.accept(all.buildOrThrow());
    return refused.get();
  }

  @Test
  void refusesOnceWhenEveryNodeIsAnothers() {
    assertThat(after(ANOTHERS, ASKING)).isZero();
    assertThat(after(ANOTHERS, UNKNOWN)).isZero();
    assertThat(after(ANOTHERS, ANOTHERS)).isEqualTo(1);
    assertThat(after(ANOTHERS, ANOTHERS)).isEqualTo(1);
  }

  @Test
  void aNodeThatCannotBeReachedIsGivenSomeTime() {
    assertThat(after(ANOTHERS, UNREACHABLE)).isZero();
    now.addAndGet(FirstLook.GRACE.toNanos() + 1);
    assertThat(after(ANOTHERS, UNKNOWN)).isZero();
    assertThat(after(ANOTHERS, UNREACHABLE)).isEqualTo(1);
  }

  @Test
  void whoHasWorkToDoGoesOn() {
    now.addAndGet(FirstLook.GRACE.toNanos() + 1);
    assertThat(after(UNREACHABLE, UNREACHABLE)).isZero();
    assertThat(after(ANOTHERS, OURS)).isZero();
    assertThat(after(ANOTHERS, ANOTHERS)).isZero();
  }
}
