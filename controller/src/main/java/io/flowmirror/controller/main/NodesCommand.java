// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.common.collect.ImmutableMap;
import java.io.PrintWriter;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code flowmirror nodes}: how the nodes stand. */
@Command(
    name = "nodes",
    description = "Show how the nodes stand: all of them, or one with its newest repairs.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nExamples:%n",
    footer = {
      "  flowmirror nodes",
      "  flowmirror nodes n1",
      "  flowmirror nodes -o json | jq -r '.items[] | select(.inSync | not).name'"
    })
final class NodesCommand extends RemoteCommand {
  /** So many of a node's repairs, the newest; all of them are for programs. */
  private static final int SHOWN = 10;

  @Mixin private final OutputOptions output = new OutputOptions();

  @Parameters(arity = "0..1", paramLabel = "NODE", description = "Only this node.")
  private @Nullable String node;

  @Override
  public Integer call() {
    Remote remote = remote();
    JsonNode found =
        node == null
            ? remote.list(Remote.path("nodes"), ImmutableMap.of())
            : remote.get(Remote.path("nodes", node));
    if (!output.isTable()) {
      output.print(out(), found);
    } else if (node == null) {
      table(out(), found.path("items"));
    } else {
      whole(out(), found);
    }
    return Flowmirror.DONE;
  }

  /** A line for each, and what each complains of. */
  private static void table(PrintWriter out, Iterable<JsonNode> nodes) {
    Table table =
        new Table(
            "NAME",
            "STATE",
            "WRITER",
            "MIRROR-PORT",
            "PODS",
            "MIRRORED",
            "ENTRIES",
            "LAST-REPAIR",
            "LAST-GAP");
    for (JsonNode each : nodes) {
      table.row(
          each.path("name").asText(),
          each.path("state").asText(),
          each.path("writer").asText(),
          port(each),
          each.path("podPorts").asText(),
          each.path("everything").asBoolean() ? "everything" : each.path("mirroredPods").asText(),
          entries(each),
          Words.second(each.path("lastRepair").path("noticed")),
          Words.millis(each.path("lastRepair").path("gapMillis")));
    }
    table.print(out);
    boolean first = true;
    for (JsonNode each : nodes) {
      for (String complaint : Words.texts(each.path("complaints"))) {
        if (first) {
          out.println();
          first = false;
        }
        out.println(Table.shown(each.path("name").asText() + ": " + complaint));
      }
    }
    out.flush();
  }

  private static String port(JsonNode node) {
    JsonNode port = node.path("mirrorPort");
    return port.isMissingNode()
        ? ""
        : port.path("name").asText() + " " + port.path("state").asText();
  }

  private static String entries(JsonNode node) {
    JsonNode entries = node.path("entries");
    String wanted = entries.path("wanted").asText();
    String installed = entries.path("installed").asText();
    return wanted.equals(installed) ? installed : installed + " of " + wanted;
  }

  /** All that is known of one. */
  static void whole(PrintWriter out, JsonNode node) {
    Table facts = new Table("NODE", node.path("name").asText());
    facts.row("state", node.path("state").asText());
    facts.row("writer", node.path("writer").asText());
    facts.row("openflow", connected(node.path("connections").path("openflow")));
    facts.row("ovsdb", connected(node.path("connections").path("ovsdb")));
    facts.row("dpid", node.path("dpid").asText(""));
    facts.row("open-vswitch", node.path("ovsVersion").asText(""));
    facts.row("ovn", node.path("ovnVersion").asText(""));
    facts.row("delivery-table", node.path("deliveryTable").asText(""));
    String ofport = node.path("mirrorPort").path("ofport").asText("");
    facts.row("mirror-port", port(node) + (ofport.isEmpty() ? "" : ", port " + ofport));
    facts.row("pods", node.path("podPorts").asText());
    facts.row(
        "mirrored",
        node.path("everything").asBoolean() ? "everything" : node.path("mirroredPods").asText());
    facts.row("entries", entries(node) + ", " + node.path("entries").path("drift").asText());
    facts.print(out);
    Words.texts(node.path("complaints")).forEach(line -> out.println("! " + Table.shown(line)));
    JsonNode repairs = node.path("repairs");
    if (!repairs.isEmpty()) {
      out.println();
      Table table = new Table("REPAIRED", "CAUSE", "ENTRIES", "TOOK", "GAP");
      for (int i = Math.max(0, repairs.size() - SHOWN); i < repairs.size(); i++) {
        JsonNode repair = repairs.path(i);
        table.row(
            Words.milli(repair.path("noticed")),
            repair.path("cause").asText(),
            repair.path("entries").asText(),
            Words.millis(repair.path("tookMillis")),
            Words.millis(repair.path("gapMillis")));
      }
      table.print(out);
    }
    out.flush();
  }

  private static String connected(JsonNode is) {
    return is.asBoolean() ? "connected" : "not connected";
  }
}
