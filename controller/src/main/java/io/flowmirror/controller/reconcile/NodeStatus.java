// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.reconcile;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.flowmirror.flows.FlowDiff;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.FlowKey;
import io.flowmirror.flows.FlowText;
import io.flowmirror.flows.InstalledEntry;
import io.flowmirror.flows.NodeIntent;
import io.flowmirror.flows.Plan;
import io.flowmirror.flows.PlannedEntry;
import io.flowmirror.topology.Node;
import java.util.Optional;

/**
 * One node at one moment, for readers: immutable.
 *
 * @param intent what is wanted of it
 * @param node what has been observed of it
 * @param plan what it should have
 * @param installed what its tables had when they were last read
 * @param diff the difference between the two
 * @param refused entries that the switch has refused, with its error
 * @param writer who writes to it: who holds the lock in its database
 * @param waiting why nothing can be told or done for now; empty if nothing is in the way
 * @param contested who keeps undoing our work, in words; it may be right at this moment
 * @param settled whether the node is as it should be: read, compared, and nothing left to do
 * @param repairs the newest repairs of its entries, the newest last
 */
public record NodeStatus(
    NodeIntent intent,
    Node node,
    Plan plan,
    ImmutableList<InstalledEntry> installed,
    FlowDiff diff,
    ImmutableMap<FlowKey, String> refused,
    Writer writer,
    ImmutableList<Obstacle> waiting,
    Optional<String> contested,
    boolean settled,
    ImmutableList<Repair> repairs) {

  /** Who writes to a node. */
  public enum Writer {
    /** It is not known yet, or nobody has asked; nothing has been written. */
    UNDECIDED,
    /** This controller. */
    US,
    /** Another controller; or nobody can tell. */
    ANOTHER
  }

  /** So many refused entries are named; of more, only the number is said. */
  private static final int MAX_NAMED = 10;

  /** Whether nothing of ours is left there, and nothing of ours is wanted. */
  public boolean isClean() {
    return intent.equals(NodeIntent.nothing()) && settled && plan.removableRows().isEmpty();
  }

  /** Everything that keeps the node from being as it was asked for, in words. */
  public ImmutableList<String> complaints() {
    ImmutableList.Builder<String> complaints = ImmutableList.builder();
    waiting.forEach(obstacle -> complaints.add(obstacle.words()));
    complaints.addAll(plan.refusals());
    contested.ifPresent(complaints::add);
    diff.conflicts()
        .forEach(
            (key, entry) ->
                complaints.add(
                    "an entry of somebody else's ("
                        + who(entry)
                        + ") stands where ours would: "
                        + FlowText.format(key)));
    diff.hidden().entrySet().stream()
        .limit(MAX_NAMED)
        .forEach(
            hidden ->
                complaints.add(
                    "Contested: an entry of somebody else's ("
                        + who(hidden.getValue())
                        + ", "
                        + FlowText.format(hidden.getValue().key())
                        + ") hides ours: "
                        + FlowText.format(hidden.getKey())));
    diff.strange().stream()
        .limit(MAX_NAMED)
        .forEach(
            entry ->
                complaints.add(
                    "an entry with a cookie of ours that is none of ours is left alone ("
                        + who(entry)
                        + "): "
                        + FlowText.format(entry.key())));
    refused.entrySet().stream()
        .limit(MAX_NAMED)
        .forEach(entry -> complaints.add(refusal(entry.getKey(), entry.getValue())));
    if (refused.size() > MAX_NAMED) {
      complaints.add("the switch refused " + (refused.size() - MAX_NAMED) + " more entries");
    }
    return complaints.build();
  }

  private static String who(FlowEntry entry) {
    return "cookie 0x" + Long.toHexString(entry.cookie());
  }

  private String refusal(FlowKey key, String error) {
    PlannedEntry planned = plan.entries().get(key);
    String whose = planned == null ? "" : planned.pod().map(pod -> " of " + pod).orElse("");
    return "the switch refused an entry" + whose + " (" + FlowText.format(key) + "): " + error;
  }
}
