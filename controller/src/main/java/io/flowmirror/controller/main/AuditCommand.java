// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.fasterxml.jackson.databind.JsonNode;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code flowmirror audit}: reads a node's tables now. */
@Command(
    name = "audit",
    description =
        "Have a node's tables read, compared and repaired now, and show how it stands then.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nExit code 1 if the node is not in sync after that.%n%nExamples:%n",
    footer = {"  flowmirror audit n1", "  flowmirror audit n1 -o json | jq .entries"})
final class AuditCommand extends RemoteCommand {
  @Mixin private final OutputOptions output = new OutputOptions();

  @Parameters(paramLabel = "NODE", description = "The node.")
  private String node = "";

  @Override
  public Integer call() {
    JsonNode found = remote().post(Remote.path("nodes", node, "audit"));
    if (output.isTable()) {
      NodesCommand.whole(out(), found);
    } else {
      output.print(out(), found);
    }
    return found.path("inSync").asBoolean() ? Flowmirror.DONE : Flowmirror.FAILED;
  }
}
