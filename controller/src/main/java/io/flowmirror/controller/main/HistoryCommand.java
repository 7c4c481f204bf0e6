// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.common.collect.ImmutableMap;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code flowmirror history}: what has happened. */
@Command(
    name = "history",
    description = "Show what has happened since the controller was started, a thousand at most.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nExamples:%n",
    footer = {"  flowmirror history", "  flowmirror history --after 120 -o json"})
final class HistoryCommand extends RemoteCommand {
  /** What a controller keeps. */
  static final int KEPT = 1000;

  @Mixin private final OutputOptions output = new OutputOptions();

  @Option(
      names = "--after",
      paramLabel = "ID",
      defaultValue = "0",
      description = "Only events after this one, by its id.")
  private int after;

  @Override
  public Integer call() {
    if (after < 0) {
      throw wrong("--after " + after + ": expected an event's id");
    }
    JsonNode found =
        remote()
            .get(Remote.path("history"), ImmutableMap.of("after", "" + after, "limit", "" + KEPT));
    if (output.isTable()) {
      EventsCommand.print(out(), found.path("items"));
    } else {
      output.print(out(), found);
    }
    return Flowmirror.DONE;
  }
}
