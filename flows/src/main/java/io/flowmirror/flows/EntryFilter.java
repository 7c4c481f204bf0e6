// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

import java.util.OptionalInt;

/**
 * Which entries of a switch are asked for, as a flow-stats request says it (OpenFlow 1.3.5, section
 * 7.3.5.2): the switch leaves out the others, and they are not sent.
 *
 * @param table the one table, or empty for all
 * @param match what an entry has to match at least: one that does not match on a field of this, or
 *     on fewer of its bits, is left out, and one that matches on more fields is not
 * @param outPort the port that an entry outputs to by an action of its own, or empty
 * @param cookie what the cookie has to be, under the mask. Asked for cookie 0, under a mask of ones
 *     and in all tables, Open vSwitch tells of its own entries in table 254, too.
 * @param cookieMask 0 for any cookie
 */
public record EntryFilter(
    OptionalInt table, Match match, OptionalInt outPort, long cookie, long cookieMask) {

  /** Every entry of every table. */
  public static final EntryFilter ALL =
      new EntryFilter(OptionalInt.empty(), Match.ANY, OptionalInt.empty(), 0, 0);

  /** Checks that a request can say it. */
  public EntryFilter {
    if (table.isPresent() && (table.getAsInt() < 0 || table.getAsInt() > 254)) {
      throw new IllegalArgumentException("no table " + table.getAsInt());
    }
    if (!match.others().isEmpty()) {
      throw new IllegalArgumentException("a match on fields without a name: " + match.others());
    }
    cookie &= cookieMask;
  }

  /** These entries, as far as they are in one table. */
  public EntryFilter inTable(int number) {
    return new EntryFilter(OptionalInt.of(number), match, outPort, cookie, cookieMask);
  }

  /** These entries, as far as they match on this port as the one that a packet came in by. */
  public EntryFilter withInPort(int ofport) {
    return with(match.with(Field.IN_PORT, ofport));
  }

  /** These entries, as far as they match all this. */
  public EntryFilter with(Match wanted) {
    return new EntryFilter(table, wanted, outPort, cookie, cookieMask);
  }

  /** These entries, as far as they output to this port. */
  public EntryFilter withOutPort(int ofport) {
    return new EntryFilter(table, match, OptionalInt.of(ofport), cookie, cookieMask);
  }

  /** These entries, as far as their cookies are this one under the mask. */
  public EntryFilter withCookie(long wanted, long mask) {
    return new EntryFilter(table, match, outPort, wanted, mask);
  }

  /** Whether an entry is asked for, as Open vSwitch decides it (lib/classifier.c, loose match). */
  public boolean includes(FlowEntry entry) {
    return (table.isEmpty() || entry.key().table() == table.getAsInt())
        && ((entry.cookie() ^ cookie) & cookieMask) == 0
        && (outPort.isEmpty() || entry.actions().contains(new Action.Output(outPort.getAsInt())))
        && entry.key().match().isWithin(match);
  }
}
