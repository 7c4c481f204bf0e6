// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

/** A load balancer's address, as a ClusterIP is one; TCP and UDP, IPv4 and IPv6. */
enum Vip {
  TO_DB("10.96.0.10", "fd00:10:96::a", "db"),
  TO_FAR("10.96.0.20", "fd00:10:96::14", "far"),
  TO_OTHER("10.96.0.40", "fd00:10:96::28", "other"),
  /** Its only backend is the pod that asks. */
  HAIRPIN("10.96.0.30", "fd00:10:96::1e", "web");

  static final int TCP_PORT = 80;
  static final int UDP_PORT = 53;

  private final String ip4;
  private final String ip6;
  private final String backend;

  Vip(String ip4, String ip6, String backend) {
    this.ip4 = ip4;
    this.ip6 = ip6;
    this.backend = backend;
  }

  String ip4() {
    return ip4;
  }

  String ip6() {
    return ip6;
  }

  /** The name of the pod behind it. */
  String backend() {
    return backend;
  }
}
