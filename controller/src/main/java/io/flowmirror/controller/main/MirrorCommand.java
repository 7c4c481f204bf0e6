// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.Streams;
import io.flowmirror.topology.PodName;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code flowmirror mirror}: what is asked for. */
@Command(
    name = "mirror",
    description = "Have pods mirrored, or not any more, and show what is asked for.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "on|off|list",
    subcommands = {MirrorCommand.On.class, MirrorCommand.Off.class, MirrorCommand.All.class},
    footerHeading = "%nExamples:%n",
    footer = {
      "  flowmirror mirror on shop/cart --for 30m",
      "  flowmirror mirror off shop/cart",
      "  flowmirror mirror list"
    })
final class MirrorCommand {
  /** Turns a mirror on. */
  @Command(
      name = "on",
      description =
          "Ask for a pod to be mirrored, or ask otherwise than before: what is not given is both"
              + " directions and no end.",
      mixinStandardHelpOptions = true,
      footerHeading = "%nExamples:%n",
      footer = {
        "  flowmirror mirror on shop/cart",
        "  flowmirror mirror on shop/cart --direction from-pod --for 30m",
        "  flowmirror mirror on shop/cart --until 2026-12-24T18:00:00+01:00"
      })
  static final class On extends RemoteCommand {
    @Mixin private final OutputOptions output = new OutputOptions();

    @Parameters(paramLabel = "NS/POD", converter = Words.Pod.class, description = "The pod.")
    private PodName pod = Words.NO_POD;

    @Mixin private final DirectionOption direction = new DirectionOption();

    @Option(
        names = "--for",
        paramLabel = "DURATION",
        converter = Words.Span.class,
        description = "End it after this time, such as 30m or 1h30m.")
    private @Nullable Duration span;

    @Option(
        names = "--until",
        paramLabel = "TIME",
        converter = Words.Time.class,
        description = "End it then, such as 2026-01-31T10:00:00Z.")
    private @Nullable Instant until;

    @Override
    public Integer call() {
      if (span != null && until != null) {
        throw wrong("--for and --until: expected one of them");
      }
      ObjectNode body = Remote.JSON.createObjectNode().put("direction", direction.get().toString());
      if (span != null) {
        body.put("for", Words.span(span));
      } else if (until != null) {
        body.put("until", until.toString());
      }
      Remote remote = remote();
      JsonNode mirror = remote.put(Remote.path("mirrors", pod.namespace(), pod.name()), body);
      if (output.isTable()) {
        table(out(), List.of(mirror));
      } else {
        output.print(out(), mirror);
      }
      sayIfItWaits(remote);
      return Flowmirror.DONE;
    }

    /** A name that no pod has yet, or ever, is asked for as well: it may be a slip. */
    private void sayIfItWaits(Remote remote) {
      Optional<JsonNode> found;
      try {
        found = remote.find(Remote.path("pods", pod.namespace(), pod.name()));
      } catch (RemoteException e) {
        // It is asked for, which was the task; who may ask needs not be one who may look.
        return;
      }
      boolean hasPort =
          found.stream()
              .flatMap(all -> Streams.stream(all.path("interfaces")))
              .anyMatch(each -> each.has("port"));
      if (!hasPort) {
        say(
            pod
                + " is not known yet: no node that has answered has a port of it. It is mirrored when"
                + " it comes; flowmirror explain "
                + pod
                + " says more");
      }
    }
  }

  /** Turns it off. */
  @Command(
      name = "off",
      description =
          "Do not ask for a pod by REST any more. What the configuration or the Kubernetes API asks"
              + " for stays, and is said.",
      mixinStandardHelpOptions = true,
      footerHeading = "%nExamples:%n",
      footer = "  flowmirror mirror off shop/cart")
  static final class Off extends RemoteCommand {
    @Parameters(paramLabel = "NS/POD", converter = Words.Pod.class, description = "The pod.")
    private PodName pod = Words.NO_POD;

    @Override
    public Integer call() {
      Remote remote = remote();
      remote.delete(Remote.path("mirrors", pod.namespace(), pod.name()));
      for (JsonNode left :
          remote
              .list(Remote.path("mirrors"), ImmutableMap.of("namespace", pod.namespace()))
              .path("items")) {
        if (left.path("pod").asText().equals(pod.toString())) {
          String by = left.path("by").asText("");
          say(
              pod
                  + " is still asked for by "
                  + (left.path("madeBy").asText().equals("kubernetes")
                      ? "the Kubernetes API"
                      : "the configuration")
                  + (by.isEmpty() ? "" : " (" + Table.shown(by) + ")"));
        }
      }
      return Flowmirror.DONE;
    }
  }

  /** Shows what is asked for. */
  @Command(
      name = "list",
      description = "Show what is asked for, and by whom.",
      mixinStandardHelpOptions = true,
      footerHeading = "%nExamples:%n",
      footer = {"  flowmirror mirror list", "  flowmirror mirror list -n shop -o yaml"})
  static final class All extends RemoteCommand {
    @Mixin private final OutputOptions output = new OutputOptions();

    @Option(
        names = {"-n", "--namespace"},
        paramLabel = "NAMESPACE",
        description = "Only this namespace's.")
    private @Nullable String namespace;

    @Override
    public Integer call() {
      JsonNode found =
          remote()
              .list(
                  Remote.path("mirrors"),
                  namespace == null ? ImmutableMap.of() : ImmutableMap.of("namespace", namespace));
      if (output.isTable()) {
        table(out(), found.path("items"));
      } else {
        output.print(out(), found);
      }
      return Flowmirror.DONE;
    }
  }

  private static void table(PrintWriter out, Iterable<JsonNode> mirrors) {
    Table table = new Table("POD", "DIRECTION", "MADE-BY", "BY", "SINCE", "UNTIL");
    for (JsonNode mirror : mirrors) {
      String provider = mirror.path("interface").asText("");
      table.row(
          mirror.path("pod").asText() + (provider.isEmpty() ? "" : " " + provider),
          mirror.path("direction").asText(""),
          mirror.path("madeBy").asText(),
          mirror.path("by").asText(""),
          Words.second(mirror.path("since")),
          Words.second(mirror.path("until")));
    }
    table.print(out);
    out.flush();
  }
}
