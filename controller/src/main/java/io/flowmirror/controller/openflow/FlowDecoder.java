// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import static io.flowmirror.controller.openflow.MalformedException.checkedLength;

import com.google.common.collect.ImmutableList;
import io.flowmirror.flows.Action;
import io.flowmirror.flows.Cookie;
import io.flowmirror.flows.Field;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.FlowKey;
import io.flowmirror.flows.InstalledEntry;
import io.flowmirror.flows.Match;
import io.flowmirror.flows.Opaque;
import io.flowmirror.topology.Port;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Reads flow entries out of OFPMP_FLOW replies (OpenFlow 1.3.5, section 7.3.5.2).
 *
 * <p>Every entry is read by its lengths, so that a field or an action that is not known here is
 * kept as its bytes and puts nothing that follows it out of step. What is known is known exactly:
 * an action of a known type in an unknown form is kept as bytes too. Nothing is thrown but {@link
 * MalformedException}, and what is made is in proportion to what is read.
 */
final class FlowDecoder {
  private static final int STATS_BYTES = 48;
  private static final int UPDATE_BYTES = 24;

  private FlowDecoder() {}

  /**
   * Reads the body of one reply.
   *
   * @throws MalformedException if a length is wrong
   */
  static void decode(ByteBuf in, Consumer<InstalledEntry> entries) {
    while (in.isReadable()) {
      checkedLength("ofp_flow_stats", STATS_BYTES + 8, STATS_BYTES + 8, in.readableBytes());
      int length = in.getUnsignedShort(in.readerIndex());
      checkedLength("ofp_flow_stats.length", length, STATS_BYTES + 8, in.readableBytes());
      int rest = narrow(in, length);
      InstalledEntry entry = entry(in);
      widen(in, rest);
      entries.accept(entry);
    }
  }

  private static InstalledEntry entry(ByteBuf in) {
    in.skipBytes(2);
    int table = in.readUnsignedByte();
    in.skipBytes(1);
    long age = in.readUnsignedInt();
    in.skipBytes(4);
    int priority = in.readUnsignedShort();
    in.skipBytes(2);
    int hardTimeout = in.readUnsignedShort();
    int flags = in.readUnsignedShort();
    in.skipBytes(4);
    long cookie = in.readLong();
    long packets = in.readLong();
    long bytes = in.readLong();
    FlowKey key = new FlowKey(table, priority, match(in));
    boolean sendFlowRemoved = (flags & Ofp.OFPFF_SEND_FLOW_REM) != 0;
    FlowEntry entry = new FlowEntry(key, instructions(in), cookie, hardTimeout, sendFlowRemoved);
    return new InstalledEntry(entry, age, packets, bytes);
  }

  /**
   * Reads the updates of one message of the flow monitor; what we have changed ourselves comes
   * abbreviated, and is not told.
   *
   * @throws MalformedException if a length is wrong
   */
  static void decodeUpdates(ByteBuf in, Consumer<FlowUpdate> updates) {
    while (in.isReadable()) {
      checkedLength("onf_flow_update_header", 4, 4, in.readableBytes());
      int length = in.getUnsignedShort(in.readerIndex());
      checkedLength("onf_flow_update_header.length", length, 4, in.readableBytes());
      int rest = narrow(in, length);
      int event = in.getUnsignedShort(in.readerIndex() + 2);
      if (event <= Ofp.ONFFME_MODIFIED) {
        checkedLength("onf_flow_update_full", length, UPDATE_BYTES + 8, length);
        updates.accept(update(event, in));
      }
      widen(in, rest);
    }
  }

  private static FlowUpdate update(int event, ByteBuf in) {
    in.skipBytes(6);
    int priority = in.readUnsignedShort();
    in.skipBytes(2);
    int hardTimeout = in.readUnsignedShort();
    in.skipBytes(2);
    int table = in.readUnsignedByte();
    in.skipBytes(1);
    long cookie = in.readLong();
    FlowKey key = new FlowKey(table, priority, match(in));
    return new FlowUpdate(
        event == Ofp.ONFFME_DELETED,
        new FlowEntry(key, instructions(in), cookie, hardTimeout, Cookie.isOurs(cookie)));
  }

  /** Reads a {@code struct ofp_match} and its padding (section 7.2.3). */
  static Match match(ByteBuf in) {
    checkedLength("ofp_match", 8, 8, in.readableBytes());
    int left = in.readableBytes();
    int type = in.readUnsignedShort();
    if (type != Ofp.OFPMT_OXM) {
      throw new MalformedException("ofp_match.type is " + type + ", not OFPMT_OXM");
    }
    int length = checkedLength("ofp_match.length", in.readUnsignedShort(), 4, left);
    int padding = checkedLength("ofp_match", padded(length), 8, left) - length;
    int rest = narrow(in, length - 4);
    Match.Builder match = new Match.Builder();
    while (in.isReadable()) {
      int start = in.readerIndex();
      int oxm = oxm(in);
      Field field = field(oxm);
      if (field != null) {
        long value = value(field, in);
        long mask = isMasked(oxm) ? value(field, in) : field.allOnes();
        if (!match.put(field, value, mask)) {
          throw new MalformedException("ofp_match has " + field.text() + " twice");
        }
      } else {
        in.skipBytes(oxm & 0xff);
        match.put(opaque(in, start));
      }
    }
    widen(in, rest);
    in.skipBytes(padding);
    return match.build();
  }

