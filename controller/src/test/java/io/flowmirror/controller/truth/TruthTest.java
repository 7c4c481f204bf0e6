// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableListMultimap;
import com.google.common.collect.ImmutableMap;
import com.google.common.io.BaseEncoding;
import io.flowmirror.controller.truth.Capture.Side;
import io.flowmirror.controller.truth.Observed.Tap;
import org.junit.jupiter.api.Test;

/** The yardstick itself: a truth table that cannot fail would prove nothing. */
final class TruthTest {
  private static final String WEB_MAC = "0a:58:0a:10:00:02";
  private static final String DB_MAC = "0a:58:0a:10:00:03";
  private static final Frame ONE = RawFrame.udp(WEB_MAC, DB_MAC, "10.16.0.2", "10.16.0.3", 7001);
  private static final Frame TWO = RawFrame.udp(WEB_MAC, DB_MAC, "10.16.0.2", "10.16.0.3", 7002);

  private static final Tap WEB_OUT = new Tap("web", Side.OUT);
  private static final Tap DB_IN = new Tap("db", Side.IN);
  private static final Tap OTHER_IN = new Tap("other", Side.IN);

  private static Observed observed(ImmutableListMultimap<Tap, Frame> frames) {
    return new Observed(frames, ImmutableMap.of());
  }

  private static Verdict verdict(Intent intent, ImmutableListMultimap<Tap, Frame> frames) {
    return Verdict.of(intent, observed(frames));
  }

  @Test
  void aFrameBetweenTwoMirroredPodsIsThereOnce() {
    ImmutableListMultimap<Tap, Frame> once =
        ImmutableListMultimap.of(WEB_OUT, ONE, DB_IN, ONE, Tap.COPIES, ONE);
    assertThat(verdict(Intent.THREE_PODS, once).holds()).isTrue();
    assertThat(verdict(Intent.ONE_POD, once).holds()).isTrue();
    assertThat(verdict(Intent.EVERYTHING, once).holds()).isTrue();
    assertThat(verdict(Intent.ONE_POD_IN, once).surplus()).containsExactly(ONE);

    ImmutableListMultimap<Tap, Frame> twice =
        ImmutableListMultimap.of(WEB_OUT, ONE, DB_IN, ONE, Tap.COPIES, ONE, Tap.COPIES, ONE);
    assertThat(verdict(Intent.THREE_PODS, twice).surplus()).containsExactly(ONE);
  }

  @Test
  void aFrameThatWasChangedOnTheWayIsThereInBothForms() {
    ImmutableListMultimap<Tap, Frame> both =
        ImmutableListMultimap.of(WEB_OUT, ONE, DB_IN, TWO, Tap.COPIES, ONE, Tap.COPIES, TWO);
    assertThat(verdict(Intent.THREE_PODS, both).holds()).isTrue();
    assertThat(verdict(Intent.MIXED, both).holds()).isTrue();
    assertThat(verdict(Intent.ONE_POD, both).surplus()).containsExactly(TWO);

    ImmutableListMultimap<Tap, Frame> one =
        ImmutableListMultimap.of(WEB_OUT, ONE, DB_IN, TWO, Tap.COPIES, ONE);
    assertThat(verdict(Intent.THREE_PODS, one).missing()).containsExactly(TWO);
  }

  @Test
  void aFloodFromAnUnmirroredPortIsThereOncePerDestination() {
    ImmutableListMultimap<Tap, Frame> flood =
        ImmutableListMultimap.of(DB_IN, ONE, OTHER_IN, ONE, Tap.COPIES, ONE, Tap.COPIES, ONE);
    assertThat(verdict(Intent.THREE_PODS, flood).holds()).isTrue();
  }

  @Test
  void whatComesInByATunnelEnters() {
    ImmutableListMultimap<Tap, Frame> tunnelled =
        ImmutableListMultimap.of(Tap.TUNNELS, ONE, DB_IN, ONE, Tap.COPIES, ONE);
    assertThat(verdict(Intent.EVERYTHING, tunnelled).holds()).isTrue();
  }

  @Test
  void geneveIsTakenOff() {
    // RFC 8926: outer Ethernet, IPv4, UDP to 6081, a header with 8 bytes of options.
    String outer =
        "020000000201"
            + "020000000202"
            + "0800"
            + "450000000000000040110000ac1e000cac1e000b"
            + "c000"
            + "17c1"
            + "0000"
            + "0000"
            + "0200655800000100"
            + "0102800100020003";
    byte[] header = BaseEncoding.base16().lowerCase().decode(outer);
    byte[] inner = ONE.slice(0);
    byte[] packet = com.google.common.primitives.Bytes.concat(header, inner);
    assertThat(Geneve.inner(new Frame(packet))).contains(ONE);
    assertThat(Geneve.inner(ONE)).isEmpty();
  }

  @Test
  void vxlanIsTakenOff() {
    String outer =
        "020000000201"
            + "020000000202"
            + "0800"
            + "450000000000000040110000ac1e000cac1e000b"
            + "c000"
            + "12b5"
            + "0000"
            + "0000"
            + "0800000000200200";
    byte[] header = BaseEncoding.base16().lowerCase().decode(outer);
    byte[] packet = com.google.common.primitives.Bytes.concat(header, ONE.slice(0));
    assertThat(Vxlan.inner(new Frame(packet))).contains(ONE);
    assertThat(Vxlan.inner(ONE)).isEmpty();
  }

  @Test
  void framesAreDescribed() {
    assertThat(FrameText.describe(ONE))
        .isEqualTo(
            "0a:58:0a:10:00:02 > 0a:58:0a:10:00:03 10.16.0.2 > 10.16.0.3 ttl=64 udp 7001>7001,"
                + " 49 bytes");
    assertThat(FrameText.describe(RawFrame.arpRequest(WEB_MAC, "10.16.0.2", "10.16.0.9")))
        .isEqualTo(
            "0a:58:0a:10:00:02 > ff:ff:ff:ff:ff:ff arp request who-has 10.16.0.9 tell 10.16.0.2,"
                + " 42 bytes");
    assertThat(FrameText.describe(new Frame(new byte[3]))).endsWith("ethertype 0x0000, 3 bytes");
  }
}
