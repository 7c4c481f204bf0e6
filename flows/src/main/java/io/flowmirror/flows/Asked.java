// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

import com.google.common.collect.ImmutableMap;
import io.flowmirror.config.Direction;
import io.flowmirror.topology.PodInterface;

/**
 * What is asked for on one node beside the settings: a whole snapshot.
 *
 * @param pods the interfaces of pods that are to be mirrored
 * @param standing how far that can be relied on
 */
public record Asked(ImmutableMap<PodInterface, Direction> pods, Standing standing) {
  /** Nothing, and certainly so. */
  public static final Asked NOTHING = new Asked(ImmutableMap.of(), Standing.CURRENT);

  /** Nobody has said anything yet. */
  public static final Asked UNKNOWN = new Asked(ImmutableMap.of(), Standing.UNKNOWN);

  /** How far it can be relied on. */
  public enum Standing {
    /** Nothing is known yet: whatever is installed stays as it is. */
    UNKNOWN,
    /** It is what is asked for now. */
    CURRENT,
    /**
     * It was the last that was heard, some time ago. What is mirrored stays so; an interface that
     * comes now may be another pod's of the same name, which nobody asked for.
     */
    LAST
  }

  /** The same, as the last that was heard. */
  public Asked last() {
    return new Asked(pods, standing == Standing.UNKNOWN ? standing : Standing.LAST);
  }
}
