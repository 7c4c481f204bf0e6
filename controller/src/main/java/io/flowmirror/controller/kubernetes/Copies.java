// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

/**
 * Copies that have been made since the entries that make them were; OVN's wipe begins anew.
 *
 * @param packets how many frames, or -1 if that is not said
 * @param bytes how many bytes, or -1 if that is not said
 */
public record Copies(long packets, long bytes) {
  /** Not said. */
  static final Copies UNCOUNTED = new Copies(-1, -1);

  /** None so far. */
  public static final Copies NONE = new Copies(0, 0);

  /** These and others; not said if either is not. */
  public Copies and(Copies more) {
    return equals(UNCOUNTED) || more.equals(UNCOUNTED)
        ? UNCOUNTED
        : new Copies(packets + more.packets, bytes + more.bytes);
  }
}
