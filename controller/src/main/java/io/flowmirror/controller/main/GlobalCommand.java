// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.common.collect.ImmutableList;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code flowmirror global}: where everything is mirrored. */
@Command(
    name = "global",
    description = "Show where everything is mirrored, or say where.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nExamples:%n",
    footer = {
      "  flowmirror global",
      "  flowmirror global all",
      "  flowmirror global nodes n1 n2",
      "  flowmirror global configured     # as enable-mirror of the configuration says"
    })
final class GlobalCommand extends RemoteCommand {
  /** The modes, for a shell that completes them. */
  static final class Modes implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return MODES.iterator();
    }
  }

  private static final ImmutableList<String> MODES =
      ImmutableList.of("all", "off", "nodes", "configured");

  @Mixin private final OutputOptions output = new OutputOptions();

  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "MODE",
      completionCandidates = Modes.class,
      description =
          "all, off, nodes (those that follow), or configured: as the configuration says.")
  private @Nullable String mode;

  @Parameters(index = "1..*", arity = "0..*", paramLabel = "NODE", description = "With nodes.")
  private List<String> nodes = new ArrayList<>();

  @Override
  public Integer call() {
    JsonNode found;
    if (mode == null) {
      found = remote().get(Remote.path("global"));
    } else {
      if (!MODES.contains(mode)) {
        throw wrong("MODE: found " + Table.shown(mode) + "; expected " + String.join(", ", MODES));
      }
      if (mode.equals("nodes") == nodes.isEmpty()) {
        throw wrong(
            nodes.isEmpty()
                ? "nodes: expected the nodes' names after it"
                : mode + ": expected no nodes' names after it");
      }
      ObjectNode body = Remote.JSON.createObjectNode().put("mode", mode);
      if (!nodes.isEmpty()) {
        ArrayNode names = body.putArray("nodes");
        nodes.forEach(names::add);
      }
      found = remote().put(Remote.path("global"), body);
    }
    if (output.isTable()) {
      Table table = new Table("MODE", "NODES", "CONFIGURED", "BY", "SINCE");
      table.row(
          found.path("mode").asText(),
          String.join(",", Words.texts(found.path("nodes"))),
          found.path("configured").asText(),
          found.path("by").asText(""),
          Words.second(found.path("since")));
      table.print(out());
      out().flush();
    } else {
      output.print(out(), found);
    }
    return Flowmirror.DONE;
  }
}
