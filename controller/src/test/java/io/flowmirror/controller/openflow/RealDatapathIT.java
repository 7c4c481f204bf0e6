// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;

/** A session with a real Open vSwitch keeps the contract. */
final class RealDatapathIT extends DatapathContract {
  private static @Nullable RealSwitch ovs;
  private static @Nullable OpenFlowConnector connector;
  private @Nullable RealDatapath datapath;

  @BeforeAll
  static void start() {
    ovs = RealSwitch.start();
    connector = new OpenFlowConnector(2);
  }

  @AfterAll
  static void stop() {
    if (connector != null) {
      connector.close();
    }
    if (ovs != null) {
      ovs.close();
    }
  }

  @Override
  OtherSide otherSide() {
    ovs.empty();
    datapath = new RealDatapath(ovs, connector);
    return datapath;
  }

  @AfterEach
  void unplug() {
    if (datapath != null) {
      datapath.close();
    }
  }
}
