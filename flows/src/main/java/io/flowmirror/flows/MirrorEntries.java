// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

import com.google.common.collect.ImmutableList;
import io.flowmirror.flows.Cookie.Role;
import io.flowmirror.topology.LogicalPort;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The entries E0 to E3 of one datapath. None of them drops a packet or repeats an action of OVN's:
 * each does its own part and sends the packet back to the table that it came from, where OVN's
 * entry then matches. A stale entry can therefore never lose a packet.
 *
 * @param mirrorPort M, the number of the port that copies go to
 * @param holdSeconds the entries' hard timeout
 */
public record MirrorEntries(int mirrorPort, int holdSeconds) {
  static final int INGRESS_TABLE = OvnPipeline.INGRESS_TABLE;

  /** Above OVN's own priorities in table 0 (at most 1050) and in LOG_TO_PHY (100 and 50). */
  static final int ANY_PORT_PRIORITY = 39990;

  static final int COPY_PRIORITY = 40000;
  static final int COPIED_PRIORITY = 40001;
  static final int MIRROR_PORT_PRIORITY = 40010;

  /**
   * metadata is 0 on entry to table 0; any other value says "seen by us", and OVN overwrites it.
   */
  static final long SEEN = 1;

  /** A bit of reg14 that OVN does not use: set while OVN's delivery entry runs under ours. */
  private static final int GUARD_BIT = 24;

  private static final long GUARD = 1L << GUARD_BIT;

  /** ct_mark.natted of OVN 22.06 and later (ovn: include/ovn/logical-fields.h). */
  private static final long NATTED = 0x2;

  /** Whether an entry of somebody else's with this priority could keep packets from one of ours. */
  public static boolean mayBeHiddenBy(int priority) {
    return priority >= ANY_PORT_PRIORITY;
  }

  /**
   * Whether one of these entries could have this identity, for some port, keys and T. What could
   * not is somebody else's, whatever its cookie says.
   */
  public static boolean mayBe(FlowKey key) {
    if (!key.match().others().isEmpty()) {
      return false;
    }
    Match match = key.match();
    boolean fresh = match.exact(Field.METADATA).equals(OptionalLong.of(0));
    if (key.table() == INGRESS_TABLE) {
      return fresh
          && switch (key.priority()) {
            case ANY_PORT_PRIORITY -> has(match, Field.METADATA);
            case COPY_PRIORITY, MIRROR_PORT_PRIORITY -> has(match, Field.IN_PORT, Field.METADATA);
            default -> false;
          };
    }
    return !fresh
        && switch (key.priority()) {
          case COPY_PRIORITY -> has(match, Field.REG14, Field.REG15, Field.METADATA);
          case COPIED_PRIORITY ->
              has(match, Field.IN_PORT, Field.REG14, Field.METADATA, Field.CT_MARK)
                  || has(
                      match,
                      Field.IN_PORT,
                      Field.TUN_ID,
                      Field.REG14,
                      Field.METADATA,
                      Field.CT_MARK);
          default -> false;
        };
  }

  /**
   * Whether an entry of ours copies what this port sends (E1), or what is delivered to it (E2),
   * whatever the entry was made for.
   *
   * @param keys what OVN's entries say of the port, if anything
   */
  public static boolean copiesAt(FlowEntry entry, int ofport, Optional<LogicalPort> keys) {
    Match match = entry.key().match();
    return switch (Cookie.role(entry.cookie()).orElse(Role.MIRROR_PORT_INGRESS)) {
      case FROM_PORT -> match.exact(Field.IN_PORT).equals(OptionalLong.of(ofport));
      case TO_PORT ->
          keys.isPresent()
              && match.exact(Field.METADATA).equals(OptionalLong.of(keys.get().datapathKey()))
              && match.exact(Field.REG15).equals(OptionalLong.of(keys.get().portKey()));
      case FROM_ANY_PORT, COPIED_ALREADY, COPIED_AT_TUNNEL, MIRROR_PORT_INGRESS -> false;
    };
  }

  private static boolean has(Match match, Field... fields) {
    for (Field field : fields) {
      if (!match.has(field)) {
        return false;
      }
    }
    return match.size() == fields.length;
  }

