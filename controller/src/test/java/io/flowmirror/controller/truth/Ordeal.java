// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMultiset;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.controller.reconcile.Repair;
import io.flowmirror.controller.truth.Capture.Side;
import io.flowmirror.controller.truth.PcapReader.Captured;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * One fault under traffic, and what it cost. The mirrored pod is web; it talks to a pod on its own
 * node and is talked to by one on another, with an echo request a millisecond each, and two others
 * talk past it. What its eth0 saw is held against what came by the mirror port, frame by frame.
 *
 * <p>A frame that a pod sent while OVN's entries were away reached nobody, and is not counted as
 * missing: its request was not answered, or its answer did not arrive.
 */
final class Ordeal {
  /** A silence as long as this in what the pod receives is OVN's, or Open vSwitch's, absence. */
  private static final Duration SILENCE = Duration.ofMillis(10);

  private static final Duration QUIET = Duration.ofMillis(300);

  /**
   * What one fault cost.
   *
   * @param lost echo requests of all probes without an answer
   * @param silence the longest time for which the pod received nothing
   * @param missed frames that OVN forwarded to or from the pod, and that were not copied
   * @param missedAfter those of them after the pod had received something again
   * @param missedAfterFor from that moment to the last of them
   * @param doubled copies more than there were frames
   * @param undelivered copies of what was on its way to the pod, and never got there: a switch that
   *     dies has copied what it has not delivered yet
   * @param strangers copies of what the pod neither sent nor received
   * @param repairs what the controller says of its repairs
   */
  record Cost(
      int lost,
      Duration silence,
      int missed,
      int missedAfter,
      Duration missedAfterFor,
      ImmutableList<String> doubled,
      int undelivered,
      ImmutableList<String> strangers,
      ImmutableList<Repair> repairs) {}

  private record Seen(Instant time, Frame frame, Side side) {}

  private final Stage stage;
  private final Pod web;

  Ordeal(Stage stage) {
    this.stage = stage;
    this.web = stage.cluster.pod("web");
  }

  /** Has a fault happen, waits until all is well again, and says what it cost. */
  Cost of(Fault fault) {
    stage.putProxy(fault.byProxy());
    int known = stage.hasController() ? repairs().size() : 0;
    int lost;
    List<Captured> received;
    List<Captured> sent;
    List<Captured> copied;
    Instant begin;
    List<Probe> probes = new ArrayList<>();
    try (Capture in = Capture.start(web.netns(), web.device(), Side.IN);
        Capture out = Capture.start(web.netns(), web.device(), Side.OUT);
        Capture copies = Capture.start(stage.mirrorNetns(), Stage.MIRROR_DEVICE, Side.IN)) {
      // They were started one after the other: before this moment one saw what another did not.
      begin = Instant.now();
      try {
        probes.add(Probe.start(web, stage.cluster.pod("db")));
        probes.add(Probe.start(stage.cluster.pod("far"), web));
        probes.add(Probe.start(stage.cluster.pod("plain"), stage.cluster.pod("other")));
        probes.forEach(probe -> probe.awaitAnswers(100));
        fault.strike().on(stage);
        stage.controllerNotices("all to be well after " + fault, NodeStatus::settled);
        probes.forEach(probe -> probe.awaitAnswers(200));
        lost = probes.stream().mapToInt(Probe::lost).sum();
      } finally {
        probes.forEach(Probe::close);
      }
      Wait.until(
          "silence",
          () ->
              Stream.of(in, out, copies)
                  .allMatch(capture -> System.nanoTime() - capture.lastArrival() > QUIET.toNanos()),
          () -> "frames still come");
      received = in.since(0);
      sent = out.since(0);
      copied = copies.since(0);
    }
    return cost(begin, lost, received, sent, copied, known);
  }

  private ImmutableList<Repair> repairs() {
    return stage.controller().status(Cluster.NODE).repairs();
  }

