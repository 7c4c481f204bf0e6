// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

import com.google.common.collect.ImmutableSortedSet;

/**
 * A change to br-int's rows in OVSDB. Made by {@code mutate} of sets only (of the bridge's ports,
 * of what a Mirror selects), so that nobody else's rows can be lost to a stale copy.
 */
public sealed interface RowChange {
  /** The key that marks a Port row as ours in its external_ids. */
  String OWNER_KEY = "flowmirror";

  /** The value of {@link #OWNER_KEY} on a mirror port that the controller made. */
  String OWNER_VALUE = "mirror-port";

  /**
   * The value of {@link #OWNER_KEY} on one that config/node/attach made: it is not ours to remove.
   */
  String ATTACHED_VALUE = "attach";

  /** The name of the port, and of its interface, that is concerned. */
  String port();

  /** Add a port with one interface of {@code type=internal}, marked as ours. */
  record AddInternalPort(String port) implements RowChange {
    @Override
    public String toString() {
      return "add port " + port + " (type=internal)";
    }
  }

  /**
   * Take ports out of what a Mirror selects (ovs-vswitchd.conf.db(5), Mirror, select_src_port and
   * select_dst_port), as long as it outputs to this port. The Mirror itself, and whatever else it
   * selects, stays.
   *
   * @param mirror the Mirror's name
   * @param port the port that it outputs to
   * @param selected the ports' names
   */
  record Deselect(String mirror, String port, ImmutableSortedSet<String> selected)
      implements RowChange {
    @Override
    public String toString() {
      return "take " + String.join(", ", selected) + " out of Mirror " + mirror;
    }
  }

  /** Remove a port that bears our mark; one that does not is left alone. */
  record RemovePort(String port) implements RowChange {
    @Override
    public String toString() {
      return "remove port " + port;
    }
  }
}
