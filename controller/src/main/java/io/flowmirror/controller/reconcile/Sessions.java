// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.reconcile;

import io.flowmirror.config.NodeSettings;
import io.flowmirror.controller.openflow.DatapathReport;
import io.flowmirror.controller.openflow.DatapathSession;
import io.flowmirror.controller.ovsdb.BridgeReport;
import io.flowmirror.controller.ovsdb.BridgeSession;
import java.util.function.Consumer;

/** Opens the two sessions that every node has. */
public interface Sessions {
  /** Opens an OpenFlow session; it connects, and reconnects, by itself. */
  DatapathSession openDatapath(NodeSettings node, Consumer<DatapathReport> reports);

  /** Opens an OVSDB session; it connects, and reconnects, by itself. */
  BridgeSession openBridge(NodeSettings node, Consumer<BridgeReport> reports);
}
