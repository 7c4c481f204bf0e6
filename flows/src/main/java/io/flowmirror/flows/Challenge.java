// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

import com.google.common.collect.ImmutableList;
import io.flowmirror.flows.Cookie.Role;
import java.time.Duration;
import java.util.Optional;

/**
 * An entry that asks whether another controller is at work on a datapath. It is ours by its cookie
 * and nobody wants it, so a controller that keeps this datapath in order removes it at once.
 *
 * <p>No packet matches it: metadata is 0 on entry to table 0, and neither OVN's keys nor our own
 * entries have such a value. If one did, the entry would hand it on to OVN's as all of ours do.
 *
 * @param instance a number that tells the controllers apart which ask at the same time
 */
public record Challenge(int instance) {
  /** It ends by itself soon, whatever becomes of the one who asked. */
  public static final Duration LIFETIME = Duration.ofSeconds(10);

  private static final int PRIORITY = 39980;
  private static final long METADATA = Cookie.OWNER | 1L << 32;

  /** The entry. */
  public FlowEntry entry() {
    return new FlowEntry(
        new FlowKey(
            OvnPipeline.INGRESS_TABLE,
            PRIORITY,
            Match.ANY.with(Field.METADATA, METADATA | Integer.toUnsignedLong(instance))),
        ImmutableList.of(
            new Action.SetField(Field.METADATA, MirrorEntries.SEEN),
            new Action.Resubmit(OvnPipeline.INGRESS_TABLE)),
        Cookie.of(Role.CHALLENGE, ""),
        Math.toIntExact(LIFETIME.toSeconds()),
        true);
  }

  /** The challenge that an entry is, if it is one. */
  public static Optional<Challenge> of(FlowEntry entry) {
    return Cookie.role(entry.cookie()).equals(Optional.of(Role.CHALLENGE))
        ? entry.key().match().exact(Field.METADATA).stream()
            .mapToObj(metadata -> new Challenge((int) metadata))
            .findFirst()
        : Optional.empty();
  }
}
