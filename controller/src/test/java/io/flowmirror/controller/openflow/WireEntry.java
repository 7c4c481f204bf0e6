// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import static org.assertj.core.api.Assertions.assertThat;

import io.flowmirror.flows.Action;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.InstalledEntry;
import io.flowmirror.flows.Match;
import io.flowmirror.flows.Opaque;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * A {@code struct ofp_flow_stats} cut into its parts by nothing but their lengths, to hold what
 * FlowDecoder makes of it against.
 *
 * @param fixed the first 48 bytes
 * @param oxms the match, field by field
 * @param instructions all of them
 * @param actions the actions of OFPIT_APPLY_ACTIONS one by one, and each other instruction as one
 */
record WireEntry(ByteBuffer fixed, List<Opaque> oxms, Opaque instructions, List<Opaque> actions) {
  private static final int FIXED_BYTES = 48;

  /** The entries of an OFPMP_FLOW reply, a whole message. */
  static List<WireEntry> split(byte[] message) {
    List<WireEntry> entries = new ArrayList<>();
    for (byte[] entry : pieces(message, 16, 0)) {
      entries.add(of(entry));
    }
    return entries;
  }

  private static WireEntry of(byte[] entry) {
    int matchBytes = uint16(entry, FIXED_BYTES + 2);
    List<Opaque> oxms = new ArrayList<>();
    int at = FIXED_BYTES + 4;
    while (at < FIXED_BYTES + matchBytes) {
      int end = at + 4 + (entry[at + 3] & 0xff);
      oxms.add(Opaque.of(Arrays.copyOfRange(entry, at, end)));
      at = end;
    }
    List<Opaque> actions = new ArrayList<>();
    int instructionsAt = FIXED_BYTES + (matchBytes + 7) / 8 * 8;
    for (byte[] instruction : pieces(entry, instructionsAt, 2)) {
      if (uint16(instruction, 0) == Ofp.OFPIT_APPLY_ACTIONS) {
        pieces(instruction, 8, 2).forEach(action -> actions.add(Opaque.of(action)));
      } else {
        actions.add(Opaque.of(instruction));
      }
    }
    return new WireEntry(
        ByteBuffer.wrap(entry, 0, FIXED_BYTES).slice(),
        oxms,
        Opaque.of(Arrays.copyOfRange(entry, instructionsAt, entry.length)),
        actions);
  }

  /** Parts that follow one another to the end, each with its length at the same place. */
  static List<byte[]> pieces(byte[] whole, int from, int lengthAt) {
    List<byte[]> pieces = new ArrayList<>();
    int at = from;
    while (at < whole.length) {
      int end = at + uint16(whole, at + lengthAt);
      if (end == at || end > whole.length) {
        throw new AssertionError("a length of " + (end - at) + " at " + at);
      }
      pieces.add(Arrays.copyOfRange(whole, at, end));
      at = end;
    }
    return pieces;
  }

  private static int uint16(byte[] bytes, int at) {
    return Frames.uint16(bytes, at);
  }

  int table() {
    return fixed.get(2) & 0xff;
  }

  int priority() {
    return fixed.getShort(12) & 0xffff;
  }

  int hardTimeout() {
    return fixed.getShort(16) & 0xffff;
  }

  int flags() {
    return fixed.getShort(18) & 0xffff;
  }

  long cookie() {
    return fixed.getLong(24);
  }

  /** A FLOW_MOD that adds this entry under another key. */
  byte[] flowMod(int table, int priority, List<Opaque> otherOxms) {
    ByteBuf out = Unpooled.buffer();
    out.writeByte(Ofp.VERSION_13).writeByte(Ofp.OFPT_FLOW_MOD).writeShort(0).writeInt(0);
    out.writeLong(cookie()).writeLong(0).writeByte(table).writeByte(Ofp.OFPFC_ADD);
    out.writeShort(0).writeShort(hardTimeout()).writeShort(priority);
    out.writeInt(Ofp.OFP_NO_BUFFER).writeInt(Ofp.OFPP_ANY).writeInt(Ofp.OFPG_ANY);
    out.writeShort(flags() & Ofp.OFPFF_SEND_FLOW_REM).writeShort(0);
    int bytes = 4 + otherOxms.stream().mapToInt(Opaque::length).sum();
    out.writeShort(Ofp.OFPMT_OXM).writeShort(bytes);
    otherOxms.forEach(oxm -> out.writeBytes(oxm.bytes()));
    out.writeZero(-bytes & 7);
    out.writeBytes(instructions.bytes());
    out.setShort(2, out.readableBytes());
    return ByteBufUtil.getBytes(out);
  }

  /**
   * Checks that nothing was lost or invented: what is known is written again by FlowEncoder, and
   * with what was kept as bytes it must be what was on the wire.
   */
  void assertSameAs(InstalledEntry installed) {
    FlowEntry entry = installed.entry();
    assertThat(installed.age()).isEqualTo(fixed.getInt(4) & 0xffff_ffffL);
    assertThat(installed.packets()).isEqualTo(fixed.getLong(32));
    assertThat(installed.bytes()).isEqualTo(fixed.getLong(40));
    assertThat(entry.cookie()).isEqualTo(cookie());
    assertThat(entry.key().table()).isEqualTo(table());
    assertThat(entry.key().priority()).isEqualTo(priority());
    assertThat(entry.hardTimeout()).isEqualTo(hardTimeout());
    assertThat(entry.sendFlowRemoved()).isEqualTo((flags() & Ofp.OFPFF_SEND_FLOW_REM) != 0);
    assertThat(sorted(oxms.stream())).isEqualTo(sorted(written(entry.key().match())));
    assertThat(entry.actions().stream().map(WireEntry::written).toList())
        .isEqualTo(actions.stream().map(WireEntry::withoutMaxLen).toList());
  }

  /** An output to a port without its max_len, which means nothing there; others as they are. */
  private static Opaque withoutMaxLen(Opaque action) {
    byte[] bytes = action.bytes();
    if (uint16(bytes, 0) == Ofp.OFPAT_OUTPUT && uint16(bytes, 4) == 0) {
      Arrays.fill(bytes, 8, 10, (byte) 0);
    }
    return Opaque.of(bytes);
  }

  private static List<String> sorted(Stream<Opaque> oxms) {
    return oxms.map(Opaque::toString).sorted().toList();
  }

  private static Stream<Opaque> written(Match match) {
    WireEntry known = written(Match.of(match.fields()), List.of());
    return Stream.concat(known.oxms().stream(), match.others().stream());
  }

  private static Opaque written(Action action) {
    return action instanceof Action.Other(Opaque bytes)
        ? bytes
        : written(Match.ANY, List.of(action)).actions().get(0);
  }

  private static WireEntry written(Match match, List<Action> actions) {
    FlowEntry entry =
        Entries.entry(0, 0, match, Entries.e0(1).cookie(), actions.toArray(Action[]::new));
    ByteBuf stats = Unpooled.buffer();
    FlowStats.write(entry, stats);
    return of(ByteBufUtil.getBytes(stats));
  }
}
