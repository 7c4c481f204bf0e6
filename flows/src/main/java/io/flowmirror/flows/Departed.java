// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableListMultimap;
import io.flowmirror.topology.Datapath;
import io.flowmirror.topology.Interface;
import io.flowmirror.topology.LogicalPort;
import io.flowmirror.topology.Node;
import io.flowmirror.topology.Port;
import java.util.Map;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Entries of ours that nobody can want any more, whatever is asked for and whoever is to write: the
 * port that they were made for, or that they output to, is gone, or is another's now, or OVN has
 * given their keys to another or to nobody. They may be removed where it is not known what is
 * wanted, nor who writes; an entry that is as it was stays.
 *
 * <p>Ports and keys are the live connection's word. Whose they are is OVSDB's last word: a port
 * that it has not named yet is another's only if what the entry was made for is somewhere else.
 */
public final class Departed {
  private static final long SUBJECT = 0xffff_ffffL;

  private final Node node;

  /** OVSDB's interfaces, by what a cookie says of whose an entry is. */
  private final ImmutableListMultimap<Long, Interface> rows;

  /** OVSDB's interfaces, by the number of the live port that each is. */
  private final Map<Integer, Interface> at;

  private Departed(Node node) {
    this.node = node;
    this.at = node.rows();
    this.rows =
        node.bridge().stream()
            .flatMap(bridge -> bridge.interfaces().values().stream())
            .collect(
                ImmutableListMultimap.toImmutableListMultimap(
                    row -> subject(Cookie.of(Cookie.Role.TO_PORT, MirrorCompiler.subject(row))),
                    row -> row));
  }

  private static long subject(long cookie) {
    return cookie & SUBJECT;
  }

  /** Those of one node; none while it has no live connection. */
  public static Departed of(Node node) {
    return new Departed(node);
  }

  /**
   * Whether an entry is one of them.
   *
   * @param entry one of ours
   */
  public boolean includes(FlowEntry entry) {
    if (node.datapath().isEmpty()) {
      return false;
    }
    Datapath live = node.datapath().get();
    Owner owner = new Owner(entry.cookie());
    OptionalLong inPort = entry.key().match().exact(Field.IN_PORT);
    return (inPort.isPresent() && !owner.has(live.ports().get((int) inPort.getAsLong())))
        || entry.actions().stream().anyMatch(action -> isLost(action, live))
        || owner.isGone(live)
        || hasLostItsKeys(entry.key(), owner, live);
  }

  /** A copy for a port that is not there is lost, and one for a pod is worse. */
  private boolean isLost(Action action, Datapath live) {
    if (!(action instanceof Action.Output(int ofport))) {
      return false;
    }
    Port port = live.ports().get(ofport);
    if (port == null) {
      return true;
    }
    Interface row = at.get(ofport);
    return row != null && row.pod().isPresent();
  }

  private boolean hasLostItsKeys(FlowKey key, Owner owner, Datapath live) {
    OptionalLong datapathKey = key.match().exact(Field.METADATA);
    OptionalLong portKey =
        key.match().exact(Field.REG15).isPresent()
            ? key.match().exact(Field.REG15)
            : key.match().exact(Field.REG14);
    if (datapathKey.isEmpty() || portKey.isEmpty()) {
      return false;
    }
    ImmutableList<LogicalPort> holders =
        live.logicalPorts().stream()
            .filter(port -> port.datapathKey() == datapathKey.getAsLong())
            .filter(port -> port.portKey() == portKey.getAsLong())
            .collect(ImmutableList.toImmutableList());
    return holders.isEmpty()
        ? tellsAllKeys(key.table(), live)
        : holders.stream().noneMatch(holder -> owner.has(live.ports().get(holder.ofport())));
  }

  /**
   * Whether keys that OVN's entries do not name are nobody's. They may be on their way while flows
   * are being restored, which only OVSDB can tell, and after a wipe.
   */
  private boolean tellsAllKeys(int table, Datapath live) {
    return node.bridgeConfirmed()
        && live.deliveryTable().isPresent()
        && live.deliveryTable().getAsInt() == table
        && !live.logicalPorts().isEmpty()
        && live.remembered().isEmpty();
  }

  /** What an entry was made for, as far as its cookie says so and OVSDB knows it. */
  private final class Owner {
    private final boolean isNamed;
    private final long subject;
    private final ImmutableList<Interface> its;

    Owner(long cookie) {
      isNamed = Cookie.role(cookie).isPresent() && !Cookie.isFor(cookie, "");
      subject = subject(cookie);
      its = isNamed ? rows.get(subject) : ImmutableList.of();
    }

    /** Whether OVSDB knows its interface, and no port has that name. */
    boolean isGone(Datapath live) {
      return !its.isEmpty()
          && live.ports().values().stream()
              .noneMatch(port -> its.stream().anyMatch(row -> port.isNamed(row.name())));
    }

    /** Whether this port is there, and may be its. */
    boolean has(@Nullable Port port) {
      if (port == null || !isNamed) {
        return port != null;
      }
      Interface row = at.get(port.ofport());
      return row != null
          ? rows.containsEntry(subject, row)
          : its.isEmpty() || its.stream().anyMatch(known -> port.isNamed(known.name()));
    }
  }
}
