// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import io.flowmirror.flows.Action;
import io.flowmirror.flows.Cookie;
import io.flowmirror.flows.Field;
import io.flowmirror.flows.FlowChange;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.FlowKey;
import io.flowmirror.flows.Match;
import io.flowmirror.flows.Opaque;
import io.netty.buffer.ByteBuf;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Writes flow entries as OFPT_FLOW_MOD (OpenFlow 1.3.5, section 7.3.4.1).
 *
 * <p>Not through OpenFlowJava's FlowModInput: it has no NXM_1 field and no Nicira action, so each
 * would need a generated class of its own, and a tree of ten objects for each entry.
 *
 * <p>Only ADD and DELETE_STRICT of an entry with a cookie of ours can be written: what cannot be
 * said cannot harm an entry that is not ours.
 */
final class FlowEncoder {
  private FlowEncoder() {}

  /** Why a change cannot be sent, in words; empty if it can. */
  static Optional<String> refusal(FlowChange change) {
    FlowKey key = change.key();
    if (key.table() < 0 || key.table() > 0xff || key.priority() < 0 || key.priority() > 0xffff) {
      return Optional.of("no such table or priority");
    }
    if (!key.match().others().isEmpty()) {
      return Optional.of("match on a field that is not ours: " + key.match().others());
    }
    return switch (change) {
      case FlowChange.Add(FlowEntry entry) -> refusal(entry);
      case FlowChange.Delete(FlowKey gone, long cookie) ->
          Cookie.isOurs(cookie) ? Optional.empty() : Optional.of("cookie is not ours");
    };
  }

  private static Optional<String> refusal(FlowEntry entry) {
    if (!Cookie.isOurs(entry.cookie())) {
      return Optional.of("cookie is not ours");
    }
    if (entry.hardTimeout() < 0 || entry.hardTimeout() > 0xffff) {
      return Optional.of("hard_timeout " + entry.hardTimeout() + " is not in 0..65535");
    }
    for (Action action : entry.actions()) {
      if (action instanceof Action.Other(Opaque bytes)) {
        return Optional.of("action that is not ours: " + bytes);
      }
      if (action instanceof Action.Load load
          && (load.offset() < 0
              || load.bits() < 1
              || load.offset() + load.bits() > load.field().bytes() * 8)) {
        return Optional.of("load of bits that " + load.field().nxmName() + " does not have");
      }
    }
    return Optional.empty();
  }

  /**
   * Writes a whole FLOW_MOD message, header and all.
   *
   * @throws IllegalArgumentException if the change is one that is {@link #refusal refused}
   */
  static void flowMod(FlowChange change, int xid, ByteBuf out) {
    int start = out.writerIndex();
    out.writeByte(Ofp.VERSION_13).writeByte(Ofp.OFPT_FLOW_MOD).writeShort(0).writeInt(xid);
    switch (change) {
      case FlowChange.Add(FlowEntry entry) -> {
        body(out, entry.cookie(), 0, entry.key(), Ofp.OFPFC_ADD, entry.hardTimeout(), entry);
        int instruction = out.writerIndex();
        out.writeShort(Ofp.OFPIT_APPLY_ACTIONS).writeShort(0).writeInt(0);
        for (Action action : entry.actions()) {
          action(action, out);
        }
        out.setShort(instruction + 2, out.writerIndex() - instruction);
      }
      case FlowChange.Delete(FlowKey key, long cookie) ->
          body(out, cookie, Cookie.DELETE_MASK, key, Ofp.OFPFC_DELETE_STRICT, 0, null);
    }
    int length = out.writerIndex() - start;
    if (length > 0xffff - 24) {
      throw new IllegalArgumentException("flow entry of " + length + " bytes: " + change.key());
    }
    out.setShort(start + 2, length);
  }

  private static void body(
      ByteBuf out,
      long cookie,
      long cookieMask,
      FlowKey key,
      int command,
      int hardTimeout,
      @Nullable FlowEntry entry) {
    out.writeLong(cookie).writeLong(cookieMask).writeByte(key.table()).writeByte(command);
    out.writeShort(0).writeShort(hardTimeout).writeShort(key.priority());
    out.writeInt(Ofp.OFP_NO_BUFFER).writeInt(Ofp.OFPP_ANY).writeInt(Ofp.OFPG_ANY);
    boolean flowRemoved = entry != null && entry.sendFlowRemoved();
    out.writeShort(flowRemoved ? Ofp.OFPFF_SEND_FLOW_REM : 0).writeShort(0);
    match(key.match(), out);
  }

  /** Writes a {@code struct ofp_match} with its padding (section 7.2.3). */
  static void match(Match match, ByteBuf out) {
    if (!match.others().isEmpty()) {
      // We never make such an entry, and delete only what we have made.
      throw new IllegalArgumentException("match on a field that is not ours: " + match.others());
    }
    int start = out.writerIndex();
    out.writeShort(Ofp.OFPMT_OXM).writeShort(0);
    match.forEach(
        (field, value, mask) -> {
          boolean masked = mask != field.allOnes();
          oxmHeader(field, masked, out);
          value(field, value, out);
          if (masked) {
            value(field, mask, out);
          }
        });
    out.setShort(start + 2, out.writerIndex() - start);
    pad(start, out);
  }

  private static void action(Action action, ByteBuf out) {
    int start = out.writerIndex();
    switch (action) {
      case Action.Output(int port) ->
          // max_len is for OFPP_CONTROLLER only.
          out.writeShort(Ofp.OFPAT_OUTPUT).writeShort(16).writeInt(port).writeLong(0);
      case Action.SetField(Field field, long value) -> {
        out.writeShort(Ofp.OFPAT_SET_FIELD).writeShort(0);
        oxmHeader(field, false, out);
        value(field, value, out);
        pad(start, out);
        out.setShort(start + 2, out.writerIndex() - start);
      }
      case Action.Load(Field field, int offset, int bits, long value) -> {
        nicira(24, Ofp.NXAST_REG_LOAD, out);
        out.writeShort(offset << 6 | bits - 1);
        oxmHeader(field, false, out);
        out.writeLong(value);
      }
      case Action.Resubmit(int table) -> {
        nicira(16, Ofp.NXAST_RESUBMIT_TABLE, out);
        out.writeShort(Ofp.NX_IN_PORT).writeByte(table).writeZero(3);
      }
      case Action.Other(Opaque bytes) ->
          throw new IllegalArgumentException("action that is not ours: " + bytes);
    }
  }

  private static void nicira(int length, int subtype, ByteBuf out) {
    out.writeShort(Ofp.OFPAT_EXPERIMENTER).writeShort(length);
    out.writeInt(Ofp.NX_VENDOR_ID).writeShort(subtype);
  }

  private static void oxmHeader(Field field, boolean masked, ByteBuf out) {
    out.writeShort(field.oxmClass()).writeByte(field.oxmField() << 1 | (masked ? 1 : 0));
    out.writeByte(masked ? 2 * field.bytes() : field.bytes());
  }

  private static void value(Field field, long value, ByteBuf out) {
    if (field.bytes() == 8) {
      out.writeLong(value);
    } else {
      out.writeInt((int) value);
    }
  }

  private static void pad(int start, ByteBuf out) {
    out.writeZero(-(out.writerIndex() - start) & 7);
  }
}
