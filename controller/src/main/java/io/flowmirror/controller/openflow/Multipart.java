// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

/**
 * The multipart replies that are asked for (OpenFlow 1.3.5, section 7.3.5), and how large one may
 * be in all its parts together.
 */
enum Multipart {
  /** One struct of 1,056 bytes. */
  DESC(Ofp.OFPMP_DESC, 64 << 10),
  /** Some 200 bytes an entry: well above a million entries. */
  FLOW(Ofp.OFPMP_FLOW, 512 << 20),
  /** 24 bytes a table. */
  TABLE(Ofp.OFPMP_TABLE, 64 << 10),
  /** 64 bytes a port, of which there are up to 65,280. */
  PORT_DESC(Ofp.OFPMP_PORT_DESC, 8 << 20),
  /** The flow monitor's first reply, which is empty. */
  EXPERIMENTER(Ofp.OFPMP_EXPERIMENTER, 1 << 20);

  private final int type;
  private final int maxBytes;

  Multipart(int type, int maxBytes) {
    this.type = type;
    this.maxBytes = maxBytes;
  }

  int type() {
    return type;
  }

  int maxBytes() {
    return maxBytes;
  }
}
