// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.reconcile;

import io.flowmirror.config.NodeSettings;
import io.flowmirror.controller.openflow.DatapathReport;
import io.flowmirror.controller.openflow.DatapathSession;
import io.flowmirror.controller.ovsdb.BridgeReport;
import io.flowmirror.controller.ovsdb.BridgeSession;
import io.flowmirror.controller.ovsdb.Lock;
import java.time.Duration;
import java.util.function.Consumer;

/** Opens the two sessions that every node has. To be closed after the last of them. */
public interface Sessions extends AutoCloseable {
  /**
   * Opens an OpenFlow session; it connects, and reconnects, by itself.
   *
   * @param audit how often it reads and reports although it has heard of no change
   */
  DatapathSession openDatapath(NodeSettings node, Duration audit, Consumer<DatapathReport> reports);

  /**
   * Opens an OVSDB session; it connects, and reconnects, by itself.
   *
   * @param lock what is done about the lock of the one who writes
   */
  BridgeSession openBridge(NodeSettings node, Lock.Wish lock, Consumer<BridgeReport> reports);

  @Override
  void close();
}
