// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

/**
 * A flow entry as a flow-stats reply reports it.
 *
 * @param entry the entry
 * @param age seconds since it was added or replaced
 * @param packets packets that matched it
 * @param bytes bytes that matched it
 */
public record InstalledEntry(FlowEntry entry, long age, long packets, long bytes) {
  /** Whether it bears our owner's mark. */
  public boolean isOurs() {
    return Cookie.isOurs(entry.cookie());
  }
}