  private static ImmutableList<Action> instructions(ByteBuf in) {
    ImmutableList.Builder<Action> actions = ImmutableList.builder();
    while (in.isReadable()) {
      checkedLength("ofp_instruction", 8, 8, in.readableBytes());
      int start = in.readerIndex();
      int length = in.getUnsignedShort(start + 2);
      checkedLength("ofp_instruction.len", length, 8, in.readableBytes());
      int rest = narrow(in, length);
      if (in.readUnsignedShort() == Ofp.OFPIT_APPLY_ACTIONS) {
        in.skipBytes(6);
        while (in.isReadable()) {
          actions.add(action(in));
        }
      } else {
        in.skipBytes(length - 2);
        actions.add(new Action.Other(opaque(in, start)));
      }
      widen(in, rest);
    }
    return actions.build();
  }

  private static Action action(ByteBuf in) {
    checkedLength("ofp_action_header", 8, 8, in.readableBytes());
    int start = in.readerIndex();
    int length = in.getUnsignedShort(start + 2);
    checkedLength("ofp_action_header.len", length, 8, in.readableBytes());
    int rest = narrow(in, length);
    int type = in.readUnsignedShort();
    in.skipBytes(2);
    Action known =
        switch (type) {
          case Ofp.OFPAT_OUTPUT -> output(in);
          case Ofp.OFPAT_SET_FIELD -> setField(in);
          case Ofp.OFPAT_EXPERIMENTER -> experimenter(in);
          default -> null;
        };
    widen(in, rest);
    return known != null ? known : new Action.Other(opaque(in, start));
  }

  private static @Nullable Action output(ByteBuf in) {
    int port = in.readInt();
    return in.readableBytes() == 8 && port >= 1 && port <= Port.MAX
        ? new Action.Output(port)
        : null;
  }

  private static @Nullable Action setField(ByteBuf in) {
    int oxm = oxm(in);
    Field field = field(oxm);
    if (field == null || isMasked(oxm)) {
      return null;
    }
    long value = value(field, in);
    return in.readableBytes() < 8 ? new Action.SetField(field, value) : null;
  }

  private static @Nullable Action experimenter(ByteBuf in) {
    if (in.readInt() != Ofp.NX_VENDOR_ID || in.readableBytes() < 8) {
      return null;
    }
    int subtype = in.readUnsignedShort();
    if (subtype == Ofp.NXAST_REG_LOAD && in.readableBytes() == 14) {
      int range = in.readUnsignedShort();
      int oxm = in.readInt();
      Field field = field(oxm);
      return field == null || isMasked(oxm)
          ? null
          : new Action.Load(field, range >>> 6, (range & 0x3f) + 1, in.readLong());
    }
    if (subtype == Ofp.NXAST_RESUBMIT_TABLE && in.readableBytes() == 6) {
      int port = in.readUnsignedShort();
      int table = in.readUnsignedByte();
      return port == Ofp.NX_IN_PORT ? new Action.Resubmit(table) : null;
    }
    return null;
  }

  /** Reads the header of an OXM TLV (section 7.2.3.2) whose value is all there. */
  private static int oxm(ByteBuf in) {
    checkedLength("oxm header", 4, 4, in.readableBytes());
    int oxm = in.readInt();
    checkedLength("oxm_length", oxm & 0xff, 0, in.readableBytes());
    return oxm;
  }

  /** The field of ours that an OXM header names, if it does. */
  private static @Nullable Field field(int oxm) {
    Field field = Field.of(oxm >>> 16, oxm >>> 9 & 0x7f).orElse(null);
    if (field != null) {
      int expected = field.bytes() * (isMasked(oxm) ? 2 : 1);
      if ((oxm & 0xff) != expected) {
        throw new MalformedException(
            "oxm_length of " + field.text() + " is " + (oxm & 0xff) + ", not " + expected);
      }
    }
    return field;
  }

  private static boolean isMasked(int oxm) {
    return (oxm & 0x100) != 0;
  }

  private static long value(Field field, ByteBuf in) {
    return field.bytes() == 8 ? in.readLong() : in.readUnsignedInt();
  }

  /** What was read since there. */
  private static Opaque opaque(ByteBuf in, int start) {
    return Opaque.of(ByteBufUtil.getBytes(in, start, in.readerIndex() - start, true));
  }

  private static int padded(int length) {
    return (length + 7) / 8 * 8;
  }

  /**
   * Lets no more than so many bytes be read, for a part that says its length. No slice: of those,
   * there would be some twenty for each entry.
   *
   * @return what is to be given to {@link #widen} afterwards
   */
  private static int narrow(ByteBuf in, int length) {
    int end = in.writerIndex();
    in.writerIndex(in.readerIndex() + length);
    return end;
  }

  /** Goes on after a part, whether it was read to its end or not. */
  private static void widen(ByteBuf in, int end) {
    in.readerIndex(in.writerIndex()).writerIndex(end);
  }
}
