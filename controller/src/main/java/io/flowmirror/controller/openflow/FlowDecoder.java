// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import static io.flowmirror.controller.openflow.MalformedException.checkedLength;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSortedMap;
import io.flowmirror.flows.Action;
import io.flowmirror.flows.Field;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.FlowKey;
import io.flowmirror.flows.InstalledEntry;
import io.flowmirror.flows.Match;
import io.flowmirror.topology.Port;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * Reads flow entries out of OFPMP_FLOW replies (OpenFlow 1.3.5, section 7.3.5.2).
 *
 * <p>Every entry is read by its lengths, so that a field or an action that is not known here is
 * kept in hexadecimal and puts nothing that follows it out of step.
 */
final class FlowDecoder {
  private static final int STATS_BYTES = 48;

  private FlowDecoder() {}

  /**
   * Reads the body of one reply.
   *
   * @throws MalformedException if a length is wrong
   */
  static void decode(ByteBuf in, Consumer<InstalledEntry> entries) {
    while (in.isReadable()) {
      checkedLength("ofp_flow_stats", 2, 2, in.readableBytes());
      int length =
          checkedLength(
              "ofp_flow_stats.length",
              in.getUnsignedShort(in.readerIndex()),
              STATS_BYTES + 8,
              in.readableBytes());
      entries.accept(entry(in.readSlice(length)));
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
    Match match = match(in);
    FlowEntry entry =
        new FlowEntry(
            new FlowKey(table, priority, match),
            instructions(in),
            cookie,
            hardTimeout,
            (flags & Ofp.OFPFF_SEND_FLOW_REM) != 0);
    return new InstalledEntry(entry, age, packets, bytes);
  }

  /** Reads a {@code struct ofp_match} and its padding (section 7.2.3). */
  static Match match(ByteBuf in) {
    checkedLength("ofp_match", 8, 8, in.readableBytes());
    int type = in.readUnsignedShort();
    if (type != Ofp.OFPMT_OXM) {
      throw new MalformedException("ofp_match.type is " + type + ", not OFPMT_OXM");
    }
    int length =
        checkedLength("ofp_match.length", in.readUnsignedShort(), 4, in.readableBytes() + 4);
    int padded = checkedLength("ofp_match", (length + 7) / 8 * 8, 8, in.readableBytes() + 4);
    ByteBuf fields = in.readSlice(length - 4);
    in.skipBytes(padded - length);
    TreeMap<Field, Match.MaskedValue> known = new TreeMap<>();
    ImmutableList.Builder<String> others = ImmutableList.builder();
    while (fields.isReadable()) {
      int start = fields.readerIndex();
      Oxm oxm = Oxm.read(fields);
      Optional<Field> field = oxm.field();
      if (field.isPresent()) {
        long value = oxm.value();
        long mask = oxm.masked() ? oxm.value() : field.get().allOnes();
        known.put(field.get(), new Match.MaskedValue(value, mask));
      } else {
        others.add(ByteBufUtil.hexDump(fields, start, fields.readerIndex() - start));
      }
    }
    return new Match(ImmutableSortedMap.copyOfSorted(known), others.build());
  }

  private static ImmutableList<Action> instructions(ByteBuf in) {
    ImmutableList.Builder<Action> actions = ImmutableList.builder();
    while (in.isReadable()) {
      checkedLength("ofp_instruction", 8, 8, in.readableBytes());
      int start = in.readerIndex();
      int length =
          checkedLength(
              "ofp_instruction.len", in.getUnsignedShort(start + 2), 8, in.readableBytes());
      ByteBuf instruction = in.readSlice(length);
      if (instruction.readUnsignedShort() == Ofp.OFPIT_APPLY_ACTIONS) {
        instruction.skipBytes(6);
        while (instruction.isReadable()) {
          actions.add(action(instruction));
        }
      } else {
        actions.add(new Action.Other(ByteBufUtil.hexDump(in, start, length)));
      }
    }
    return actions.build();
  }

  private static Action action(ByteBuf in) {
    checkedLength("ofp_action_header", 8, 8, in.readableBytes());
    int start = in.readerIndex();
    int length =
        checkedLength(
            "ofp_action_header.len", in.getUnsignedShort(start + 2), 8, in.readableBytes());
    ByteBuf action = in.readSlice(length);
    int type = action.readUnsignedShort();
    action.skipBytes(2);
    Optional<Action> known =
        switch (type) {
          case Ofp.OFPAT_OUTPUT -> output(action);
          case Ofp.OFPAT_SET_FIELD -> setField(action);
          case Ofp.OFPAT_EXPERIMENTER -> experimenter(action);
          default -> Optional.empty();
        };
    return known.orElseGet(() -> new Action.Other(ByteBufUtil.hexDump(in, start, length)));
  }

  private static Optional<Action> output(ByteBuf in) {
    int port = in.readInt();
    return port >= 1 && port <= Port.MAX ? Optional.of(new Action.Output(port)) : Optional.empty();
  }

  private static Optional<Action> setField(ByteBuf in) {
    Oxm oxm = Oxm.read(in);
    return oxm.masked()
        ? Optional.empty()
        : oxm.field().map(field -> new Action.SetField(field, oxm.value()));
  }

  private static Optional<Action> experimenter(ByteBuf in) {
    if (in.readableBytes() < 12 || in.readInt() != Ofp.NX_VENDOR_ID) {
      return Optional.empty();
    }
    int subtype = in.readUnsignedShort();
    if (subtype == Ofp.NXAST_REG_LOAD && in.readableBytes() == 14) {
      int range = in.readUnsignedShort();
      int header = in.readInt();
      long value = in.readLong();
      return Field.of(header >>> 16, header >>> 9 & 0x7f)
          .map(field -> new Action.Load(field, range >>> 6, (range & 0x3f) + 1, value));
    }
    if (subtype == Ofp.NXAST_RESUBMIT_TABLE) {
      int port = in.readUnsignedShort();
      int table = in.readUnsignedByte();
      return port == Ofp.NX_IN_PORT ? Optional.of(new Action.Resubmit(table)) : Optional.empty();
    }
    return Optional.empty();
  }

  /** An OXM TLV (section 7.2.3.2), read up to its end; its value is read piece by piece. */
  private record Oxm(Optional<Field> field, boolean masked, ByteBuf payload) {
    static Oxm read(ByteBuf in) {
      checkedLength("oxm header", 4, 4, in.readableBytes());
      int oxmClass = in.readUnsignedShort();
      int fieldAndMask = in.readUnsignedByte();
      int length = checkedLength("oxm_length", in.readUnsignedByte(), 0, in.readableBytes());
      boolean masked = (fieldAndMask & 1) != 0;
      Optional<Field> field =
          oxmClass == Ofp.OFPXMC_EXPERIMENTER
              ? Optional.empty()
              : Field.of(oxmClass, fieldAndMask >>> 1);
      if (field.isPresent()) {
        int expected = field.get().bytes() * (masked ? 2 : 1);
        if (length != expected) {
          throw new MalformedException(
              "oxm_length of " + field.get().text() + " is " + length + ", not " + expected);
        }
      }
      return new Oxm(field, masked, in.readSlice(length));
    }

    long value() {
      return field.orElseThrow().bytes() == 8 ? payload.readLong() : payload.readUnsignedInt();
    }
  }
}
