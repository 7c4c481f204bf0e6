// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * What one node should have, as far as it can be told from what has been observed.
 *
 * @param entries the wanted entries
 * @param rows wanted changes of br-int's rows that can be made at once
 * @param removableRows changes of rows that must wait until no entry outputs to them any more
 * @param bringUp a mirror port of ours that is down: it would swallow every copy
 * @param undecided what the topology says neither yes nor no to; entries there stay as they are
 * @param confirmed whether both channels of the node are live, so that entries may be renewed
 * @param refusals what was asked for and is not done, each with its reason in words
 */
public record Plan(
    ImmutableMap<FlowKey, PlannedEntry> entries,
    ImmutableList<RowChange> rows,
    ImmutableList<RowChange> removableRows,
    OptionalInt bringUp,
    Undecided undecided,
    boolean confirmed,
    ImmutableList<String> refusals) {

  /** How the refusals begin that name pods and their interfaces. */
  static final String DOUBLED = "Doubled by Mirror ";

  /** Whether a refusal names pods: then it is not for everybody to read. */
  public static boolean namesPods(String refusal) {
    return refusal.startsWith(DOUBLED);
  }

  /** What can be planned for a node of which OVSDB has said nothing yet. */
  static final Plan NOTHING =
      new Plan(
          ImmutableMap.of(),
          ImmutableList.of(),
          ImmutableList.of(),
          OptionalInt.empty(),
          Undecided.NOTHING,
          false,
          ImmutableList.of());

  /**
   * Ports of which OVSDB has not said whose they are. An entry of ours for such a port was right
   * when it was made; it stays, unrenewed, until OVSDB speaks or its hard timeout ends. It does not
   * stay if what it copies or where it sends copies is gone, nor if OVSDB has an interface for the
   * logical port that it was made for: that one is elsewhere, and what is here is another's.
   * Promise is first to tap nobody else.
   *
   * @param ofports numbers of live ports that are undecided
   * @param keys (D, K) of those among them that OVN has bound
   * @param mirrorPorts numbers of the live ports that copies may be going to: the wanted one, and
   *     those that we made
   * @param known whose traffic the interfaces are that OVSDB knows, see {@link Cookie#of}
   */
  public record Undecided(
      ImmutableSet<Integer> ofports,
      ImmutableSet<LogicalKeys> keys,
      ImmutableSet<Integer> mirrorPorts,
      ImmutableSet<String> known) {

    /** Logical datapath key D and logical port key K. */
    public record LogicalKeys(long datapathKey, long portKey) {}

    static final Undecided NOTHING =
        new Undecided(ImmutableSet.of(), ImmutableSet.of(), ImmutableSet.of(), ImmutableSet.of());

    /** Whether an entry of ours that is not wanted stays all the same. */
    boolean holds(FlowEntry entry) {
      return copiesForUndecided(entry) && outputsAreLive(entry) && !isForKnown(entry.cookie());
    }

    private boolean isForKnown(long cookie) {
      return Cookie.role(cookie).isPresent()
          && known.stream().anyMatch(subject -> Cookie.isFor(cookie, subject));
    }

    private boolean copiesForUndecided(FlowEntry entry) {
      Match match = entry.key().match();
      OptionalInt inPort = toInt(match.exact(Field.IN_PORT));
      if (inPort.isPresent()) {
        return ofports.contains(inPort.getAsInt()) && keysAreStillTrue(match);
      }
      return match.exact(Field.REG15).isPresent()
          && match.exact(Field.METADATA).isPresent()
          && keys.contains(
              new LogicalKeys(
                  match.exact(Field.METADATA).getAsLong(), match.exact(Field.REG15).getAsLong()));
    }

    /** An E3 names keys beside its port; an E1 does not (its metadata is 0). */
    private boolean keysAreStillTrue(Match match) {
      return match.exact(Field.REG14).isEmpty()
          || keys.contains(
              new LogicalKeys(
                  match.exact(Field.METADATA).orElse(0), match.exact(Field.REG14).getAsLong()));
    }

    private boolean outputsAreLive(FlowEntry entry) {
      return entry.actions().stream()
          .allMatch(
              action ->
                  !(action instanceof Action.Output output) || mirrorPorts.contains(output.port()));
    }

    private static OptionalInt toInt(OptionalLong value) {
      return value.isPresent() ? OptionalInt.of((int) value.getAsLong()) : OptionalInt.empty();
    }
  }
}
