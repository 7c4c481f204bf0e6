// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableMultiset;
import com.google.common.collect.Multiset;
import io.flowmirror.config.Direction;
import io.flowmirror.controller.truth.Observed.Tap;
import java.util.stream.Stream;

/** The copies that there must be, computed from what was captured and from nothing else. */
final class Truth {
  private Truth() {}

  /** Of mirrored pods, each with its direction. */
  static ImmutableMultiset<Frame> ofPods(ImmutableMap<String, Direction> pods, Observed observed) {
    ImmutableMultiset.Builder<Frame> sent = ImmutableMultiset.builder();
    ImmutableMultiset.Builder<Frame> delivered = ImmutableMultiset.builder();
    pods.forEach(
        (pod, direction) -> {
          if (direction.fromPod()) {
            observed.sentBy(pod).forEach(sent::add);
          }
          if (direction.toPod()) {
            observed.deliveredTo(pod).forEach(delivered::add);
          }
        });
    return onceEach(sent.build(), delivered.build());
  }

  /** Of everything: what enters br-int by any port, and what is delivered to a local one. */
  static ImmutableMultiset<Frame> ofEverything(Observed observed) {
    ImmutableMultiset.Builder<Frame> entered = ImmutableMultiset.builder();
    ImmutableMultiset.Builder<Frame> delivered = ImmutableMultiset.builder();
    Stream.concat(Watch.LOCAL_PODS.stream(), Stream.of(Tap.OVN0))
        .forEach(
            place -> {
              observed.sentBy(place).forEach(entered::add);
              observed.deliveredTo(place).forEach(delivered::add);
            });
    observed.frames().get(Tap.TUNNELS).forEach(entered::add);
    return onceEach(entered.build(), delivered.build());
  }

  /**
   * A frame that came in at a mirrored port is copied there, and on delivery only if it was changed
   * on the way, which makes it another frame. A frame that came in elsewhere is copied at each
   * mirrored port that it is delivered to.
   */
  private static ImmutableMultiset<Frame> onceEach(
      Multiset<Frame> sent, Multiset<Frame> delivered) {
    ImmutableMultiset.Builder<Frame> copies = ImmutableMultiset.builder();
    copies.addAll(sent);
    for (Multiset.Entry<Frame> entry : delivered.entrySet()) {
      if (!sent.contains(entry.getElement())) {
        copies.addCopies(entry.getElement(), entry.getCount());
      }
    }
    return copies.build();
  }
}
