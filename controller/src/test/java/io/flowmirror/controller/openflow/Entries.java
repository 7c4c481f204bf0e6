// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import com.google.common.collect.ImmutableList;
import io.flowmirror.flows.Action;
import io.flowmirror.flows.Cookie;
import io.flowmirror.flows.Field;
import io.flowmirror.flows.FlowChange;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.FlowKey;
import io.flowmirror.flows.InstalledEntry;
import io.flowmirror.flows.Match;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;

/** Flow entries and captured replies for tests. */
final class Entries {
  static final int GUARD_BIT = 24;
  static final long GUARD = 1L << GUARD_BIT;

  private Entries() {}

  /** E0: what comes in by the mirror port. */
  static FlowEntry e0(int mirrorPort) {
    return entry(
        0,
        40010,
        Match.ANY.with(Field.IN_PORT, mirrorPort).with(Field.METADATA, 0),
        Cookie.of(Cookie.Role.MIRROR_PORT_INGRESS, ""),
        new Action.SetField(Field.METADATA, 1),
        new Action.Resubmit(0));
  }

  /** E1: copies what a port sends. */
  static FlowEntry e1(int port, int mirrorPort) {
    return entry(
        0,
        40000,
        Match.ANY.with(Field.IN_PORT, port).with(Field.METADATA, 0),
        Cookie.of(Cookie.Role.FROM_PORT, "a.default"),
        new Action.Output(mirrorPort),
        new Action.SetField(Field.METADATA, 1),
        new Action.Resubmit(0));
  }

  /** E2: copies what is delivered to a port. */
  static FlowEntry e2(int table, long datapathKey, int portKey, int mirrorPort) {
    return entry(
        table,
        40000,
        Match.ANY
            .with(Field.REG14, 0, GUARD)
            .with(Field.REG15, portKey)
            .with(Field.METADATA, datapathKey),
        Cookie.of(Cookie.Role.TO_PORT, "a.default"),
        new Action.Output(mirrorPort),
        guard(1),
        new Action.Resubmit(table),
        guard(0));
  }

  /** E3: keeps what was copied from being copied again. */
  static FlowEntry e3(int table, int port, long datapathKey, int portKey) {
    return entry(
        table,
        40001,
        Match.ANY
            .with(Field.CT_MARK, 0, 2)
            .with(Field.REG14, portKey)
            .with(Field.METADATA, datapathKey)
            .with(Field.IN_PORT, port),
        Cookie.of(Cookie.Role.COPIED_ALREADY, "a.default"),
        guard(1),
        new Action.Resubmit(table),
        guard(0));
  }

  /** E1 of the global form: copies what comes in by any port. */
  static FlowEntry e1OfAnyPort(int mirrorPort) {
    return entry(
        0,
        39990,
        Match.ANY.with(Field.METADATA, 0),
        Cookie.of(Cookie.Role.FROM_ANY_PORT, ""),
        new Action.Output(mirrorPort),
        new Action.SetField(Field.METADATA, 1),
        new Action.Resubmit(0));
  }

  /** The same entry under another cookie, which is one of ours. */
  static FlowEntry ofAnother(FlowEntry entry) {
    return new FlowEntry(
        entry.key(),
        entry.actions(),
        entry.cookie() ^ 1,
        entry.hardTimeout(),
        entry.sendFlowRemoved());
  }

  /** The same entry with another hard timeout. */
  static FlowEntry endingAfter(int seconds, FlowEntry entry) {
    return new FlowEntry(
        entry.key(), entry.actions(), entry.cookie(), seconds, entry.sendFlowRemoved());
  }

  static FlowChange add(FlowEntry entry) {
    return new FlowChange.Add(entry);
  }

  static FlowChange delete(FlowEntry entry) {
    return new FlowChange.Delete(entry.key(), entry.cookie());
  }

  /** What a report says of entries, without their counters. */
  static List<FlowEntry> in(DatapathReport report) {
    return report.entries().stream().map(InstalledEntry::entry).toList();
  }

  static FlowEntry entry(int table, int priority, Match match, long cookie, Action... actions) {
    return new FlowEntry(
        new FlowKey(table, priority, match), ImmutableList.copyOf(actions), cookie, 600, true);
  }

  private static Action guard(long value) {
    return new Action.Load(Field.REG14, GUARD_BIT, 1, value);
  }

  /** A captured reply, from this package's resources. */
  static ByteBuf captured(String name) {
    try (InputStream in = Entries.class.getResourceAsStream(name)) {
      return Unpooled.wrappedBuffer(in.readAllBytes());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
