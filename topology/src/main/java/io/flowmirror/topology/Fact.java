// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.topology;

import java.util.Optional;

/**
 * Something a session observed: a whole snapshot of one source on one node, so that only the newest
 * of each kind and node matters.
 */
public sealed interface Fact {
  /** The node that it was observed on. */
  String node();

  /**
   * OVSDB's br-int, or empty when OVSDB is away or has no such bridge: then what it said last still
   * stands, but is no longer confirmed.
   */
  record BridgeObserved(String node, Optional<Bridge> bridge) implements Fact {}

  /** OpenFlow's br-int, or empty when the connection is gone. */
  record DatapathObserved(String node, Optional<Datapath> datapath) implements Fact {}

  /** Nobody looks at the node any more, or at another address: what was observed is void. */
  record NodeForgotten(String node) implements Fact {}
}
