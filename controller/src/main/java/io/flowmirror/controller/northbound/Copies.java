// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.common.collect.ImmutableMap;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.flows.Cookie;
import io.flowmirror.flows.Cookie.Role;
import io.flowmirror.flows.Field;
import io.flowmirror.flows.InstalledEntry;
import io.flowmirror.flows.Match;
import io.flowmirror.topology.PodPort;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * How much a node's entries have copied, by their own counters, as they were when the tables were
 * last read. A counter begins anew when its entry is made anew; a renewal keeps it.
 */
final class Copies {
  /** Copies that were made. */
  record Count(long packets, long bytes) {
    static final Count NONE = new Count(0, 0);

    ObjectNode json() {
      return Json.object().put("packets", packets).put("bytes", bytes);
    }

    Count plus(InstalledEntry entry) {
      return new Count(packets + entry.packets(), bytes + entry.bytes());
    }
  }

  private record Keys(long datapath, long port) {}

  /** Whether one entry copies what everybody sends. */
  private final boolean fromAll;

  private final ImmutableMap<Integer, Count> from;
  private final ImmutableMap<Keys, Count> to;

  private Copies(boolean fromAll, ImmutableMap<Integer, Count> from, ImmutableMap<Keys, Count> to) {
    this.fromAll = fromAll;
    this.from = from;
    this.to = to;
  }

  static Copies of(NodeStatus status) {
    return of(status, status.installed());
  }

  /** As these entries of the node, ours among them, have counted. */
  static Copies of(NodeStatus status, Iterable<InstalledEntry> installed) {
    Map<Integer, Count> from = new HashMap<>();
    Map<Keys, Count> to = new HashMap<>();
    for (InstalledEntry there : installed) {
      Optional<Role> role = Cookie.role(there.entry().cookie());
      Match match = there.entry().key().match();
      if (role.equals(Optional.of(Role.FROM_PORT)) && match.exact(Field.IN_PORT).isPresent()) {
        from.merge(
            (int) match.exact(Field.IN_PORT).getAsLong(),
            Count.NONE.plus(there),
            (one, other) -> one.plus(there));
      } else if (role.equals(Optional.of(Role.TO_PORT))
          && match.exact(Field.REG15).isPresent()
          && match.exact(Field.METADATA).isPresent()) {
        to.merge(
            new Keys(match.exact(Field.METADATA).getAsLong(), match.exact(Field.REG15).getAsLong()),
            Count.NONE.plus(there),
            (one, other) -> one.plus(there));
      }
    }
    return new Copies(
        status.intent().everything(), ImmutableMap.copyOf(from), ImmutableMap.copyOf(to));
  }

  /**
   * What the pod sent and was copied; zero where there is no such entry, and empty where everything
   * is mirrored: what all ports send is counted by one entry.
   */
  Optional<Count> from(PodPort port) {
    return fromAll ? Optional.empty() : Optional.of(from.getOrDefault(port.ofport(), Count.NONE));
  }

  /** What the pod was delivered and was copied there: not what its sender's entry has copied. */
  Count to(PodPort port) {
    return port.keys()
        .map(keys -> to.getOrDefault(new Keys(keys.datapathKey(), keys.portKey()), Count.NONE))
        .orElse(Count.NONE);
  }
}
