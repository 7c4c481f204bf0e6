// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.topology;

import java.nio.charset.StandardCharsets;

/**
 * One entry of the port description of the live OpenFlow connection (OpenFlow 1.3.5, section
 * 7.2.1): the only authority on which number an interface has.
 *
 * @param ofport the port's number
 * @param name the interface's name, cut to {@value #NAME_BYTES} bytes
 * @param adminDown OFPPC_PORT_DOWN: the device is not up, and swallows what is sent to it
 * @param linkDown OFPPS_LINK_DOWN: no carrier
 */
public record Port(int ofport, String name, boolean adminDown, boolean linkDown) {
  /** OFPP_MAX: numbers above it are reserved (OpenFlow 1.3.5, section 7.2.1). */
  public static final int MAX = 0xff00;

  /** OFP_MAX_PORT_NAME_LEN less its terminating zero. */
  public static final int NAME_BYTES = 15;

  public Port {
    if (ofport < 1 || ofport > MAX) {
      throw new IllegalArgumentException("ofport " + ofport + " is not in 1.." + MAX);
    }
  }

  /** Whether an interface of this name would be described by this port's name. */
  public boolean isNamed(String interfaceName) {
    return name.equals(cut(interfaceName));
  }

  /** An interface's name as the port description has it. */
  public static String cut(String interfaceName) {
    byte[] bytes = interfaceName.getBytes(StandardCharsets.UTF_8);
    return bytes.length <= NAME_BYTES
        ? interfaceName
        : new String(bytes, 0, NAME_BYTES, StandardCharsets.UTF_8);
  }
}
