// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.google.common.collect.ImmutableList;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.FlowText;
import io.flowmirror.flows.InstalledEntry;
import io.flowmirror.topology.PodName;
import java.util.Optional;

/**
 * An entry to be shown.
 *
 * @param there what is known of its life, if it is installed
 * @param pod whose it is; empty for the node's own
 * @param words what it is for
 * @param state how it stands
 * @param notes what else there is to say, such as whose entry stands in its place
 */
record FlowLine(
    FlowEntry entry,
    Optional<InstalledEntry> there,
    Optional<PodName> pod,
    String words,
    String state,
    ImmutableList<String> notes) {

  /** A comment, the entry as ovs-ofctl prints it, and a comment for each note. */
  ImmutableList<String> text() {
    ImmutableList.Builder<String> lines = ImmutableList.builder();
    lines.add(
        "# "
            + pod.map(PodName::toString).orElse("node")
            + ": "
            + words
            + " ["
            + state
            + there.map(FlowLine::life).orElse("")
            + "]");
    lines.add(FlowText.dump(entry));
    notes.forEach(note -> lines.add("# " + note));
    return lines.build();
  }

  private static String life(InstalledEntry there) {
    return ", age "
        + there.age()
        + " s, "
        + there.packets()
        + " packets, "
        + there.bytes()
        + " bytes";
  }
}
