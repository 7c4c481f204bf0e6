// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

/**
 * A pod of the sandbox, or a node's own port {@code ovn0}, which sends and receives like one.
 *
 * @param name what tables and messages call it
 * @param netns the network namespace that its device is in
 * @param device its device: {@code eth0}, or {@code ovn0}
 * @param port its interface's name on br-int
 */
record Pod(
    String name, String netns, String device, String port, String ip4, String ip6, String mac) {
  static final String NAMESPACE = "demo";

  /** Starts a shell script in the pod. */
  Program start(String script) {
    return Program.start("ip", "netns", "exec", netns, "bash", "-c", script);
  }

  /** Starts sending a frame just as it is, by a packet socket on the device. */
  Program send(Frame frame) {
    return Program.start(
        frame.slice(0), "ip", "netns", "exec", netns, "socat", "-u", "-", "INTERFACE:" + device);
  }
}
