// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.config;

import com.google.common.collect.ImmutableList;

/**
 * What is done about Open vSwitch's own Mirror, as kube-ovn-cni sets it up, where it copies to our
 * mirror port what we copy there too.
 */
public enum KubeOvnMirror {
  /** It is said, and left as it is. */
  REPORT("report"),
  /** Mirrored pods' ports are taken out of what it selects, again and again. */
  TAKE_OVER("take-over");

  private static final ImmutableList<KubeOvnMirror> ALL = ImmutableList.copyOf(values());

  private final String text;

  KubeOvnMirror(String text) {
    this.text = text;
  }

  /**
   * The value that {@link #toString} writes as this text.
   *
   * @throws IllegalArgumentException if there is none
   */
  public static KubeOvnMirror parse(String text) {
    for (KubeOvnMirror value : ALL) {
      if (value.text.equals(text)) {
        return value;
      }
    }
    throw BadValueException.found(text, "report or take-over");
  }

  /** As the configuration file writes it: {@code report} or {@code take-over}. */
  @Override
  public String toString() {
    return text;
  }
}