  private Cost cost(
      Instant begin,
      int lost,
      List<Captured> received,
      List<Captured> sent,
      List<Captured> copied,
      int known) {
    List<Seen> truth = new ArrayList<>();
    received.forEach(frame -> truth.add(new Seen(frame.time(), frame.frame(), Side.IN)));
    sent.forEach(frame -> truth.add(new Seen(frame.time(), frame.frame(), Side.OUT)));
    truth.sort(Comparator.comparing(Seen::time));

    Map<Frame, Integer> left = new HashMap<>();
    copied.forEach(copy -> left.merge(copy.frame(), 1, Integer::sum));
    Set<String> answered = answered(received);
    List<Instant> missed = new ArrayList<>();
    for (Seen seen : truth) {
      if (left.merge(seen.frame(), -1, Integer::sum) < 0) {
        left.put(seen.frame(), 0);
        if (!seen.time().isBefore(begin)
            && (seen.side() == Side.IN || wasForwarded(seen.frame(), answered))) {
          missed.add(seen.time());
        }
      }
    }
    for (Captured copy : copied) {
      if (copy.time().isBefore(begin) && left.getOrDefault(copy.frame(), 0) > 0) {
        left.merge(copy.frame(), -1, Integer::sum);
      }
    }
    ImmutableSet<Frame> all =
        truth.stream().map(Seen::frame).collect(ImmutableSet.toImmutableSet());
    ImmutableMultiset.Builder<Frame> extra = ImmutableMultiset.builder();
    left.forEach((frame, count) -> extra.addCopies(frame, count));
    ImmutableList.Builder<String> doubled = ImmutableList.builder();
    ImmutableList.Builder<String> strangers = ImmutableList.builder();
    int undelivered = 0;
    for (Frame frame : extra.build()) {
      if (all.contains(frame)) {
        doubled.add(frame.toString());
      } else if (frame.isOf(web.mac())) {
        undelivered++;
      } else {
        strangers.add(frame.toString());
      }
    }

    Duration silence = Duration.ZERO;
    Optional<Instant> back = Optional.empty();
    for (int i = 1; i < received.size(); i++) {
      if (received.get(i - 1).time().isBefore(begin)) {
        continue;
      }
      Duration gap = Duration.between(received.get(i - 1).time(), received.get(i).time());
      if (gap.compareTo(silence) > 0) {
        silence = gap;
        back = gap.compareTo(SILENCE) > 0 ? Optional.of(received.get(i).time()) : Optional.empty();
      }
    }
    Instant again = back.orElse(Instant.MAX);
    List<Instant> after = missed.stream().filter(time -> !time.isBefore(again)).toList();
    return new Cost(
        lost,
        silence,
        missed.size(),
        after.size(),
        after.isEmpty() ? Duration.ZERO : Duration.between(again, after.get(after.size() - 1)),
        doubled.build(),
        undelivered,
        strangers.build(),
        stage.hasController() ? newRepairs(known) : ImmutableList.of());
  }

  /** A controller that was started anew begins a new list. */
  private ImmutableList<Repair> newRepairs(int known) {
    ImmutableList<Repair> repairs = repairs();
    return known <= repairs.size() ? repairs.subList(known, repairs.size()) : repairs;
  }

  private static final int ICMP_TYPE = 34;
  private static final int REQUEST = 8;
  private static final int REPLY = 0;

  private static boolean isEcho(Frame frame, int type) {
    return frame.u16(12) == 0x0800 && frame.u8(23) == 1 && frame.u8(ICMP_TYPE) == type;
  }

  /** Identifier and sequence number (RFC 792). */
  private static String echo(Frame frame) {
    return frame.u16(ICMP_TYPE + 4) + "/" + frame.u16(ICMP_TYPE + 6);
  }

  private static Set<String> answered(List<Captured> received) {
    Set<String> answered = new HashSet<>();
    received.stream()
        .map(Captured::frame)
        .filter(frame -> isEcho(frame, REPLY))
        .forEach(frame -> answered.add(echo(frame)));
    return answered;
  }

  /** Whether what the pod sent is known to have gone on: its answer came. */
  private static boolean wasForwarded(Frame sent, Set<String> answered) {
    return isEcho(sent, REQUEST) && answered.contains(echo(sent));
  }
}
