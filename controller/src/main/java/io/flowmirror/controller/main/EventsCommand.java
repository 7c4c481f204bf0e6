// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.common.base.Strings;
import com.google.common.collect.ImmutableMap;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code flowmirror events} and {@code flowmirror history}: what has happened, and happens. */
@Command(
    name = "events",
    description = "Show the newest events, and follow those to come.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nExamples:%n",
    footer = {
      "  flowmirror events --follow",
      "  flowmirror events -f --last 0 --kind repair",
      "  flowmirror events -f -o json | jq -r 'select(.kind == \"mirror\").text'"
    })
final class EventsCommand extends RemoteCommand {
  private static final Duration PAUSE = Duration.ofSeconds(1);
  private static final int KIND_WIDTH = 7;

  @Mixin private final OutputOptions output = new OutputOptions();

  @Option(
      names = {"-f", "--follow"},
      description = "Go on with what happens, until stopped; through lost connections, too.")
  private boolean follow;

  @Option(
      names = "--last",
      paramLabel = "COUNT",
      defaultValue = "20",
      description = "Begin with so many of the newest (default: ${DEFAULT-VALUE}).")
  private int count = 20;

  @Option(
      names = "--kind",
      paramLabel = "KIND",
      split = ",",
      description = "Only these: node, repair, mirror, request.")
  private List<String> kinds = List.of();

  @Override
  public Integer call() throws InterruptedException {
    if (count < 0 || count > HistoryCommand.KEPT) {
      throw wrong("--last " + count + ": expected a number from 0 to " + HistoryCommand.KEPT);
    }
    Remote remote = remote();
    JsonNode past =
        remote.get(Remote.path("history"), ImmutableMap.of("limit", "" + HistoryCommand.KEPT));
    List<JsonNode> known = new ArrayList<>();
    past.path("items").forEach(event -> addIfAsked(event, known));
    known.subList(Math.max(0, known.size() - count), known.size()).forEach(this::show);
    if (follow) {
      follow(new EventStream(remote, past.path("lastEventId").asText(), PAUSE, this::say));
    }
    return Flowmirror.DONE;
  }

  /** Being told to stop is how this ends: no failure, as the JVM would have it. */
  private void follow(EventStream stream) throws InterruptedException {
    Thread atSignal =
        Thread.ofPlatform().unstarted(() -> Runtime.getRuntime().halt(Flowmirror.DONE));
    Runtime.getRuntime().addShutdownHook(atSignal);
    try {
      stream.follow(this::show);
    } finally {
      remove(atSignal);
    }
  }

  private static void remove(Thread atSignal) {
    try {
      Runtime.getRuntime().removeShutdownHook(atSignal);
    } catch (IllegalStateException e) {
      // A signal has come: the hook runs.
    }
  }

  private void addIfAsked(JsonNode event, List<JsonNode> to) {
    if (isAsked(event)) {
      to.add(event);
    }
  }

  private boolean isAsked(JsonNode event) {
    return kinds.isEmpty() || kinds.contains(event.path("kind").asText());
  }

  /** Whether somebody still reads. */
  private boolean show(JsonNode event) {
    if (isAsked(event)) {
      if (output.isTable()) {
        out().println(line(event));
        out().flush();
      } else {
        output.printOne(out(), event);
      }
    }
    return !out().checkError();
  }

  /** One event on a line. */
  static String line(JsonNode event) {
    return Words.milli(event.path("time"))
        + "  "
        + Strings.padEnd(event.path("kind").asText(), KIND_WIDTH, ' ')
        + "  "
        + (event.has("node") ? Table.shown(event.path("node").asText()) : "-")
        + "  "
        + Table.shown(event.path("text").asText());
  }

  /** Writes them, a line each. */
  static void print(PrintWriter out, Iterable<JsonNode> events) {
    events.forEach(event -> out.println(line(event)));
    out.flush();
  }
}