  /** E0: what comes in by the mirror port itself is not copied; OVN's own default drops it. */
  FlowEntry mirrorPortIngress() {
    return entry(
        INGRESS_TABLE,
        MIRROR_PORT_PRIORITY,
        Match.ANY.with(Field.IN_PORT, mirrorPort).with(Field.METADATA, 0),
        Cookie.of(Role.MIRROR_PORT_INGRESS, ""),
        new Action.SetField(Field.METADATA, SEEN),
        new Action.Resubmit(INGRESS_TABLE));
  }

  /** E1: copy what a port sends, then let OVN's own entry have it. */
  FlowEntry fromPort(int ofport, String subject) {
    return entry(
        INGRESS_TABLE,
        COPY_PRIORITY,
        Match.ANY.with(Field.IN_PORT, ofport).with(Field.METADATA, 0),
        Cookie.of(Role.FROM_PORT, subject),
        copyIngress());
  }

  /** E1 of the global form: any port. */
  FlowEntry fromAnyPort() {
    return entry(
        INGRESS_TABLE,
        ANY_PORT_PRIORITY,
        Match.ANY.with(Field.METADATA, 0),
        Cookie.of(Role.FROM_ANY_PORT, ""),
        copyIngress());
  }

  /** E2: copy what is delivered to a port, then let OVN's own entry deliver it. */
  FlowEntry toPort(int deliveryTable, LogicalPort port, String subject) {
    return entry(
        deliveryTable,
        COPY_PRIORITY,
        Match.ANY
            .with(Field.REG14, 0, GUARD)
            .with(Field.REG15, port.portKey())
            .with(Field.METADATA, port.datapathKey()),
        Cookie.of(Role.TO_PORT, subject),
        new Action.Output(mirrorPort),
        guard(1),
        new Action.Resubmit(deliveryTable),
        guard(0));
  }

  /**
   * E3: what E1 has copied, and what nobody has changed since, is not copied again where it is
   * delivered. It has been changed if it is in another logical datapath (routed) or if OVN's load
   * balancer has translated it.
   */
  FlowEntry copiedAlready(int deliveryTable, LogicalPort port, String subject) {
    return entry(
        deliveryTable,
        COPIED_PRIORITY,
        Match.ANY
            .with(Field.IN_PORT, port.ofport())
            .with(Field.REG14, port.portKey())
            .with(Field.METADATA, port.datapathKey())
            .with(Field.CT_MARK, 0, NATTED),
        Cookie.of(Role.COPIED_ALREADY, subject),
        guard(1),
        new Action.Resubmit(deliveryTable),
        guard(0));
  }

  /**
   * E3 for what came in by a tunnel, and was copied there by E1's global form. The tunnel's key
   * says in which logical datapath it came in; a VXLAN says nothing of the input port, which is why
   * none is matched.
   */
  FlowEntry copiedAtTunnel(
      int deliveryTable, int tunnel, Encapsulation encapsulation, long datapathKey) {
    return entry(
        deliveryTable,
        COPIED_PRIORITY,
        Match.ANY
            .with(Field.IN_PORT, tunnel)
            .with(Field.TUN_ID, datapathKey, encapsulation.datapathMask(datapathKey))
            .with(Field.METADATA, datapathKey)
            .with(Field.REG14, 0, GUARD)
            .with(Field.CT_MARK, 0, NATTED),
        Cookie.of(Role.COPIED_AT_TUNNEL, ""),
        guard(1),
        new Action.Resubmit(deliveryTable),
        guard(0));
  }

  private Action[] copyIngress() {
    return new Action[] {
      new Action.Output(mirrorPort),
      new Action.SetField(Field.METADATA, SEEN),
      new Action.Resubmit(INGRESS_TABLE)
    };
  }

  private static Action guard(int value) {
    return new Action.Load(Field.REG14, GUARD_BIT, 1, value);
  }

  private FlowEntry entry(int table, int priority, Match match, long cookie, Action... actions) {
    return new FlowEntry(
        new FlowKey(table, priority, match),
        ImmutableList.copyOf(actions),
        cookie,
        holdSeconds,
        true);
  }
}
