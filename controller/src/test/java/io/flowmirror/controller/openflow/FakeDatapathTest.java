// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

/** The datapath in memory keeps the contract. */
final class FakeDatapathTest extends DatapathContract {
  @Override
  OtherSide otherSide() {
    return new FakeDatapath(0x20000000001L);
  }
}
